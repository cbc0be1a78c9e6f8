/*
 * The floor of `bench io`: the fewest calls that can start a child and read what it writes, without the library and
 * without containment.
 */
#ifndef BENCH_IO_BARE_H
#define BENCH_IO_BARE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { BARE_LOUD_PIPE = 256 * 1024 }; /* what the library makes of the pipe of a child that fills it */

struct bare {
    pid_t pid;
    int fds[3]; /* our ends of 1 and 2; -1: none */
};

/* posix_spawn, with a pipe for stdout, and one for stderr or what we have there; 0 is /dev/null. */
int bare_start(struct bare *bare, char *const argv[], bool with_stderr, int pipe_size);

/* With /dev/null for all of them. */
int bare_start_silent(struct bare *bare, char *const argv[]);

enum { BARE_BLOCK = 64 * 1024 };

/* Reads one to its end, `block` bytes at a time, up to a loud pipe's: how many bytes, or a negative errno. */
int64_t bare_read_all(const struct bare *bare, int fd, size_t block);

/* The same, and finds the end of each line. */
int64_t bare_read_lines(const struct bare *bare, int fd, size_t block, uint64_t *lines);

/* Waits; 0 if it exited with 0. */
int bare_end(struct bare *bare);

#endif
