/*
 * The table of a service, and what an end leads to.
 *
 *     RESTING  --wanted---------------------------> WAITING
 *     WAITING  --admitted: start------------------> STARTING
 *              --one that it needs is over--------> OVER
 *     STARTING --ready----------------------------> READY
 *              --refused--------------------------> judged
 *     STARTING, READY
 *              --late, sick, unwanted: stop-------> STOPPING
 *              --leader ended---------------------> EMPTYING
 *              --tree empty-----------------------> judged
 *     STOPPING --leader ended---------------------> EMPTYING
 *     STOPPING, EMPTYING
 *              --tree empty-----------------------> judged; RESTING if it is unwanted, WAITING if it is renewed
 *     judged   --not again------------------------> OVER
 *              --again----------------------------> PAUSING
 *     PAUSING  --its time, wanted-----------------> WAITING
 *     OVER     --wanted---------------------------> WAITING
 */
#include "supervise/machine.h"

#include "base/time.h"
#include "process/retry.h"

#include <limits.h>

typedef unsigned reaction(struct machine *machine, const pk_restart_options *options,
                          const struct machine_input *input);

/* Counters stay at the most they can hold. */
static void count(unsigned *counter)
{
    if (*counter < UINT_MAX)
        (*counter)++;
}

static unsigned enter(struct machine *machine, pk_service_state state, pk_time now)
{
    machine->state = state;
    machine->end = 0;
    machine->since = now;
    machine->resumes = PK_FOREVER;
    return 0;
}

static unsigned end(struct machine *machine, pk_service_end why, pk_time now)
{
    enter(machine, PK_SERVICE_OVER, now);
    machine->end = why;
    return 0;
}

/* ---- The last so many ------------------------------------------------------------------------------------------- */

static void window_add(struct machine_window *window, pk_time now)
{
    window->times[window->next] = now;
    window->next = (window->next + 1) % PK_RESTART_WINDOW;
    if (window->count < PK_RESTART_WINDOW)
        window->count++;
}

/* Whether at least so many came within that time; not if they are more than fit. */
static bool window_holds(const struct machine_window *window, unsigned many, pk_duration within, pk_time now)
{
    if (many == 0 || many > window->count)
        return false;
    pk_time first = window->times[(window->next + PK_RESTART_WINDOW - many) % PK_RESTART_WINDOW];
    return now - first <= within;
}

/* As if for the first time. */
static void forget(struct machine *machine)
{
    machine->storm = false;
    machine->pause = 0;
    machine->streak = machine->restarts = machine->storms = 0;
    machine->restarted.count = machine->failures.count = 0;
}

/* ---- The pause -------------------------------------------------------------------------------------------------- */

static pk_duration grow(struct machine *machine, const pk_restart_options *options, pk_time now)
{
    const pk_retry_options growth = {
        .first_pause = options->first_pause, .factor = options->factor, .most_pause = options->most_pause};
    if (now - machine->started >= options->healthy)
        machine->streak = 0;
    count(&machine->streak);
    return retry_pause(&growth, machine->streak, 0);
}

/* One storm is not told twice: the next needs as many failures again. */
static bool is_storm(struct machine *machine, const pk_restart_options *options, pk_time now)
{
    window_add(&machine->failures, now);
    if (!window_holds(&machine->failures, options->storm_failures, options->storm_time, now))
        return false;
    machine->failures.count = 0;
    return true;
}

/* What fails together is not to come back together, after a storm least of all. */
static pk_duration shorten(pk_duration pause, uint64_t random)
{
    return pause == PK_FOREVER ? pause : pause - random % (pause / 2 + 1);
}

static unsigned take_pause(struct machine *machine, const pk_restart_options *options,
                           const struct machine_input *input, bool success)
{
    pk_duration whole = grow(machine, options, input->now);
    machine->storm = !success && is_storm(machine, options, input->now);
    if (machine->storm) {
        count(&machine->storms);
        whole = options->storm_pause;
    }
    count(&machine->restarts);
    window_add(&machine->restarted, input->now);
    machine->pause = options->jitter ? shorten(whole, input->random) : whole;
    enter(machine, PK_SERVICE_PAUSING, input->now);
    machine->resumes = time_add(input->now, machine->pause);
    return 0;
}

/* ---- The end of an incarnation ---------------------------------------------------------------------------------- */

static bool is_exhausted(const struct machine *machine, const pk_restart_options *options, pk_time now)
{
    return (options->most != UINT_MAX && machine->restarts >= options->most) ||
           window_holds(&machine->restarted, options->burst, options->burst_time, now);
}

/* Why it is not started again; 0: it is. */
static pk_service_end judge(const struct machine *machine, const pk_restart_options *options,
                            const struct machine_input *input, bool success)
{
    if (input->judgement == PK_JUDGE_DONE)
        return PK_SERVICE_DONE;
    if (input->judgement == PK_JUDGE_GIVE_UP)
        return PK_SERVICE_GAVE_UP;
    if (input->judgement != PK_JUDGE_RESTART) {
        if (input->event == MACHINE_REFUSED && input->permanent)
            return PK_SERVICE_GAVE_UP;
        if (options->when == PK_RESTART_NEVER || (options->when == PK_RESTART_ON_FAILURE && success))
            return success ? PK_SERVICE_SATISFIED : PK_SERVICE_FAILED;
    }
    return is_exhausted(machine, options, input->now) ? PK_SERVICE_EXHAUSTED : 0;
}

/* REFUSED and EMPTY: there is no tree now. */
static unsigned conclude(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    if (machine->after == AFTER_RESTING || input->unwanted)
        return enter(machine, PK_SERVICE_RESTING, input->now);
    if (machine->after == AFTER_RENEWAL)
        return enter(machine, PK_SERVICE_WAITING, input->now);
    bool success = input->event == MACHINE_EMPTY && input->success && !machine->failed;
    pk_service_end why = judge(machine, options, input, success);
    return why ? end(machine, why, input->now) : take_pause(machine, options, input, success);
}

/* ---- Without a tree --------------------------------------------------------------------------------------------- */

static unsigned begin(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    forget(machine);
    return enter(machine, PK_SERVICE_WAITING, input->now);
}

static unsigned start(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    enter(machine, PK_SERVICE_STARTING, input->now);
    count(&machine->incarnation);
    machine->started = input->now;
    machine->after = AFTER_JUDGING;
    machine->failed = false;
    return ACT_START;
}

static unsigned lose_hope(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    return end(machine, PK_SERVICE_NEEDLESS, input->now);
}

static unsigned rest(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    return enter(machine, PK_SERVICE_RESTING, input->now);
}

static unsigned resume(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    return enter(machine, PK_SERVICE_WAITING, input->now);
}

static unsigned resume_in_time(struct machine *machine, const pk_restart_options *options,
                               const struct machine_input *input)
{
    if (time_left(machine->resumes, input->now) > 0)
        return 0;
    return resume(machine, options, input);
}

/* ---- With a tree ------------------------------------------------------------------------------------------------ */

static unsigned be_ready(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    return enter(machine, PK_SERVICE_READY, input->now);
}

static unsigned stop_first(struct machine *machine, enum machine_after after, pk_time now)
{
    machine->after = after;
    enter(machine, PK_SERVICE_STOPPING, now);
    return ACT_STOP;
}

static unsigned fail(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    machine->failed = true;
    return stop_first(machine, AFTER_JUDGING, input->now);
}

static unsigned stop(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    return stop_first(machine, AFTER_RESTING, input->now);
}

static unsigned renew(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    return stop_first(machine, AFTER_RENEWAL, input->now);
}

static unsigned lose_leader(struct machine *machine, const pk_restart_options *options,
                            const struct machine_input *input)
{
    return enter(machine, PK_SERVICE_EMPTYING, input->now);
}

/* ---- With a tree that is about to end --------------------------------------------------------------------------- */

/* Perhaps harder than before: how it is to end is for who asks. */
static unsigned stop_again(struct machine *machine, const pk_restart_options *options,
                           const struct machine_input *input)
{
    machine->after = AFTER_RESTING;
    return ACT_STOP;
}

/* The same as if it had come when it rested: it makes no difference how long the end takes. */
static unsigned want_again(struct machine *machine, const pk_restart_options *options,
                           const struct machine_input *input)
{
    if (machine->after != AFTER_RESTING)
        return 0;
    forget(machine);
    machine->after = AFTER_RENEWAL;
    return 0;
}

static unsigned renew_stopping(struct machine *machine, const pk_restart_options *options,
                               const struct machine_input *input)
{
    want_again(machine, options, input);
    machine->after = AFTER_RENEWAL;
    return 0;
}

/* Nobody has told what is left to end. */
static unsigned renew_emptying(struct machine *machine, const pk_restart_options *options,
                               const struct machine_input *input)
{
    renew_stopping(machine, options, input);
    return ACT_STOP;
}

/* ---- The table -------------------------------------------------------------------------------------------------- */

/* Where there is nothing, nothing changes. */
static reaction *const table[MACHINE_STATES][MACHINE_EVENTS] = {
    [PK_SERVICE_RESTING] =
        {
            [MACHINE_WANTED] = begin,
            [MACHINE_RENEW] = begin,
        },
    [PK_SERVICE_WAITING] =
        {
            [MACHINE_ADMITTED] = start,
            [MACHINE_HOPELESS] = lose_hope,
            [MACHINE_UNWANTED] = rest,
        },
    [PK_SERVICE_STARTING] =
        {
            [MACHINE_REFUSED] = conclude,
            [MACHINE_IS_READY] = be_ready,
            [MACHINE_LATE] = fail,
            [MACHINE_SICK] = fail,
            [MACHINE_EXITED] = lose_leader,
            [MACHINE_EMPTY] = conclude,
            [MACHINE_UNWANTED] = stop,
            [MACHINE_RENEW] = renew,
        },
    [PK_SERVICE_READY] =
        {
            [MACHINE_SICK] = fail,
            [MACHINE_EXITED] = lose_leader,
            [MACHINE_EMPTY] = conclude,
            [MACHINE_UNWANTED] = stop,
            [MACHINE_RENEW] = renew,
        },
    [PK_SERVICE_STOPPING] =
        {
            [MACHINE_WANTED] = want_again,
            [MACHINE_REFUSED] = conclude, /* it was stopped before it was known that it did not start */
            [MACHINE_EXITED] = lose_leader,
            [MACHINE_EMPTY] = conclude,
            [MACHINE_UNWANTED] = stop_again,
            [MACHINE_RENEW] = renew_stopping,
        },
    [PK_SERVICE_EMPTYING] =
        {
            [MACHINE_WANTED] = want_again,
            [MACHINE_EMPTY] = conclude,
            [MACHINE_UNWANTED] = stop_again,
            [MACHINE_RENEW] = renew_emptying,
        },
    [PK_SERVICE_PAUSING] =
        {
            [MACHINE_WANTED] = resume,
            [MACHINE_TIME] = resume_in_time,
            [MACHINE_UNWANTED] = rest,
            [MACHINE_RENEW] = resume,
        },
    [PK_SERVICE_OVER] =
        {
            [MACHINE_WANTED] = begin,
            [MACHINE_RENEW] = begin,
        },
};

unsigned machine_step(struct machine *machine, const pk_restart_options *options, const struct machine_input *input)
{
    reaction *react = table[machine->state][input->event];
    return react ? react(machine, options, input) : 0;
}

/* ---- Around it -------------------------------------------------------------------------------------------------- */

void machine_init(struct machine *machine, pk_time now)
{
    *machine = (struct machine){0};
    enter(machine, PK_SERVICE_RESTING, now);
}

void machine_invalidate(struct machine *machine, pk_time now)
{
    end(machine, PK_SERVICE_INVALID, now);
}

bool machine_has_tree(const struct machine *machine)
{
    switch (machine->state) {
    case PK_SERVICE_STARTING:
    case PK_SERVICE_READY:
    case PK_SERVICE_STOPPING:
    case PK_SERVICE_EMPTYING:
        return true;
    case PK_SERVICE_RESTING:
    case PK_SERVICE_WAITING:
    case PK_SERVICE_PAUSING:
    case PK_SERVICE_OVER:
        return false;
    }
    return false;
}

bool machine_is_done(const struct machine *machine)
{
    return machine->state == PK_SERVICE_RESTING || machine->state == PK_SERVICE_OVER;
}

const char *machine_check_options(const pk_restart_options *options)
{
    if ((unsigned)options->when > PK_RESTART_NEVER)
        return "restarts on an occasion that there is not";
    if (options->factor == 0)
        return "a factor of 0";
    if (options->burst > PK_RESTART_WINDOW)
        return "a burst of more than 64 restarts";
    if (options->burst > 0 && options->burst_time == 0)
        return "a burst time of 0";
    if (options->storm_failures > PK_RESTART_WINDOW)
        return "a storm of more than 64 failures";
    if (options->storm_failures > 0 && options->storm_time == 0)
        return "a storm time of 0";
    return NULL;
}
