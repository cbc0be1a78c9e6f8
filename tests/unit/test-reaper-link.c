/*
 * The link to a reaper: what it has said is heard, whatever became of it afterwards. The reaper is played by the test.
 */
#include "contain/reaper-link.h"
#include "harness.h"
#include "sys/fault.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of a process that has ended. */
static int ended_pidfd(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_return_code(pidfd, errno);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pidfd;
}

static void say(int socket, enum reaper_kind kind, int number)
{
    struct reaper_message message = {
        .magic = REAPER_MAGIC, .version = REAPER_VERSION, .kind = (uint16_t)kind, .number = number};
    assert_int_equal(send(socket, &message, sizeof(message), 0), sizeof(message));
}

/* A link whose other end is the test's. */
static struct reaper_link *make_link(int *theirs)
{
    int number;
    struct reaper_link *link = reaper_link_new(&number);
    assert_non_null(link);
    *theirs = dup(link->theirs);
    reaper_link_begin(link, 0, ended_pidfd());
    return link;
}

/* Then the kernel says first that the connection was reset, and only afterwards what had been sent before. */
static void last_words_are_heard_from_who_has_not_heard_us(void **state)
{
    (void)state;
    int theirs;
    struct reaper_link *link = make_link(&theirs);
    say(theirs, REAPER_LEADER, 0x2500);
    say(theirs, REAPER_EMPTY, 0);
    assert_int_equal(reaper_link_tell(link, REAPER_KILL, 0), 0);
    close(theirs);
    assert_int_equal(reaper_link_read(link), 0);
    assert_true(link->leader_ended);
    assert_int_equal(link->status, 0x2500);
    assert_true(link->empty);
    assert_false(link->lost);
    reaper_link_free(link);
}

/* The kernel may tell of the end ahead of what was said before it. */
static void last_words_are_heard_though_the_end_seems_to_come_first(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth <= 2; nth++) {
        int theirs;
        struct reaper_link *link = make_link(&theirs);
        say(theirs, REAPER_LEADER, 0x2500);
        say(theirs, REAPER_EMPTY, 0);
        close(theirs);
        sys_fault_clear();
        sys_fault_set_early_end("recv", nth);
        assert_int_equal(reaper_link_read(link), 0);
        sys_fault_clear();
        assert_false(link->lost);
        assert_true(link->leader_ended);
        assert_int_equal(link->status, 0x2500);
        assert_true(link->empty);
        reaper_link_free(link);
    }
}

/* One that goes without them is lost. */
static void who_says_nothing_is_lost(void **state)
{
    (void)state;
    int theirs;
    struct reaper_link *link = make_link(&theirs);
    assert_int_equal(reaper_link_tell(link, REAPER_KILL, 0), 0);
    close(theirs);
    assert_int_equal(reaper_link_read(link), 0);
    assert_true(link->lost);
    assert_false(link->empty);
    reaper_link_free(link);
}

static const struct test tests[] = {
    PK_TEST(last_words_are_heard_from_who_has_not_heard_us),
    PK_TEST(last_words_are_heard_though_the_end_seems_to_come_first),
    PK_TEST(who_says_nothing_is_lost),
};

PK_TEST_MAIN(tests)
