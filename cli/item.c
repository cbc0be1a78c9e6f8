/*
 * Gathering items.
 */
#include "item.h"

#include "digest.h"
#include "message.h"

#include <processkit/parse.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of all words: no kernel takes more than this for a command. */
enum { MOST_BYTES = 6 << 20 };

static const char *find_refusal(const struct item *item, const struct word *word)
{
    if (word->is_too_long)
        return "a word of it is longer than any argument may be";
    if (word->has_nul)
        return "there is a NUL byte in a word of it (see --null)";
    if (item->bytes + word->length >= MOST_BYTES)
        return "its words are more than any command may have (see --max-args)";
    return NULL;
}

static int keep(struct item *item, const char *text)
{
    char **larger = (item->count & (item->count - 1)) == 0 /* a power of two, or none */
                        ? reallocarray(item->words, item->count ? item->count * 2 : 1, sizeof(char *))
                        : item->words;
    if (larger)
        item->words = larger;
    char *copy = larger ? strdup(text) : NULL;
    if (!copy)
        return -ENOMEM;
    item->words[item->count++] = copy;
    return 0;
}

/* Of one that is refused nothing more is kept than what tells which it is. */
static int add(struct item *item, const struct word *word)
{
    char head[64];
    if (item->seen++ == 0)
        item->digest = DIGEST_INIT;
    item->digest = digest_add_number(item->digest, word->digest);
    if (!item->refusal)
        item->refusal = find_refusal(item, word);
    item->bytes += word->length;
    if (!item->refusal)
        return keep(item, word->text);
    snprintf(head, sizeof(head), "%s", word->text);
    return item->count == 0 ? keep(item, head) : 0;
}

int item_gather(struct item **item, struct words *words, size_t most)
{
    if (!*item)
        *item = calloc(1, sizeof(**item));
    int r = *item ? 0 : -ENOMEM;
    while (r == 0 && (*item)->seen < most) {
        struct word word;
        int found = words_next(words, &word);
        if (found < 0)
            return found;
        if (found == 0)
            return (*item)->seen > 0;
        (*item)->number = (words->taken - 1) / most;
        r = add(*item, &word);
    }
    return r < 0 ? r : 1;
}

int item_wait(struct item **item, struct words *words, size_t most)
{
    int r;
    while ((r = item_gather(item, words, most)) == -EAGAIN) {
        struct pollfd fd = {.fd = words_fd(words), .events = POLLIN};
        poll(&fd, 1, -1); /* whatever it says, reading tells */
        words_fill(words);
    }
    if (r < 0)
        say("cannot read %s: %s", words->name, strerror(-r));
    return r < 0 ? -1 : r;
}

const char *item_show(const struct item *item, char *buffer, size_t size)
{
    char text[64] = "";
    const char *word = item->count > 0 ? item->words[0] : "";
    pk_format_text(word, text, sizeof(text));
    if (item->seen > 1)
        snprintf(buffer, size, "%zu (%s and %zu more)", item->number + 1, text, item->seen - 1);
    else
        snprintf(buffer, size, "%zu (%s)", item->number + 1, text);
    return buffer;
}

struct item *item_free(struct item *item)
{
    for (size_t i = 0; item && i < item->count; i++)
        free(item->words[i]);
    if (item)
        free(item->words);
    free(item);
    return NULL;
}
