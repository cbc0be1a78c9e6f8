/*
 * How a batch goes: a line at the end of the terminal that is redrawn, and erased before anything else is written.
 */
#ifndef PK_CLI_PROGRESS_H
#define PK_CLI_PROGRESS_H

#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>

enum progress_mode { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };

struct tally {
    size_t done; /* those that were done before included */
    size_t failed;
    size_t running;
    size_t total; /* SIZE_MAX: not known yet */
    size_t now;   /* done since the beginning of this run */
};

struct progress {
    bool is_on;
    bool is_plain; /* no terminal: a line now and then */
    bool is_drawn;
    struct tally drawn;
    pk_time began;
    pk_time next; /* no earlier than this */
};

/* For stderr. AUTO: if that is a terminal which understands a little. */
void progress_begin(struct progress *progress, enum progress_mode mode);

/* Draws if there is something new and the time has come. If the terminal is not at the beginning of a line, it is then.
 */
void progress_draw(struct progress *progress, const struct tally *tally, bool *at_line_start);

/* Milliseconds until there may be something to draw; -1: never. */
int progress_patience(const struct progress *progress, const struct tally *tally);

void progress_erase(struct progress *progress);

#endif
