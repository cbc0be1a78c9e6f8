/*
 * The words of a batch, read as they come. A bounded number of bytes is read ahead.
 */
#ifndef PK_CLI_WORDS_H
#define PK_CLI_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MOST_WORD 131071 /* bytes that the kernel takes as one argument */

/* How many there are, while the end has not been seen. */
#define WORDS_UNKNOWN SIZE_MAX

struct word {
    const char *text; /* until the next call; only the beginning if it is too long, or up to its first NUL */
    size_t length;
    uint64_t digest; /* of all of it */
    bool is_too_long;
    bool has_nul;
};

struct words {
    const char *name; /* for messages */
    int fd;
    char separator;
    char *bytes; /* with room for one more */
    size_t capacity, begin, end;
    size_t scanned; /* of what is between these, without a separator */
    char head[64];  /* of a word that is too long */
    size_t swallowed;
    uint64_t digest; /* of what was swallowed */
    size_t taken;
    size_t total; /* WORDS_UNKNOWN */
    bool over;    /* nothing more can be read */
    int error;    /* and that is why: an errno; 0: it was the end */

    /* What was looked at already, to be read once more: an unlinked file. */
    int spool; /* -1 */
    bool records;
    bool over_after; /* the spool has all there is */
    off_t spooled, replayed;
};

/* From a file, or from stdin: NULL or "-". 0, or -1 after a message. */
int words_open(struct words *words, const char *path, char separator);
void words_close(struct words *words);

/* 1: here is one; 0: there are no more; -EAGAIN: not before words_fill; otherwise, why nothing more can be read. */
int words_next(struct words *words, struct word *word);

/* What to poll for readability before words_fill; -1: nothing more is wanted now. */
int words_fd(const struct words *words);
void words_fill(struct words *words);

/* From here on, what is read is kept for words_rewind, in an unlinked file. 0, or -1 after a message. */
int words_record(struct words *words);
void words_rewind(struct words *words);

#endif
