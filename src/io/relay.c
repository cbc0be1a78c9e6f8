/*
 * tee(2) gives the reader what is in the writer's pipe without taking it out, and then it is taken out to where else it
 * goes: by splice(2) to a file, or by reading and writing to everything else, and to files that are appended to. Where
 * the kernel has no tee(2) for us (a sandbox may refuse it), the reader gets what was read as well.
 */
#include "io/relay.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>

/* A writer that is faster than all others would keep a loop for ever: after so many rounds it is others' turn. */
enum { MOST = 1 << 20, COPY = 16 << 10, ROUNDS = 16 };

static bool can_splice_to(int fd)
{
    struct stat status;
    int flags = sys_fcntl(fd, F_GETFL, 0);
    return flags >= 0 && !(flags & O_APPEND) && sys_fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

int relay_open(struct relay *relay, int from, int to, int tee)
{
    *relay = (struct relay){.from = from, .to = {.fd = to}, .tee = TEE_NONE};
    int r = tee_open(&relay->tee, tee);
    if (r == 0)
        r = sys_set_non_blocking(from); /* ours alone, both: the writer and the reader have the other ends */
    if (r == 0)
        r = sys_set_non_blocking(to);
    if (r < 0)
        relay_close(relay);
    relay->splices = r == 0 && can_splice_to(tee);
    return r;
}

void relay_close(struct relay *relay)
{
    relay->from = sys_close_safe(relay->from);
    tee_close(&relay->to);
    tee_close(&relay->tee);
}

/* ---- What the reader has got already ---------------------------------------------------------------------------- */

/* Nothing more for the tee: what it would have got is thrown away. */
static void fail_tee(struct relay *relay, ssize_t error)
{
    relay->tee.error = (int)error;
}

/* False: it takes no more now. */
static bool splice_owed(struct relay *relay)
{
    ssize_t r = sys_splice(relay->from, relay->tee.fd, relay->owed);
    if (r > 0)
        relay->owed -= (size_t)r;
    else if (r == -EINVAL) /* the file system cannot */
        relay->splices = false;
    else if (r < 0 && r != -EAGAIN && r != -EINTR)
        fail_tee(relay, r);
    else if (r == 0)
        fail_tee(relay, -EIO);
    return r != -EAGAIN;
}

static bool copy_owed(struct relay *relay)
{
    char bytes[COPY];
    if (!tee_flush(&relay->tee))
        return false;
    ssize_t r = sys_read(relay->from, bytes, relay->owed < COPY ? relay->owed : COPY);
    if (r == -EINTR)
        return true;
    if (r <= 0) { /* though they are there */
        relay->error = r < 0 ? (int)r : -EIO;
        return false;
    }
    relay->owed -= (size_t)r;
    if (tee_is_open(&relay->tee))
        tee_write(&relay->tee, bytes, (size_t)r);
    return true;
}

/* Whether the tee has got as much as the reader. */
static bool settle(struct relay *relay)
{
    bool goes_on = true;
    while (relay->owed > 0 && goes_on)
        goes_on = relay->splices && tee_is_open(&relay->tee) ? splice_owed(relay) : copy_owed(relay);
    return relay->owed == 0 && tee_flush(&relay->tee);
}

/* ---- What it gets next ------------------------------------------------------------------------------------------ */

static bool has_bytes(const struct relay *relay)
{
    int count = 0;
    return sys_readable_bytes(relay->from, &count) == 0 && count > 0;
}

/* An empty pipe is what tee(2) looks at first. */
static bool reader_is_gone(const struct relay *relay)
{
    struct pollfd poll = {.fd = relay->to.fd};
    struct timespec at_once = {0};
    return sys_ppoll(&poll, 1, &at_once) > 0 && poll.revents & POLLERR;
}

/* To both at once, as far as the reader has taken what came before. */
static ssize_t copy(struct relay *relay)
{
    char bytes[COPY];
    if (!tee_flush(&relay->to))
        return -EAGAIN;
    ssize_t r = relay->to.error ? relay->to.error : room_reserve(&relay->to.rest, COPY, COPY);
    if (r == 0)
        r = sys_read(relay->from, bytes, sizeof(bytes));
    if (r <= 0)
        return r;
    tee_write(&relay->to, bytes, (size_t)r);
    if (tee_is_open(&relay->tee))
        tee_write(&relay->tee, bytes, (size_t)r);
    return r;
}

static bool is_no_answer(ssize_t r)
{
    return r < 0 && r != -EAGAIN && r != -EINTR && r != -EPIPE;
}

/* As sys_tee. Without a tee it is only moved. */
static ssize_t pass(struct relay *relay)
{
    if (relay->copies)
        return copy(relay);
    bool splits = tee_is_open(&relay->tee);
    ssize_t r = splits ? sys_tee(relay->from, relay->to.fd, MOST) : sys_splice(relay->from, relay->to.fd, MOST);
    relay->copies = is_no_answer(r);
    if (relay->copies)
        return copy(relay);
    if (r > 0 && splits)
        relay->owed = (size_t)r;
    return r;
}

/* False: it is over. */
static bool pass_some(struct relay *relay)
{
    for (int round = 0; round < ROUNDS && settle(relay); round++) {
        ssize_t r = pass(relay);
        if (r == -EAGAIN) {
            relay->is_full = relay->to.rest_length > 0 || has_bytes(relay);
            return !reader_is_gone(relay);
        }
        if (r == 0 || r == -EPIPE)
            return false;
        if (is_no_answer(r)) {
            relay->error = (int)r;
            break;
        }
    }
    return true;
}

bool relay_advance(struct relay *relay)
{
    relay->is_full = false;
    relay->error = 0;
    return pass_some(relay);
}

void relay_interest(const struct relay *relay, struct pollfd fds[RELAY_FDS])
{
    bool behind = relay->owed > 0 || relay->tee.rest_length > 0;
    fds[0] = (struct pollfd){.fd = behind || relay->is_full ? -1 : relay->from, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = behind ? -1 : relay->to.fd, .events = relay->is_full ? POLLOUT : 0};
    fds[2] = tee_interest(&relay->tee);
    if (!behind)
        fds[2].fd = -1;
}
