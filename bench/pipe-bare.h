/*
 * What `bench pipe` compares with: a shell, and the fewest calls that can join programs by pipes.
 */
#ifndef BENCH_PIPE_BARE_H
#define BENCH_PIPE_BARE_H

/* Each runs to its end, with these for descriptors 0 and 1: 0 if all was well, or a negative errno. */

/* dash -c LINE. */
int shell_run(const char *line, int in, int out);

enum { BARE_STAGES = 8 }; /* at most */

/* posix_spawn, pipe and waitpid for so many of the same program; contained by nothing. */
int bare_pipeline(char *const argv[], unsigned stages, int in, int out);

#endif
