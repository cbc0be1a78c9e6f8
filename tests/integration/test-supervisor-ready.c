/*
 * When services are ready, and whether they are well.
 */
#include "vigil.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void stop_when_ready(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_IS_READY)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

#define UNTIL_READY "web started, web ready, web stops, web ended, web rests"

static void run_until_ready(struct vigil *vigil)
{
    vigil->react = stop_when_ready;
    vigil_run(vigil);
    assert_string_equal(vigil->diary, UNTIL_READY);
    vigil_free(vigil);
}

/* ---- What it says itself ---------------------------------------------------------------------------------------- */

static bool is_open(const pk_line *line, void *data)
{
    (void)data;
    return strcmp(line->text, "open") == 0;
}

static void by_a_line(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service_ready_line(vigil_add(&vigil, "web", "print-to 2 begins -- print-to 2 open -- hold"), 2, is_open, NULL);
    run_until_ready(&vigil);
}

static void by_a_line_feed_on_a_descriptor(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service_ready_fd(vigil_add_script(&vigil, "web", "printf . >&5; echo >&5; exec sleep 1000"), 5);
    run_until_ready(&vigil);
}

/* The end of the pipe is not a line feed. */
static void not_by_closing_that_descriptor(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = vigil_add_script(&vigil, "web", "printf x >&3; exec 3>&-; exec sleep 1000");
    pk_service_ready_fd(web, 3);
    pk_service_ready_timeout(web, PK_MILLISECONDS(200));
    vigil_restarts(web, PK_RESTART_NEVER, 0);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web not-ready, web stops, web ended, web over");
    assert_int_equal(vigil.end, PK_SERVICE_FAILED);
    vigil_free(&vigil);
}

/* Whoever was told of lines before is told of them as well. */
static void count_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)line;
    ++*(int *)data;
}

static void the_commands_own_callback_is_called_too(void **state)
{
    struct vigil vigil;
    int lines = 0;
    (void)state;
    vigil_init(&vigil);
    vigil.react = stop_when_ready;
    pk_auto(pk_command) command = cast_command(NULL, "print one -- print open -- hold");
    pk_command_on_line(command, 1, count_line, &lines);
    pk_service *web = pk_supervisor_add(vigil.supervisor, "web", command);
    pk_service_ready_line(web, 1, is_open, NULL);
    vigil_run(&vigil);
    assert_int_equal(lines, 2);
    vigil_free(&vigil);
}

/* ---- In time ---------------------------------------------------------------------------------------------------- */

#define IN_TIME PK_SECONDS(2)

static void hand_over(const char *fifo, int flags)
{
    char byte = '\n';
    int end = open(fifo, flags | O_CLOEXEC);
    assert_int_equal(flags == O_WRONLY ? write(end, &byte, 1) : read(end, &byte, 1), 1);
    close(end);
}

/* When the bell has rung, web says that it is ready; the owner is busy until it should have heard that, and has looked
 * at what there was to read before. */
static void be_busy(struct vigil *vigil, const pk_service_event *event)
{
    static pk_time late;
    bool is_web = strcmp(event->name, "web") == 0;
    if (is_web && event->kind == PK_SERVICE_STARTED)
        late = event->time + IN_TIME + 1;
    if (strcmp(event->name, "bell") == 0 && event->kind == PK_SERVICE_IS_READY) {
        hand_over("gate", O_WRONLY);
        hand_over("said", O_RDONLY);
        while (pk_now() < late)
            usleep(1000);
    }
    if (is_web && (event->kind == PK_SERVICE_IS_READY || event->kind == PK_SERVICE_NOT_READY))
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void what_was_written_in_time_is_heard_first(void **state)
{
    struct vigil vigil;
    (void)state;
    assert_int_equal(mkfifo("gate", 0600), 0);
    assert_int_equal(mkfifo("said", 0600), 0);
    vigil_init(&vigil);
    vigil.react = be_busy;
    pk_service *web = vigil_add_script(&vigil, "web", "read go <gate; echo open; echo >said; exec sleep 1000");
    pk_service_ready_line(web, 1, is_open, NULL);
    pk_service_ready_timeout(web, IN_TIME);
    pk_service_ready_line(vigil_add(&vigil, "one", "hold"), 1, NULL, NULL); /* so that there are more timers */
    pk_service_ready_line(vigil_add(&vigil, "two", "hold"), 1, NULL, NULL);
    pk_service_ready_line(vigil_add(&vigil, "bell", "print rings -- hold"), 1, NULL, NULL);
    vigil_run(&vigil);
    assert_non_null(strstr(vigil.diary, "bell ready, web ready"));
    vigil_free(&vigil);
    unlink("gate");
    unlink("said");
}

/* ---- What is asked ---------------------------------------------------------------------------------------------- */

static void by_a_path(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service_ready_take(vigil_add(&vigil, "web", "touch here -- hold"), pk_probe_path("here"));
    run_until_ready(&vigil);
    unlink("here");
}

static void by_a_command(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_auto(pk_command) command = pk_command_new("test", "-e", "here", NULL);
    pk_service_ready_take(vigil_add(&vigil, "web", "touch here -- hold"), pk_probe_command(command));
    run_until_ready(&vigil);
    unlink("here");
}

static int say_yes_the_third_time(void *data)
{
    return ++*(int *)data >= 3;
}

static void by_a_callback(void **state)
{
    struct vigil vigil;
    int asked = 0;
    (void)state;
    vigil_init(&vigil);
    pk_service_ready_take(vigil_add(&vigil, "web", "hold"), pk_probe_call(say_yes_the_third_time, &asked));
    run_until_ready(&vigil);
    assert_int_equal(asked, 3);
}

static void not_when_it_has_ended_before(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = vigil_add(&vigil, "web", "exit 0");
    pk_service_ready_take(web, pk_probe_path("nowhere"));
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ended, web over");
    assert_int_equal(vigil.end, PK_SERVICE_SATISFIED);
    vigil_free(&vigil);
}

static void not_in_time_is_a_failure(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = vigil_add(&vigil, "web", "hold");
    pk_service_ready_take(web, pk_probe_port("127.0.0.1", 1));
    pk_service_ready_timeout(web, PK_MILLISECONDS(50));
    vigil_restarts(web, PK_RESTART_ON_FAILURE, 1);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web not-ready, web stops, web ended, "
                                     "web started, web not-ready, web stops, web ended, web over");
    assert_int_equal(vigil.end, PK_SERVICE_EXHAUSTED);
    vigil_free(&vigil);
}

/* ---- Well ------------------------------------------------------------------------------------------------------- */

static void ask_often(pk_service *service, pk_probe *probe, unsigned failures)
{
    pk_alive_options options = PK_ALIVE_OPTIONS_INIT;
    options.interval = PK_MILLISECONDS(5);
    options.timeout = PK_MILLISECONDS(300);
    options.failures = failures;
    pk_service_alive_take(service, probe, &options);
    vigil_restarts(service, PK_RESTART_ON_FAILURE, 1);
}

#define TWICE_NOT_WELL                                             \
    "web started, web ready, web not-well, web stops, web ended, " \
    "web started, web ready, web not-well, web stops, web ended, web over"

static int say_no(void *data)
{
    ++*(int *)data;
    return 0;
}

static void three_times_not_well_is_a_failure(void **state)
{
    struct vigil vigil;
    pk_service_status status;
    int asked = 0;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = vigil_add(&vigil, "web", "hold");
    ask_often(web, pk_probe_call(say_no, &asked), 3);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, TWICE_NOT_WELL);
    assert_int_equal(asked, 6);
    pk_service_look(web, &status);
    assert_int_equal(status.not_well, 2);
    vigil_free(&vigil);
}

struct physician {
    pk_service *service;
    int asked;
};

static int restart_once(void *data)
{
    struct physician *physician = data;
    if (physician->asked++ == 0)
        pk_service_restart(physician->service, NULL);
    return -EPERM;
}

/* The answer of the first time is of no use any more: the second time it is one. */
static void a_callback_may_restart_its_service(void **state)
{
    struct vigil vigil;
    struct physician physician = {0};
    (void)state;
    vigil_init(&vigil);
    physician.service = vigil_add(&vigil, "web", "hold");
    ask_often(physician.service, pk_probe_call(restart_once, &physician), 1);
    vigil_restarts(physician.service, PK_RESTART_NEVER, 0);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ready, web stops, web ended, "
                                     "web started, web ready, web not-well, web stops, web ended, web over");
    assert_int_equal(physician.asked, 2);
    vigil_free(&vigil);
}

/* It is killed, and counts as no answer. */
static void a_probe_may_hang(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_auto(pk_command) command = cast_command(NULL, "ignore TERM -- hold");
    ask_often(vigil_add(&vigil, "web", "hold"), pk_probe_command(command), 1);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, TWICE_NOT_WELL);
    vigil_free(&vigil);
}

static void a_heart_has_to_beat(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    ask_often(vigil_add(&vigil, "web", "hold"), pk_probe_heartbeat("heart", PK_MILLISECONDS(30)), 1);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, TWICE_NOT_WELL);
    vigil_free(&vigil);
}

struct pulse {
    pk_supervisor *supervisor;
    int times;
};

/* By changes, whatever time they say. It has been looked at between any two of them. */
static int touch(void *data)
{
    struct pulse *pulse = data;
    struct timespec when[2] = {{.tv_sec = 100 + pulse->times}, {.tv_sec = 100 + pulse->times}};
    if (++pulse->times == 20)
        pk_supervisor_stop(pulse->supervisor, NULL);
    int file = open("heart", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    futimens(file, when);
    close(file);
    return 1;
}

static void a_heart_that_beats_is_well(void **state)
{
    struct vigil vigil;
    struct pulse pulse = {0};
    (void)state;
    vigil_init(&vigil);
    pulse.supervisor = vigil.supervisor;
    ask_often(vigil_add(&vigil, "web", "hold"), pk_probe_heartbeat("heart", PK_SECONDS(20)), 1);
    ask_often(vigil_add(&vigil, "pulse", "hold"), pk_probe_call(touch, &pulse), 1);
    vigil_run(&vigil);
    assert_null(strstr(vigil.diary, "not-well"));
    assert_int_equal(pulse.times, 20);
    unlink("heart");
    vigil_free(&vigil);
}

static void a_watchdog_has_to_be_fed(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = vigil_add_script(&vigil, "web", "[ \"$WATCHDOG_USEC\" = 30000 ] || exit 9; exec sleep 1000");
    pk_service_watchdog(web, PK_MILLISECONDS(30));
    vigil_restarts(web, PK_RESTART_ON_FAILURE, 1);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, TWICE_NOT_WELL);
    vigil_free(&vigil);
}

/* ---- What the owner itself was told is not for its services ------------------------------------------------------ */

static void sockets_of_the_owner_are_not_passed_on(void **state)
{
    struct vigil vigil;
    (void)state;
    setenv("NOTIFY_SOCKET", "/somewhere", 1);
    setenv("WATCHDOG_USEC", "1", 1);
    vigil_init(&vigil);
    vigil_add_script(&vigil, "web", "[ -z \"$NOTIFY_SOCKET$WATCHDOG_USEC\" ]");
    vigil_run(&vigil);
    assert_int_equal(vigil.end, PK_SERVICE_SATISFIED);
    vigil_free(&vigil);
}

static const struct test tests[] = {
    PK_TEST(by_a_line),
    PK_TEST(by_a_line_feed_on_a_descriptor),
    PK_TEST(not_by_closing_that_descriptor),
    PK_TEST(the_commands_own_callback_is_called_too),
    PK_TEST(what_was_written_in_time_is_heard_first),
    PK_TEST(by_a_path),
    PK_TEST(by_a_command),
    PK_TEST(by_a_callback),
    PK_TEST(not_when_it_has_ended_before),
    PK_TEST(not_in_time_is_a_failure),
    PK_TEST(three_times_not_well_is_a_failure),
    PK_TEST(a_callback_may_restart_its_service),
    PK_TEST(a_probe_may_hang),
    PK_TEST(a_heart_has_to_beat),
    PK_TEST(a_heart_that_beats_is_well),
    PK_TEST(a_watchdog_has_to_be_fed),
    PK_TEST(sockets_of_the_owner_are_not_passed_on),
};

PK_TEST_MAIN(tests)
