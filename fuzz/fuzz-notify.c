/*
 * What a service says of itself: whatever its bytes are, what is taken from them makes sense, and lines that say
 * nothing change nothing.
 */
#include "base/utf8.h"
#include "fuzz.h"
#include "supervise/notify-word.h"

#include <errno.h>
#include <stdbool.h>

static void check_status(const struct notify_word *word)
{
    HOLDS(memchr(word->status, '\0', sizeof(word->status)) != NULL);
    HOLDS(word->has_status || word->status[0] == '\0');
    HOLDS(utf8_count(word->status, strlen(word->status)) == strlen(word->status));
    for (const char *c = word->status; *c; c++)
        HOLDS((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void check(int r, const struct notify_word *word)
{
    bool says = word->ready || word->reloading || word->stopping || word->watchdog || word->watchdog_trigger ||
                word->has_status || word->watchdog_usec || word->extend_usec || word->error_number;
    HOLDS(r == 1 || r == 0 || r == -EBADMSG);
    HOLDS((r == 1) == says);
    HOLDS(word->ready + word->reloading + word->stopping <= 1);
    HOLDS(!word->watchdog || !word->watchdog_trigger);
    HOLDS(word->error_number >= 0 && word->error_number <= 4095);
    HOLDS(word->pid == 0 && word->user == 0);
    check_status(word);
}

static bool is_same(const struct notify_word *a, const struct notify_word *b)
{
    return a->ready == b->ready && a->reloading == b->reloading && a->stopping == b->stopping &&
           a->watchdog == b->watchdog && a->watchdog_trigger == b->watchdog_trigger && a->has_status == b->has_status &&
           strcmp(a->status, b->status) == 0 && a->watchdog_usec == b->watchdog_usec &&
           a->extend_usec == b->extend_usec && a->error_number == b->error_number;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char before[] = "X=y\n\n", behind[] = "\nREADY=0";
    struct notify_word word, same;
    char *text = malloc(size + sizeof(before) + sizeof(behind));
    char *exact = malloc(size > 0 ? size : 1);
    if (!text || !exact)
        abort();
    if (size > 0)
        memcpy(exact, bytes, size);
    int r = notify_parse(exact, size, &word);
    check(r, &word);
    if (r >= 0) {
        size_t length = size - (bytes[size - 1] == '\0');
        memcpy(text, before, sizeof(before) - 1);
        memcpy(text + sizeof(before) - 1, bytes, length);
        memcpy(text + sizeof(before) - 1 + length, behind, sizeof(behind) - 1);
        HOLDS(notify_parse(text, sizeof(before) - 1 + length + sizeof(behind) - 1, &same) == r);
        HOLDS(is_same(&word, &same));
    }
    free(text);
    free(exact);
    return 0;
}
