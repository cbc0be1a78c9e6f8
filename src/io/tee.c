/*
 * The descriptor is shared with others, so it cannot be made non-blocking. A socket is written to without waiting all
 * the same, and a pipe or a terminal is opened once more, for us alone. What cannot be is asked before each write, and
 * given no more than a pipe that is writable takes for sure.
 */
#include "io/tee.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Of a terminal it is not known how much it takes. Its master would become another one. */
static bool can_be_reopened(int fd, const struct stat *status)
{
    bool is_master = status->st_rdev == makedev(5, 2);
    return S_ISFIFO(status->st_mode) || (S_ISCHR(status->st_mode) && !is_master && sys_is_terminal(fd));
}

/* It belongs to another user; there is no /proc; nobody reads it; it has hung up. */
static bool cannot_be_reopened_now(int number)
{
    return number == -EACCES || number == -EPERM || number == -ENOENT || number == -ENXIO || number == -EIO;
}

/* A description of our own that does not block; or a duplicate, which may. */
static int open_own(int fd, const struct stat *status, bool *blocks)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = *blocks && can_be_reopened(fd, status)
                  ? sys_keep(sys_openat(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0))
                  : -ENOENT;
    if (!cannot_be_reopened_now(own)) {
        *blocks = false;
        return own;
    }
    return sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int tee_open(struct tee *tee, int fd)
{
    *tee = TEE_NONE;
    int flags = sys_fcntl(fd, F_GETFL, 0);
    if (flags < 0)
        return flags;
    struct stat status;
    int r = sys_fstat(fd, &status);
    if (r < 0)
        return r;
    bool is_socket = S_ISSOCK(status.st_mode);
    bool blocks = !(flags & O_NONBLOCK) && !S_ISREG(status.st_mode) && !is_socket;
    bool writes = (flags & O_ACCMODE) != O_RDONLY; /* opened once more it would be what it is not */
    bool careful = blocks && writes;
    int own = open_own(fd, &status, &careful);
    if (own < 0)
        return own;
    tee->fd = own;
    tee->is_socket = is_socket;
    tee->careful = careful;
    return 0;
}

void tee_close(struct tee *tee)
{
    sys_close_safe(tee->fd);
    room_free(&tee->rest);
    *tee = (struct tee){.fd = -1, .error = tee->error};
}

static void fail(struct tee *tee, int error)
{
    tee->error = error;
    tee->rest_length = 0;
}

void tee_settle(struct tee *tee)
{
    if (tee->error)
        tee_close(tee);
}

static bool is_writable(const struct tee *tee)
{
    struct pollfd poll = {.fd = tee->fd, .events = POLLOUT};
    struct timespec at_once = {0};
    return sys_ppoll(&poll, 1, &at_once) > 0;
}

size_t tee_offer(struct tee *tee, const char *bytes, size_t length)
{
    size_t taken = 0;
    while (taken < length && !tee->error) {
        if (tee->careful && !is_writable(tee))
            break;
        size_t now = tee->careful && length - taken > PIPE_BUF ? PIPE_BUF : length - taken;
        ssize_t r =
            tee->is_socket ? sys_send(tee->fd, bytes + taken, now) : sys_write_quietly(tee->fd, bytes + taken, now);
        if (r == -EAGAIN)
            break;
        if (r < 0 && r != -EINTR)
            fail(tee, (int)r);
        taken += r > 0 ? (size_t)r : 0;
    }
    return taken;
}

static void keep(struct tee *tee, const char *bytes, size_t length)
{
    if (room_reserve(&tee->rest, tee->rest_length + length, SIZE_MAX) < 0) {
        fail(tee, -ENOMEM);
        return;
    }
    memcpy(tee->rest.bytes + tee->rest_length, bytes, length);
    tee->rest_length += length;
}

void tee_write(struct tee *tee, const char *bytes, size_t length)
{
    size_t taken = tee_flush(tee) ? tee_offer(tee, bytes, length) : 0;
    if (!tee->error && taken < length)
        keep(tee, bytes + taken, length - taken);
}

bool tee_flush(struct tee *tee)
{
    if (tee->rest_length == 0)
        return true;
    size_t taken = tee_offer(tee, tee->rest.bytes, tee->rest_length);
    if (tee->error)
        return true;
    memmove(tee->rest.bytes, tee->rest.bytes + taken, tee->rest_length - taken);
    tee->rest_length -= taken;
    return tee->rest_length == 0;
}

struct pollfd tee_interest(const struct tee *tee)
{
    return (struct pollfd){.fd = tee->fd, .events = POLLOUT};
}
