/*
 * The feed.
 */
#include "io/feed.h"

#include "io/pty.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

enum { BUFFER_SIZE = 64 * 1024 };

int feed_open(struct feed *feed, int fd, bool is_terminal, const struct feed_source *source)
{
    *feed = (struct feed){.fd = fd, .is_terminal = is_terminal, .source = *source};
    int r = sys_set_non_blocking(fd);
    if (r == 0 && source->callback && !(feed->buffer = malloc(BUFFER_SIZE)))
        r = -ENOMEM;
    if (r < 0)
        feed_close(feed);
    return r;
}

void feed_close(struct feed *feed)
{
    feed->fd = sys_close_safe(feed->fd);
    free(feed->buffer);
    feed->buffer = NULL;
}

void feed_settle(struct feed *feed)
{
    if (feed->done && !feed->is_terminal)
        feed_close(feed);
}

/* The next bytes that there are. 0: none now, or none any more. */
static size_t next_bytes(struct feed *feed, const char **bytes)
{
    struct feed_source *source = &feed->source;
    if (feed->exhausted)
        return 0;
    if (!source->callback) {
        *bytes = source->bytes + feed->given;
        feed->exhausted = feed->given == source->length;
        return source->length - feed->given;
    }
    if (feed->given == feed->filled) {
        ssize_t r = source->callback(feed->buffer, BUFFER_SIZE, source->data);
        feed->waiting = r == -EAGAIN;
        feed->given = feed->filled = 0;
        if (r > BUFFER_SIZE)
            r = -EINVAL;
        if (r > 0) {
            feed->filled = (size_t)r;
        } else if (!feed->waiting) {
            feed->error = (int)r;
            feed->exhausted = true;
        }
    }
    *bytes = feed->buffer + feed->given;
    return feed->filled - feed->given;
}

void feed_advance(struct feed *feed)
{
    enum { MOST_WRITES = 16 }; /* then others have their turn */
    for (int i = 0; i < MOST_WRITES && feed->fd >= 0 && !feed->done && !feed->waiting; i++) {
        const char *bytes;
        size_t length = next_bytes(feed, &bytes);
        if (length == 0) {
            feed->done = feed->exhausted && (!feed->is_terminal || pty_end_input(feed->fd) != -EAGAIN);
            return;
        }
        ssize_t r = sys_write_quietly(feed->fd, bytes, length);
        if (r > 0)
            feed->given += (size_t)r;
        if (r == -EAGAIN)
            return;
        if (r < 0 && r != -EINTR) {
            bool unread = r == -EPIPE || (r == -EIO && feed->is_terminal); /* a child need not read */
            feed->error = unread ? 0 : (int)r;
            feed->done = true;
        }
    }
}

struct pollfd feed_interest(const struct feed *feed)
{
    return (struct pollfd){.fd = feed->waiting || feed->done ? -1 : feed->fd, .events = POLLOUT};
}
