/*
 * Streams and input of a live process.
 */
#include "base/error.h"
#include "base/time.h"
#include "io/pty.h"
#include "process/carry.h"
#include "process/company.h"
#include "process/pull.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Looking, and the pace -------------------------------------------------------------------------------------- */

int pk_process_tee_error(const pk_process *process, int fd)
{
    const struct stream *stream = process_stream(process, fd);
    if (!stream)
        return -EBADF;
    int raw = stream->tees[PK_TEE_RAW].error;
    return raw ? raw : stream->tees[PK_TEE_TEXT].error;
}

uint64_t pk_process_bytes(const pk_process *process, int fd)
{
    const struct stream *stream = process_stream(process, fd);
    return stream ? stream->total : 0;
}

const pk_capture *pk_process_capture(pk_process *process, int fd)
{
    struct stream *stream = process_stream(process, fd);
    return stream ? stream_view(stream) : NULL;
}

static int set_paused(pk_process *process, int fd, bool paused)
{
    struct stream *stream = process_stream(process, fd);
    if (!stream || !stream->driven)
        return -EBADF;
    if (stream->paused == paused)
        return 0;
    stream->paused = paused;
    process_refollow(process);
    return 0;
}

int pk_process_pause(pk_process *process, int fd)
{
    return set_paused(process, fd, true);
}

int pk_process_unpause(pk_process *process, int fd)
{
    return set_paused(process, fd, false);
}

int pk_process_close_output(pk_process *process, int fd)
{
    struct stream *stream = process_stream(process, fd);
    if (!stream)
        return -EBADF;
    if (!stream->driven) {
        stream->fd = sys_close_safe(stream->fd);
        return 0;
    }
    process_enter(process);
    stream_cut(stream); /* which may tell the last line */
    if (!process_leave(process))
        return 0;
    if (!process->watch && process->busy == 0)
        carry_settle(process);
    process_refollow(process);
    return 0;
}

/* ---- Waiting for something, and for everything else meanwhile --------------------------------------------------- */

static int pump(pk_process *process, struct pollfd *extra, pk_time deadline, pk_error *error)
{
    if (sys_now() >= deadline)
        return error_set(error, -ETIMEDOUT, PK_ERROR_TIMEOUT, PK_STEP_WAIT, NULL, "the deadline passed first");
    int r = carry_pump(process, extra, deadline);
    return r < 0 ? carry_explain(r, error) : 0;
}

static int advance(pk_process *process, pk_error *error)
{
    int r = carry_look(process, NULL);
    return r < 0 ? carry_explain(r, error) : 0;
}

/* Before each of many lines that were read at once that would cost more than all of them. So they are only interrupted
 * where time has passed: then whoever takes them is slow. */
static int advance_now_and_then(pk_process *process, pk_error *error)
{
    pk_time now = sys_now_roughly();
    if (process->looked != 0 && now < time_add(process->looked, PK_MILLISECONDS(10)))
        return 0;
    process->looked = now;
    return advance(process, error);
}

static int no_stream(int fd, pk_error *error)
{
    return error_set(error, -EBADF, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "the child writes to no pipe at descriptor %d, or it was taken", fd);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static bool is_asked(const struct stream *stream, int fd)
{
    return stream->pulled && (fd < 0 || stream->child_fd == fd);
}

int pull_begin(pk_process *process, int fd, pk_error *error)
{
    bool any = false;
    for (size_t i = 0; i < process->stream_count; i++) {
        struct stream *stream = &process->streams[i];
        if ((fd >= 0 && stream->child_fd != fd) || (stream->fd < 0 && !stream->driven))
            continue;
        any = true;
        int r = stream->pulled ? 0 : stream_pull(stream, error);
        if (r < 0)
            return r;
    }
    return any;
}

/* By turns: a loud stream must not keep another one's lines waiting for ever. */
static struct stream *next_stream(pk_process *process)
{
    process->turn = process->turn + 1 < process->stream_count ? process->turn + 1 : 0;
    return &process->streams[process->turn];
}

int pull_look(pk_process *process, const struct pull *pull, bool *more)
{
    *more = false;
    for (size_t i = 0; i < process->stream_count; i++) {
        struct stream *stream = next_stream(process);
        if (!is_asked(stream, pull->fd))
            continue;
        uint64_t before = stream->total;
        int r = stream->ended ? 0 : pull->look(stream, pull->data);
        if (stream->total != before)
            process->last_output = sys_now();
        carry_judge(process, stream);
        if (r != 0 || process->freed)
            return r;
        *more |= !stream->ended;
    }
    return 0;
}

/* What is asked for is not among what a pump waits for: nothing else would read it. */
int pull_wait(pk_process *process, int fd, pk_time deadline, pk_error *error)
{
    for (size_t i = 0; i < process->stream_count; i++)
        if (is_asked(&process->streams[i], fd))
            process->streams[i].awaited = true;
    int r = pump(process, NULL, deadline, error); /* -ECANCELED: it is gone */
    for (size_t i = 0; r != -ECANCELED && i < process->stream_count; i++)
        process->streams[i].awaited = false;
    return r;
}

static int pull(pk_process *process, const struct pull *pull, pk_time deadline, pk_error *error)
{
    int r = carry_check(process, error);
    if (r == 0)
        r = pull_begin(process, pull->fd, error);
    if (r == 0)
        r = no_stream(pull->fd, error);
    else if (r > 0)
        r = advance_now_and_then(process, error);
    while (r == 0) {
        bool more;
        process_enter(process);
        r = pull_look(process, pull, &more);
        if (!process_leave(process))
            return carry_explain(-ECANCELED, error);
        if (r < 0)
            return error_errno(error, r, PK_STEP_WAIT, NULL, "cannot read a line");
        if (r > 0 || !more)
            return r;
        r = pull_wait(process, pull->fd, deadline, error);
    }
    return r;
}

static int next_line(struct stream *stream, void *data)
{
    return stream_next_line(stream, data);
}

int process_copy_line(const pk_line *line, char **ret, pk_error *error)
{
    char *copy = malloc(line->length + 1);
    if (!copy)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot keep a line");
    memcpy(copy, line->text, line->length + 1);
    *ret = copy;
    return 0;
}

int pk_process_next_line(pk_process *process, int fd, pk_line *line, pk_time deadline, pk_error *error)
{
    return pull(process, &(struct pull){.fd = fd, .look = next_line, .data = line}, deadline, error);
}

static int find_text(struct stream *stream, void *data)
{
    return stream_find_text(stream, data);
}

int process_find_text(pk_process *process, int fd, const char *text, pk_time deadline, pk_error *error)
{
    return pull(process, &(struct pull){.fd = fd, .look = find_text, .data = (void *)text}, deadline, error);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

ssize_t pk_process_read(pk_process *process, int fd, void *buffer, size_t size, pk_time deadline, pk_error *error)
{
    int r = carry_check(process, error);
    if (r < 0)
        return r;
    struct stream *stream = process_stream(process, fd);
    if (!stream || stream->fd < 0)
        return stream && stream->ended ? 0 : no_stream(fd, error);
    if (stream->driven)
        return error_set(error, -EBUSY, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "descriptor %d is captured, passed on or read by lines already", fd);
    r = advance(process, error);
    while (r == 0) {
        struct pollfd readable = {.fd = stream->fd, .events = POLLIN};
        if (sys_is_readable(stream->fd)) {
            ssize_t length = sys_read(stream->fd, buffer, size);
            length = length == -EIO && stream->is_terminal ? 0 : length;
            if (length >= 0) {
                stream->total += (uint64_t)length;
                process->last_output = sys_now();
            }
            if (length != -EINTR && length != -EAGAIN)
                return length < 0 ? error_errno(error, (int)length, PK_STEP_WAIT, NULL, "cannot read") : length;
        }
        /* Who holds it still when the run has ended was spared, or has escaped. */
        pk_time given_up = process->drained;
        if (sys_now() >= given_up)
            return 0;
        r = pump(process, &readable, time_earlier(deadline, given_up), error);
        if (r == -ETIMEDOUT && sys_now() < deadline)
            r = 0;
    }
    return r;
}

/* ---- Input ------------------------------------------------------------------------------------------------------ */

void pk_process_input_ready(pk_process *process)
{
    process = company_first(process);
    if (!process->feed.waiting)
        return;
    process->feed.waiting = false;
    process_refollow(process);
}

/* Where there is no room now, it is written when there is. */
static void end_terminal(pk_process *process)
{
    static const struct feed_source nothing = {.length = 0};
    process->input_ended = true;
    if (pty_end_input(process->input) != -EAGAIN)
        return;
    if (feed_open(&process->feed, process->input, true, &nothing) == 0)
        process_refollow(process);
    process->input = -1;
}

void pk_process_close_input(pk_process *process)
{
    process = company_first(process);
    if (!process->input_is_terminal)
        process->input = sys_close_safe(process->input);
    else if (process->input >= 0 && !process->input_ended)
        end_terminal(process);
}

static int prepare_input(const pk_process *process, pk_error *error)
{
    if (process->input < 0 || process->input_ended)
        return error_set(error, -EBADF, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "the input of the child is no pipe for writing, or was closed");
    int r = sys_set_non_blocking(process->input);
    return r < 0 ? error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot prepare the input") : 0;
}

int pk_process_write(pk_process *process, const void *bytes, size_t length, size_t *written, pk_time deadline,
                     pk_error *error)
{
    size_t done = 0;
    const pk_process *reader = company_first(process);
    int r = carry_check(process, error);
    if (r == 0)
        r = prepare_input(reader, error);
    if (r == 0)
        r = advance(process, error);
    while (r == 0 && done < length) {
        struct pollfd writable = {.fd = reader->input, .events = POLLOUT};
        ssize_t some = sys_write_quietly(reader->input, (const char *)bytes + done, length - done);
        if (some > 0)
            done += (size_t)some;
        else if (some == -EAGAIN)
            r = pump(process, &writable, deadline, error);
        else if (some == -EPIPE || (some == -EIO && reader->input_is_terminal))
            r = error_set(error, -EPIPE, PK_ERROR_STDIN, PK_STEP_NONE, NULL, "the child has closed its input");
        else if (some != -EINTR)
            r = error_errno(error, (int)some, PK_STEP_NONE, NULL, "cannot write to the child");
    }
    if (written)
        *written = done;
    return r;
}
