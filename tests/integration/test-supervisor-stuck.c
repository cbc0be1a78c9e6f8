/*
 * Members that cannot be killed: nothing is started beside them, and nobody else has to wait for them.
 */
#include "freezer.h"
#include "threat.h"
#include "vigil.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* What there is besides the vigil; thawed before anything is asserted. */
struct ice {
    struct freezer freezer;
    struct witness *witness;
    pk_time stuck;
    bool frozen;
    bool was_stuck; /* when another one was over */
    pk_duration took;
};

static void begin(struct vigil *vigil, struct ice *ice)
{
    adversary_path(); /* skips without one, before there is anything to remove */
    *ice = (struct ice){0};
    freezer_find(&ice->freezer);
    vigil_init(vigil);
    vigil->data = ice;
    ice->witness = witness_new();
}

static void finish(struct vigil *vigil, struct ice *ice)
{
    vigil_free(vigil);
    freezer_thaw(&ice->freezer);
    witness_free(ice->witness);
    freezer_remove(&ice->freezer);
}

static void freeze(struct ice *ice, size_t member)
{
    witness_ready(ice->witness);
    ice->frozen = freezer_freeze(&ice->freezer, witness_pid(ice->witness, member));
}

/* ---- Others go on ----------------------------------------------------------------------------------------------- */

/* It is looked at again after a second, while the other one is restarted a few times. */
static void add_another(struct vigil *vigil)
{
    pk_restart_options options = PK_RESTART_OPTIONS_INIT;
    options.first_pause = options.most_pause = PK_MILLISECONDS(500);
    options.jitter = false;
    options.most = 4;
    pk_service_restarts(vigil_add(vigil, "other", "exit 1"), &options);
}

static void stop_both(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    struct ice *ice = vigil->data;
    pk_service_status status;
    if (event->kind == PK_SERVICE_IS_READY && strcmp(event->name, "web") == 0) {
        freeze(ice, 1);
        assert_ok(pk_service_stop(event->service, NULL, &error), error);
    }
    if (event->kind == PK_SERVICE_STUCK) {
        ice->stuck = pk_now();
        add_another(vigil);
    }
    if (event->kind == PK_SERVICE_IS_OVER) {
        ice->took = pk_now() - ice->stuck;
        pk_service_look(pk_supervisor_find(vigil->supervisor, "web"), &status);
        ice->was_stuck = status.stuck;
        freezer_thaw(&ice->freezer);
    }
}

static void nobody_else_waits_for_it(void **state)
{
    struct vigil vigil;
    struct ice ice;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = threat_mechanism(*state);
    begin(&vigil, &ice);
    vigil.react = stop_both;
    pk_auto(pk_command) command = cast_command(ice.witness, "child -- hold");
    pk_command_contain(command, &options);
    pk_command_grace(command, PK_MILLISECONDS(50));
    pk_supervisor_add(vigil.supervisor, "web", command);
    vigil_run(&vigil);
    finish(&vigil, &ice);
    printf("%u starts, %llu ms\n", vigil.starts, (unsigned long long)(ice.took / PK_MILLISECONDS(1)));
    assert_true(ice.frozen);
    assert_true(ice.was_stuck);
    assert_int_equal(vigil.starts, 1 + 5);
    assert_true(ice.took < PK_SECONDS(4) * test_slowness());
    assert_non_null(strstr(vigil.diary, "other over, web ended, web rests"));
}

/* ---- Pipelines -------------------------------------------------------------------------------------------------- */

/* The first stage fails, and the second cannot be ended. */
static void fail_beside_ice(struct vigil *vigil, const pk_service_event *event)
{
    struct ice *ice = vigil->data;
    if (event->kind == PK_SERVICE_IS_READY && event->incarnation == 1) {
        freeze(ice, 0);
        pk_process_signal(pk_process_stage(pk_service_process(event->service), 0), SIGKILL, NULL);
    }
    if (event->kind == PK_SERVICE_IS_READY && event->incarnation == 2)
        pk_supervisor_stop(vigil->supervisor, NULL);
    if (event->kind == PK_SERVICE_STUCK)
        freezer_thaw(&ice->freezer);
    if (event->kind == PK_SERVICE_STARTED && event->incarnation == 2)
        freezer_thaw(&ice->freezer);
}

/* Each in a group of its own, or all in one. */
static void run_pipeline(void **state, bool apart)
{
    struct vigil vigil;
    struct ice ice;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = threat_mechanism(*state);
    begin(&vigil, &ice);
    vigil.react = fail_beside_ice;
    pk_command *stages[] = {cast_command(NULL, "hold"), cast_command(ice.witness, "hold"), cast_command(NULL, "hold")};
    for (int i = 0; i < 3; i++) {
        if (apart)
            pk_command_contain(stages[i], &options);
        pk_command_grace(stages[i], PK_MILLISECONDS(50));
    }
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(stages[0], stages[1], stages[2], NULL);
    for (int i = 0; i < 3; i++)
        pk_command_free(stages[i]);
    pk_pipeline_settle(pipeline, PK_MILLISECONDS(1));
    if (!apart)
        pk_pipeline_contain(pipeline, &options);
    vigil_restarts(pk_supervisor_add(vigil.supervisor, "web", pk_pipeline_command(pipeline)), PK_RESTART_ON_FAILURE, 2);
    vigil_run(&vigil);
    finish(&vigil, &ice);
    assert_true(ice.frozen);
    assert_string_equal(vigil.diary, "web started, web ready, web stuck, web ended, web started, web ready, "
                                     "web stops, web ended, web rests");
}

static void any_stage_counts(void **state)
{
    run_pipeline(state, false);
}

static void stages_with_groups_of_their_own_count(void **state)
{
    run_pipeline(state, true);
}

static const struct test tests[] = {
    THREAT_BY_ROOT(nobody_else_waits_for_it, .deadline_s = 60),
    THREAT_BY_ROOT(any_stage_counts, .deadline_s = 60),
    THREAT_BY_ROOT(stages_with_groups_of_their_own_count, .deadline_s = 60),
};

PK_TEST_MAIN(tests)
