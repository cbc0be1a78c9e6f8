/*
 * The pauses of a service: how they grow, when they begin anew, and storms.
 */
#include "stepping.h"

#include <limits.h>

/* ---- How soon --------------------------------------------------------------------------------------------------- */

static void pauses_grow_until_the_longest(void **state)
{
    static const struct {
        pk_duration first, most;
        unsigned factor;
        pk_duration pauses[4];
    } table[] = {
        {100, 500, 2, {100, 200, 400, 500}},
        {100, 500, 1, {100, 100, 100, 100}},
        {100, 50, 3, {50, 50, 50, 50}},
        {0, 50, 3, {0, 0, 0, 0}},
        {7, 0, 3, {0, 0, 0, 0}},
        {1, PK_FOREVER - 5000, UINT_MAX, {1, UINT_MAX, (pk_duration)UINT_MAX * UINT_MAX, PK_FOREVER - 5000}},
        {3, PK_FOREVER, 10, {3, 30, 300, 3000}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pk_restart_options options = patient_options();
        options.first_pause = table[i].first;
        options.most_pause = table[i].most;
        options.factor = table[i].factor;
        struct world world = world_started(&options);
        for (int j = 0; j < 4; j++) {
            world_crash(&world);
            assert_true(world.machine.pause == table[i].pauses[j]);
            world_step(&world, (struct machine_input){.event = MACHINE_WANTED});
            world_step(&world, (struct machine_input){.event = MACHINE_ADMITTED});
        }
    }
}

static void a_pause_without_end_ends_on_request_only(void **state)
{
    (void)state;
    pk_restart_options options = patient_options();
    options.first_pause = options.most_pause = PK_FOREVER;
    options.jitter = true;
    struct world world = world_started(&options);
    world_crash(&world);
    assert_true(world.machine.pause == PK_FOREVER);
    assert_true(world.machine.resumes == PK_FOREVER);
    world.now = PK_FOREVER - 1;
    world_step(&world, (struct machine_input){.event = MACHINE_TIME});
    assert_int_equal(world.machine.state, PK_SERVICE_PAUSING);
    world.now = PK_FOREVER;
    world_step(&world, (struct machine_input){.event = MACHINE_TIME});
    assert_int_equal(world.machine.state, PK_SERVICE_PAUSING);
    world_step(&world, (struct machine_input){.event = MACHINE_WANTED});
    assert_int_equal(world.machine.state, PK_SERVICE_WAITING);
    assert_int_equal(world.machine.restarts, 1);
}

static void a_pause_is_over_when_its_time_has_come(void **state)
{
    (void)state;
    pk_restart_options options = patient_options();
    options.first_pause = options.most_pause = 10;
    struct world world = world_started(&options);
    world_crash(&world);
    for (pk_time left = 10; left > 0; left--, world.now++) {
        world_step(&world, (struct machine_input){.event = MACHINE_TIME});
        assert_int_equal(world.machine.state, PK_SERVICE_PAUSING);
    }
    world_step(&world, (struct machine_input){.event = MACHINE_TIME});
    assert_int_equal(world.machine.state, PK_SERVICE_WAITING);
}

static void a_healthy_run_begins_anew(void **state)
{
    static const struct {
        pk_duration healthy, lasts, pause;
    } table[] = {
        {50, 49, 400}, {50, 50, 100}, {50, 1000000, 100}, {0, 0, 100}, {PK_FOREVER, 1000000, 400},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pk_restart_options options = patient_options();
        options.first_pause = 100;
        options.most_pause = 10000;
        options.factor = 2;
        options.healthy = table[i].healthy;
        struct world world = world_started(&options);
        for (int j = 0; j < 2; j++) {
            world_crash(&world);
            world_go_on(&world);
        }
        world.now += table[i].lasts;
        world_crash(&world);
        assert_int_equal(world.machine.pause, table[i].pause);
    }
}

/* Each of the numbers that are possible, and all of them. */
static void chance_takes_away_half_at_most(void **state)
{
    static const pk_duration pauses[] = {0, 1, 2, 9, 10, PK_FOREVER - 1};
    (void)state;
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        pk_restart_options options = patient_options();
        options.first_pause = options.most_pause = pauses[i];
        options.jitter = true;
        for (uint64_t random = 0; random < 12; random++) {
            struct world world = world_started(&options);
            world_step(&world, (struct machine_input){.event = MACHINE_EMPTY, .random = random});
            assert_true(world.machine.pause == pauses[i] - random % (pauses[i] / 2 + 1));
            world = world_started(&options);
            world_step(&world, (struct machine_input){.event = MACHINE_EMPTY, .random = UINT64_MAX - random});
        }
    }
}

/* ---- Storms ----------------------------------------------------------------------------------------------------- */

static void failures_in_a_short_time_are_a_storm(void **state)
{
    (void)state;
    pk_restart_options options = stormy_options();
    struct world world = world_started(&options);
    for (int i = 1; i <= 9; i++) {
        world_crash(&world);
        assert_int_equal(world.machine.storm, i % 3 == 0);
        assert_int_equal(world.machine.pause, i % 3 == 0 ? 1000 : 10);
        assert_int_equal(world.machine.storms, i / 3);
        world_go_on(&world);
    }
    options.storm_time = 19;
    for (int i = 1; i <= 9; i++) {
        world_crash(&world);
        assert_false(world.machine.storm);
        world_go_on(&world);
    }
}

static void the_pause_of_a_storm_is_shortened_too(void **state)
{
    (void)state;
    pk_restart_options options = stormy_options();
    options.storm_failures = 1;
    options.jitter = true;
    struct world world = world_started(&options);
    world_step(&world, (struct machine_input){.event = MACHINE_EMPTY, .random = 500});
    assert_true(world.machine.storm);
    assert_int_equal(world.machine.pause, 500);
}

static void successes_and_renewals_are_no_storm(void **state)
{
    (void)state;
    pk_restart_options options = stormy_options();
    struct world world = world_started(&options);
    for (int i = 0; i < 10; i++) {
        world_step(&world, (struct machine_input){.event = MACHINE_EMPTY, .success = true});
        assert_false(world.machine.storm);
        world_go_on(&world);
        world_step(&world, (struct machine_input){.event = MACHINE_RENEW});
        world_crash(&world);
        world_step(&world, (struct machine_input){.event = MACHINE_ADMITTED});
    }
    assert_int_equal(world.machine.storms, 0);
    assert_int_equal(world.machine.restarts, 10);
    assert_int_equal(world.machine.incarnation, 21);
}

static const struct test tests[] = {
    PK_TEST(pauses_grow_until_the_longest),          PK_TEST(a_pause_without_end_ends_on_request_only),
    PK_TEST(a_pause_is_over_when_its_time_has_come), PK_TEST(a_healthy_run_begins_anew),
    PK_TEST(chance_takes_away_half_at_most),         PK_TEST(failures_in_a_short_time_are_a_storm),
    PK_TEST(the_pause_of_a_storm_is_shortened_too),  PK_TEST(successes_and_renewals_are_no_storm),
};

PK_TEST_MAIN(tests)
