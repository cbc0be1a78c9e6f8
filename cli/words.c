/*
 * Reading words.
 */
#include "words.h"

#include "digest.h"
#include "message.h"
#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes: read ahead at most, and room for one read. */
enum { MOST_AHEAD = 1 << 20, PIECE = 65536 };

int words_open(struct words *words, const char *path, char separator)
{
    bool is_stdin = !path || strcmp(path, "-") == 0;
    *words = (struct words){.name = is_stdin ? "stdin" : path, .separator = separator, .spool = -1};
    words->total = WORDS_UNKNOWN;
    words->digest = DIGEST_INIT;
    words->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (words->fd < 0)
        say("cannot open %s: %s", path, strerror(errno));
    return words->fd < 0 ? -1 : 0;
}

static void close_spool(struct words *words)
{
    if (words->spool >= 0)
        close(words->spool);
    words->spool = -1;
}

void words_close(struct words *words)
{
    if (words->fd > STDERR_FILENO)
        close(words->fd);
    close_spool(words);
    free(words->bytes);
}

/* ---- Taking ----------------------------------------------------------------------------------------------------- */

/* More than any argument may have: only what is needed to tell of it. */
static void swallow(struct words *words)
{
    const char *begin = words->bytes + words->begin;
    size_t length = words->end - words->begin;
    if (words->swallowed == 0) {
        memcpy(words->head, begin, sizeof(words->head) - 1);
        words->head[sizeof(words->head) - 1] = '\0';
    }
    words->digest = digest_add(words->digest, begin, length);
    words->swallowed += length;
    words->begin = words->end = words->scanned = 0;
}

/* The next `length` bytes are one, or what was left of one; `behind` of them are behind it. */
static int take(struct words *words, struct word *word, size_t length, size_t behind)
{
    char *begin = words->bytes + words->begin;
    begin[length] = '\0';
    *word = (struct word){
        .text = words->swallowed ? words->head : begin,
        .length = words->swallowed + length,
        .digest = digest_add_number(digest_add(words->digest, begin, length), words->swallowed + length),
        .has_nul = memchr(begin, '\0', length) != NULL,
    };
    word->is_too_long = word->length > MOST_WORD;
    words->begin += length + behind;
    words->scanned = words->swallowed = 0;
    words->digest = DIGEST_INIT;
    words->taken++;
    return 1;
}

static bool is_replaying(const struct words *words)
{
    return words->spool >= 0 && !words->records;
}

int words_next(struct words *words, struct word *word)
{
    for (;;) {
        size_t length = words->end - words->begin;
        char *begin = words->bytes ? words->bytes + words->begin : NULL;
        const char *end = length > 0 ? memchr(begin + words->scanned, words->separator, length - words->scanned) : NULL;
        if (end)
            return take(words, word, (size_t)(end - begin), 1);
        words->scanned = length;
        if (length > MOST_WORD)
            swallow(words);
        else if (words->over && length + words->swallowed > 0)
            return take(words, word, length, 0);
        else if (words->over)
            return -words->error;
        else if (is_replaying(words))
            words_fill(words);
        else
            return -EAGAIN;
    }
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static size_t count_left(const struct words *words)
{
    size_t count = 0;
    const char *next = words->bytes + words->begin, *end = words->bytes + words->end;
    while (next < end) {
        const char *separator = memchr(next, words->separator, (size_t)(end - next));
        count++;
        next = separator ? separator + 1 : end;
    }
    return count > 0 ? count : words->swallowed > 0;
}

static void finish(struct words *words, int error)
{
    words->over = true;
    words->error = error;
    if (error == 0 && words->total == WORDS_UNKNOWN)
        words->total = words->taken + (words->bytes ? count_left(words) : 0);
}

/* Room for a piece, behind what is there. */
static bool make_room(struct words *words)
{
    if (words->begin > 0 && (words->begin == words->end || words->capacity - words->end < PIECE)) {
        memmove(words->bytes, words->bytes + words->begin, words->end - words->begin);
        words->end -= words->begin;
        words->begin = 0;
    }
    if (words->capacity - words->end >= PIECE)
        return true;
    size_t capacity = words->capacity ? words->capacity * 2 : 2 * PIECE;
    char *larger = realloc(words->bytes, capacity + 1);
    if (!larger)
        return false;
    words->bytes = larger;
    words->capacity = capacity;
    return true;
}

static ssize_t replay(struct words *words, char *bytes)
{
    ssize_t length = pread(words->spool, bytes, PIECE, words->replayed);
    if (length > 0)
        words->replayed += length;
    if (length <= 0 || words->replayed < words->spooled)
        return length;
    close_spool(words);
    return length;
}

static int record(struct words *words, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(words->spool, bytes, length);
        if (written < 0)
            return errno;
        words->spooled += written;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

void words_fill(struct words *words)
{
    if (!make_room(words)) {
        finish(words, ENOMEM);
        return;
    }
    char *bytes = words->bytes + words->end;
    bool replays = is_replaying(words);
    ssize_t length = replays ? replay(words, bytes) : read(words->fd, bytes, PIECE);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length > 0)
        words->end += (size_t)length;
    int error = length < 0 ? errno : words->records ? record(words, bytes, (size_t)length) : 0;
    bool is_end = length == 0 || (replays && words->spool < 0 && words->over_after);
    if (error || is_end)
        finish(words, error);
}

int words_fd(const struct words *words)
{
    bool is_full = words->end - words->begin > MOST_AHEAD - PIECE;
    return words->over || is_full || is_replaying(words) ? -1 : words->fd;
}

/* ---- Reading it once more --------------------------------------------------------------------------------------- */

int words_record(struct words *words)
{
    words->records = true;
    words->spool = slot_file();
    if (words->spool < 0)
        say("cannot make a file in %s: %s", slot_directory(), strerror(errno));
    return words->spool < 0 ? -1 : 0;
}

void words_rewind(struct words *words)
{
    words->records = false;
    words->over_after = words->over;
    words->over = words->over && words->spooled == 0;
    words->begin = words->end = words->scanned = words->swallowed = 0;
    words->digest = DIGEST_INIT;
    words->taken = 0;
    if (words->spooled == 0)
        close_spool(words);
}
