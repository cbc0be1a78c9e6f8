/*
 * The rules by which a service is started again: whether, and when that is enough.
 */
#include "stepping.h"

#include <limits.h>
#include <stdio.h>

/* ---- Whether ---------------------------------------------------------------------------------------------------- */

enum course { SUCCEEDS, FAILS, SICK, LATE, CANNOT, NEVER_CAN, COURSES };

#define AGAIN 0

/* What comes of it, for PK_RESTART_ON_FAILURE, ALWAYS and NEVER. */
static const pk_service_end ends[][COURSES][3] = {
    [PK_JUDGE_BY_POLICY] =
        {
            [SUCCEEDS] = {PK_SERVICE_SATISFIED, AGAIN, PK_SERVICE_SATISFIED},
            [FAILS] = {AGAIN, AGAIN, PK_SERVICE_FAILED},
            [SICK] = {AGAIN, AGAIN, PK_SERVICE_FAILED},
            [LATE] = {AGAIN, AGAIN, PK_SERVICE_FAILED},
            [CANNOT] = {AGAIN, AGAIN, PK_SERVICE_FAILED},
            [NEVER_CAN] = {PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP},
        },
    [PK_JUDGE_RESTART] = {{AGAIN}},
    [PK_JUDGE_DONE] =
        {
            [SUCCEEDS] = {PK_SERVICE_DONE, PK_SERVICE_DONE, PK_SERVICE_DONE},
            [FAILS] = {PK_SERVICE_DONE, PK_SERVICE_DONE, PK_SERVICE_DONE},
            [SICK] = {PK_SERVICE_DONE, PK_SERVICE_DONE, PK_SERVICE_DONE},
            [LATE] = {PK_SERVICE_DONE, PK_SERVICE_DONE, PK_SERVICE_DONE},
            [CANNOT] = {PK_SERVICE_DONE, PK_SERVICE_DONE, PK_SERVICE_DONE},
            [NEVER_CAN] = {PK_SERVICE_DONE, PK_SERVICE_DONE, PK_SERVICE_DONE},
        },
    [PK_JUDGE_GIVE_UP] =
        {
            [SUCCEEDS] = {PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP},
            [FAILS] = {PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP},
            [SICK] = {PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP},
            [LATE] = {PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP},
            [CANNOT] = {PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP},
            [NEVER_CAN] = {PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP, PK_SERVICE_GAVE_UP},
        },
};

/* Those that were stopped for being sick or late exit with success: it is none. */
static void take(struct world *world, enum course course, pk_judgement judgement)
{
    bool refused = course == CANNOT || course == NEVER_CAN;
    if (course == SICK || course == LATE)
        world_step(world, (struct machine_input){.event = course == SICK ? MACHINE_SICK : MACHINE_LATE});
    world_step(world, (struct machine_input){.event = refused ? MACHINE_REFUSED : MACHINE_EMPTY,
                                             .success = course != FAILS,
                                             .permanent = course == NEVER_CAN,
                                             .judgement = judgement});
}

static void each_end_is_judged(void **state)
{
    (void)state;
    for (int judgement = 0; judgement <= PK_JUDGE_GIVE_UP; judgement++)
        for (int course = 0; course < COURSES; course++)
            for (int when = 0; when <= PK_RESTART_NEVER; when++) {
                pk_restart_options options = patient_options();
                options.when = (pk_restart)when;
                struct world world = world_started(&options);
                take(&world, (enum course)course, (pk_judgement)judgement);
                print_message("judgement %d, course %d, when %d\n", judgement, course, when);
                pk_service_end end = ends[judgement][course][when];
                assert_int_equal(world.machine.end, end);
                assert_int_equal(world.machine.state, end ? PK_SERVICE_OVER : PK_SERVICE_PAUSING);
            }
}

/* Where an end is not judged, nothing of it counts. */
static void what_was_asked_for_is_not_judged(void **state)
{
    static const enum machine_event requests[] = {MACHINE_UNWANTED, MACHINE_RENEW};
    (void)state;
    for (int judgement = 0; judgement <= PK_JUDGE_GIVE_UP; judgement++)
        for (int i = 0; i < 2; i++) {
            pk_restart_options options = patient_options();
            options.most = 0;
            struct world world = world_started(&options);
            world_step(&world, (struct machine_input){.event = requests[i]});
            take(&world, FAILS, (pk_judgement)judgement);
            assert_int_equal(world.machine.state, i == 0 ? PK_SERVICE_RESTING : PK_SERVICE_WAITING);
            assert_int_equal(world.machine.restarts, 0);
        }
}

/* It was asked for, and the end came before that could be told. */
static void an_end_that_is_wanted_is_not_judged(void **state)
{
    static const enum machine_event before[] = {MACHINE_IS_READY, MACHINE_SICK, MACHINE_RENEW, MACHINE_EXITED};
    (void)state;
    for (int judgement = 0; judgement <= PK_JUDGE_GIVE_UP; judgement++)
        for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
            pk_restart_options options = patient_options();
            struct world world = world_started(&options);
            world_step(&world, (struct machine_input){.event = before[i]});
            world_step(&world, (struct machine_input){
                                   .event = MACHINE_EMPTY, .unwanted = true, .judgement = (pk_judgement)judgement});
            assert_int_equal(world.machine.state, PK_SERVICE_RESTING);
        }
}

static void being_stopped_for_a_failure_yields_to_a_request(void **state)
{
    (void)state;
    pk_restart_options options = patient_options();
    struct world world = world_started(&options);
    world_step(&world, (struct machine_input){.event = MACHINE_LATE});
    assert_int_equal(world_step(&world, (struct machine_input){.event = MACHINE_UNWANTED}), ACT_STOP);
    world_crash(&world);
    assert_int_equal(world.machine.state, PK_SERVICE_RESTING);
}

/* ---- How often -------------------------------------------------------------------------------------------------- */

static void restarts_are_used_up(void **state)
{
    (void)state;
    for (unsigned most = 0; most < 4; most++) {
        pk_restart_options options = patient_options();
        options.most = most;
        struct world world = world_started(&options);
        for (unsigned i = 0; i < most; i++) {
            world_crash(&world);
            world_go_on(&world);
        }
        take(&world, FAILS, PK_JUDGE_RESTART);
        assert_int_equal(world.machine.end, PK_SERVICE_EXHAUSTED);
        assert_int_equal(world.machine.restarts, most);
        assert_int_equal(world.machine.incarnation, most + 1);
    }
}

/* On a clock that stands still. */
static void any_number_has_no_end(void **state)
{
    (void)state;
    pk_restart_options options = patient_options();
    struct world world = world_started(&options);
    for (unsigned i = 0; i < 1000; i++) {
        world_crash(&world);
        world_go_on(&world);
    }
    world.machine.restarts = world.restarts = UINT_MAX - 1;
    for (unsigned i = 0; i < 3; i++) {
        world_crash(&world);
        world_go_on(&world);
    }
    assert_int_equal(world.machine.restarts, UINT_MAX);
}

static void a_burst_is_too_much(void **state)
{
    static const struct {
        unsigned burst, restarts;
        pk_duration time, pause;
    } table[] = {
        {1, 1, 100, 0},
        {3, 3, 100, 0},
        {3, 3, 100, 33},        /* the fourth would come 99 after the first */
        {3, 3, 99, 33},         /* and that is still within that time */
        {3, 500, 98, 33},       /* any number */
        {3, 3, PK_FOREVER, 33}, /* there is no later */
        {PK_RESTART_WINDOW, PK_RESTART_WINDOW, 100, 0},
        {PK_RESTART_WINDOW + 1, 500, 100, 0}, /* which nobody may ask for */
        {0, 500, 0, 0},
        {0, 500, PK_FOREVER, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pk_restart_options options = patient_options();
        options.burst = table[i].burst;
        options.burst_time = table[i].time;
        options.first_pause = options.most_pause = table[i].pause;
        struct world world = world_started(&options);
        for (world_crash(&world); world.machine.state != PK_SERVICE_OVER && world.restarts < 500; world_crash(&world))
            world_go_on(&world);
        print_message("%zu\n", i);
        assert_int_equal(world.restarts, table[i].restarts);
        assert_int_equal(world.machine.end, table[i].restarts < 500 ? PK_SERVICE_EXHAUSTED : 0);
    }
}

/* ---- As if for the first time ----------------------------------------------------------------------------------- */

/* Whether the wish comes before the tree is empty or later makes no difference. */
static void who_is_stopped_and_started_begins_anew(void **state)
{
    static const enum machine_event orders[][2] = {
        {MACHINE_WANTED, MACHINE_EMPTY},
        {MACHINE_EMPTY, MACHINE_WANTED},
        {MACHINE_RENEW, MACHINE_EMPTY},
        {MACHINE_EMPTY, MACHINE_RENEW},
    };
    (void)state;
    for (int i = 0; i < 4; i++) {
        pk_restart_options options = stormy_options();
        struct world world = world_started(&options);
        for (int j = 0; j < 4; j++) {
            world_crash(&world);
            world_go_on(&world);
        }
        world_step(&world, (struct machine_input){.event = MACHINE_IS_READY});
        assert_int_equal(world.machine.restarts, 4);
        world_step(&world, (struct machine_input){.event = MACHINE_UNWANTED});
        world_step(&world, (struct machine_input){.event = orders[i][0]});
        world_step(&world, (struct machine_input){.event = orders[i][1]});
        assert_int_equal(world.machine.state, PK_SERVICE_WAITING);
        assert_int_equal(world.machine.restarts, 0);
        assert_int_equal(world.machine.storms, 0);
        assert_int_equal(world.machine.streak, 0);
        assert_int_equal(world.machine.failures.count, 0);
        assert_int_equal(world.machine.restarted.count, 0);
        assert_int_equal(world.machine.pause, 0);
        assert_false(world.machine.storm);
        assert_int_equal(world.machine.incarnation, 5);
    }
}

static void who_is_renewed_goes_on(void **state)
{
    (void)state;
    pk_restart_options options = stormy_options();
    struct world world = world_started(&options);
    world_crash(&world);
    world_go_on(&world);
    world_step(&world, (struct machine_input){.event = MACHINE_IS_READY});
    world_step(&world, (struct machine_input){.event = MACHINE_RENEW});
    world_crash(&world);
    assert_int_equal(world.machine.state, PK_SERVICE_WAITING);
    assert_int_equal(world.machine.restarts, 1);
    assert_int_equal(world.machine.streak, 1);
    world_step(&world, (struct machine_input){.event = MACHINE_ADMITTED});
    assert_int_equal(world.machine.state, PK_SERVICE_STARTING);
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static void options_that_make_no_sense_are_named(void **state)
{
    char burst[64], storm[64];
    (void)state;
    snprintf(burst, sizeof(burst), "a burst of more than %d restarts", PK_RESTART_WINDOW);
    snprintf(storm, sizeof(storm), "a storm of more than %d failures", PK_RESTART_WINDOW);
    const struct {
        pk_restart_options options;
        const char *problem;
    } table[] = {
        {PK_RESTART_OPTIONS_INIT, NULL},
        {{.factor = 0}, "a factor of 0"},
        {{.factor = 1, .when = (pk_restart)3}, "restarts on an occasion that there is not"},
        {{.factor = 1}, NULL},
        {{.factor = 1, .burst = 1}, "a burst time of 0"},
        {{.factor = 1, .burst = PK_RESTART_WINDOW, .burst_time = 1}, NULL},
        {{.factor = 1, .burst = PK_RESTART_WINDOW + 1, .burst_time = 1}, burst},
        {{.factor = 1, .storm_failures = 1}, "a storm time of 0"},
        {{.factor = 1, .storm_failures = PK_RESTART_WINDOW, .storm_time = 1}, NULL},
        {{.factor = 1, .storm_failures = PK_RESTART_WINDOW + 1, .storm_time = 1}, storm},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *problem = machine_check_options(&table[i].options);
        print_message("%zu: %s\n", i, problem ? problem : "good");
        assert_int_equal(problem != NULL, table[i].problem != NULL);
        if (problem)
            assert_string_equal(problem, table[i].problem);
    }
}

static const struct test tests[] = {
    PK_TEST(each_end_is_judged),
    PK_TEST(what_was_asked_for_is_not_judged),
    PK_TEST(an_end_that_is_wanted_is_not_judged),
    PK_TEST(being_stopped_for_a_failure_yields_to_a_request),
    PK_TEST(restarts_are_used_up),
    PK_TEST(any_number_has_no_end),
    PK_TEST(a_burst_is_too_much),
    PK_TEST(who_is_stopped_and_started_begins_anew),
    PK_TEST(who_is_renewed_goes_on),
    PK_TEST(options_that_make_no_sense_are_named),
};

PK_TEST_MAIN(tests)
