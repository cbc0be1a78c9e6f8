/*
 * Relays when somebody is gone, when something fails, and where the kernel does not help.
 */
#include "relaying.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* ---- Gone ------------------------------------------------------------------------------------------------------- */

static void an_empty_writer_is_an_end(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    assert_true(rig_advance(&rig));
    assert_false(rig_is_awake(&rig));
    rig_close_one(&rig.writer);
    assert_true(rig_is_awake(&rig));
    assert_false(rig_advance(&rig));
    assert_int_equal(read(rig.reader, &(char){0}, 1), 0);
    rig_close(&rig);
}

/* The writer is to learn of it, whether it writes or not. */
static void a_reader_that_goes_is_an_end_at_once(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    assert_true(rig_advance(&rig));
    rig_close_one(&rig.reader);
    assert_true(rig_is_awake(&rig));
    assert_false(rig_advance(&rig));
    struct pollfd poll_fd = {.fd = rig.writer};
    assert_int_equal(poll(&poll_fd, 1, 0), 1);
    assert_true(poll_fd.revents & POLLERR);
    rig_close(&rig);
}

static void so_is_one_that_was_full(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    do
        rig_fill(&rig);
    while (rig_read_tee(&rig, MUCH));
    rig_close_one(&rig.reader);
    assert_true(rig_is_awake(&rig));
    while (rig_advance(&rig))
        assert_true(rig_read_tee(&rig, MUCH));
    rig_close(&rig);
}

/* What the reader has got the tee gets as well, at its own pace, and nobody is woken for nothing meanwhile. */
static void the_tee_gets_what_a_reader_had_that_is_gone(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    do
        rig_fill(&rig);
    while (rig_read(&rig, MUCH));
    rig_close_one(&rig.reader);
    assert_false(rig_is_awake(&rig));
    while (rig_advance(&rig))
        assert_true(rig_read_tee(&rig, 5000));
    while (rig_read_tee(&rig, MUCH))
        ;
    assert_int_equal(rig.teed, rig.read);
    rig_close(&rig);
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static bool is_in(int (*get)(sigset_t *set), int signal_number)
{
    sigset_t set;
    assert_int_equal(get(&set), 0);
    return sigismember(&set, signal_number);
}

static int get_blocked(sigset_t *set)
{
    return sigprocmask(SIG_SETMASK, NULL, set);
}

static void lose_a_reader(bool tee)
{
    struct rig rig;
    rig_open(&rig, &blocking_pipe);
    assert_true(rig_write(&rig, 1000));
    rig_close_one(tee ? &rig.tee_reader : &rig.reader);
    assert_int_equal(rig_advance(&rig), tee);
    assert_int_equal(rig.relay.tee.error, tee ? -EPIPE : 0);
    rig_close(&rig);
}

static void the_signal_stays_as_it_was(void **state)
{
    bool tee = *(const char *)*state == 't';
    sigset_t broken;
    struct sigaction action;
    struct timespec at_once = {0};
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);

    lose_a_reader(tee);
    assert_false(is_in(get_blocked, SIGPIPE));
    assert_false(is_in(sigpending, SIGPIPE));
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);

    sigprocmask(SIG_BLOCK, &broken, NULL);
    lose_a_reader(tee);
    assert_true(is_in(get_blocked, SIGPIPE));
    assert_false(is_in(sigpending, SIGPIPE));

    pthread_kill(pthread_self(), SIGPIPE);
    lose_a_reader(tee);
    assert_true(is_in(sigpending, SIGPIPE)); /* somebody else's */
    assert_int_equal(sigtimedwait(&broken, NULL, &at_once), SIGPIPE);
    assert_false(is_in(sigpending, SIGPIPE));
    sigprocmask(SIG_UNBLOCK, &broken, NULL);
}

/* ---- What fails ------------------------------------------------------------------------------------------------- */

/* The reader gets all of it; the error is there to be asked for. */
static void carry_with_error(struct rig *rig, int error)
{
    rig_carry(rig, MUCH, MUCH);
    assert_int_equal(rig->read, MUCH);
    assert_int_equal(rig->relay.tee.error, error);
    assert_true(rig->advances < 100);
    rig_close(rig);
}

static int open_full(int *reader)
{
    *reader = NOTHING;
    return open("/dev/full", O_WRONLY | O_CLOEXEC);
}

static int open_for_reading(int *reader)
{
    *reader = NOTHING;
    close(open(scratch("empty"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return open(scratch("empty"), O_RDONLY | O_CLOEXEC);
}

static void a_tee_that_fails_gets_nothing_more(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct place){"full", open_full});
    carry_with_error(&rig, -ENOSPC);
    rig_open(&rig, &(struct place){"unwritable", open_for_reading});
    carry_with_error(&rig, -EBADF);
    rig_open(&rig, &blocking_pipe);
    rig_close_one(&rig.tee_reader);
    carry_with_error(&rig, -EPIPE);
    rig_open(&rig, &stream_socket);
    rig_close_one(&rig.tee_reader);
    carry_with_error(&rig, -EPIPE);
    rig_open(&rig, &regular_file);
    sys_fault_set("splice", 3, EIO);
    carry_with_error(&rig, -EIO);
}

/* One that goes while it is behind. */
static void nobody_waits_for_a_tee_that_is_gone(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    do
        rig_fill(&rig);
    while (rig_read(&rig, MUCH));
    rig_close_one(&rig.tee_reader);
    assert_true(rig_is_awake(&rig));
    rig_carry(&rig, MUCH, MUCH);
    assert_int_equal(rig.read, MUCH);
    assert_true(rig.relay.tee.error == -EPIPE || rig.relay.tee.error == -ECONNRESET);
    rig_close(&rig);
}

static void what_is_no_descriptor_is_refused(void **state)
{
    (void)state;
    struct relay relay;
    int from[2], to[2];
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    int closed = dup(from[0]);
    close(closed);
    assert_int_equal(relay_open(&relay, from[0], to[1], closed), -EBADF);
    assert_int_equal(fcntl(from[0], F_GETFD), -1);
    assert_int_equal(fcntl(to[1], F_GETFD), -1);
    close(from[1]);
    close(to[0]);
}

/* ---- Without the kernel's help ---------------------------------------------------------------------------------- */

static void carry_without(const struct place *place, const char *call, unsigned nth, int number)
{
    struct rig rig;
    rig_open(&rig, place);
    sys_fault_set(call, nth, number);
    rig_carry(&rig, 5000, 7000);
    rig_assert_all_there(&rig);
    rig_close(&rig);
}

static void what_the_kernel_does_not_do_is_done_all_the_same(void **state)
{
    carry_without(*state, "tee", 0, ENOSYS);
    carry_without(*state, "tee", 0, EPERM);
    carry_without(*state, "tee", 2, ENOMEM);
    carry_without(*state, "splice", 0, EINVAL);
}

/* And ends as it does otherwise. */
static void it_ends_all_the_same(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    sys_fault_set("tee", 0, ENOSYS);
    do
        rig_fill(&rig);
    while (rig_read_tee(&rig, MUCH));
    assert_true(rig.relay.copies);
    rig_close_one(&rig.reader);
    assert_true(rig_is_awake(&rig));
    while (rig_advance(&rig))
        assert_true(rig_is_awake(&rig));
    rig_close(&rig);

    rig_open(&rig, *state);
    sys_fault_set("tee", 0, ENOSYS);
    assert_true(rig_write(&rig, 10));
    assert_true(rig_advance(&rig));
    rig_close_one(&rig.reader);
    assert_true(rig_is_awake(&rig));
    assert_false(rig_advance(&rig));
    rig_close(&rig);
}

/* What fails once is no end, and not taken for one; what would have been passed on is not lost. */
static void what_fails_once_is_tried_again(void **state)
{
    static const char *const calls[] = {"tee", "splice", "read", "ioctl", "ppoll"};
    static const int numbers[] = {EINTR, EAGAIN, ENOMEM};
    for (size_t i = 0; i < 5; i++)
        for (size_t n = 0; n < 3; n++) {
            bool file_error = numbers[n] == ENOMEM && i == 1; /* splice: the tee's, as it would be a write's */
            if (!file_error)
                carry_without(*state, calls[i], 1 + n, numbers[n]);
        }
}

static void an_error_is_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, &blocking_pipe);
    assert_true(rig_write(&rig, 1000));
    sys_fault_set("read", 1, ENOMEM);
    assert_true(rig_advance(&rig));
    assert_int_equal(rig.relay.error, -ENOMEM);
    assert_true(rig_advance(&rig));
    assert_int_equal(rig.relay.error, 0);
    assert_true(rig_read_tee(&rig, MUCH));
    assert_int_equal(rig.teed, 1000);
    rig_close(&rig);
}

static const struct test tests[] = {
    EACH_PLACE(an_empty_writer_is_an_end),
    EACH_PLACE(a_reader_that_goes_is_an_end_at_once),
    EACH_PLACE(so_is_one_that_was_full),
    EACH_PIPE(the_tee_gets_what_a_reader_had_that_is_gone),
    PK_TEST_NAMED("the_signal_stays_as_it_was/reader", the_signal_stays_as_it_was, .data = "reader"),
    PK_TEST_NAMED("the_signal_stays_as_it_was/tee", the_signal_stays_as_it_was, .data = "tee"),
    PK_TEST(a_tee_that_fails_gets_nothing_more),
    EACH_PIPE(nobody_waits_for_a_tee_that_is_gone),
    PK_TEST(what_is_no_descriptor_is_refused),
    EACH_PLACE(what_the_kernel_does_not_do_is_done_all_the_same),
    EACH_PLACE(it_ends_all_the_same),
    EACH_PLACE(what_fails_once_is_tried_again),
    PK_TEST(an_error_is_told),
};

PK_TEST_MAIN(tests)
