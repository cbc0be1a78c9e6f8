/*
 * What the parts of `bench io` share.
 */
#ifndef BENCH_IO_H
#define BENCH_IO_H

#include "contest.h"

#include <processkit/process.h>

struct io_options {
    const char *self; /* this program, which plays the children too */
    long rounds;      /* of what is large */
    long gib;         /* that are captured in a round */
    long line_mib;    /* that are read as lines in a round */
    long tiny;        /* lines that are written one by one in a round */
    long runs;        /* captures of /bin/echo */
    long children;    /* at once */
    long idle;        /* seconds */
};

extern struct io_options io;

/* Each prints what it found, and says whether all targets were met. */
bool io_capture(void);
bool io_lines(void);
bool io_tiny(void);
bool io_peak(void);
bool io_runs(void);
bool io_crowd(void);
bool io_loop(void);

/* One capture in this process; prints how much more memory it had at its peak than before. */
int io_print_peak(const char *bytes);

/* The arguments of a child, as io-writer.h says. Valid until the next call. */
char **io_child(const char *how, uint64_t what);

/* The same as a command. */
pk_command *io_command(const char *how, uint64_t what);

/* Waits, in a loop or without one, and frees: 0 for a success. */
int io_finish(pk_process *process);
int io_finish_in_loop(pk_process *process);

#endif
