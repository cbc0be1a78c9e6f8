/*
 * Carrying bytes from one descriptor to another, without waiting and without loss.
 */
#include "forward.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

/* The same file opened again. The terminal of a session is so for all of it, whoever it belongs to. */
static int open_again(int fd, int access)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    bool is_session = tcgetsid(fd) == getsid(0);
    return open(is_session ? "/dev/tty" : path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

struct end end_of(int fd, int access)
{
    struct end end = {.fd = fd, .most = PIPE_BUF};
    struct stat status = {.st_mode = 0};
    fstat(fd, &status);
    bool is_terminal = isatty(fd);
    if (is_terminal || S_ISFIFO(status.st_mode)) {
        int again = open_again(fd, access);
        if (again >= 0)
            return (struct end){.fd = again, .most = SIZE_MAX, .is_alone = true};
        if (is_terminal)
            end.most = 1; /* that there is room says nothing about how much */
    } else if (!S_ISSOCK(status.st_mode)) {
        end.most = SIZE_MAX; /* a file, which never waits for anybody */
    }
    return end;
}

struct end end_own(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return (struct end){.fd = fd, .most = SIZE_MAX};
}

void end_close(struct end *end)
{
    if (end->is_alone)
        close(end->fd);
    end->fd = -1;
}

/* ---- Flow ------------------------------------------------------------------------------------------------------- */

bool flow_reads(const struct flow *flow)
{
    return flow->length == 0 && !flow->is_over;
}

bool flow_writes(const struct flow *flow)
{
    return flow->length > 0;
}

static bool is_passing(int number)
{
    return number == EAGAIN || number == EINTR;
}

void flow_read(struct flow *flow)
{
    ssize_t length = read(flow->from.fd, flow->bytes, sizeof(flow->bytes));
    if (length < 0 && is_passing(errno))
        return;
    flow->begin = 0;
    flow->length = length > 0 && flow->error == 0 ? (size_t)length : 0;
    flow->is_over = length <= 0; /* an error is an end as well: EIO is that of a terminal */
}

void flow_write(struct flow *flow)
{
    size_t size = flow->length < flow->to.most ? flow->length : flow->to.most;
    ssize_t length = write(flow->to.fd, flow->bytes + flow->begin, size);
    if (length < 0 && is_passing(errno))
        return;
    if (length < 0) {
        flow->error = errno;
        flow->length = 0;
        return;
    }
    flow->begin += (size_t)length;
    flow->length -= (size_t)length;
}

void flow_put(struct flow *flow, const char *bytes, size_t length)
{
    memcpy(flow->bytes, bytes, length);
    flow->begin = 0;
    flow->length = length;
}
