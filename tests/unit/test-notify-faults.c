/*
 * The socket of a service: descriptors that come with a message, and what fails.
 */
#include "saying.h"
#include "sys/fault.h"
#include "sys/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

static int count_descriptors(void)
{
    int count = 0;
    DIR *fds = opendir("/proc/self/fd");
    while (readdir(fds))
        count++;
    closedir(fds);
    return count;
}

static bool has_ended(int fd)
{
    struct pollfd end = {.fd = fd, .events = POLLIN};
    return poll(&end, 1, 0) == 1 && (end.revents & POLLHUP);
}

/* With descriptors. */
static bool say_with(int fd, const char *text, const int *fds, size_t count)
{
    return sys_send_with(fd, text, strlen(text), fds, count) >= 0;
}

/* As sd_notify_barrier does: it waits until nobody else has the writing end of its pipe any more. */
static void passed_descriptors_are_let_go_of(void **state)
{
    const size_t *count = *state;
    struct scene *scene = make_scene();
    int ends[2], fds[253], fd = reach(scene);
    assert_int_equal(pipe(ends), 0);
    for (size_t i = 0; i < *count; i++)
        fds[i] = ends[1];
    int before = count_descriptors();
    assert_true(say_with(fd, "READY=1\nFDSTORE=1", fds, *count));
    assert_true(say_with(fd, "BARRIER=1", fds, *count));
    close(ends[1]);
    assert_false(has_ended(ends[0]));
    look(scene);
    assert_true(has_ended(ends[0]));
    assert_int_equal(count_descriptors(), before - 1);
    assert_int_equal(scene->count, 1);
    assert_true(scene->words[0].ready);
    assert_int_equal(scene->words[0].pid, getpid());
    close(ends[0]);
    close(fd);
    free_scene(scene);
}

static void a_full_table_of_descriptors_makes_no_difference(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    struct rlimit old, none;
    int ends[2], fd = reach(scene);
    assert_int_equal(pipe(ends), 0);
    assert_true(say_with(fd, "READY=1", ends, 2));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
    close(ends[1]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    look(scene);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_true(has_ended(ends[0]));
    assert_int_equal(scene->count, 1);
    close(ends[0]);
    close(fd);
    free_scene(scene);
}

static void no_room_for_the_socket_is_an_error(void **state)
{
    (void)state;
    struct scene *scene = make_scene_without();
    struct rlimit old, none;
    pk_error error;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int r = notify_open(&scene->notify, scene->loop, hear_word, tell_membership, scene, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(r, -EMFILE);
    assert_non_null(strstr(error.message, "cannot make the socket for NOTIFY_SOCKET: "));
    assert_int_equal(scene->notify.fd, -1);
    free_scene(scene);
}

static void each_call_of_the_opening_can_fail(void **state)
{
    (void)state;
    static const char *const calls[] = {"getrandom", "socket", "setsockopt", "bind", "epoll_ctl"};
    static const int numbers[] = {EAGAIN, EAFNOSUPPORT, ENOPROTOOPT, EADDRINUSE, ENOSPC};
    struct scene *scene = make_scene_without();
    int before = count_descriptors();
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        pk_error error;
        sys_fault_clear();
        sys_fault_set(calls[i], 1, numbers[i]);
        assert_int_equal(notify_open(&scene->notify, scene->loop, hear_word, tell_membership, scene, &error),
                         -numbers[i]);
        assert_int_equal(sys_fault_count(calls[i]), 1);
        sys_fault_clear();
        assert_int_equal(error.number, -numbers[i]);
        assert_true(error.message[0] != '\0');
        assert_int_equal(scene->notify.fd, -1);
        assert_int_equal(count_descriptors(), before);
        notify_close(&scene->notify);
    }
    free_scene(scene);
}

static void a_read_that_fails_is_made_again(void **state)
{
    (void)state;
    static const int numbers[] = {ENOMEM, EINTR, EAGAIN};
    struct scene *scene = make_scene();
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        say_word(scene, "WATCHDOG=1");
        sys_fault_clear();
        sys_fault_set("recvmsg", 0, numbers[i]);
        look(scene);
        assert_true(sys_fault_count("recvmsg") > 0 && sys_fault_count("recvmsg") <= NOTIFY_MOST_AT_ONCE);
        sys_fault_clear();
        assert_int_equal(scene->count, i);
        look(scene);
        assert_int_equal(scene->count, i + 1);
    }
    free_scene(scene);
}

static void an_interrupted_read_goes_on(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    say_word(scene, "WATCHDOG=1");
    sys_fault_clear();
    sys_fault_set("recvmsg", 1, EINTR);
    look(scene);
    sys_fault_clear();
    assert_int_equal(scene->count, 1);
    free_scene(scene);
}

/* Standard descriptors that are closed stay the program's. */
static void it_takes_no_standard_descriptor(void **state)
{
    (void)state;
    int copy = fcntl(0, F_DUPFD_CLOEXEC, 10);
    close(0);
    struct scene *scene = make_scene();
    bool aside = scene->notify.fd > 2;
    dup2(copy, 0);
    close(copy);
    assert_true(aside);
    free_scene(scene);
}

static const size_t one = 1, as_many_as_can_be = 253;

static const struct test tests[] = {
    PK_TEST_NAMED("passed_descriptors_are_let_go_of/one", passed_descriptors_are_let_go_of, .data = &one),
    PK_TEST_NAMED("passed_descriptors_are_let_go_of/253", passed_descriptors_are_let_go_of, .data = &as_many_as_can_be),
    PK_TEST(a_full_table_of_descriptors_makes_no_difference),
    PK_TEST(no_room_for_the_socket_is_an_error),
    PK_TEST(each_call_of_the_opening_can_fail),
    PK_TEST(a_read_that_fails_is_made_again),
    PK_TEST(an_interrupted_read_goes_on),
    PK_TEST(it_takes_no_standard_descriptor),
};

PK_TEST_MAIN(tests)
