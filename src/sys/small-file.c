/*
 * Reading and writing whole small files, as /proc and cgroupfs have them.
 */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

int sys_write_all(int fd, const void *bytes, size_t size)
{
    const char *next = bytes;
    while (size > 0) {
        ssize_t n = sys_write(fd, next, size);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return (int)n;
        if (n == 0)
            return -EIO;
        next += n;
        size -= (size_t)n;
    }
    return 0;
}

ssize_t sys_read_file(int dir, const char *name, char *buffer, size_t size)
{
    int fd = sys_openat(dir, name, O_RDONLY | O_NOCTTY, 0);
    if (fd < 0)
        return fd;
    size_t length = 0;
    ssize_t n;
    do {
        n = sys_read(fd, buffer + length, size - length);
        if (n > 0)
            length += (size_t)n;
    } while ((n > 0 && length < size) || n == -EINTR);
    sys_close(fd);
    if (n < 0)
        return n;
    if (length == size)
        return -EFBIG;
    buffer[length] = '\0';
    return (ssize_t)length;
}

ssize_t sys_read_attribute(int dir, const char *name, char *buffer, size_t size)
{
    int fd = sys_openat(dir, name, O_RDONLY | O_NOCTTY, 0);
    if (fd < 0)
        return fd;
    ssize_t n;
    do
        n = sys_read(fd, buffer, size - 1);
    while (n == -EINTR);
    sys_close(fd);
    if (n >= 0)
        buffer[n] = '\0';
    return n;
}

int sys_write_file(int dir, const char *name, const char *text)
{
    int fd = sys_openat(dir, name, O_WRONLY | O_NOCTTY, 0);
    if (fd < 0)
        return fd;
    size_t length = strlen(text);
    ssize_t n;
    do
        n = sys_write(fd, text, length);
    while (n == -EINTR);
    sys_close(fd);
    if (n < 0)
        return (int)n;
    return (size_t)n == length ? 0 : -EIO; /* the kernel takes such a write whole or not at all */
}

int sys_keep(int fd)
{
    enum { STANDARD = 3 };
    if (fd < 0 || fd >= STANDARD)
        return fd;
    int higher = sys_fcntl(fd, F_DUPFD_CLOEXEC, STANDARD);
    sys_close(fd);
    return higher;
}

int sys_close_safe(int fd)
{
    if (fd >= 0)
        sys_close(fd);
    return -1;
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t sys_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t sys_realtime(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t sys_now_roughly(void)
{
    return read_clock(CLOCK_MONOTONIC_COARSE);
}
