/*
 * Stops: how often a program is told to end, how hard, and in which order; and what comes of requests that meet each
 * other.
 */
#include "vigil.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static unsigned soft_signals;

/* At the first one it is told once more, and harder, if `data` is a supervisor. */
static void count_signals(const pk_trace *trace, void *data)
{
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = PK_MILLISECONDS(10);
    if (trace->kind == PK_TRACE_SOFT_SIGNAL && ++soft_signals == 1)
        pk_supervisor_stop(data, &options);
}

/* Does not obey, and has that long. */
static pk_service *add_deaf(struct vigil *vigil, const char *name, pk_duration grace, pk_supervisor *hastened)
{
    pk_auto(pk_command) command = cast_command(NULL, "ignore TERM -- print up -- hold");
    pk_command_trace(command, count_signals, hastened);
    pk_command_grace(command, grace);
    pk_service *service = pk_supervisor_add(vigil->supervisor, name, command);
    pk_service_ready_line(service, 1, NULL, NULL);
    soft_signals = 0;
    return service;
}

enum request { STOP, RESTART, REMOVE, STOP_ALL };

static void request(struct vigil *vigil, pk_service *service, enum request request)
{
    pk_error error;
    if (request == STOP)
        assert_ok(pk_service_stop(service, NULL, &error), error);
    if (request == RESTART)
        assert_ok(pk_service_restart(service, &error), error);
    if (request == REMOVE)
        pk_service_remove(service);
    if (request == STOP_ALL)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void request_twice(struct vigil *vigil, const pk_service_event *event)
{
    const enum request *requests = vigil->data;
    if (event->kind == PK_SERVICE_IS_READY)
        request(vigil, event->service, requests[0]);
    if (event->kind == PK_SERVICE_STOPS)
        request(vigil, event->service, requests[1]);
}

/* Many programs take a second signal for impatience. */
static void one_stop_is_one_signal(void **state)
{
    static enum request rows[][2] = {{STOP, REMOVE}, {REMOVE, STOP_ALL}, {RESTART, STOP_ALL}, {STOP, STOP_ALL}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vigil vigil;
        vigil_init(&vigil);
        vigil.react = request_twice;
        vigil.data = rows[i];
        add_deaf(&vigil, "web", PK_MILLISECONDS(300), NULL);
        vigil_run(&vigil);
        assert_int_equal(vigil.starts, 1);
        assert_int_equal(soft_signals, 1);
        vigil_free(&vigil);
    }
}

static void stop_it(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_IS_READY)
        request(vigil, event->service, STOP);
}

static void a_harder_stop_is_one_more(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = stop_it;
    add_deaf(&vigil, "web", PK_SECONDS(600), vigil.supervisor);
    vigil_run(&vigil);
    assert_int_equal(soft_signals, 2);
    vigil_free(&vigil);
}

/* ---- How hard --------------------------------------------------------------------------------------------------- */

struct graces {
    pk_duration command, first, second; /* PK_FOREVER: as the command says */
};

static void stop_within(pk_service *service, pk_duration grace)
{
    pk_error error;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = grace;
    assert_ok(pk_service_stop(service, grace == PK_FOREVER ? NULL : &options, &error), error);
}

static void stop_twice(struct vigil *vigil, const pk_service_event *event)
{
    const struct graces *graces = vigil->data;
    if (event->kind != PK_SERVICE_IS_READY || strcmp(event->name, "web") != 0)
        return;
    pk_service *database = pk_supervisor_find(vigil->supervisor, "database");
    stop_within(database, graces->first);
    stop_within(database, graces->second);
}

/* While the first one waits for who needs it. */
static void a_second_stop_is_no_softer(void **state)
{
    static struct graces rows[] = {
        {PK_MILLISECONDS(20), PK_FOREVER, PK_SECONDS(600)},
        {PK_SECONDS(600), PK_MILLISECONDS(20), PK_FOREVER},
        {PK_MILLISECONDS(20), PK_SECONDS(600), PK_FOREVER},
        {PK_SECONDS(600), PK_MILLISECONDS(20), PK_SECONDS(300)},
        {PK_SECONDS(600), PK_SECONDS(300), PK_MILLISECONDS(20)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vigil vigil;
        vigil_init(&vigil);
        vigil.react = stop_twice;
        vigil.data = &rows[i];
        add_deaf(&vigil, "database", rows[i].command, NULL);
        pk_service_needs(vigil_add(&vigil, "web", "hold"), "database");
        vigil_run(&vigil);
        vigil_free(&vigil);
    }
}

/* ---- Requests that meet ----------------------------------------------------------------------------------------- */

static void stop_and_restart(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind != PK_SERVICE_IS_READY)
        return;
    request(vigil, event->service, STOP);
    request(vigil, event->service, event->incarnation == 1 ? RESTART : STOP);
}

static void a_restart_takes_a_stop_back_and_restarts(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    vigil.react = stop_and_restart;
    vigil_add(&vigil, "web", "hold");
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ready, web stops, web ended, "
                                     "web started, web ready, web stops, web ended, web rests");
    vigil_free(&vigil);
}

/* Both are known before the loop looks at either. */
static void stop_what_ends(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    pk_process *process = pk_service_process(event->service);
    if (event->kind != PK_SERVICE_IS_READY)
        return;
    request(vigil, event->service, *(enum request *)vigil->data);
    assert_ok(pk_process_signal(process, SIGKILL, &error), error);
    assert_true(pidfd_is_dead(pk_process_pidfd(process), 10000));
}

static void an_end_that_meets_a_stop_is_no_failure(void **state)
{
    static enum request requests[] = {STOP, STOP_ALL, REMOVE};
    static const pk_restart when[] = {PK_RESTART_NEVER, PK_RESTART_ON_FAILURE};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct vigil vigil;
        vigil_init(&vigil);
        vigil.react = stop_what_ends;
        vigil.data = &requests[i % 3];
        vigil_restarts(vigil_add(&vigil, "web", "hold"), when[i / 3], 4);
        vigil_run(&vigil);
        assert_int_equal(vigil.starts, 1);
        assert_null(strstr(vigil.diary, "over"));
        assert_non_null(strstr(vigil.diary, "web ended, web rests"));
        assert_int_equal(vigil.longest_pause, 0);
        vigil_free(&vigil);
    }
}

/* ---- Removing --------------------------------------------------------------------------------------------------- */

static void remove_both(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind != PK_SERVICE_IS_READY || strcmp(event->name, "web") != 0)
        return;
    pk_service_remove(pk_supervisor_find(vigil->supervisor, "database"));
    if (vigil->data)
        pk_service_remove(event->service);
}

static void add_both(struct vigil *vigil)
{
    vigil_init(vigil);
    vigil->react = remove_both;
    vigil_add(vigil, "database", "hold");
    pk_service_needs(vigil_add(vigil, "web", "ignore TERM -- hold"), "database");
}

static void what_is_removed_goes_in_order(void **state)
{
    struct vigil vigil;
    (void)state;
    add_both(&vigil);
    vigil.data = &vigil;
    vigil_run(&vigil);
    assert_string_equal(vigil.diary,
                        "database started, database ready, web started, web ready, web stops, web ended, web rests, "
                        "database stops, web removed, database ended, database rests, database removed");
    vigil_free(&vigil);
}

static void stop_the_rest(struct vigil *vigil, const pk_service_event *event)
{
    remove_both(vigil, event);
    if (event->kind == PK_SERVICE_REMOVED)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void who_goes_on_holds_nothing_that_is_removed(void **state)
{
    struct vigil vigil;
    (void)state;
    add_both(&vigil);
    vigil.react = stop_the_rest;
    vigil_run(&vigil);
    assert_string_equal(vigil.diary,
                        "database started, database ready, web started, web ready, database stops, database ended, "
                        "database rests, database removed, web stops, web ended, web rests");
    vigil_free(&vigil);
}

static const struct test tests[] = {
    PK_TEST(one_stop_is_one_signal),
    PK_TEST(a_harder_stop_is_one_more),
    PK_TEST(a_second_stop_is_no_softer),
    PK_TEST(a_restart_takes_a_stop_back_and_restarts),
    PK_TEST(an_end_that_meets_a_stop_is_no_failure),
    PK_TEST(what_is_removed_goes_in_order),
    PK_TEST(who_goes_on_holds_nothing_that_is_removed),
};

PK_TEST_MAIN(tests)
