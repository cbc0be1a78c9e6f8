/*
 * The file that a log is written to: opened, looked after, and rotated.
 *
 * It is never waited for. It may be a regular file, a FIFO, a device, or what a link leads to, such as /dev/stdout;
 * only a regular file that is no link is rotated. Relative paths are taken from where the owner is when it is opened.
 */
#ifndef PK_SUPERVISE_LOG_FILE_H
#define PK_SUPERVISE_LOG_FILE_H

#include "io/tee.h"

#include <processkit/service.h>

/* Where the file of a path is, whatever that calls the directory. */
struct log_place {
    bool is_known; /* there is such a directory */
    dev_t device;
    ino_t inode;
    const char *name; /* in it; or the whole path */
};

/* The path must last. */
struct log_place log_place_of(const char *path);
bool log_place_is_same(const struct log_place *a, const struct log_place *b);

struct log_file {
    struct tee out; /* -1: it was removed, and could not be made anew */
    char *path;     /* from the root; NULL: the owner's stderr */
    char *names[2]; /* room for PATH.1 and such */
    uint64_t most_bytes;
    unsigned keep;
    bool is_regular;
    bool is_rotated;
    bool unfinished; /* the last line in it has no line feed */
    dev_t device;
    ino_t inode;
    uint64_t size;
};

/* What is there is continued, in a new line. After a failure there is nothing to close. */
int log_file_open(struct log_file *file, const pk_log_options *options, pk_error *error);
void log_file_close(struct log_file *file);

/*
 * How much was taken. If that is not all, `number` is a negative errno; or 0 if who reads it is too slow, and the rest
 * may be taken later. Where several write to one pipe their lines stay whole, unless one is longer than PIPE_BUF.
 */
size_t log_file_write(struct log_file *file, const char *bytes, size_t length, int *number);

/* Whether the path leads to another file by now, or to none. */
bool log_file_is_elsewhere(struct log_file *file);

/* Makes or continues the one that the path leads to. If that cannot be, the old one is written to, unless it has no
 * name any more: what would be written there is lost. */
int log_file_renew(struct log_file *file);

/* Whether it is to be rotated once so many bytes more are in it. */
static inline bool log_file_is_due(const struct log_file *file, size_t more)
{
    return file->is_rotated && file->size + more >= file->most_bytes;
}

/* PATH becomes PATH.1, and so on. If that cannot be, nothing is lost: it goes on as it is, or in PATH.1. */
int log_file_rotate(struct log_file *file);

#endif
