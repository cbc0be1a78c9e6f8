/*
 * Supervisors: when services are started, restarted, stopped and given up, and in what order.
 */
#include "vigil.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Again ------------------------------------------------------------------------------------------------------ */

static void a_success_is_enough(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil_add(&vigil, "job", "exit 0");
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "job started, job ready, job ended, job over");
    assert_int_equal(vigil.end, PK_SERVICE_SATISFIED);
    vigil_free(&vigil);
}

static void a_failure_is_tried_again(void **state)
{
    struct vigil vigil;
    pk_service_status status;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = vigil_add(&vigil, "web", "exit 3");
    vigil_restarts(web, PK_RESTART_ON_FAILURE, 2);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ready, web ended, web started, web ready, web ended, "
                                     "web started, web ready, web ended, web over");
    assert_int_equal(vigil.end, PK_SERVICE_EXHAUSTED);
    assert_non_null(strstr(vigil.text, "exited with 3"));
    pk_service_look(web, &status);
    assert_int_equal(status.state, PK_SERVICE_OVER);
    assert_int_equal(status.end, PK_SERVICE_EXHAUSTED);
    assert_int_equal(status.incarnation, 3);
    assert_int_equal(status.restarts, 2);
    assert_int_equal(status.result->exit_code, 3);
    assert_int_equal(status.pid, 0);
    vigil_free(&vigil);
}

static void always_is_always(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil_restarts(vigil_add(&vigil, "web", "exit 0"), PK_RESTART_ALWAYS, 4);
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, 5);
    vigil_free(&vigil);
}

static void never_is_never(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil_restarts(vigil_add(&vigil, "web", "die KILL"), PK_RESTART_NEVER, 4);
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, 1);
    assert_int_equal(vigil.end, PK_SERVICE_FAILED);
    vigil_free(&vigil);
}

static void what_is_not_there_is_given_up_at_once(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_auto(pk_command) command = pk_command_new("there-is-no-such-program", NULL);
    pk_supervisor_add(vigil.supervisor, "web", command);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web start-failed, web over");
    assert_int_equal(vigil.end, PK_SERVICE_GAVE_UP);
    vigil_free(&vigil);
}

/* Of the second end: it has done what it was to do. */
static pk_judgement judge(pk_service *service, const pk_result *result, const pk_error *error, void *data)
{
    pk_judgement *judgements = data;
    pk_service_status status;
    assert_non_null(result);
    assert_non_null(error);
    pk_service_look(service, &status);
    return judgements[status.incarnation - 1];
}

static void its_end_can_be_judged(void **state)
{
    static const struct {
        pk_judgement judgements[3];
        unsigned starts;
        pk_service_end end;
    } rows[] = {
        {{PK_JUDGE_GIVE_UP}, 1, PK_SERVICE_GAVE_UP},
        {{PK_JUDGE_BY_POLICY, PK_JUDGE_DONE}, 2, PK_SERVICE_DONE},
        {{PK_JUDGE_RESTART, PK_JUDGE_BY_POLICY, PK_JUDGE_GIVE_UP}, 3, PK_SERVICE_GAVE_UP},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vigil vigil;
        vigil_init(&vigil);
        pk_service_on_end(vigil_add(&vigil, "web", "exit 1"), judge, (void *)rows[i].judgements);
        vigil_run(&vigil);
        assert_int_equal(vigil.starts, rows[i].starts);
        assert_int_equal(vigil.end, rows[i].end);
        vigil_free(&vigil);
    }
}

static void storms_are_sat_out(void **state)
{
    struct vigil vigil;
    pk_service_status status;
    pk_restart_options options = PK_RESTART_OPTIONS_INIT;
    (void)state;
    vigil_init(&vigil);
    options.most = 5;
    options.first_pause = options.most_pause = PK_MILLISECONDS(1);
    options.storm_failures = 3;
    options.storm_pause = PK_MILLISECONDS(30);
    pk_service *web = vigil_add(&vigil, "web", "exit 1");
    pk_service_restarts(web, &options);
    vigil_run(&vigil);
    pk_service_look(web, &status);
    assert_int_equal(status.storms, 1);
    assert_in_range(vigil.longest_pause, PK_MILLISECONDS(15), PK_MILLISECONDS(30));
    vigil_free(&vigil);
}

/* ---- Order ------------------------------------------------------------------------------------------------------ */

static void stop_when_ready(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_IS_READY && strcmp(event->name, vigil->data) == 0)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void what_is_needed_comes_first_and_goes_last(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = stop_when_ready;
    vigil.data = (void *)"web";
    pk_service_needs(vigil_add(&vigil, "web", "hold"), "database");
    pk_service_ready_line(vigil_add(&vigil, "database", "print up -- hold"), 1, NULL, NULL);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web waits, database started, database ready, web started, web ready, web stops, "
                                     "web ended, web rests, database stops, database ended, database rests");
    vigil_free(&vigil);
}

static void what_prepares_is_needed_until_it_has_ended(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service *migration = vigil_add(&vigil, "migration", "exit 0");
    pk_service_ready_end(migration);
    pk_service_needs(vigil_add(&vigil, "web", "exit 0"), "migration");
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "migration started, web waits, migration ended, migration over, web started, "
                                     "web ready, web ended, web over");
    vigil_free(&vigil);
}

static void nothing_is_started_without_what_it_needs(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service *migration = vigil_add(&vigil, "migration", "exit 1");
    pk_service_ready_end(migration);
    vigil_restarts(migration, PK_RESTART_NEVER, 0);
    pk_service_needs(vigil_add(&vigil, "web", "hold"), "migration");
    pk_service_needs(vigil_add(&vigil, "proxy", "hold"), "web");
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, 1);
    assert_int_equal(vigil.end, PK_SERVICE_NEEDLESS);
    assert_string_equal(vigil.text, "it needs web");
    vigil_free(&vigil);
}

static void circles_are_refused(void **state)
{
    struct vigil vigil;
    pk_error error;
    (void)state;
    vigil_init(&vigil);
    pk_service_needs(vigil_add(&vigil, "a", "hold"), "b");
    pk_service_needs(vigil_add(&vigil, "b", "hold"), "c");
    pk_service_needs(vigil_add(&vigil, "c", "hold"), "b");
    assert_int_equal(pk_supervisor_run(vigil.supervisor, &error), -EINVAL);
    assert_string_equal(error.message, "invalid services: they need each other in a circle: b needs c needs b");
    vigil_free(&vigil);

    vigil_init(&vigil);
    pk_service_needs(vigil_add(&vigil, "a", "hold"), "b");
    assert_int_equal(pk_supervisor_run(vigil.supervisor, &error), -EINVAL);
    assert_string_equal(error.message, "invalid service a: it needs b, which there is not");
    vigil_free(&vigil);
}

static void many_can_stand_in_a_row(void **state)
{
    struct vigil vigil;
    char name[16], need[16];
    (void)state;
    vigil_init(&vigil);
    vigil.react = stop_when_ready;
    vigil.data = (void *)"s29";
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        snprintf(need, sizeof(need), "s%d", i - 1);
        pk_service *service = vigil_add(&vigil, name, "hold");
        if (i > 0)
            pk_service_needs(service, need);
    }
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, 30);
    assert_non_null(strstr(vigil.diary, "s29 rests, s28 stops, s28 ended, s28 rests, s27 stops"));
    vigil_free(&vigil);
}

/* ---- Stopping in every state ------------------------------------------------------------------------------------ */

struct moment {
    const char *words;
    pk_service_event_kind when;
    const char *diary;
};

static void stop_at(struct vigil *vigil, const pk_service_event *event)
{
    const struct moment *moment = vigil->data;
    if (event->kind == moment->when)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void it_can_be_stopped_at_any_moment(void **state)
{
    static const struct moment moments[] = {
        {"hold", PK_SERVICE_STARTED, "web started, web stops, web ended, web rests"},
        {"hold", PK_SERVICE_IS_READY, "web started, web ready, web stops, web ended, web rests"},
        {"exit 1", PK_SERVICE_PAUSES, "web started, web ready, web ended, web rests"},
        {"exit 1", PK_SERVICE_ENDED, "web started, web ready, web ended, web rests"},
        {"ignore TERM -- hold", PK_SERVICE_IS_READY, "web started, web ready, web stops, web ended, web rests"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        struct vigil vigil;
        vigil_init(&vigil);
        vigil.react = stop_at;
        vigil.data = (void *)&moments[i];
        pk_service *web = vigil_add(&vigil, "web", moments[i].words);
        if (moments[i].when == PK_SERVICE_STARTED)
            pk_service_ready_line(web, 1, NULL, NULL);
        if (moments[i].when == PK_SERVICE_PAUSES) {
            pk_restart_options options = PK_RESTART_OPTIONS_INIT;
            options.first_pause = PK_SECONDS(1000);
            pk_service_restarts(web, &options);
        }
        vigil_run(&vigil);
        assert_string_equal(vigil.diary, moments[i].diary);
        vigil_free(&vigil);
    }
}

static void stop_what_could_not_be_started(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_START_FAILED)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void it_can_be_stopped_when_it_could_not_be_started(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = stop_what_could_not_be_started;
    pk_auto(pk_command) command = pk_command_new("sh", NULL);
    pk_command_chdir(command, "/there/is/no/such/directory");
    pk_service *web = pk_supervisor_add(vigil.supervisor, "web", command);
    vigil_restarts(web, PK_RESTART_ALWAYS, ~0U);
    vigil_run(&vigil);
    assert_non_null(strstr(vigil.diary, "web start-failed"));
    vigil_free(&vigil);
}

static void a_token_stops_it(void **state)
{
    struct vigil vigil;
    pk_error error;
    pk_auto(pk_cancel) cancel = NULL;
    (void)state;
    assert_ok(pk_cancel_create(&cancel, &error), error);
    vigil_init(&vigil);
    pk_supervisor_cancel(vigil.supervisor, cancel);
    vigil_add(&vigil, "web", "hold");
    pk_cancel_now(cancel);
    vigil_run(&vigil);
    vigil_free(&vigil);
}

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/* Each time it is ready, the next of these. */
static void make_requests(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    const char **request = vigil->data;
    pk_service *web = event->service;
    if (event->kind == PK_SERVICE_RESTS && **request == 's') {
        assert_ok(pk_service_start(web, &error), error);
        vigil->data = request + 1;
    }
    if (event->kind != PK_SERVICE_IS_READY)
        return;
    if (**request == 'r')
        assert_ok(pk_service_restart(web, &error), error);
    if (**request == 't')
        assert_ok(pk_service_stop(web, NULL, &error), error);
    if (**request == 'x')
        pk_supervisor_stop(vigil->supervisor, NULL);
    vigil->data = request + 1;
}

static void it_can_be_stopped_started_and_restarted(void **state)
{
    struct vigil vigil;
    static const char *requests[] = {"restart", "to rest", "start", "x", "", ""};
    (void)state;
    vigil_init(&vigil);
    vigil.react = make_requests;
    vigil.data = requests;
    pk_supervisor_stay(vigil.supervisor, true);
    vigil_add(&vigil, "web", "hold");
    vigil_run(&vigil);
    assert_string_equal(vigil.diary,
                        "web started, web ready, web stops, web ended, web started, web ready, web stops, web ended, "
                        "web rests, web started, web ready, web stops, web ended, web rests");
    vigil_free(&vigil);
}

static void replace_it(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_IS_READY && event->incarnation == 1 && !vigil->data) {
        vigil->data = vigil;
        pk_service_remove(event->service);
        vigil_add(vigil, "web", "exit 0");
    }
}

/* The new one waits until nothing is left of the old one. */
static void a_service_can_be_replaced(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = replace_it;
    vigil_add(&vigil, "web", "double-fork -- ignore TERM -- hold");
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ready, web stops, web waits, web ended, web rests, web removed, "
                                     "web started, web ready, web ended, web over");
    vigil_free(&vigil);
}

static void reload_it(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    if (event->kind == PK_SERVICE_IS_READY)
        assert_ok(pk_service_reload(event->service, &error), error);
}

static void a_reload_is_a_signal(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = reload_it;
    pk_service *web = vigil_add(&vigil, "web", "catch-exit USR1 0 -- print up -- hold");
    pk_service_ready_line(web, 1, NULL, NULL);
    pk_service_reload_signal(web, SIGUSR1);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ready, web reloads, web ended, web over");
    vigil_free(&vigil);
}

static void what_does_not_run_takes_no_requests(void **state)
{
    struct vigil vigil;
    pk_error error;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = vigil_add(&vigil, "web", "exit 0");
    assert_int_equal(pk_service_start(web, &error), -ESRCH);
    assert_int_equal(pk_service_stop(web, NULL, &error), -ESRCH);
    assert_int_equal(pk_service_restart(web, &error), -ESRCH);
    assert_int_equal(pk_service_reload(web, &error), -ESRCH);
    assert_string_equal(error.message, "cannot reload web: its supervisor does not run");
    vigil_run(&vigil);
    assert_int_equal(pk_service_start(web, &error), -ESRCH);
    vigil_free(&vigil);
}

/* ---- What makes no sense ---------------------------------------------------------------------------------------- */

static void refuse(struct vigil *vigil, const char *message)
{
    pk_error error;
    assert_int_equal(pk_supervisor_run(vigil->supervisor, &error), -EINVAL);
    assert_string_equal(error.message, message);
    vigil_free(vigil);
    vigil_init(vigil);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil_add(&vigil, "a b", "hold");
    refuse(&vigil, "invalid service a b: its name may have letters, digits and .-_@ only");
    vigil_add(&vigil, "a", "hold");
    vigil_add(&vigil, "a", "hold");
    refuse(&vigil, "invalid service a: there is another one of that name");
    pk_service_ready_take(vigil_add(&vigil, "a", "hold"), pk_probe_port("localhost", 0));
    refuse(&vigil, "invalid service a: invalid port 0: ports are 1 to 65535");
    pk_service_alive_take(vigil_add(&vigil, "a", "hold"), pk_probe_heartbeat("x", 0), NULL);
    refuse(&vigil, "invalid service a: invalid probe: a heartbeat every 0 s");
    pk_service_ready_fd(vigil_add(&vigil, "a", "hold"), 2);
    refuse(&vigil, "invalid service a: descriptor 2 is not one to say on that it is ready: the first is 3");
    pk_auto(pk_command) command = pk_command_new("sh", NULL);
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_supervisor_add(vigil.supervisor, "a", command);
    refuse(&vigil, "invalid service a: its leftovers cannot be allowed to live on: it is never started again before "
                   "its tree is empty");
    vigil_run(&vigil);
    refuse(&vigil, "a supervisor can be run once only");
    vigil_free(&vigil);
}

static void freeing_it_kills_all(void **state)
{
    pk_error error;
    struct vigil vigil;
    struct witness *witness = witness_new();
    pk_auto(pk_loop) loop = NULL;
    (void)state;
    assert_ok(pk_loop_create(&loop, &error), error);
    vigil_init(&vigil);
    pk_auto(pk_command) command = cast_command(witness, "tree 12");
    pk_supervisor_add(vigil.supervisor, "web", command);
    assert_ok(pk_supervisor_start(vigil.supervisor, loop, NULL, NULL, &error), error);
    while (vigil.starts == 0)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    witness_ready(witness);
    vigil_free(&vigil);
    witness_assert_dead(witness, GONE_MS); /* it waits for that, but not long */
    witness_free(witness);
}

static const struct test tests[] = {
    PK_TEST(a_success_is_enough),
    PK_TEST(a_failure_is_tried_again),
    PK_TEST(always_is_always),
    PK_TEST(never_is_never),
    PK_TEST(what_is_not_there_is_given_up_at_once),
    PK_TEST(its_end_can_be_judged),
    PK_TEST(storms_are_sat_out),
    PK_TEST(what_is_needed_comes_first_and_goes_last),
    PK_TEST(what_prepares_is_needed_until_it_has_ended),
    PK_TEST(nothing_is_started_without_what_it_needs),
    PK_TEST(circles_are_refused),
    PK_TEST(many_can_stand_in_a_row),
    PK_TEST(it_can_be_stopped_at_any_moment),
    PK_TEST(it_can_be_stopped_when_it_could_not_be_started),
    PK_TEST(a_token_stops_it),
    PK_TEST(it_can_be_stopped_started_and_restarted),
    PK_TEST(a_service_can_be_replaced),
    PK_TEST(a_reload_is_a_signal),
    PK_TEST(what_does_not_run_takes_no_requests),
    PK_TEST(what_makes_no_sense_is_refused),
    PK_TEST(freeing_it_kills_all),
};

PK_TEST_MAIN(tests)
