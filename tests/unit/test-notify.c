/*
 * The socket at which a service says how it is: what is heard there.
 */
#include "saying.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Hearing ---------------------------------------------------------------------------------------------------- */

static void words_come_in_order_with_their_sender(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    pid_t first = have_said(scene, "STATUS=one", 1, 0), second = have_said(scene, "READY=1\nSTATUS=two", 1, 0);
    say_word(scene, "STOPPING=1");
    look(scene);
    assert_int_equal(scene->count, 3);
    assert_string_equal(scene->words[0].status, "one");
    assert_int_equal(scene->words[0].pid, first);
    assert_int_equal(scene->words[0].user, getuid());
    assert_false(scene->words[0].ready);
    assert_string_equal(scene->words[1].status, "two");
    assert_int_equal(scene->words[1].pid, second);
    assert_true(scene->words[1].ready);
    assert_int_equal(scene->words[2].pid, getpid());
    assert_true(scene->words[2].stopping && !scene->words[2].has_status);
    assert_int_equal(scene->notify.heard, 3);
    free_scene(scene);
}

static void each_has_an_address_of_its_own(void **state)
{
    (void)state;
    struct scene *one = make_scene(), *other = make_scene();
    assert_int_equal(strncmp(one->notify.address, "@processkit-", 12), 0);
    assert_int_equal(strlen(one->notify.address), 12 + 32);
    assert_int_equal(strspn(one->notify.address + 12, "0123456789abcdef"), 32);
    assert_string_not_equal(one->notify.address, other->notify.address);
    assert_true(fcntl(one->notify.fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(one->notify.fd, F_GETFL) & O_NONBLOCK);
    say_word(one, "READY=1");
    look(other);
    assert_int_equal(other->count, 0);
    notify_close(&one->notify);
    notify_close(&one->notify);
    assert_int_equal(reach(one), -1);
    free_scene(one);
    free_scene(other);
}

static void what_is_no_message_is_counted(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    char most[NOTIFY_MESSAGE_MAX + 1];
    size_t head = (size_t)snprintf(most, sizeof(most), "READY=1\nX=");
    memset(most + head, 'x', sizeof(most) - head);
    say_bytes(scene, "", 0);
    say_bytes(scene, "READY=1\0STATUS=x", 16);
    say_word(scene, "\xff\xfe\x1b[2J");
    say_bytes(scene, most, sizeof(most)); /* cut off: one byte too many */
    look(scene);
    assert_int_equal(scene->notify.dropped, 4);
    assert_int_equal(scene->count, 0);
    assert_int_equal(scene->asked, 0);
    say_bytes(scene, most, sizeof(most) - 1);
    say_word(scene, "BARRIER=1"); /* a message, and nobody need hear of it */
    say_word(scene, "STATUS=\xff");
    look(scene);
    assert_int_equal(scene->notify.dropped, 4);
    assert_int_equal(scene->count, 2);
    assert_true(scene->words[0].ready);
    assert_string_equal(scene->words[1].status, "\\xff");
    free_scene(scene);
}

/* ---- Callbacks -------------------------------------------------------------------------------------------------- */

static void a_word_may_close_the_socket(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->close_after = 2;
    for (int i = 0; i < 4; i++)
        say_word(scene, "WATCHDOG=1");
    look(scene);
    assert_int_equal(scene->count, 2);
    assert_int_equal(scene->notify.fd, -1);
    look(scene);
    free_scene(scene);
}

static void free_all(const struct notify_word *word, void *data)
{
    struct scene *scene = data;
    assert_true(word->watchdog);
    notify_close(&scene->notify);
    free(scene);
}

static void a_word_may_free_what_the_socket_is_in(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    pk_loop *loop = scene->loop;
    scene->notify.callback = free_all;
    say_word(scene, "WATCHDOG=1");
    say_word(scene, "WATCHDOG=1");
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    pk_loop_free(loop);
}

/* Whoever is told a word looks for more at once. */
static void read_on(const struct notify_word *word, void *data)
{
    struct scene *scene = data;
    hear_word(word, scene);
    if (scene->notify.fd >= 0)
        notify_read(&scene->notify);
}

static void words_can_be_read_from_a_word(void **state)
{
    (void)state;
    for (size_t close_after = 0; close_after <= 4; close_after++) {
        struct scene *scene = make_scene();
        scene->notify.callback = read_on;
        scene->close_after = close_after;
        for (int i = 0; i < 4; i++)
            say_word(scene, "WATCHDOG=1");
        look(scene);
        assert_int_equal(scene->count, close_after > 0 ? close_after : 4);
        free_scene(scene);
    }
}

/* Two readings know nothing of what they were in, then. */
static void free_all_inside(const struct notify_word *word, void *data)
{
    struct scene *scene = data;
    if (scene->count++ > 0)
        free_all(word, data);
    else
        notify_read(&scene->notify);
}

static void a_word_that_was_read_from_a_word_may_free_all(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    pk_loop *loop = scene->loop;
    scene->notify.callback = free_all_inside;
    for (int i = 0; i < 4; i++)
        say_word(scene, "WATCHDOG=1");
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    pk_loop_free(loop);
}

static void last_words_can_be_asked_for(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    say_word(scene, "STATUS=good bye");
    notify_read(&scene->notify);
    assert_int_equal(scene->count, 1);
    notify_read(&scene->notify);
    assert_int_equal(scene->count, 1);
    notify_close(&scene->notify);
    notify_read(&scene->notify);
    free_scene(scene);
}

/* The loop may go first. */
static void it_outlives_its_loop(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->loop = pk_loop_free(scene->loop);
    say_word(scene, "READY=1");
    free_scene(scene);
}

/* ---- Floods ----------------------------------------------------------------------------------------------------- */

enum { FLOOD = 10000 };

struct flood {
    struct scene *scene;
    struct loop_timer timer;
    unsigned ticks;
    size_t most_between; /* words between two ticks */
    size_t last;
};

static void on_tick(struct loop_timer *timer, void *data)
{
    struct flood *flood = data;
    size_t heard = flood->scene->count - flood->last;
    flood->most_between = heard > flood->most_between ? heard : flood->most_between;
    flood->last = flood->scene->count;
    flood->ticks++;
    assert_int_equal(loop_timer_set(timer, pk_now()), 0);
}

static void a_flood_starves_nobody(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    struct flood flood = {.scene = scene};
    assert_int_equal(loop_timer_add(scene->loop, &flood.timer, pk_now(), on_tick, &flood), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = reach(scene);
        for (int i = 0; i < FLOOD; i++)
            if (send(fd, "WATCHDOG=1", 10, 0) != 10)
                _exit(1);
        _exit(0);
    }
    while (scene->count < FLOOD)
        assert_true(pk_loop_dispatch(scene->loop, PK_FOREVER, NULL) >= 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    print_message("%u ticks, at most %zu words between two\n", flood.ticks, flood.most_between);
    assert_true(flood.ticks >= FLOOD / NOTIFY_MOST_AT_ONCE);
    assert_true(flood.most_between <= NOTIFY_MOST_AT_ONCE);
    loop_timer_remove(&flood.timer);
    free_scene(scene);
}

/* A network of its own, in which as many of them can wait. */
static void let_wait(const char *most)
{
    if (unshare(CLONE_NEWNET) < 0)
        skip_test("network namespaces");
    int fd = open("/proc/sys/net/unix/max_dgram_qlen", O_WRONLY);
    if (fd < 0 || write(fd, most, strlen(most)) < 0)
        skip_test("a net.unix.max_dgram_qlen that can be set");
    close(fd);
}

static void what_is_too_much_at_once_comes_next_time(void **state)
{
    (void)state;
    let_wait("512");
    struct scene *scene = make_scene();
    int fd = reach(scene);
    for (int i = 0; i < NOTIFY_MOST_AT_ONCE + 10; i++)
        assert_int_equal(send(fd, "WATCHDOG=1", 10, MSG_DONTWAIT), 10);
    close(fd);
    look(scene);
    assert_int_equal(scene->count, NOTIFY_MOST_AT_ONCE);
    look(scene);
    assert_int_equal(scene->count, NOTIFY_MOST_AT_ONCE + 10);
    free_scene(scene);
}

static const struct test tests[] = {
    PK_TEST(words_come_in_order_with_their_sender),
    PK_TEST(each_has_an_address_of_its_own),
    PK_TEST(what_is_no_message_is_counted),
    PK_TEST(a_word_may_close_the_socket),
    PK_TEST(a_word_may_free_what_the_socket_is_in),
    PK_TEST(words_can_be_read_from_a_word),
    PK_TEST(a_word_that_was_read_from_a_word_may_free_all),
    PK_TEST(last_words_can_be_asked_for),
    PK_TEST(it_outlives_its_loop),
    PK_TEST(a_flood_starves_nobody),
    PK_TEST_WITH(what_is_too_much_at_once_comes_next_time, .needs = NEEDS_ROOT),
};

PK_TEST_MAIN(tests)
