/*
 * Reading with a deadline.
 */
#include "lines.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

long clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* As read, but -1 with ETIMEDOUT when nothing came in time. */
static ssize_t read_until(int fd, void *buffer, size_t size, long deadline)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (;;) {
        long left = deadline - clock_ms();
        int r = poll(&ready, 1, left < 0 ? 0 : (int)left);
        if (r > 0)
            return read(fd, buffer, size);
        if (r == 0 || errno != EINTR) {
            errno = r == 0 ? ETIMEDOUT : errno;
            return -1;
        }
    }
}

static bool take_line(struct line_reader *reader, char *line, size_t size)
{
    char *end = memchr(reader->bytes, '\n', reader->length);
    if (!end)
        return false;
    size_t length = (size_t)(end - reader->bytes), kept = length < size ? length : size - 1;
    memcpy(line, reader->bytes, kept);
    line[kept] = '\0';
    reader->length -= length + 1;
    memmove(reader->bytes, end + 1, reader->length);
    return true;
}

bool lines_next(struct line_reader *reader, char *line, size_t size, int patience_ms)
{
    long deadline = clock_ms() + patience_ms;
    while (!take_line(reader, line, size)) {
        size_t room = sizeof(reader->bytes) - reader->length;
        ssize_t length = room > 0 ? read_until(reader->fd, reader->bytes + reader->length, room, deadline) : 0;
        if (length <= 0)
            return false;
        reader->length += (size_t)length;
    }
    return true;
}

bool read_to_end(int fd, struct report *text, int patience_ms)
{
    char buffer[65536];
    long deadline = clock_ms() + patience_ms;
    for (;;) {
        ssize_t length = read_until(fd, buffer, sizeof(buffer), deadline);
        if (length <= 0)
            return length == 0;
        report_append(text, buffer, (size_t)length);
    }
}
