/*
 * Relays over real pipes.
 */
#include "relaying.h"

#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Where else it goes ----------------------------------------------------------------------------------------- */

static int open_pipe(int *reader)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    *reader = ends[0];
    return ends[1];
}

static int open_non_blocking_pipe(int *reader)
{
    int fd = open_pipe(reader);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static int open_socket(int *reader)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    *reader = ends[0];
    return ends[1];
}

static int open_file_as(int *reader, int flags)
{
    int fd = open(scratch("file"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0600);
    *reader = open(scratch("file"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && *reader >= 0);
    return fd;
}

static int open_file(int *reader)
{
    return open_file_as(reader, 0);
}

static int open_appended_file(int *reader)
{
    return open_file_as(reader, O_APPEND);
}

static int open_device(int *reader, const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    *reader = NOTHING;
    return fd;
}

static int open_null(int *reader)
{
    return open_device(reader, "/dev/null");
}

const struct place blocking_pipe = {"pipe", open_pipe}, non_blocking_pipe = {"pipe", open_non_blocking_pipe},
                   stream_socket = {"socket", open_socket}, regular_file = {"file", open_file},
                   appended_file = {"appended file", open_appended_file}, null_device = {"null", open_null};

/* ---- A relay, and all who are around it ------------------------------------------------------------------------- */

static char *much(void)
{
    char *bytes = malloc(MUCH);
    assert_non_null(bytes);
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = (char)(i * 2654435761U >> 11);
    return bytes;
}

void rig_open(struct rig *rig, const struct place *place)
{
    int from[2], to[2];
    *rig = (struct rig){.bytes = much()};
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    rig->writer = from[1];
    rig->reader = to[0];
    assert_int_equal(fcntl(rig->writer, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(rig->reader, F_SETFL, O_NONBLOCK), 0);
    rig->tee = place->open(&rig->tee_reader);
    assert_int_equal(relay_open(&rig->relay, from[0], to[1], rig->tee), 0);
    sys_fault_clear();
}

void rig_close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = NOTHING;
}

void rig_close(struct rig *rig)
{
    sys_fault_clear();
    relay_close(&rig->relay);
    rig_close_one(&rig->writer);
    rig_close_one(&rig->reader);
    rig_close_one(&rig->tee);
    rig_close_one(&rig->tee_reader);
    free((char *)rig->bytes);
}

bool rig_is_awake(struct rig *rig)
{
    struct pollfd fds[RELAY_FDS];
    relay_interest(&rig->relay, fds);
    return !rig->over && poll(fds, RELAY_FDS, 0) > 0;
}

bool rig_advance(struct rig *rig)
{
    if (!rig->over && !relay_advance(&rig->relay)) {
        relay_close(&rig->relay);
        rig->over = true;
    }
    return !rig->over;
}

bool rig_write(struct rig *rig, size_t end)
{
    if (rig->writer < 0 || rig->written >= end)
        return false;
    ssize_t r = write(rig->writer, rig->bytes + rig->written, end - rig->written);
    assert_true(r > 0 || errno == EAGAIN);
    rig->written += r > 0 ? (size_t)r : 0;
    return r > 0;
}

/* What is there, at most `most` bytes of it, must be what comes next. */
static bool read_some(int fd, const struct rig *rig, size_t *position, size_t most)
{
    static char bytes[MUCH];
    if (fd < 0)
        return false;
    ssize_t r = read(fd, bytes, most < MUCH ? most : MUCH);
    assert_true(r >= 0 || errno == EAGAIN);
    if (r <= 0)
        return false;
    assert_true(*position + (size_t)r <= MUCH);
    assert_memory_equal(bytes, rig->bytes + *position, (size_t)r);
    *position += (size_t)r;
    return true;
}

bool rig_read(struct rig *rig, size_t most)
{
    return read_some(rig->reader, rig, &rig->read, most);
}

bool rig_read_tee(struct rig *rig, size_t most)
{
    return read_some(rig->tee_reader, rig, &rig->teed, most);
}

void rig_carry(struct rig *rig, size_t step, size_t tee_step)
{
    while (!rig->over || rig->read < MUCH) {
        bool moved = rig_write(rig, MUCH);
        if (rig->written == MUCH)
            rig_close_one(&rig->writer);
        bool awake = rig_is_awake(rig);
        if (awake)
            moved |= !rig_advance(rig);
        moved |= rig_read(rig, step);
        moved |= rig_read_tee(rig, tee_step);
        assert_true(moved || awake); /* it would wait for ever */
        rig->advances += awake && !moved;
    }
}

void rig_fill(struct rig *rig)
{
    while (rig_write(rig, MUCH) || rig_is_awake(rig))
        rig_advance(rig);
    assert_false(rig->over);
    assert_true(rig->written < MUCH);
}

void rig_assert_all_there(struct rig *rig)
{
    while (rig_read_tee(rig, MUCH))
        ;
    assert_int_equal(rig->read, MUCH);
    assert_int_equal(rig->teed, rig->tee_reader < 0 ? 0 : MUCH);
    assert_int_equal(rig->relay.tee.error, 0);
    assert_true(rig->advances < 100);
}
