/*
 * Starting a pipeline: the last stage first, each with the pipe that it reads, until the first one starts all of it.
 */
#include "base/error.h"
#include "base/time.h"
#include "pipeline/chain.h"
#include "process/branching.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* Descriptors that it takes to see whether somebody is gone, when a stage has got no more of them. */
enum { RESERVE = 3 };

struct start {
    const struct chain_plan *plan;
    const pk_command *last;
    enum process_stdio stdio;
    struct chain *chain;
    struct branching branching;
    pk_time deadline; /* of all of them, to the moment: who runs into it first must not hide the others */
    int input;        /* write end of the pipe that the stage started last reads; -1 */
    int held;         /* the same of who is to be killed before it sees the end of that; -1 */
    int reserve[RESERVE];
};

/* ---- What makes no sense ---------------------------------------------------------------------------------------- */

static int refuse_stage(const pk_command *command, size_t stage, const char *what, pk_error *error)
{
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "invalid pipeline: stage %zu (%s) %s",
                     stage + 1, pk_command_program(command), what);
}

/* Of the last one it may have been said to a copy. There what the first one reads is said as well: see make_command. */
static bool has_stdin(const struct chain_plan *plan, size_t stage, const pk_command *command)
{
    const struct descriptor *said = command_find_descriptor(command, 0);
    bool is_first_ones =
        said && !command->has_input && (said->kind == DESCRIPTOR_PIPE || said->kind == DESCRIPTOR_INHERIT);
    return command_find_descriptor(plan->stages[stage].command, 0) || (said && !is_first_ones);
}

static int check_stage(const struct chain_plan *plan, size_t stage, const pk_command *command, pk_error *error)
{
    int r = command_check(command, error);
    if (r < 0)
        return r;
    if (plan_has_runner(plan->stages[stage].command->runner))
        return refuse_stage(command, stage, "is a pipeline itself: its stages are to be added one by one", error);
    if (stage > 0 && has_stdin(plan, stage, command))
        return refuse_stage(command, stage, "reads what the one before it writes, and has a stdin of its own", error);
    if (stage + 1 < plan->count && command_find_descriptor(command, 1))
        return refuse_stage(command, stage, "writes to the one after it, and has a stdout of its own", error);
    if (command->leftovers == PK_LEFTOVERS_ALLOW)
        return refuse_stage(command, stage, "allows its leftovers to live on, which the others would not survive",
                            error);
    if (command->contain && plan->contain)
        return refuse_stage(command, stage, "is contained by itself, and all of them together are as well", error);
    return 0;
}

/* What is not there is known before anything has begun. */
static int find_program(const pk_command *command, pk_error *error)
{
    pk_error why;
    char *path = NULL;
    if (command->runner)
        return 0;
    int r = pk_command_find(command, &path, &why);
    free(path);
    if (r == -ENOENT && error)
        *error = why;
    return r == -ENOENT ? r : 0;
}

static const pk_command *command_of(const struct start *start, size_t stage)
{
    return stage + 1 == start->plan->count ? start->last : start->plan->stages[stage].command;
}

/* The last command's runner is the pipeline's own by now. */
static pk_runner *runner_of(const struct start *start, size_t stage)
{
    return start->plan->stages[stage].command->runner;
}

/* Before the number of one that is closed becomes that of something of ours. */
static int check_tees(const struct chain_plan *plan, pk_error *error)
{
    for (size_t i = 0; i < plan->count; i++) {
        int tee = plan->stages[i].tee, r = tee < 0 ? 0 : sys_fcntl(tee, F_GETFD, 0);
        if (r < 0)
            return error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot pass on what goes to descriptor %d", tee);
    }
    return 0;
}

static int check_all(const struct start *start, pk_error *error)
{
    const struct chain_plan *plan = start->plan;
    int r = problem_check(&plan->problem, "pipeline", error);
    for (size_t i = 0; r == 0 && i < plan->count; i++)
        r = check_stage(plan, i, command_of(start, i), error);
    if (r == 0 && plan->stages[plan->count - 1].tee >= 0)
        r = refuse_stage(start->last, plan->count - 1, "is the last, and writes to no other (see pk_command_tee)",
                         error);
    if (r == 0)
        r = check_tees(plan, error);
    for (size_t i = 0; r == 0 && plan->count > 1 && i < plan->count; i++)
        r = find_program(plan->stages[i].command, error);
    return r;
}

/* ---- One stage -------------------------------------------------------------------------------------------------- */

/* As a command of its own, with what holds for all. */
static pk_command *prepare(const struct start *start, size_t stage)
{
    const struct chain_plan *plan = start->plan;
    pk_command *command = pk_command_copy(command_of(start, stage));
    if (!command)
        return NULL;
    if (!command->cancel && plan->cancel)
        pk_command_cancel(command, plan->cancel);
    pk_command_runner(command, runner_of(start, stage));
    return command;
}

/* Who starts the pipeline has asked and tells for the last one. */
static int launch(const struct start *start, size_t stage, const pk_command *command, pk_process **process,
                  pk_error *error)
{
    return stage + 1 == start->plan->count ? runner_start(command->runner, command, start->stdio, process, error)
                                           : process_start(command, start->stdio, process, error);
}

static int make_pipe(int ends[2], pk_error *error)
{
    int r = sys_kept_pipe(ends);
    return r < 0 ? error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot make a pipe") : 0;
}

/* Where a stage is to write; what the next one reads goes through a joint if somebody else gets it too. */
static int make_output(struct start *start, size_t stage, int *output, pk_error *error)
{
    int tee = start->plan->stages[stage].tee, ends[2];
    *output = start->input;
    start->input = -1;
    if (stage + 1 == start->plan->count || tee < 0)
        return 0;
    int r = make_pipe(ends, error);
    if (r < 0)
        return r;
    int next = *output;
    *output = ends[1];
    return joint_make(start->chain, stage, ends[0], next, tee, error);
}

static int start_with(struct start *start, size_t stage, pk_command *command, int output, pk_error *error)
{
    pk_process *process;
    int input[2] = {-1, -1};
    int r = stage > 0 ? make_pipe(input, error) : 0;
    if (r < 0)
        return r;
    if (stage > 0)
        pk_command_fd(command, 0, input[0]);
    if (output >= 0)
        pk_command_fd(command, 1, output);
    branching_give(&start->branching, command);
    r = command_check(command, error); /* what was said just now may have found no memory */
    if (r == 0)
        r = launch(start, stage, command, &process, error);
    sys_close_safe(input[0]);
    start->input = input[1];
    if (r < 0)
        return r;
    process->run.deadline = time_earlier(process->run.deadline, start->deadline);
    return chain_take(start->chain, stage, process, error);
}

static int start_stage(struct start *start, size_t stage, pk_error *error)
{
    int output;
    struct circumstances *circumstances = &start->chain->links[stage].circumstances;
    circumstances->unchecked = start->plan->stages[stage].unchecked;
    circumstances->last = stage + 1 == start->plan->count;
    int r = make_output(start, stage, &output, error);
    pk_auto(pk_command) command = r < 0 ? NULL : prepare(start, stage);
    if (r == 0)
        r = command ? start_with(start, stage, command, output, error)
                    : error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a pipeline");
    if (r < 0)
        start->held = output;
    else
        sys_close_safe(output);
    return r;
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

static int reserve(struct start *start, pk_error *error)
{
    for (int i = 0; i < RESERVE; i++) {
        int r = start->reserve[i] = sys_fcntl(pk_loop_fd(start->chain->loop), F_DUPFD_CLOEXEC, 0);
        if (r < 0)
            return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot start a pipeline");
    }
    return 0;
}

static void give_up_reserve(struct start *start)
{
    for (int i = 0; i < RESERVE; i++)
        start->reserve[i] = sys_close_safe(start->reserve[i]);
}

/* Who reads goes before who writes, and so does not see the end of its input. */
static void kill_started(const struct start *start)
{
    for (size_t i = start->plan->count; i-- > 0 && start->chain->company.stages[i];)
        pk_group_kill(start->chain->company.stages[i]->run.group, NULL);
}

static int make_group(struct start *start, pk_error *error)
{
    bool needed = false, fresh = false;
    for (size_t i = 0; i < start->plan->count; i++) {
        needed |= !runner_of(start, i) && !command_of(start, i)->contain;
        fresh |= command_of(start, i)->evidence;
    }
    int r = needed ? group_create_for_run(start->plan->contain, fresh, &start->chain->company.group, error) : 0;
    branching_init(&start->branching, start->chain->company.group);
    return r;
}

static int start_all(struct start *start, pk_process **process, pk_error *error)
{
    size_t count = start->plan->count;
    pk_process *const *last = &start->chain->company.stages[count - 1];
    int r = reserve(start, error);
    if (r == 0)
        r = make_group(start, error);
    for (size_t i = count; r == 0 && i-- > 0;)
        r = start_stage(start, i, error);
    give_up_reserve(start);
    if (r == 0) {
        *process = *last;
        return 0;
    }
    kill_started(start);
    sys_close_safe(start->input);
    sys_close_safe(start->held);
    if (*last)
        pk_process_free(*last);
    else
        chain_free(start->chain);
    return r;
}

static pk_duration shorter(pk_duration one, pk_duration other)
{
    if (one == 0 || other == 0)
        return one ? one : other;
    return one < other ? one : other;
}

/* Of one stage only what holds for all is left of the pipeline. */
static int start_alone(struct start *start, pk_process **process, pk_error *error)
{
    pk_auto(pk_command) command = prepare(start, 0);
    if (!command)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a pipeline");
    command->timeout = shorter(command->timeout, start->plan->timeout);
    if (start->plan->contain)
        pk_command_contain(command, start->plan->contain);
    int r = command_check(command, error);
    return r < 0 ? r : runner_start(command->runner, command, start->stdio, process, error);
}

int chain_start(const struct chain_plan *plan, const pk_command *last, enum process_stdio stdio, pk_process **process,
                pk_error *error)
{
    struct start start = {.plan = plan, .last = last, .stdio = stdio, .input = -1, .held = -1, .reserve = {-1, -1, -1}};
    start.deadline = plan->timeout ? pk_deadline(plan->timeout) : PK_FOREVER;
    int r = check_all(&start, error);
    if (r < 0)
        return r;
    if (plan->count == 1 && !plan->stages[0].unchecked)
        return start_alone(&start, process, error);
    r = chain_new(plan->count, plan->settle, &start.chain, error);
    return r < 0 ? r : start_all(&start, process, error);
}
