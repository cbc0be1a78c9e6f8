/*
 * Who is heard at the socket of a service.
 */
#include "saying.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STRANGER = 54321, SERVICE = 54322 };

static void only_members_are_heard(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->membership = 0;
    have_said(scene, "READY=1", 1, 0);
    look(scene);
    assert_int_equal(scene->count, 0);
    assert_int_equal(scene->notify.refused, 1);
    assert_int_equal(scene->asked, 1);
    scene->membership = -EIO; /* it cannot be told */
    have_said(scene, "READY=1", 1, 0);
    look(scene);
    assert_int_equal(scene->count, 0);
    assert_int_equal(scene->notify.refused, 2);
    scene->membership = 1;
    have_said(scene, "READY=1", 1, 0);
    look(scene);
    assert_int_equal(scene->count, 1);
    free_scene(scene);
}

static void who_may_speak(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    const struct notify *notify = &scene->notify;
    scene->notify.user = SERVICE;
    scene->membership = 1;
    assert_true(notify_may_speak(notify, 4711, STRANGER));
    assert_false(notify_may_speak(notify, 0, 0)); /* of another pid namespace */
    assert_false(notify_may_speak(notify, -1, 0));
    scene->membership = 0;
    assert_false(notify_may_speak(notify, 4711, SERVICE));
    assert_false(notify_may_speak(notify, 4711, getuid()));
    assert_false(notify_may_speak(notify, 4711, 0));
    assert_true(notify_may_speak(notify, getpid(), getuid()));
    scene->membership = -ESRCH;
    assert_true(notify_may_speak(notify, 4711, SERVICE));
    assert_true(notify_may_speak(notify, 4711, getuid()));
    assert_true(notify_may_speak(notify, 4711, 0));
    assert_false(notify_may_speak(notify, 4711, STRANGER));
    assert_false(notify_may_speak(notify, 4711, (uid_t)-1));
    free_scene(scene);
}

static void the_users_of_senders_are_told_by_the_kernel(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->membership = -ESRCH;
    have_said(scene, "READY=1", 1, STRANGER);
    look(scene);
    assert_int_equal(scene->count, 0);
    assert_int_equal(scene->notify.refused, 1);
    scene->notify.user = STRANGER;
    pid_t pid = have_said(scene, "READY=1", 1, STRANGER);
    look(scene);
    assert_int_equal(scene->count, 1);
    assert_int_equal(scene->words[0].pid, pid);
    assert_int_equal(scene->words[0].user, STRANGER);
    free_scene(scene);
}

/* What holds for one user need not for the next that a process has. */
static void a_sender_can_change_its_user(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->membership = -ESRCH;
    pid_t pid = fork();
    if (pid == 0) {
        int fd = reach(scene);
        bool said = send(fd, "STATUS=root", 11, 0) == 11 && setuid(STRANGER) == 0 && send(fd, "READY=1", 7, 0) == 7;
        _exit(!said);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    look(scene);
    assert_int_equal(scene->count, 1);
    assert_string_equal(scene->words[0].status, "root");
    assert_int_equal(scene->notify.refused, 1);
    free_scene(scene);
}

enum { NO_NAMESPACES = 77 };

static int hear_from_outside(int address, int said)
{
    struct scene *scene = make_scene();
    char byte;
    ssize_t length = (ssize_t)sizeof(scene->notify.address);
    if (write(address, scene->notify.address, sizeof(scene->notify.address)) != length || read(said, &byte, 1) != 1)
        return 1;
    look(scene);
    return !(scene->count == 0 && scene->notify.refused == 1 && scene->asked == 0);
}

/* Whoever has made a namespace is not in it itself, and cannot do much afterwards. */
static int hear_in_a_namespace(int address, int said)
{
    if (unshare(CLONE_NEWPID) < 0)
        return NO_NAMESPACES;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(hear_from_outside(address, said));
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static void who_has_no_number_here_is_refused(void **state)
{
    (void)state;
    int address[2], said[2], status;
    struct scene outside = {0};
    assert_int_equal(pipe(address), 0);
    assert_int_equal(pipe(said), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(hear_in_a_namespace(address[1], said[0]));
    close(address[1]);
    if (read(address[0], outside.notify.address, sizeof(outside.notify.address)) > 0)
        say_word(&outside, "READY=1");
    assert_int_equal(write(said[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(address[0]);
    close(said[0]);
    close(said[1]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACES)
        skip_test("pid namespaces");
    assert_int_equal(status, 0);
}

static void many_words_of_one_are_judged_once(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    have_said(scene, "WATCHDOG=1", 5, 0);
    look(scene);
    assert_int_equal(scene->count, 5);
    assert_int_equal(scene->asked, 1);
    have_said(scene, "WATCHDOG=1", 1, 0);
    look(scene);
    assert_int_equal(scene->asked, 2);
    free_scene(scene);
}

static const struct test tests[] = {
    PK_TEST(only_members_are_heard),
    PK_TEST(who_may_speak),
    PK_TEST_WITH(the_users_of_senders_are_told_by_the_kernel, .needs = NEEDS_ROOT),
    PK_TEST_WITH(a_sender_can_change_its_user, .needs = NEEDS_ROOT),
    PK_TEST_WITH(who_has_no_number_here_is_refused, .needs = NEEDS_ROOT),
    PK_TEST(many_words_of_one_are_judged_once),
};

PK_TEST_MAIN(tests)
