/*
 * Passing bytes on: to whom takes them, takes none, takes some, or has gone.
 */
#include "harness.h"
#include "io/tee.h"
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MUCH = 1 << 20 };

struct target {
    const char *name;
    void (*make)(int ends[2]);
    bool non_blocking;
};

static void make_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

static void make_sockets(int ends[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static const struct target blocking_pipe = {"pipe", make_pipe, false};
static const struct target non_blocking_pipe = {"pipe", make_pipe, true};
static const struct target blocking_socket = {"socket", make_sockets, false};
static const struct target non_blocking_socket = {"socket", make_sockets, true};

/* A tee to the writing end; what is to be written is `much`. */
static struct tee open_target(const struct target *target, int ends[2])
{
    struct tee tee;
    target->make(ends);
    if (target->non_blocking)
        assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(tee_open(&tee, ends[1]), 0);
    return tee;
}

static void close_target(struct tee *tee, const int ends[2])
{
    tee_close(tee);
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

static char *much(void)
{
    char *bytes = malloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = (char)(i * 2654435761U >> 11);
    return bytes;
}

/* ---- At its pace ------------------------------------------------------------------------------------------------ */

/* What a full one does not take comes later, in order and nothing twice. */
static void a_full_one_gets_the_rest_later(void **state)
{
    int ends[2];
    struct tee tee = open_target(*state, ends);
    char *bytes = much(), *got = malloc(MUCH);
    size_t length = 0;

    tee_write(&tee, bytes, MUCH);
    assert_true(tee.rest_length > 0);
    assert_false(tee_flush(&tee));
    assert_int_equal(tee_interest(&tee).fd, tee.fd);
    assert_int_equal(tee_interest(&tee).events, POLLOUT);
    while (length < MUCH) {
        ssize_t r = read(ends[0], got + length, length % 7000 + 1 < MUCH - length ? length % 7000 + 1 : MUCH - length);
        assert_true(r > 0);
        length += (size_t)r;
        tee_flush(&tee);
    }
    assert_true(tee_flush(&tee));
    assert_memory_equal(bytes, got, MUCH);
    assert_int_equal(tee.error, 0);
    close_target(&tee, ends);
    free(bytes);
    free(got);
}

static void what_comes_meanwhile_stays_behind_the_rest(void **state)
{
    int ends[2];
    struct tee tee = open_target(*state, ends);
    char *bytes = much(), *got = malloc(MUCH);
    size_t length = 0;

    for (size_t i = 0; i < MUCH; i += MUCH / 8)
        tee_write(&tee, bytes + i, MUCH / 8);
    while (length < MUCH) {
        ssize_t r = read(ends[0], got + length, MUCH - length);
        assert_true(r > 0);
        length += (size_t)r;
        tee_flush(&tee);
    }
    assert_memory_equal(bytes, got, MUCH);
    close_target(&tee, ends);
    free(bytes);
    free(got);
}

/* The mode belongs to whoever shares the descriptor. */
static void the_mode_of_the_descriptor_stays(void **state)
{
    int ends[2];
    const struct target *target = *state;
    struct tee tee = open_target(target, ends);
    char *bytes = much();
    tee_write(&tee, bytes, MUCH);
    assert_int_equal((fcntl(ends[1], F_GETFL) & O_NONBLOCK) != 0, target->non_blocking);
    assert_true(fcntl(tee.fd, F_GETFD) & FD_CLOEXEC);
    close_target(&tee, ends);
    free(bytes);
}

/* ---- Gone ------------------------------------------------------------------------------------------------------- */

static void reset_pipe_signal(void)
{
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
}

static void one_that_is_gone_fails_without_a_signal(void **state)
{
    int ends[2];
    struct tee tee = open_target(*state, ends);
    reset_pipe_signal();
    close(ends[0]);
    ends[0] = -1;
    assert_true(tee_is_open(&tee));
    tee_write(&tee, "abc", 3);
    assert_int_equal(tee.error, -EPIPE);
    assert_int_equal(tee.rest_length, 0);
    assert_false(tee_is_open(&tee));
    assert_true(tee_flush(&tee));
    tee_settle(&tee);
    assert_int_equal(tee.fd, -1);
    assert_int_equal(tee.error, -EPIPE);
    close_target(&tee, ends);
}

static void one_that_goes_while_it_is_full_fails(void **state)
{
    int ends[2];
    struct tee tee = open_target(*state, ends);
    char *bytes = much();
    reset_pipe_signal();
    tee_write(&tee, bytes, MUCH);
    assert_true(tee.rest_length > 0);
    close(ends[0]);
    ends[0] = -1;
    assert_true(tee_flush(&tee)); /* nothing is left to wait for */
    assert_true(tee.error == -EPIPE || tee.error == -ECONNRESET);
    close_target(&tee, ends);
    free(bytes);
}

static bool is_pending(int signal_number)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, signal_number);
}

static bool is_blocked(int signal_number)
{
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    return sigismember(&blocked, signal_number);
}

static void fail_a_tee(void)
{
    int ends[2];
    struct tee tee = open_target(&blocking_pipe, ends);
    close(ends[0]);
    ends[0] = -1;
    tee_write(&tee, "abc", 3);
    assert_int_equal(tee.error, -EPIPE);
    close_target(&tee, ends);
}

static void the_signal_stays_as_it_was(void **state)
{
    (void)state;
    sigset_t broken;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    reset_pipe_signal();

    fail_a_tee();
    assert_false(is_blocked(SIGPIPE));
    assert_false(is_pending(SIGPIPE));

    sigprocmask(SIG_BLOCK, &broken, NULL);
    fail_a_tee();
    assert_true(is_blocked(SIGPIPE));
    assert_false(is_pending(SIGPIPE)); /* the tee's own was taken away */

    pthread_kill(pthread_self(), SIGPIPE);
    fail_a_tee();
    assert_true(is_pending(SIGPIPE)); /* somebody else's was not */
    struct timespec at_once = {0};
    assert_int_equal(sigtimedwait(&broken, NULL, &at_once), SIGPIPE);

    kill(getpid(), SIGPIPE);
    fail_a_tee();
    assert_true(is_pending(SIGPIPE)); /* nor one for the whole process */
    while (is_pending(SIGPIPE))
        assert_int_equal(sigtimedwait(&broken, NULL, &at_once), SIGPIPE);
    sigprocmask(SIG_UNBLOCK, &broken, NULL);
}

/* ---- Files and devices ------------------------------------------------------------------------------------------ */

static void a_file_takes_all_at_once(void **state)
{
    (void)state;
    struct tee tee;
    struct stat status;
    char *bytes = much();
    int fd = open(scratch("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(tee_open(&tee, fd), 0);
    tee_write(&tee, bytes, MUCH);
    assert_int_equal(tee.rest_length, 0);
    tee_close(&tee);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, MUCH);
    close(fd);
    free(bytes);
}

static void a_full_device_fails(void **state)
{
    (void)state;
    struct tee tee;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(tee_open(&tee, fd), 0);
    tee_write(&tee, "abc", 3);
    assert_int_equal(tee.error, -ENOSPC);
    tee_close(&tee);
    close(fd);
}

/* Whose signal would end the program. */
static void a_file_beyond_the_limit_fails_without_a_signal(void **state)
{
    (void)state;
    struct tee tee;
    const struct rlimit little = {4, RLIM_INFINITY}, any = {RLIM_INFINITY, RLIM_INFINITY};
    int fd = open(scratch("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
    assert_int_equal(tee_open(&tee, fd), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    tee_write(&tee, "abcdef", 6);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &any), 0); /* what the test says goes to a file as well */
    assert_int_equal(tee.error, -EFBIG);
    assert_int_equal(lseek(fd, 0, SEEK_END), 4);
    assert_false(is_blocked(SIGXFSZ));
    assert_false(is_pending(SIGXFSZ));
    tee_close(&tee);
    close(fd);
}

static void what_cannot_be_written_to_fails(void **state)
{
    (void)state;
    struct tee tee;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(tee_open(&tee, fd), 0);
    tee_write(&tee, "abc", 3);
    assert_int_equal(tee.error, -EBADF);
    tee_close(&tee);
    close(fd);
    assert_int_equal(tee_open(&tee, fd), -EBADF);
    assert_false(tee_is_open(&tee));
}

/* ---- Terminals -------------------------------------------------------------------------------------------------- */

/* Of a terminal that is nearly full it is not known how much it takes. */
static void a_terminal_that_nobody_reads_does_not_block(void **state)
{
    (void)state;
    struct tee tee;
    char *lines = malloc(MUCH);
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master) | unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    assert_int_equal(tee_open(&tee, terminal), 0);
    for (size_t i = 0; i < MUCH; i++)
        lines[i] = i % 61 == 60 ? '\n' : 'x';
    tee_write(&tee, lines, MUCH);
    assert_true(tee.rest_length > 0);
    assert_int_equal(tee.error, 0);
    close(master);
    assert_true(tee_flush(&tee));
    assert_int_equal(tee.error, -EIO);
    tee_close(&tee);
    close(terminal);
    free(lines);
}

#define EACH(function)                                                                       \
    PK_TEST_NAMED(#function "/pipe", function, .data = &blocking_pipe),                      \
        PK_TEST_NAMED(#function "/non-blocking-pipe", function, .data = &non_blocking_pipe), \
        PK_TEST_NAMED(#function "/socket", function, .data = &blocking_socket),              \
        PK_TEST_NAMED(#function "/non-blocking-socket", function, .data = &non_blocking_socket)

static const struct test tests[] = {
    EACH(a_full_one_gets_the_rest_later),
    EACH(what_comes_meanwhile_stays_behind_the_rest),
    EACH(the_mode_of_the_descriptor_stays),
    EACH(one_that_is_gone_fails_without_a_signal),
    EACH(one_that_goes_while_it_is_full_fails),
    PK_TEST(the_signal_stays_as_it_was),
    PK_TEST(a_file_takes_all_at_once),
    PK_TEST(a_full_device_fails),
    PK_TEST(a_file_beyond_the_limit_fails_without_a_signal),
    PK_TEST(what_cannot_be_written_to_fails),
    PK_TEST(a_terminal_that_nobody_reads_does_not_block),
};

PK_TEST_MAIN(tests)
