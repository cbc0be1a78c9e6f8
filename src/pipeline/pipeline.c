/*
 * Building pipelines. Nothing fails here: the first problem is remembered, and reported when the pipeline is started.
 *
 * A pipeline is a command to everybody else: that of its last stage, with a runner that starts the others as well.
 */
#include "pipeline/pipeline.h"

#include "base/array.h"
#include "base/error.h"
#include "contain/group.h"
#include "process/cancel.h"
#include "process/retry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

struct pk_pipeline {
    struct chain_plan *plan;
    pk_command *command; /* has the plan; NULL: there is no stage yet, or no memory */
};

/* ---- Plans ------------------------------------------------------------------------------------------------------ */

static void free_plan(pk_runner *runner)
{
    struct chain_plan *plan = (struct chain_plan *)runner;
    for (size_t i = 0; i < plan->count; i++)
        pk_command_free(plan->stages[i].command);
    free(plan->stages);
    free(plan->contain);
    pk_cancel_free(plan->cancel);
    free(plan);
}

static int start(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                 pk_error *error)
{
    return chain_start((const struct chain_plan *)runner, command, stdio, process, error);
}

bool plan_has_runner(const pk_runner *runner)
{
    return runner && runner->start == start;
}

static struct chain_plan *new_plan(void)
{
    struct chain_plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return NULL;
    plan->runner = (pk_runner){.references = 1, .start = start, .free = free_plan};
    plan->settle = PK_PIPELINE_SETTLE;
    return plan;
}

static bool copy_stages(struct chain_plan *copy, const struct chain_plan *plan)
{
    copy->stages = array_new(plan->count, sizeof(*copy->stages));
    bool done = copy->stages;
    for (; done && copy->count < plan->count; copy->count += done) {
        copy->stages[copy->count] = plan->stages[copy->count];
        copy->stages[copy->count].command = pk_command_copy(plan->stages[copy->count].command);
        done = copy->stages[copy->count].command;
    }
    return done;
}

static struct chain_plan *copy_plan(const struct chain_plan *plan)
{
    struct chain_plan *copy = new_plan();
    if (!copy)
        return NULL;
    copy->problem = plan->problem;
    copy->timeout = plan->timeout;
    copy->settle = plan->settle;
    copy->retry = plan->retry;
    copy->cancel = plan->cancel ? cancel_ref(plan->cancel) : NULL;
    copy->contain = group_copy_options(plan->contain);
    if (copy_stages(copy, plan) && !copy->contain == !plan->contain)
        return copy;
    pk_runner_free(&copy->runner);
    return NULL;
}

PK_PRINTF(3, 4) static void remember(struct chain_plan *plan, int number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_remember(&plan->problem, number, format, arguments);
    va_end(arguments);
}

/* ---- Changing --------------------------------------------------------------------------------------------------- */

/* What others have got stays as it is. NULL without memory, and then there is no command any more to start. */
static struct chain_plan *change(pk_pipeline *pipeline)
{
    if (!pipeline)
        return NULL;
    pipeline->command = pk_command_free(pipeline->command);
    struct chain_plan *old = pipeline->plan;
    if (old && old->runner.references > 1) {
        pipeline->plan = copy_plan(old);
        pk_runner_free(&old->runner);
    }
    return pipeline->plan;
}

/* What is asked of the command before its runner gets it is asked of the first stage: who writes to its stdin, and
 * whether that can be had twice. */
static void take_stdin(pk_command *command, const pk_command *first)
{
    const struct descriptor *descriptor = command_find_descriptor(first, 0);
    if (!descriptor)
        return;
    if (descriptor->kind == DESCRIPTOR_PIPE && !first->has_input)
        pk_command_pipe(command, 0);
    else if (descriptor->kind == DESCRIPTOR_FD || descriptor->kind == DESCRIPTOR_INHERIT ||
             (first->has_input && first->input.callback))
        pk_command_inherit(command, 0);
}

/* After each change. */
static void make_command(pk_pipeline *pipeline)
{
    struct chain_plan *plan = pipeline->plan;
    if (!plan || plan->count == 0)
        return;
    pk_command *command = pk_command_copy(plan->stages[plan->count - 1].command);
    if (!command)
        return;
    if (plan->count > 1)
        take_stdin(command, plan->stages[0].command);
    command->retry = plan->retry;
    if (!command->cancel && plan->cancel)
        command->cancel = cancel_ref(plan->cancel);
    pk_command_runner(command, &plan->runner);
    pipeline->command = command;
}

static struct stage_plan *find_stage(struct chain_plan *plan, size_t stage)
{
    if (stage < plan->count)
        return &plan->stages[stage];
    remember(plan, -EINVAL, "it has no stage %zu", stage);
    return NULL;
}

/* ---- Stages ----------------------------------------------------------------------------------------------------- */

static void add(struct chain_plan *plan, const pk_command *command)
{
    pk_command *copy = pk_command_copy(command);
    if (!copy || !array_grow(&plan->stages, plan->count, sizeof(*plan->stages))) {
        pk_command_free(copy);
        remember(plan, -ENOMEM, "out of memory");
        return;
    }
    plan->stages[plan->count++] = (struct stage_plan){.command = copy, .tee = -1};
}

void pk_pipeline_add(pk_pipeline *pipeline, const pk_command *command)
{
    struct chain_plan *plan = change(pipeline);
    if (!plan)
        return;
    add(plan, command);
    make_command(pipeline);
}

pk_pipeline *pk_pipeline_new(const pk_command *first, ...)
{
    pk_pipeline *pipeline = calloc(1, sizeof(*pipeline));
    if (!pipeline)
        return NULL;
    pipeline->plan = new_plan();
    if (!pipeline->plan) {
        free(pipeline);
        return NULL;
    }
    va_list commands;
    va_start(commands, first);
    for (const pk_command *command = first; command; command = va_arg(commands, const pk_command *))
        add(pipeline->plan, command);
    va_end(commands);
    make_command(pipeline);
    return pipeline;
}

pk_pipeline *pk_pipeline_free(pk_pipeline *pipeline)
{
    if (!pipeline)
        return NULL;
    pk_command_free(pipeline->command);
    if (pipeline->plan)
        pk_runner_free(&pipeline->plan->runner);
    free(pipeline);
    return NULL;
}

size_t pk_pipeline_count(const pk_pipeline *pipeline)
{
    return pipeline && pipeline->plan ? pipeline->plan->count : 0;
}

void pk_pipeline_unchecked(pk_pipeline *pipeline, size_t stage)
{
    struct chain_plan *plan = change(pipeline);
    struct stage_plan *found = plan ? find_stage(plan, stage) : NULL;
    if (found)
        found->unchecked = true;
    if (plan)
        make_command(pipeline);
}

void pk_pipeline_tee(pk_pipeline *pipeline, size_t stage, int owner_fd)
{
    struct chain_plan *plan = change(pipeline);
    struct stage_plan *found = plan ? find_stage(plan, stage) : NULL;
    if (found && owner_fd < 0)
        remember(plan, -EINVAL, "%d is no descriptor to pass anything on to", owner_fd);
    if (found)
        found->tee = owner_fd;
    if (plan)
        make_command(pipeline);
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

void pk_pipeline_timeout(pk_pipeline *pipeline, pk_duration timeout)
{
    struct chain_plan *plan = change(pipeline);
    if (!plan)
        return;
    if (timeout == 0)
        remember(plan, -EINVAL, "a timeout of 0");
    plan->timeout = timeout;
    make_command(pipeline);
}

void pk_pipeline_settle(pk_pipeline *pipeline, pk_duration most)
{
    struct chain_plan *plan = change(pipeline);
    if (!plan)
        return;
    plan->settle = most;
    make_command(pipeline);
}

void pk_pipeline_cancel(pk_pipeline *pipeline, pk_cancel *cancel)
{
    struct chain_plan *plan = change(pipeline);
    if (!plan)
        return;
    pk_cancel_free(plan->cancel);
    plan->cancel = cancel ? cancel_ref(cancel) : NULL;
    make_command(pipeline);
}

void pk_pipeline_contain(pk_pipeline *pipeline, const pk_group_options *options)
{
    struct chain_plan *plan = change(pipeline);
    if (!plan)
        return;
    free(plan->contain);
    plan->contain = group_copy_options(options);
    if (options && !plan->contain)
        remember(plan, -ENOMEM, "out of memory");
    make_command(pipeline);
}

void pk_pipeline_retry(pk_pipeline *pipeline, const pk_retry_options *options)
{
    struct chain_plan *plan = change(pipeline);
    if (!plan)
        return;
    const char *problem = retry_set(&plan->retry, options);
    if (problem)
        remember(plan, -EINVAL, "%s", problem);
    make_command(pipeline);
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

const pk_command *pk_pipeline_command(const pk_pipeline *pipeline)
{
    return pipeline ? pipeline->command : NULL;
}

/* Without a stage there is no command that could tell. */
static int check(const pk_pipeline *pipeline, pk_error *error)
{
    if (!pipeline || !pipeline->plan || (!pipeline->command && pipeline->plan->count > 0))
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a pipeline");
    if (pipeline->command)
        return 0;
    int r = problem_check(&pipeline->plan->problem, "pipeline", error);
    return r < 0 ? r
                 : error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                             "invalid pipeline: it has no stages");
}

int pk_pipeline_start(const pk_pipeline *pipeline, pk_process **process, pk_error *error)
{
    int r = check(pipeline, error);
    return r < 0 ? r : pk_command_start(pipeline->command, process, error);
}

int pk_pipeline_run(const pk_pipeline *pipeline, char **text, pk_error *error)
{
    int r = check(pipeline, error);
    return r < 0 ? r : pk_command_run(pipeline->command, text, error);
}

int pk_pipeline_check(const pk_pipeline *pipeline, pk_error *error)
{
    int r = check(pipeline, error);
    return r < 0 ? r : pk_command_check(pipeline->command, error);
}

int pk_pipeline_output(const pk_pipeline *pipeline, pk_output **output, pk_error *error)
{
    int r = check(pipeline, error);
    return r < 0 ? r : pk_command_output(pipeline->command, output, error);
}
