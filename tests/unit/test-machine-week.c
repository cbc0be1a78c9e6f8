/*
 * A week of a service, in no time: what the rules promise of restarts, pauses and storms, seen from far away.
 */
#include "stepping.h"

#include <stdlib.h>

#define HOUR PK_MINUTES(60)
#define WEEK (7 * 24 * HOUR)

/* How long it is up, until it crashes. */
typedef pk_duration lifetime(uint64_t *seed, pk_time now);

static pk_duration no_time(uint64_t *seed, pk_time now)
{
    (void)now;
    return PK_MILLISECONDS(1) + chance(seed) % PK_SECONDS(1);
}

/* Some time or other within half a day. */
static pk_duration hours(uint64_t *seed, pk_time now)
{
    (void)now;
    return chance(seed) % (12 * HOUR);
}

/* Well, but for one hour of each day. */
static pk_duration bad_hours(uint64_t *seed, pk_time now)
{
    pk_time of_day = now % (24 * HOUR);
    return of_day < HOUR ? no_time(seed, now) : 24 * HOUR - of_day;
}

/* ---- What has been ---------------------------------------------------------------------------------------------- */

struct crash {
    pk_time time;
    pk_duration up, pause; /* after it */
    bool storm;
};

struct week {
    struct crash *crashes;
    unsigned count; /* all of them: restarts as well, but for the last if it was not started again */
    struct world world;
};

static void note_crash(struct week *week, pk_duration up)
{
    enum { AT_ONCE = 1024 };
    const struct machine *machine = &week->world.machine;
    if (week->count % AT_ONCE == 0) {
        week->crashes = realloc(week->crashes, (week->count + AT_ONCE) * sizeof(*week->crashes));
        assert_non_null(week->crashes);
    }
    week->crashes[week->count++] = (struct crash){week->world.now, up, machine->pause, machine->storm};
}

/* Each run ends in a crash; everything else happens when it may. */
static struct week pass(const pk_restart_options *options, lifetime *lives, uint64_t *seed)
{
    struct week week = {.world = world_started(options)};
    while (week.world.now < WEEK) {
        pk_duration up = lives(seed, week.world.now);
        week.world.now += up;
        world_step(&week.world, (struct machine_input){.event = MACHINE_EMPTY, .random = chance(seed)});
        note_crash(&week, up);
        if (week.world.machine.state == PK_SERVICE_OVER)
            break;
        world_go_on(&week.world);
    }
    return week;
}

/* The most that came in any time of that length. */
static unsigned most_within(const struct week *week, pk_duration time)
{
    unsigned most = 0;
    for (unsigned last = 0, first = 0; last < week->count; last++) {
        while (week->crashes[last].time - week->crashes[first].time > time)
            first++;
        if (last - first + 1 > most)
            most = last - first + 1;
    }
    return most;
}

static pk_duration longest_pause(const struct week *week)
{
    pk_duration longest = 0;
    for (unsigned i = 0; i < week->count; i++)
        longest = week->crashes[i].pause > longest ? week->crashes[i].pause : longest;
    return longest;
}

static pk_duration all_pauses(const struct week *week)
{
    pk_duration all = 0;
    for (unsigned i = 0; i < week->count; i++)
        all += week->crashes[i].pause;
    return all;
}

static double in_seconds(pk_duration duration)
{
    return (double)duration / 1e9;
}

static void print_figures(const char *name, const struct week *week)
{
    print_message("%-36s %6u crashes, %6u restarts, %5u storms, longest pause %6.1f s, %8.0f s in all (%.1f%%)\n", name,
                  week->count, week->world.machine.restarts, week->world.machine.storms,
                  in_seconds(longest_pause(week)), in_seconds(all_pauses(week)),
                  100 * in_seconds(all_pauses(week)) / in_seconds(WEEK));
}

/* ---- By the usual rules ----------------------------------------------------------------------------------------- */

static const pk_restart_options usual = PK_RESTART_OPTIONS_INIT;

static void assert_healthy_runs_begin_anew(const struct week *week)
{
    for (unsigned i = 0; i < week->count; i++)
        if (week->crashes[i].up >= usual.healthy)
            assert_in_range(week->crashes[i].pause, usual.first_pause / 2, usual.first_pause);
}

/* After eight crashes in a row the pause is as long as it gets. */
static void who_crashes_at_once_costs_little(void **state)
{
    (void)state;
    uint64_t seed = chance_begin();
    struct week week = pass(&usual, no_time, &seed);
    print_figures("crashes at once", &week);
    for (unsigned i = 8; i < week.count; i++)
        assert_in_range(week.crashes[i].pause, usual.most_pause / 2, usual.most_pause);
    assert_in_range(week.count, WEEK / (usual.most_pause + PK_SECONDS(2)), WEEK / (usual.most_pause / 2));
    assert_in_range(most_within(&week, HOUR), 1, HOUR / (usual.most_pause / 2) + 8);
    assert_int_equal(week.world.machine.storms, 0);
    free(week.crashes);
}

static void who_crashes_now_and_then_is_back_at_once(void **state)
{
    (void)state;
    uint64_t seed = chance_begin();
    struct week week = pass(&usual, hours, &seed);
    print_figures("crashes now and then", &week);
    assert_healthy_runs_begin_anew(&week);
    assert_true(all_pauses(&week) <= PK_MINUTES(1));
    assert_int_equal(week.world.machine.restarts, week.count);
    free(week.crashes);
}

/* Each bad hour begins with the shortest pauses, whatever the one before was like. */
static void bad_hours_are_forgotten(void **state)
{
    (void)state;
    uint64_t seed = chance_begin();
    struct week week = pass(&usual, bad_hours, &seed);
    print_figures("crashes at once, an hour each day", &week);
    assert_healthy_runs_begin_anew(&week);
    assert_in_range(most_within(&week, HOUR), HOUR / (usual.most_pause + PK_SECONDS(2)),
                    HOUR / (usual.most_pause / 2) + 10);
    free(week.crashes);
}

/* ---- By others -------------------------------------------------------------------------------------------------- */

/* Without a guard, a service without pauses would crash a hundred thousand times a day. With one there are at most so
 * many failures in any time of a storm, since the pause after it, shortened or not, is no shorter than that time. */
static void the_guard_holds_storms_down(void **state)
{
    (void)state;
    uint64_t seed = chance_begin();
    pk_restart_options options = PK_RESTART_OPTIONS_INIT;
    options.first_pause = options.most_pause = 0;
    options.storm_failures = 5;
    options.storm_time = PK_SECONDS(30);
    options.storm_pause = PK_SECONDS(60);
    struct week week = pass(&options, no_time, &seed);
    print_figures("crashes at once, with a storm guard", &week);
    assert_int_equal(most_within(&week, options.storm_time), options.storm_failures);
    assert_int_equal(week.world.machine.storms, week.count / options.storm_failures);
    for (unsigned i = 0; i < week.count; i++) {
        assert_int_equal(week.crashes[i].storm, i % options.storm_failures == options.storm_failures - 1);
        assert_in_range(week.crashes[i].pause, week.crashes[i].storm ? options.storm_pause / 2 : 0,
                        week.crashes[i].storm ? options.storm_pause : 0);
    }
    assert_in_range(week.count, WEEK / (options.storm_pause + PK_SECONDS(6)) * 5, WEEK / (options.storm_pause / 2) * 5);
    free(week.crashes);
}

/* The same guard does not see what crashes now and then. */
static void the_guard_sees_storms_only(void **state)
{
    (void)state;
    uint64_t seed = chance_begin();
    pk_restart_options options = PK_RESTART_OPTIONS_INIT;
    options.storm_failures = 5;
    struct week week = pass(&options, bad_hours, &seed);
    print_figures("an hour each day, with a storm guard", &week);
    assert_true(most_within(&week, options.storm_time) <= options.storm_failures);
    assert_in_range(week.world.machine.storms, 7, 7 * (HOUR / (options.storm_pause / 2)));
    free(week.crashes);
    week = pass(&options, hours, &seed);
    print_figures("now and then, with a storm guard", &week);
    assert_int_equal(week.world.machine.storms, 0);
    free(week.crashes);
}

static void a_burst_ends_it_and_a_week_of_crashes_does_not(void **state)
{
    (void)state;
    uint64_t seed = chance_begin();
    pk_restart_options options = PK_RESTART_OPTIONS_INIT;
    options.burst = 5;
    options.burst_time = PK_MINUTES(1);
    struct week week = pass(&options, hours, &seed);
    print_figures("now and then, with a limit for bursts", &week);
    assert_int_equal(week.world.machine.end, 0);
    assert_true(most_within(&week, options.burst_time) <= options.burst);
    free(week.crashes);
    week = pass(&options, no_time, &seed);
    print_figures("at once, with a limit for bursts", &week);
    assert_int_equal(week.world.machine.end, PK_SERVICE_EXHAUSTED);
    assert_int_equal(week.world.machine.restarts, 5);
    assert_true(week.world.now < PK_MINUTES(1));
    free(week.crashes);
}

static const struct test tests[] = {
    PK_TEST(who_crashes_at_once_costs_little), PK_TEST(who_crashes_now_and_then_is_back_at_once),
    PK_TEST(bad_hours_are_forgotten),          PK_TEST(the_guard_holds_storms_down),
    PK_TEST(the_guard_sees_storms_only),       PK_TEST(a_burst_ends_it_and_a_week_of_crashes_does_not),
};

PK_TEST_MAIN(tests)
