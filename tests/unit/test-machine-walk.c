/*
 * The machine in any history: walks by chance, and all that can be reached at all. What it promises is checked by the
 * world around it, after each step.
 */
#include "stepping.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- Walks ------------------------------------------------------------------------------------------------------ */

enum { STEPS = 1000000, STEPS_OF_ONE = 500 };

static pk_duration some_duration(uint64_t *seed)
{
    static const pk_duration durations[] = {0, 1, 2, 10, 1000, PK_SECONDS(30), PK_FOREVER - 1, PK_FOREVER};
    unsigned i = chance_below(seed, 12);
    if (i < sizeof(durations) / sizeof(durations[0]))
        return durations[i];
    return chance(seed) >> chance_below(seed, 64);
}

static unsigned some_number(uint64_t *seed, unsigned most)
{
    const unsigned numbers[] = {0, 1, 2, 3, 7, most};
    return numbers[chance_below(seed, 6)];
}

/* More than may be asked for as well: the machine is to be safe with any options. */
static pk_restart_options some_options(uint64_t *seed)
{
    pk_restart_options options = {
        .size = sizeof(options),
        .when = (pk_restart)chance_below(seed, 3),
        .most = chance_below(seed, 2) ? UINT_MAX : some_number(seed, 100),
        .burst = chance_below(seed, 2) ? 0 : some_number(seed, PK_RESTART_WINDOW + 1),
        .burst_time = some_duration(seed),
        .first_pause = some_duration(seed),
        .most_pause = some_duration(seed),
        .factor = some_number(seed, UINT_MAX),
        .jitter = chance_below(seed, 2),
        .healthy = some_duration(seed),
        .storm_failures = chance_below(seed, 2) ? 0 : some_number(seed, PK_RESTART_WINDOW + 1),
        .storm_time = some_duration(seed),
        .storm_pause = some_duration(seed),
    };
    options.factor += options.factor == 0;
    return options;
}

/* Mostly what would come next. */
static enum machine_event some_event(uint64_t *seed, pk_service_state state)
{
    static const enum machine_event likely[MACHINE_STATES][2] = {
        [PK_SERVICE_RESTING] = {MACHINE_WANTED, MACHINE_RENEW},
        [PK_SERVICE_WAITING] = {MACHINE_ADMITTED, MACHINE_ADMITTED},
        [PK_SERVICE_STARTING] = {MACHINE_IS_READY, MACHINE_EMPTY},
        [PK_SERVICE_READY] = {MACHINE_EXITED, MACHINE_EMPTY},
        [PK_SERVICE_STOPPING] = {MACHINE_EXITED, MACHINE_EMPTY},
        [PK_SERVICE_EMPTYING] = {MACHINE_EMPTY, MACHINE_EMPTY},
        [PK_SERVICE_PAUSING] = {MACHINE_TIME, MACHINE_TIME},
        [PK_SERVICE_OVER] = {MACHINE_WANTED, MACHINE_WANTED},
    };
    unsigned i = chance_below(seed, 6);
    return i < 4 ? likely[state][i % 2] : (enum machine_event)chance_below(seed, MACHINE_EVENTS);
}

static pk_judgement some_judgement(uint64_t *seed)
{
    return chance_below(seed, 4) ? PK_JUDGE_BY_POLICY : (pk_judgement)chance_below(seed, 4);
}

/* Where it stands still or jumps to the end of a pause more often than anything else. */
static void let_time_pass(struct world *world, uint64_t *seed)
{
    unsigned i = chance_below(seed, 4);
    pk_duration left = PK_FOREVER - 1 - world->now;
    pk_duration ahead = i < 2 ? 0 : chance(seed) >> (24 + chance_below(seed, 40));
    if (i == 0 && world->machine.resumes != PK_FOREVER && world->machine.resumes > world->now)
        ahead = world->machine.resumes - world->now;
    world->now += ahead < left ? ahead : left;
}

struct seen {
    unsigned states[MACHINE_STATES], events[MACHINE_EVENTS], ends[PK_SERVICE_INVALID + 1];
    unsigned starts, stops, storms, restarts, lies;
};

static void walk_on(struct world *world, uint64_t *seed, struct seen *seen)
{
    let_time_pass(world, seed);
    struct machine_input input = {.event = some_event(seed, world->machine.state),
                                  .random = chance(seed),
                                  .success = chance_below(seed, 3) == 0,
                                  .permanent = chance_below(seed, 8) == 0,
                                  .judgement = some_judgement(seed)};
    if (world_would_lie(world, input.event)) {
        seen->lies++;
        return;
    }
    unsigned storms = world->storms, restarts = world->restarts;
    unsigned actions = world_step(world, input);
    seen->states[world->machine.state]++;
    seen->events[input.event]++;
    seen->ends[world->machine.end]++;
    seen->starts += actions == ACT_START;
    seen->stops += actions == ACT_STOP;
    seen->storms += world->storms > storms;
    seen->restarts += world->restarts > restarts;
}

/* One service, whose settings are changed now and then. */
static void walk(uint64_t *seed, struct seen *seen)
{
    pk_restart_options options = some_options(seed);
    struct world world;
    world_begin(&world, &options, chance_below(seed, 8) ? chance(seed) >> 20 : PK_FOREVER - (chance(seed) >> 16) - 1);
    for (unsigned i = 0; i < STEPS_OF_ONE; i++) {
        if (chance_below(seed, 100) == 0)
            options = some_options(seed);
        walk_on(&world, seed, seen);
    }
}

static void any_walk_keeps_the_promises(void **state)
{
    (void)state;
    struct seen seen = {0};
    uint64_t seed = chance_begin();
    for (unsigned i = 0; i < fewer(STEPS) / STEPS_OF_ONE; i++)
        walk(&seed, &seen);
    print_message("%u starts, %u stops, %u restarts, %u storms, %u not said for being lies\n", seen.starts, seen.stops,
                  seen.restarts, seen.storms, seen.lies);
    for (int i = PK_SERVICE_RESTING; i < MACHINE_STATES; i++)
        print_message("%s %u\n", name_of_state((pk_service_state)i), seen.states[i]);
    for (int i = PK_SERVICE_RESTING; i < MACHINE_STATES; i++)
        assert_int_not_equal(seen.states[i], 0);
    for (int i = 0; i < MACHINE_EVENTS; i++)
        assert_int_not_equal(seen.events[i], 0);
    for (int i = PK_SERVICE_SATISFIED; i < PK_SERVICE_INVALID; i++)
        assert_int_not_equal(seen.ends[i], 0);
    assert_int_not_equal(seen.storms, 0);
}

/* ---- All that can be reached ------------------------------------------------------------------------------------ */

/* What makes a difference to what comes next, where it is only a question of a pause what time it is. */
struct key {
    int state, after, end, tree, storm, failed, wanted, is_time;
    unsigned restarts, streak, failures;
};

enum { MOST_PLACES = 4096, ENOUGH = 3 };

struct place {
    struct key key;
    struct world world;
};

struct map {
    struct place *places;
    unsigned count;
};

static unsigned at_most_enough(unsigned number)
{
    return number < ENOUGH ? number : ENOUGH;
}

static struct key key_of(const struct world *world)
{
    const struct machine *machine = &world->machine;
    struct key key;
    memset(&key, 0, sizeof(key));
    key.state = (int)machine->state;
    key.after = (int)machine->after;
    key.end = (int)machine->end;
    key.tree = (int)world->tree;
    key.storm = machine->storm;
    key.failed = machine->failed;
    key.wanted = world->wanted;
    key.is_time = world->now >= machine->resumes;
    key.restarts = at_most_enough(machine->restarts);
    key.streak = at_most_enough(machine->streak);
    key.failures = at_most_enough(machine->failures.count);
    return key;
}

static void put_on_map(struct map *map, const struct world *world)
{
    struct key key = key_of(world);
    for (unsigned i = 0; i < map->count; i++)
        if (memcmp(&map->places[i].key, &key, sizeof(key)) == 0)
            return;
    assert_int_not_equal(map->count, MOST_PLACES);
    map->places[map->count].key = key;
    map->places[map->count++].world = *world;
}

static void try_one(struct map *map, const struct world *from, struct machine_input input, pk_duration ahead)
{
    struct world world = *from;
    if (world_would_lie(&world, input.event))
        return;
    world.now += ahead;
    world_step(&world, input);
    put_on_map(map, &world);
}

static void try_all(struct map *map, const struct world *from)
{
    const pk_duration pause = from->options->first_pause;
    for (int event = 0; event < MACHINE_EVENTS; event++) {
        bool is_end = event == MACHINE_EMPTY || event == MACHINE_REFUSED;
        for (int judgement = 0; judgement <= (is_end ? PK_JUDGE_GIVE_UP : 0); judgement++)
            for (int good = 0; good <= is_end; good++)
                try_one(map, from,
                        (struct machine_input){.event = (enum machine_event)event,
                                               .success = good,
                                               .permanent = good,
                                               .judgement = (pk_judgement)judgement},
                        0);
    }
    try_one(map, from, (struct machine_input){.event = MACHINE_TIME}, pause);
}

/* From everywhere: it can be brought to rest, and from there it runs again. */
static void assert_no_dead_end(const struct world *from)
{
    struct world world = *from;
    world_step(&world, (struct machine_input){.event = MACHINE_UNWANTED});
    if (world.tree != NO_TREE)
        world_step(&world, (struct machine_input){.event = MACHINE_EMPTY, .judgement = PK_JUDGE_RESTART});
    assert_true(machine_is_done(&world.machine));
    world_step(&world, (struct machine_input){.event = MACHINE_WANTED});
    assert_int_equal(world_step(&world, (struct machine_input){.event = MACHINE_ADMITTED}), ACT_START);
}

/* From everywhere: who does nothing but tell what happens to the tree sees it started again, or over. */
static void assert_it_goes_on(const struct world *from)
{
    struct world world = *from;
    if (!world.wanted)
        return;
    unsigned actions = 0;
    for (int i = 0; i < 3 && actions != ACT_START && !machine_is_done(&world.machine); i++) {
        if (world.machine.state == PK_SERVICE_PAUSING)
            world.now = world.machine.resumes;
        enum machine_event event = world.tree != NO_TREE ? MACHINE_EMPTY : MACHINE_ADMITTED;
        actions = world_step(
            &world, (struct machine_input){.event = world.machine.state == PK_SERVICE_PAUSING ? MACHINE_TIME : event});
    }
    assert_true(actions == ACT_START || world.machine.state == PK_SERVICE_OVER);
}

static unsigned explore(const pk_restart_options *options)
{
    struct map map = {.places = calloc(MOST_PLACES, sizeof(*map.places))};
    struct world world;
    assert_non_null(map.places);
    world_begin(&world, options, 1000);
    put_on_map(&map, &world);
    for (unsigned i = 0; i < map.count; i++) {
        try_all(&map, &map.places[i].world);
        assert_no_dead_end(&map.places[i].world);
        assert_it_goes_on(&map.places[i].world);
    }
    free(map.places);
    return map.count;
}

static void nothing_that_can_be_reached_breaks_a_promise(void **state)
{
    (void)state;
    for (int when = 0; when <= PK_RESTART_NEVER; when++)
        for (unsigned most = 0; most <= 3; most++)
            for (unsigned storm = 0; storm <= 2; storm++) {
                const pk_restart_options options = {.size = sizeof(options),
                                                    .when = (pk_restart)when,
                                                    .most = most == 3 ? UINT_MAX : most,
                                                    .first_pause = 10,
                                                    .most_pause = 10,
                                                    .factor = 1,
                                                    .healthy = PK_FOREVER,
                                                    .storm_failures = storm,
                                                    .storm_time = PK_FOREVER,
                                                    .storm_pause = 10};
                unsigned places = explore(&options);
                print_message("when %d, most %u, storm %u: %u places\n", when, options.most, storm, places);
                assert_true(places > 20);
            }
}

static const struct test tests[] = {
    PK_TEST(any_walk_keeps_the_promises),
    PK_TEST(nothing_that_can_be_reached_breaks_a_promise),
};

PK_TEST_MAIN(tests)
