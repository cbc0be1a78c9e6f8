/*
 * What a machine promises, worked out once more.
 */
#include "stepping.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *name_of_event(enum machine_event event)
{
    static const char *const names[MACHINE_EVENTS] = {
        [MACHINE_WANTED] = "wanted",   [MACHINE_ADMITTED] = "admitted", [MACHINE_HOPELESS] = "hopeless",
        [MACHINE_REFUSED] = "refused", [MACHINE_IS_READY] = "is ready", [MACHINE_LATE] = "late",
        [MACHINE_SICK] = "sick",       [MACHINE_EXITED] = "exited",     [MACHINE_EMPTY] = "empty",
        [MACHINE_TIME] = "time",       [MACHINE_UNWANTED] = "unwanted", [MACHINE_RENEW] = "renew",
    };
    return names[event] ? names[event] : "an event without a name";
}

const char *name_of_state(pk_service_state state)
{
    static const char *const names[MACHINE_STATES] = {
        [PK_SERVICE_RESTING] = "resting", [PK_SERVICE_WAITING] = "waiting",   [PK_SERVICE_STARTING] = "starting",
        [PK_SERVICE_READY] = "ready",     [PK_SERVICE_STOPPING] = "stopping", [PK_SERVICE_EMPTYING] = "emptying",
        [PK_SERVICE_PAUSING] = "pausing", [PK_SERVICE_OVER] = "over",
    };
    return names[state] ? names[state] : "a state without a name";
}

/* ---- Chance ----------------------------------------------------------------------------------------------------- */

uint64_t chance_begin(void)
{
    const char *text = getenv("PK_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 1;
    print_message("PK_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* SplitMix64: any seed is as good as another. */
uint64_t chance(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

unsigned chance_below(uint64_t *seed, unsigned most)
{
    return (unsigned)(chance(seed) % most);
}

/* ---- What has been ---------------------------------------------------------------------------------------------- */

static void past_add(struct past *past, pk_time now)
{
    enum { ROOM = sizeof(past->times) / sizeof(past->times[0]) };
    if (past->count == ROOM)
        memmove(past->times, past->times + 1, --past->count * sizeof(past->times[0]));
    past->times[past->count++] = now;
}

static unsigned past_within(const struct past *past, pk_duration time, pk_time now)
{
    unsigned found = 0;
    for (unsigned i = 0; i < past->count; i++)
        found += now - past->times[i] <= time;
    return found;
}

/* ---- Promises --------------------------------------------------------------------------------------------------- */

/* One step, from both sides. */
struct moment {
    const struct world *world;
    const struct machine_input *input;
    struct machine before;
    unsigned actions;
};

static void promise(const struct moment *moment, bool kept, const char *what)
{
    const struct machine *machine = &moment->world->machine;
    if (!kept)
        fail_msg("step %llu, %s --%s--> %s (end %d): %s", (unsigned long long)moment->world->steps,
                 name_of_state(moment->before.state), name_of_event(moment->input->event),
                 name_of_state(machine->state), (int)machine->end, what);
}

static void check_tree(const struct moment *moment)
{
    const struct world *world = moment->world;
    unsigned actions = moment->actions;
    promise(moment, actions == 0 || actions == ACT_START || actions == ACT_STOP, "one thing after the other");
    promise(moment, !(actions & ACT_START) || world->tree == NO_TREE, "never two incarnations");
    promise(moment, !(actions & ACT_STOP) || world->tree != NO_TREE, "only what is there can be stopped");
}

static void check_state(const struct moment *moment)
{
    const struct world *world = moment->world;
    const struct machine *machine = &world->machine;
    bool is_resting = machine->after == AFTER_RESTING && world->tree != NO_TREE;
    promise(moment, machine_has_tree(machine) == (world->tree != NO_TREE), "it knows whether there is a tree");
    promise(moment, machine_is_done(machine) || is_resting == !world->wanted, "it knows whether it is wanted");
    promise(moment, !machine_is_done(machine) || !world->wanted, "what is wanted is not done");
    promise(moment, (machine->state == PK_SERVICE_OVER) == (machine->end != 0), "over for a reason, and then only");
    promise(moment, machine->state == PK_SERVICE_PAUSING || machine->resumes == PK_FOREVER, "only a pause ends");
    promise(moment, machine->since == (machine->state == moment->before.state ? moment->before.since : world->now),
            "since when");
    promise(moment, machine->incarnation == world->incarnation, "incarnations are counted");
    promise(moment, machine->restarts == world->restarts, "restarts are counted");
    promise(moment, machine->storms == world->storms, "storms are counted");
}

static pk_duration whole_pause(const struct world *world)
{
    const pk_restart_options *options = world->options;
    unsigned __int128 pause = options->first_pause;
    for (unsigned i = 1; i < world->streak && i <= 64; i++) {
        pause *= options->factor;
        if (pause > options->most_pause)
            break;
    }
    return pause < options->most_pause ? (pk_duration)pause : options->most_pause;
}

static bool comes_a_storm(struct world *world)
{
    const pk_restart_options *options = world->options;
    past_add(&world->failures, world->now);
    if (options->storm_failures == 0 || options->storm_failures > PK_RESTART_WINDOW ||
        past_within(&world->failures, options->storm_time, world->now) < options->storm_failures)
        return false;
    world->failures.count = 0;
    world->storms++;
    return true;
}

static bool is_used_up(const struct world *world)
{
    const pk_restart_options *options = world->options;
    return (options->most != UINT_MAX && world->restarts >= options->most) ||
           (options->burst > 0 && options->burst <= PK_RESTART_WINDOW &&
            past_within(&world->restarted, options->burst_time, world->now) >= options->burst);
}

static bool was_success(const struct world *world, const struct machine_input *input)
{
    return input->event == MACHINE_EMPTY && input->success && !world->failed;
}

static void check_pause(const struct moment *moment, struct world *world)
{
    const struct machine *machine = &world->machine;
    const pk_restart_options *options = world->options;
    promise(moment, !world->asked, "nothing is counted that was asked for");
    promise(moment, !is_used_up(world), "no more restarts than there are");
    if (world->now - world->started >= options->healthy)
        world->streak = 0;
    world->streak++;
    world->restarts += world->restarts < UINT_MAX;
    past_add(&world->restarted, world->now);

    bool storm = !was_success(world, moment->input) && comes_a_storm(world);
    pk_duration whole = storm ? options->storm_pause : whole_pause(world);
    pk_duration least = options->jitter && whole != PK_FOREVER ? whole - whole / 2 : whole;
    promise(moment, machine->storm == storm, "a storm is a storm");
    promise(moment, machine->pause >= least && machine->pause <= whole, "a pause as long as the options say");
    unsigned __int128 resumes = (unsigned __int128)world->now + machine->pause;
    promise(moment, machine->resumes == (resumes < PK_FOREVER ? (pk_time)resumes : PK_FOREVER), "then it goes on");
}

static void check_end(const struct moment *moment)
{
    const struct world *world = moment->world;
    const struct machine_input *input = moment->input;
    bool success = was_success(world, input);
    bool was_end = input->event == MACHINE_EMPTY || input->event == MACHINE_REFUSED;
    promise(moment, !was_end || !world->asked, "nothing is judged that was asked for");
    switch (world->machine.end) {
    case PK_SERVICE_SATISFIED:
        promise(moment, success && world->options->when != PK_RESTART_ALWAYS, "satisfied by a success");
        break;
    case PK_SERVICE_DONE:
        promise(moment, was_end && input->judgement == PK_JUDGE_DONE, "done by judgement");
        break;
    case PK_SERVICE_FAILED:
        promise(moment, was_end && !success && world->options->when == PK_RESTART_NEVER, "failed and never again");
        break;
    case PK_SERVICE_GAVE_UP:
        promise(moment,
                was_end &&
                    (input->judgement == PK_JUDGE_GIVE_UP || (input->event == MACHINE_REFUSED && input->permanent)),
                "given up for a reason");
        break;
    case PK_SERVICE_EXHAUSTED:
        promise(moment, was_end && is_used_up(world), "exhausted when there are no more restarts");
        break;
    case PK_SERVICE_NEEDLESS:
        promise(moment, input->event == MACHINE_HOPELESS, "needless without hope");
        break;
    default:
        promise(moment, false, "an end that there is");
    }
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

void world_begin(struct world *world, const pk_restart_options *options, pk_time now)
{
    memset(world, 0, sizeof(*world));
    world->options = options;
    world->now = now;
    machine_init(&world->machine, now);
}

bool world_would_lie(const struct world *world, enum machine_event event)
{
    return event == MACHINE_REFUSED && world->tree == THERE;
}

static void be_wanted(struct world *world)
{
    if (world->wanted)
        return;
    world->wanted = true;
    world->streak = world->restarts = world->storms = 0;
    world->restarted.count = world->failures.count = 0;
}

static void lose_tree(struct world *world, bool unwanted)
{
    world->asked |= unwanted && world->tree != NO_TREE;
    world->wanted &= !unwanted || world->tree == NO_TREE;
    world->tree = NO_TREE;
}

/* What an event says of the world, whatever the machine makes of it. */
static void live(struct world *world, const struct machine_input *input)
{
    enum machine_event event = input->event;
    world->asked |= world->tree != NO_TREE && (event == MACHINE_UNWANTED || event == MACHINE_RENEW);
    bool runs = world->machine.state == PK_SERVICE_STARTING || world->machine.state == PK_SERVICE_READY;
    if (event == MACHINE_WANTED || event == MACHINE_RENEW)
        be_wanted(world);
    else if (event == MACHINE_UNWANTED)
        world->wanted = false;
    else if (event == MACHINE_EMPTY || event == MACHINE_REFUSED)
        lose_tree(world, input->unwanted);
    else if ((event == MACHINE_IS_READY || event == MACHINE_EXITED) && world->tree == ASKED_FOR)
        world->tree = THERE;
    else if (runs && (event == MACHINE_SICK || (event == MACHINE_LATE && world->machine.state == PK_SERVICE_STARTING)))
        world->failed = true;
}

static void note_start(struct world *world)
{
    world->tree = ASKED_FOR;
    world->failed = world->asked = false;
    world->started = world->now;
    world->incarnation++;
}

unsigned world_step(struct world *world, struct machine_input input)
{
    struct moment moment = {.world = world, .input = &input, .before = world->machine};
    pk_service_state before = world->machine.state;
    world->steps++;
    input.now = world->now;
    live(world, &input);
    moment.actions = machine_step(&world->machine, world->options, &input);
    check_tree(&moment);
    if (moment.actions & ACT_START)
        note_start(world);
    if (world->machine.state == PK_SERVICE_PAUSING && before != PK_SERVICE_PAUSING)
        check_pause(&moment, world);
    if (world->machine.state == PK_SERVICE_OVER && before != PK_SERVICE_OVER) {
        world->wanted = false;
        check_end(&moment);
    }
    check_state(&moment);
    return moment.actions;
}

/* ---- Short histories -------------------------------------------------------------------------------------------- */

pk_restart_options patient_options(void)
{
    return (pk_restart_options){.size = sizeof(pk_restart_options),
                                .when = PK_RESTART_ALWAYS,
                                .most = UINT_MAX,
                                .factor = 1,
                                .healthy = PK_FOREVER};
}

pk_restart_options stormy_options(void)
{
    pk_restart_options options = patient_options();
    options.first_pause = options.most_pause = 10;
    options.storm_failures = 3;
    options.storm_time = 20;
    options.storm_pause = 1000;
    return options;
}

struct world world_started(const pk_restart_options *options)
{
    struct world world;
    world_begin(&world, options, 1000);
    world_step(&world, (struct machine_input){.event = MACHINE_WANTED});
    world_step(&world, (struct machine_input){.event = MACHINE_ADMITTED});
    return world;
}

void world_crash(struct world *world)
{
    world_step(world, (struct machine_input){.event = MACHINE_EMPTY});
}

void world_go_on(struct world *world)
{
    assert_int_equal(world->machine.state, PK_SERVICE_PAUSING);
    assert_true(world->machine.resumes != PK_FOREVER);
    world->now = world->machine.resumes;
    world_step(world, (struct machine_input){.event = MACHINE_TIME});
    world_step(world, (struct machine_input){.event = MACHINE_ADMITTED});
    assert_int_equal(world->machine.state, PK_SERVICE_STARTING);
}
