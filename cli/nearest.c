/*
 * Distances between words.
 */
#include "nearest.h"

#include <limits.h>
#include <string.h>

enum { MOST_LETTERS = 32 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned word_distance(const char *a, const char *b)
{
    unsigned rows[MOST_LETTERS + 1][MOST_LETTERS + 1];
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > MOST_LETTERS || b_length > MOST_LETTERS)
        return UINT_MAX;
    for (unsigned j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        rows[i][0] = i;
        for (unsigned j = 1; j <= b_length; j++) {
            unsigned replaced = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            rows[i][j] = least(replaced, least(rows[i - 1][j], rows[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    }
    return rows[a_length][b_length];
}

/* Of three letters one may be wrong. */
void nearest_try(struct nearest *nearest, const char *word)
{
    unsigned distance = word_distance(nearest->to, word);
    size_t length = strlen(nearest->to);
    if (distance > (length < 3 ? 1 : length / 3) || (nearest->word && distance >= nearest->distance))
        return;
    nearest->word = word;
    nearest->distance = distance;
}
