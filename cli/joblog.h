/*
 * The log of a batch: a line for the batch, one before each item is started, and one when it has ended. Each is a JSON
 * object. See pk-batch(1).
 */
#ifndef PK_CLI_JOBLOG_H
#define PK_CLI_JOBLOG_H

#include "item.h"

#include <processkit/time.h>

#include <stdio.h>

/* What the items of a batch are: it is the same batch if all of this is the same. */
struct identity {
    const char *const *template; /* ends with NULL */
    bool null;
    size_t most_words;
    const char *directory; /* NULL: pk's */
};

/* What became of an item. */
enum fate {
    FATE_NONE, /* it was not started */
    FATE_SUCCEEDED,
    FATE_FAILED,
    FATE_STOPPED, /* or started, and that is all the log knows */
};

struct ending {
    enum fate fate;
    const char *how; /* for people */
    int exit_code;   /* -1: it did not exit */
    int signal_number;
    unsigned attempts;
    pk_duration wall, cpu;
};

struct past; /* what the log knows of an item */

struct joblog {
    const char *path;
    FILE *file; /* NULL: there is none */
    int error;  /* the first of writing, as a negative errno: nothing more is written */
    struct past *past;
    size_t count; /* items that it knows of */
};

/* Opens it for this process alone, and reads it if it may be continued. 0, or -1 after a message. */
int joblog_open(struct joblog *log, const char *path, const struct identity *identity, bool resumes);
void joblog_close(struct joblog *log);

/* joblog-read.c: what there is in it. The last line is cut off if it has no end. 0, or -1 after a message. */
int joblog_read(struct joblog *log, const struct identity *identity);

/* Compares it with the words that there are. 0, or -1 after a message. */
int joblog_compare(const struct joblog *log, struct words *words, size_t most);

/* What became of an item, by its number. */
enum fate joblog_fate(const struct joblog *log, size_t number);

/* These write one line each, at once. 0, or a negative errno. All do nothing where there is no log. */
int joblog_begin(struct joblog *log, const struct identity *identity);
int joblog_start(struct joblog *log, const struct item *item);
int joblog_end(struct joblog *log, const struct item *item, const struct ending *ending);

uint64_t identity_digest(const struct identity *identity);
const char *fate_name(enum fate fate);

#endif
