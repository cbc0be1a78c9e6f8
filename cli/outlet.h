/*
 * What items have written, on its way to pk's stdout and stderr: one item after the other, and never a wait.
 */
#ifndef PK_CLI_OUTLET_H
#define PK_CLI_OUTLET_H

#include "forward.h"

#include <poll.h>
#include <stdio.h>
#include <sys/types.h>

/* Of one item, in this order: its stdout, its stderr, a line of pk's. */
struct print {
    struct print *next;
    const int *files; /* two, to be read from their beginning; NULL: it has written nothing */
    char *tag;        /* before each line of the first two; NULL: none */
    char *note;       /* the line, with its end; NULL: none */
    int stage;        /* what of it is being written */
    off_t offset;     /* in the file of that stage */
    bool had_bytes;   /* there was something in the files */
};

struct outlet {
    struct flow flows[2]; /* to stdout and stderr */
    bool is_terminal[2];
    struct print *first, *last;
    size_t waiting;  /* how many there are */
    char raw[16384]; /* of a file, when lines are tagged */
    size_t raw_begin, raw_end;
    bool in_line;               /* the tag of it was written */
    bool at_line_start;         /* of the terminal */
    int error;                  /* why nothing can be written any more: an errno; 0: it can */
    const char *failed;         /* what could not be written, or read */
    bool reads;                 /* it was to be read */
    void (*before)(void *data); /* something is about to be written */
    void (*done)(struct print *print, bool complete, void *data); /* whose it is now */
    void *data;
};

/* `before`, `done` and `data` are set. */
void outlet_open(struct outlet *outlet);

/* Drops what has not been written. */
void outlet_close(struct outlet *outlet);

void outlet_add(struct outlet *outlet, struct print *print);

/* Drops all of it, and all that comes, for this reason. */
void outlet_fail(struct outlet *outlet, const char *what, int error);

/* Writes what can be written now, but not for ever. Whether anything was. */
bool outlet_step(struct outlet *outlet);

/* What to poll for before the next step. Its descriptor is -1 if there is nothing to write. */
void outlet_interest(const struct outlet *outlet, struct pollfd *fd);

#endif
