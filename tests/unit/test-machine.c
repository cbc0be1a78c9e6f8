/*
 * The machine of a service: every event in every situation, and what is to come of it.
 */
#include "stepping.h"

#include <string.h>

static const pk_restart_options options = {
    .size = sizeof(options),
    .when = PK_RESTART_ALWAYS,
    .most = 100,
    .first_pause = 10,
    .most_pause = 10,
    .factor = 1,
    .healthy = PK_FOREVER,
};

/* ---- Situations ------------------------------------------------------------------------------------------------- */

/* States, and where it depends on more than the state, that as well. */
enum situation {
    RESTING,
    WAITING,
    STARTING,
    READY,
    STOPPING, /* for being sick, and then it is judged */
    STOPPING_TO_REST,
    STOPPING_TO_RENEW,
    EMPTYING,
    EMPTYING_TO_REST,
    EMPTYING_TO_RENEW,
    PAUSING, /* and its time has not come */
    OVER,
    SITUATIONS
};

enum { LONGEST = 7, END_OF_PATH = MACHINE_EVENTS };

#define AS_READY MACHINE_WANTED, MACHINE_ADMITTED, MACHINE_IS_READY
#define PATH(...)                \
    {                            \
        __VA_ARGS__, END_OF_PATH \
    }

static const struct {
    const char *name;
    pk_service_state state;
    enum machine_after after;
    int path[LONGEST];
} situations[SITUATIONS] = {
    [RESTING] = {"resting", PK_SERVICE_RESTING, AFTER_JUDGING, {END_OF_PATH}},
    [WAITING] = {"waiting", PK_SERVICE_WAITING, AFTER_JUDGING, PATH(MACHINE_WANTED)},
    [STARTING] = {"starting", PK_SERVICE_STARTING, AFTER_JUDGING, PATH(MACHINE_WANTED, MACHINE_ADMITTED)},
    [READY] = {"ready", PK_SERVICE_READY, AFTER_JUDGING, PATH(AS_READY)},
    [STOPPING] = {"stopping", PK_SERVICE_STOPPING, AFTER_JUDGING, PATH(AS_READY, MACHINE_SICK)},
    [STOPPING_TO_REST] = {"stopping to rest", PK_SERVICE_STOPPING, AFTER_RESTING, PATH(AS_READY, MACHINE_UNWANTED)},
    [STOPPING_TO_RENEW] = {"stopping to renew", PK_SERVICE_STOPPING, AFTER_RENEWAL, PATH(AS_READY, MACHINE_RENEW)},
    [EMPTYING] = {"emptying", PK_SERVICE_EMPTYING, AFTER_JUDGING, PATH(AS_READY, MACHINE_EXITED)},
    [EMPTYING_TO_REST] = {"emptying to rest", PK_SERVICE_EMPTYING, AFTER_RESTING,
                          PATH(AS_READY, MACHINE_UNWANTED, MACHINE_EXITED)},
    [EMPTYING_TO_RENEW] = {"emptying to renew", PK_SERVICE_EMPTYING, AFTER_RENEWAL,
                           PATH(AS_READY, MACHINE_EXITED, MACHINE_RENEW)},
    [PAUSING] = {"pausing", PK_SERVICE_PAUSING, AFTER_JUDGING, PATH(AS_READY, MACHINE_EMPTY)},
    [OVER] = {"over", PK_SERVICE_OVER, AFTER_JUDGING, PATH(MACHINE_WANTED, MACHINE_HOPELESS)},
};

static void come_into(struct machine *machine, enum situation situation)
{
    memset(machine, 0, sizeof(*machine));
    machine_init(machine, 1000);
    for (const int *event = situations[situation].path; *event != END_OF_PATH; event++)
        machine_step(machine, &options, &(struct machine_input){.event = (enum machine_event) * event, .now = 1000});
    assert_int_equal(machine->state, situations[situation].state);
    assert_int_equal(machine->after, situations[situation].after);
}

/* ---- The table -------------------------------------------------------------------------------------------------- */

struct expectation {
    enum { UNLISTED, UNCHANGED, CHANGED } what;
    enum situation situation;
    unsigned actions;
};

#define NOTHING   \
    {             \
        UNCHANGED \
    }
#define TO(...)              \
    {                        \
        CHANGED, __VA_ARGS__ \
    }

static const struct expectation expectations[SITUATIONS][MACHINE_EVENTS] =
    {
        [RESTING] =
            {
                [MACHINE_WANTED] = TO(WAITING),
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = NOTHING,
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = NOTHING,
                [MACHINE_EMPTY] = NOTHING,
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = NOTHING,
                [MACHINE_RENEW] = TO(WAITING),
            },
        [WAITING] =
            {
                [MACHINE_WANTED] = NOTHING,
                [MACHINE_ADMITTED] = TO(STARTING, ACT_START),
                [MACHINE_HOPELESS] = TO(OVER),
                [MACHINE_REFUSED] = NOTHING,
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = NOTHING,
                [MACHINE_EMPTY] = NOTHING,
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(RESTING),
                [MACHINE_RENEW] = NOTHING,
            },
        [STARTING] =
            {
                [MACHINE_WANTED] = NOTHING,
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = TO(PAUSING),
                [MACHINE_IS_READY] = TO(READY),
                [MACHINE_LATE] = TO(STOPPING, ACT_STOP),
                [MACHINE_SICK] = TO(STOPPING, ACT_STOP),
                [MACHINE_EXITED] = TO(EMPTYING),
                [MACHINE_EMPTY] = TO(PAUSING),
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(STOPPING_TO_REST, ACT_STOP),
                [MACHINE_RENEW] = TO(STOPPING_TO_RENEW, ACT_STOP),
            },
        [READY] =
            {
                [MACHINE_WANTED] = NOTHING,
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = NOTHING,
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = TO(STOPPING, ACT_STOP),
                [MACHINE_EXITED] = TO(EMPTYING),
                [MACHINE_EMPTY] = TO(PAUSING),
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(STOPPING_TO_REST, ACT_STOP),
                [MACHINE_RENEW] = TO(STOPPING_TO_RENEW, ACT_STOP),
            },
        [STOPPING] =
            {
                [MACHINE_WANTED] = NOTHING,
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = TO(PAUSING),
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = TO(EMPTYING),
                [MACHINE_EMPTY] = TO(PAUSING),
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(STOPPING_TO_REST, ACT_STOP),
                [MACHINE_RENEW] = TO(STOPPING_TO_RENEW),
            },
        [STOPPING_TO_REST] =
            {
                [MACHINE_WANTED] = TO(STOPPING_TO_RENEW),
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = TO(RESTING),
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = TO(EMPTYING_TO_REST),
                [MACHINE_EMPTY] = TO(RESTING),
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(STOPPING_TO_REST, ACT_STOP),
                [MACHINE_RENEW] = TO(STOPPING_TO_RENEW),
            },
        [STOPPING_TO_RENEW] =
            {
                [MACHINE_WANTED] = NOTHING,
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = TO(WAITING),
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = TO(EMPTYING_TO_RENEW),
                [MACHINE_EMPTY] = TO(WAITING),
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(STOPPING_TO_REST, ACT_STOP),
                [MACHINE_RENEW] = NOTHING,
            },
        [EMPTYING] =
            {
                [MACHINE_WANTED] = NOTHING,
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = NOTHING,
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING, /* what is left of it is to end anyway */
                [MACHINE_EXITED] = NOTHING,
                [MACHINE_EMPTY] = TO(PAUSING),
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(EMPTYING_TO_REST, ACT_STOP),
                [MACHINE_RENEW] = TO(EMPTYING_TO_RENEW, ACT_STOP),
            },
        [EMPTYING_TO_REST] =
            {
                [MACHINE_WANTED] = TO(EMPTYING_TO_RENEW),
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = NOTHING,
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = NOTHING,
                [MACHINE_EMPTY] = TO(RESTING),
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(EMPTYING_TO_REST, ACT_STOP),
                [MACHINE_RENEW] = TO(EMPTYING_TO_RENEW, ACT_STOP),
            },
        [EMPTYING_TO_RENEW] =
            {
                [MACHINE_WANTED] = NOTHING,
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = NOTHING,
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = NOTHING,
                [MACHINE_EMPTY] = TO(WAITING),
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(EMPTYING_TO_REST, ACT_STOP),
                [MACHINE_RENEW] = TO(EMPTYING_TO_RENEW, ACT_STOP),
            },
        [PAUSING] =
            {
                [MACHINE_WANTED] = TO(WAITING),
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = NOTHING,
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = NOTHING,
                [MACHINE_EMPTY] = NOTHING,
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = TO(RESTING),
                [MACHINE_RENEW] = TO(WAITING),
            },
        [OVER] =
            {
                [MACHINE_WANTED] = TO(WAITING),
                [MACHINE_ADMITTED] = NOTHING,
                [MACHINE_HOPELESS] = NOTHING,
                [MACHINE_REFUSED] = NOTHING,
                [MACHINE_IS_READY] = NOTHING,
                [MACHINE_LATE] = NOTHING,
                [MACHINE_SICK] = NOTHING,
                [MACHINE_EXITED] = NOTHING,
                [MACHINE_EMPTY] = NOTHING,
                [MACHINE_TIME] = NOTHING,
                [MACHINE_UNWANTED] = NOTHING,
                [MACHINE_RENEW] = TO(WAITING),
            },
};

static void assert_expected(enum situation situation, enum machine_event event)
{
    static struct machine machine, before;
    const struct expectation *expectation = &expectations[situation][event];
    come_into(&machine, situation);
    memcpy(&before, &machine, sizeof(machine));
    unsigned actions = machine_step(&machine, &options, &(struct machine_input){.event = event, .now = 1005});
    print_message("%s, %s: %s, actions %u\n", situations[situation].name, name_of_event(event),
                  name_of_state(machine.state), actions);
    assert_int_not_equal(expectation->what, UNLISTED);
    assert_int_equal(actions, expectation->actions);
    if (expectation->what == UNCHANGED) {
        assert_memory_equal(&machine, &before, sizeof(machine));
        return;
    }
    pk_service_state state = situations[expectation->situation].state;
    assert_int_equal(machine.state, state);
    if (machine_has_tree(&machine))
        assert_int_equal(machine.after, situations[expectation->situation].after);
    assert_int_equal(machine.since, state == before.state ? 1000 : 1005);
}

static void each_event_in_each_situation(void **state)
{
    (void)state;
    for (int situation = 0; situation < SITUATIONS; situation++)
        for (int event = 0; event < MACHINE_EVENTS; event++)
            assert_expected((enum situation)situation, (enum machine_event)event);
}

static void no_state_is_left_out(void **state)
{
    (void)state;
    for (int wanted = PK_SERVICE_RESTING; wanted < MACHINE_STATES; wanted++) {
        bool found = false;
        for (int i = 0; i < SITUATIONS; i++)
            found = found || situations[i].state == (pk_service_state)wanted;
        print_message("%s\n", name_of_state((pk_service_state)wanted));
        assert_true(found);
    }
}

static void it_knows_of_its_tree_and_its_rest(void **state)
{
    (void)state;
    struct machine machine;
    for (int i = 0; i < SITUATIONS; i++) {
        come_into(&machine, (enum situation)i);
        print_message("%s\n", situations[i].name);
        assert_int_equal(machine_has_tree(&machine), i >= STARTING && i <= EMPTYING_TO_RENEW);
        assert_int_equal(machine_is_done(&machine), i == RESTING || i == OVER);
        assert_int_equal(machine.end, i == OVER ? PK_SERVICE_NEEDLESS : 0);
    }
}

static void what_makes_no_sense_is_over(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    machine_invalidate(&machine, 2);
    assert_int_equal(machine.state, PK_SERVICE_OVER);
    assert_int_equal(machine.end, PK_SERVICE_INVALID);
    assert_int_equal(machine.since, 2);
    assert_true(machine.resumes == PK_FOREVER);
}

static const struct test tests[] = {
    PK_TEST(each_event_in_each_situation),
    PK_TEST(no_state_is_left_out),
    PK_TEST(it_knows_of_its_tree_and_its_rest),
    PK_TEST(what_makes_no_sense_is_over),
};

PK_TEST_MAIN(tests)
