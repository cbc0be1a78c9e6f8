/*
 * The children of `bench io`: what they write, and when they end.
 */
#ifndef BENCH_IO_WRITER_H
#define BENCH_IO_WRITER_H

enum { WRITER_LINE = 128, WRITER_TINY = 8, WRITER_GREETING = 3, WRITER_FAREWELL = 2 };

/* For the first argument of a child. */
#define WRITER_WORD "--as"

/*
 * The arguments after that word:
 *
 *     bytes N      N bytes to stdout, in writes of 64 KiB
 *     gift N       the same without copying them: by vmsplice
 *     lines N      the same as lines of 128 bytes, of which the first is shorter: blocks do not end where lines do
 *     tiny N       N lines of 8 bytes, each by its own write
 *     guest C      3 lines, and after the end of stdin 2 lines more and the exit code C
 *     lodger C     3 lines, and then it stays
 */
int writer_main(char **arguments);

#endif
