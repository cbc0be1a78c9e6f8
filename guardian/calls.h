/*
 * The few system calls of the helper, made directly: it is linked with no C library, so that it stays small, starts
 * fast, and runs wherever the kernel does. Each returns a negative errno, as the kernel gives it.
 */
#ifndef PK_GUARDIAN_CALLS_H
#define PK_GUARDIAN_CALLS_H

#include "entry.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/time_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Static checkers do not see what the kernel writes through these: what it fills in is initialised for them. */

/* Numbers are the kernel's own: its headers for user space have them, but not all of its types. */
enum {
    ERROR_NO_ENTRY = -2,
    ERROR_NO_PROCESS = -3,
    ERROR_INTERRUPTED = -4,
    ERROR_NO_CHILD = -10,
    ERROR_AGAIN = -11,
    ERROR_BUSY = -16,
    ERROR_NO_DEVICE = -19,
    ERROR_RESET = -104,
    DEFAULT_SIGNAL_KILL = 9,
};

_Noreturn static inline void leave(int status)
{
    for (;;)
        CALL1(exit_group, status);
}

static inline long open_at(int dir, const char *name, int flags)
{
    return CALL4(openat, dir, name, flags | O_CLOEXEC, 0);
}

static inline void close_fd(int fd)
{
    CALL1(close, fd);
}

/* Waits until `nanoseconds` have passed or a descriptor has something; without end if negative. */
static inline long poll_fds(struct pollfd *fds, size_t count, int64_t nanoseconds)
{
    struct __kernel_timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    return CALL5(ppoll, fds, count, nanoseconds < 0 ? NULL : &time, NULL, 8);
}

/* start.c */
int helper_main(int argc, char **argv);

/* text.c: also what the compiler calls by itself */
void *memset(void *place, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
bool same_text(const char *a, const char *b);
/* Writes a number in decimal, ended by NUL; returns the length. `buffer` takes 12 bytes. */
size_t format_number(unsigned number, char *buffer);
/* The number after `key` in a text of "KEY VALUE" lines; -1 if it is not there. */
long find_number(const char *text, const char *key);
/* Reads a small file whole into `buffer` and ends it with NUL. The length, or a negative errno. */
long read_file(int dir, const char *name, char *buffer, size_t size);
long write_file(int dir, const char *name, const char *text);

/* directory.c */
/* Calls back for each entry of `dir` but "." and "..", with its type; stops when that returns non-zero. */
long each_entry(int dir, long (*visit)(int dir, const char *name, int type, void *data), void *data);
/* Closes every descriptor from `first` on. */
void close_from(int first);

#endif
