/*
 * What changes while a supervisor runs: services that come late, settings that are wrong, circles, processes that are
 * taken away.
 */
#include "vigil.h"

#include <errno.h>
#include <string.h>

/* ---- Circles ---------------------------------------------------------------------------------------------------- */

/* When `a` is ready: its need is replaced by one that needs it, and one that needs nobody is added. */
static void close_a_circle(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    if (event->kind == PK_SERVICE_IS_READY && strcmp(event->name, "a") == 0 && !vigil->data) {
        vigil->data = vigil;
        pk_service_remove(pk_supervisor_find(vigil->supervisor, "b"));
        pk_service_needs(vigil_add(vigil, "b", "hold"), "a");
        vigil_add(vigil, "c", "hold");
    }
    if (event->kind == PK_SERVICE_IS_OVER && vigil->starts == 2) {
        assert_int_equal(event->end, PK_SERVICE_INVALID);
        assert_non_null(strstr(event->text, "in a circle"));
        assert_ok(pk_service_start(event->service, &error), error); /* which is refused again */
    }
    if (event->kind == PK_SERVICE_IS_READY && strcmp(event->name, "c") == 0)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void a_late_circle_is_refused_and_holds_nobody_up(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = close_a_circle;
    pk_service_needs(vigil_add(&vigil, "a", "hold"), "b");
    vigil_add(&vigil, "b", "hold");
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, 3);
    assert_non_null(strstr(vigil.diary, "a rests"));
    vigil_free(&vigil);
}

/* Two who need each other are added; then one of them is started once more. */
static void start_a_member(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    if (event->kind == PK_SERVICE_IS_READY) {
        pk_service_needs(vigil_add(vigil, "a", "hold"), "b");
        pk_service_needs(vigil_add(vigil, "b", "hold"), "a");
    }
    if (event->kind == PK_SERVICE_IS_OVER && event->end == PK_SERVICE_NEEDLESS && !vigil->data) {
        vigil->data = vigil;
        assert_ok(pk_service_start(event->service, &error), error);
        assert_ok(pk_service_stop(pk_supervisor_find(vigil->supervisor, "c"), NULL, &error), error);
    }
}

static void members_of_a_circle_do_not_wait_for_each_other(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = start_a_member;
    vigil_add(&vigil, "c", "hold");
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, 1);
    vigil_free(&vigil);
}

/* ---- Settings --------------------------------------------------------------------------------------------------- */

static void spoil_it(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_STARTED && strcmp(event->name, "database") == 0)
        pk_service_ready_timeout(event->service, 0);
    (void)vigil;
}

/* What was set wrong holds from the next start on, and whoever waits for it does not wait for ever. */
static void a_wrong_setting_ends_it_at_its_next_start(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = spoil_it;
    pk_service_needs(vigil_add(&vigil, "web", "hold"), "database");
    pk_service *database = vigil_add(&vigil, "database", "exit 1");
    pk_service_ready_line(database, 1, NULL, NULL);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web waits, database started, database ended, database over, web over");
    assert_int_equal(vigil.end, PK_SERVICE_NEEDLESS);
    vigil_free(&vigil);
}

/* ---- Order ------------------------------------------------------------------------------------------------------ */

static void stop_the_need(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    if (event->kind == PK_SERVICE_IS_READY && strcmp(event->name, "web") == 0)
        assert_ok(pk_service_stop(pk_supervisor_find(vigil->supervisor, "database"), NULL, &error), error);
}

static void who_needs_it_is_stopped_with_it(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = stop_the_need;
    vigil_add(&vigil, "database", "hold");
    pk_service_needs(vigil_add(&vigil, "web", "hold"), "database");
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "database started, database ready, web started, web ready, web stops, "
                                     "web ended, web rests, database stops, database ended, database rests");
    vigil_free(&vigil);
}

/* ---- Calls that are too much ------------------------------------------------------------------------------------ */

static void run_it_once_more(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    if (event->kind != PK_SERVICE_IS_READY)
        return;
    assert_int_equal(pk_supervisor_run(vigil->supervisor, &error), -EINVAL);
    options.spare = true;
    assert_int_equal(pk_service_stop(event->service, &options, &error), -EINVAL);
    pk_supervisor_stop(vigil->supervisor, &options); /* which are not those to be used */
}

static void a_second_run_leaves_the_first_alone(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = run_it_once_more;
    vigil_add(&vigil, "web", "hold");
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ready, web stops, web ended, web rests");
    vigil_free(&vigil);
}

static void free_it(pk_process *process, const pk_line *line, void *data)
{
    (void)line, (void)data;
    pk_process_free(process);
}

/* Whether anything is left of it, nobody can tell: it is not started again. */
static void a_process_that_a_callback_frees_is_given_up(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_auto(pk_command) command = cast_command(NULL, "print up -- hold");
    pk_command_on_line(command, 1, free_it, NULL);
    vigil_restarts(pk_supervisor_add(vigil.supervisor, "web", command), PK_RESTART_ALWAYS, ~0U);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ready, web over");
    assert_int_equal(vigil.end, PK_SERVICE_GAVE_UP);
    vigil_free(&vigil);
}

static const struct test tests[] = {
    PK_TEST(a_late_circle_is_refused_and_holds_nobody_up), PK_TEST(members_of_a_circle_do_not_wait_for_each_other),
    PK_TEST(a_wrong_setting_ends_it_at_its_next_start),    PK_TEST(who_needs_it_is_stopped_with_it),
    PK_TEST(a_second_run_leaves_the_first_alone),          PK_TEST(a_process_that_a_callback_frees_is_given_up),
};

PK_TEST_MAIN(tests)
