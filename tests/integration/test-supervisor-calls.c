/*
 * Callbacks may do anything but free the supervisor, at any time.
 */
#include "vigil.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- While it is being started ---------------------------------------------------------------------------------- */

static void restart_the_first(const pk_trace *trace, void *data)
{
    pk_error error;
    struct vigil *vigil = data;
    if (trace->kind != PK_TRACE_SPAWNED || vigil->data)
        return;
    vigil->data = vigil;
    assert_ok(pk_service_restart(pk_supervisor_find(vigil->supervisor, "web"), &error), error);
}

/* The first one is late, the second one has time. */
static void stop_the_second(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_ENDED)
        pk_service_ready_timeout(event->service, PK_SECONDS(60));
    if (event->kind == PK_SERVICE_IS_READY)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

/* It takes a second to stop. */
static void a_restart_while_it_starts_keeps_nobody_busy(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = stop_the_second;
    pk_auto(pk_command) command = cast_command(NULL, "ignore TERM -- print up -- hold");
    pk_command_grace(command, PK_SECONDS(1));
    pk_command_trace(command, restart_the_first, &vigil);
    pk_service *web = pk_supervisor_add(vigil.supervisor, "web", command);
    pk_service_ready_line(web, 1, NULL, NULL);
    pk_service_ready_timeout(web, PK_MILLISECONDS(10));
    clock_t before = clock();
    vigil_run(&vigil);
    clock_t used = clock() - before;
    assert_string_equal(vigil.diary, "web stops, web started, web ended, web started, web ready, web stops, "
                                     "web ended, web rests");
    assert_true(used < CLOCKS_PER_SEC / 2 * (clock_t)test_slowness());
    vigil_free(&vigil);
}

/* ---- When all is over ------------------------------------------------------------------------------------------- */

static void remove_who_lost_lines(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind != PK_SERVICE_LOG_LOST)
        return;
    pk_service_remove(event->service);
    assert_null(pk_supervisor_find(vigil->supervisor, "web"));
}

static void note_end(pk_supervisor *supervisor, int number, const pk_error *error, void *data)
{
    (void)supervisor, (void)number, (void)error;
    *(bool *)data = true;
}

static void dispatch(pk_loop *loop)
{
    pk_error error;
    assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
}

/* Who reads the log goes away when the supervisor is over, and there are lines left to write. */
static void a_service_is_removed_while_its_losses_are_told(void **state)
{
    pk_error error;
    struct vigil vigil;
    bool ended = false;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    (void)state;
    options.path = "log";
    options.times = false;
    pk_auto(pk_loop) loop = NULL;
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_int_equal(mkfifo("log", 0600), 0);
    int reader = open("log", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    vigil_init(&vigil);
    vigil.react = remove_who_lost_lines;
    pk_service_log(vigil_add_script(&vigil, "web", "yes | head -n 60000"), &options);
    assert_ok(pk_supervisor_start(vigil.supervisor, loop, note_end, &ended, &error), error);
    while (!ended)
        dispatch(loop);
    assert_null(strstr(vigil.diary, "log-lost"));
    close(reader);
    while (pk_supervisor_next(vigil.supervisor, NULL))
        dispatch(loop);
    assert_non_null(strstr(vigil.diary, "web log-lost"));
    vigil_free(&vigil);
}

static const struct test tests[] = {
    PK_TEST(a_restart_while_it_starts_keeps_nobody_busy),
    PK_TEST(a_service_is_removed_while_its_losses_are_told),
};

PK_TEST_MAIN(tests)
