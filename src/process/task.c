/*
 * A task: attempts and pauses, one after the other, until there is something to tell.
 *
 * Everything but the end of a process begins with the task's timer: the first attempt, the next one after a pause, and
 * what is told of anything else. So no callback of the caller's is called from within another, and none from within a
 * submit.
 */
#include "process/task.h"

#include "base/error.h"
#include "base/time.h"
#include "loop/loop.h"
#include "process/answer.h"
#include "process/carry.h"
#include "process/retry.h"
#include "sys/sys.h"

#include <processkit/task.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum task_phase { TASK_RESTING, TASK_RUNNING, TASK_ENDED, TASK_TOLD };

struct pk_task {
    pk_command *command; /* its own */
    struct wish wish;
    pk_loop *loop;
    pk_task_callback callback;
    void *data;
    uint64_t epoch; /* a forked copy must not go on with it */

    enum task_phase phase;
    struct loop_timer timer;
    struct retry retry;
    bool last;               /* there is no further attempt, whatever comes of this one */
    pk_time until;           /* RESTING: the next attempt */
    struct loop_watch token; /* RESTING: ends it */
    int token_fd;            /* a copy, since an epoll takes each descriptor only once; -1: not watched */
    pk_process *process;     /* RUNNING */
    struct answer answer;
    int number;
    pk_error error;

    /* For the first line: who is told of lines besides. */
    pk_line_callback on_line;
    void *line_data;

    unsigned busy; /* in callbacks of the caller's: the memory stays, whoever frees it */
    bool freed;
};

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

static void release_unused(pk_task *task)
{
    if (!task->freed || task->busy > 0)
        return;
    answer_clear(&task->answer);
    pk_command_free(task->command);
    free(task);
}

static void enter(pk_task *task)
{
    task->busy++;
}

/* False: it was freed meanwhile, and is gone. */
static bool leave(pk_task *task)
{
    bool stays = !task->freed;
    task->busy--;
    release_unused(task);
    return stays;
}

/* ---- Stages ----------------------------------------------------------------------------------------------------- */

static void forget_token(pk_task *task)
{
    loop_watch_remove(&task->token);
    task->token_fd = sys_close_safe(task->token_fd);
}

/* Ends what is left of the process, unless somebody else has. */
static void drop_process(pk_task *task)
{
    pk_process *process = task->process;
    if (!process)
        return;
    task->process = NULL;
    process->on_free = NULL;
    pk_process_free(process);
}

static void end(pk_task *task, int number)
{
    if (number < 0)
        retry_conclude(&task->retry, &task->error);
    task->number = number;
    task->phase = TASK_ENDED;
    loop_timer_set(&task->timer, 0);
}

static void on_token(struct loop_watch *watch, int fd, uint32_t events, void *data);

static int hear_token(pk_task *task)
{
    if (!task->command->cancel || task->token_fd >= 0)
        return 0;
    int fd = sys_fcntl(pk_cancel_fd(task->command->cancel), F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return fd;
    int r = loop_watch_add(task->loop, &task->token, fd, EPOLLIN, on_token, task);
    task->token_fd = r < 0 ? sys_close_safe(fd) : fd;
    return r;
}

/* Who cannot hear it, for want of a descriptor, looks now and then. */
static void rest(pk_task *task)
{
    bool deaf = hear_token(task) < 0;
    loop_timer_set(&task->timer, deaf ? time_earlier(task->until, pk_deadline(PK_MILLISECONDS(10))) : task->until);
}

/* An attempt has this end. */
static void take_end(pk_task *task, int number, bool started)
{
    pk_duration pause;
    enter(task);
    bool again = number < 0 && !task->last && task->wish.verb->retries &&
                 retry_after(&task->retry, task->command, &task->error, started, &pause);
    if (!leave(task))
        return;
    if (!again) {
        end(task, number);
        return;
    }
    answer_clear(&task->answer);
    task->phase = TASK_RESTING;
    task->until = pk_deadline(pause);
    rest(task);
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static void tell(pk_task *task)
{
    task->phase = TASK_TOLD;
    enter(task);
    task->callback(task, task->number, task->number < 0 ? &task->error : NULL, task->data);
    leave(task);
}

/* What the process has to say is the answer's from now on, without any descriptor; the group is gone before it is
 * judged. */
static void on_event(pk_process *process, pk_event event, void *data)
{
    pk_task *task = data;
    if (event != PK_EVENT_ENDED)
        return;
    process_unwatch(process);
    carry_settle(process);
    int r = answer_take(&task->answer, process, &task->error);
    drop_process(task);
    enter(task);
    if (r == 0)
        r = answer_judge(&task->answer, &task->wish, &task->error);
    if (!leave(task))
        return;
    enter(task);
    take_end(task, r, true);
    if (task->phase == TASK_ENDED &&
        !task->freed) { /* nobody's callback is being called: it need not wait for the timer */
        loop_timer_set(&task->timer, PK_FOREVER);
        tell(task);
    }
    leave(task);
}

/* By a callback of the command, or whoever asked for it. */
static void on_free(void *data)
{
    pk_task *task = data;
    task->process = NULL;
    end(task, carry_explain(-ECANCELED, &task->error));
}

static void attempt(pk_task *task)
{
    pk_process *process = NULL;
    forget_token(task);
    task->phase = TASK_RUNNING;
    enter(task);
    int r = answer_check(&task->wish, task->command, &task->error);
    if (r == 0)
        r = process_start(task->command, task->wish.verb->stdio, &process, &task->error);
    if (!leave(task)) { /* by who traces the command */
        pk_process_free(process);
        return;
    }
    if (r < 0) {
        take_end(task, r, false);
        return;
    }
    process->on_free = on_free;
    process->free_data = task;
    task->process = process;
    r = pk_process_watch(process, task->loop, on_event, task, &task->error);
    if (r == 0)
        return;
    drop_process(task);
    take_end(task, r, true);
}

/* ---- Told by the loop ------------------------------------------------------------------------------------------- */

static void give_up(pk_task *task)
{
    forget_token(task);
    end(task, retry_cancelled(task->command, &task->error));
}

static void on_time(struct loop_timer *timer, void *data)
{
    pk_task *task = data;
    (void)timer;
    if (task->epoch != sys_epoch())
        return;
    if (task->phase == TASK_ENDED)
        tell(task);
    else if (task->retry.attempts > 0 && task->command->cancel && pk_cancel_is_set(task->command->cancel))
        give_up(task);
    else if (sys_now() < task->until)
        rest(task);
    else
        attempt(task);
}

static void on_token(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    give_up(data);
}

/* ---- The first line --------------------------------------------------------------------------------------------- */

/* Whether it is the one; false also if somebody has freed the process meanwhile, and with it perhaps the task. */
static bool is_wanted(pk_task *task, pk_process *process, const pk_line *line)
{
    if (task->on_line)
        task->on_line(process, line, task->line_data);
    if (process->freed)
        return false;
    bool matches = !task->wish.match || task->wish.match(line, task->wish.data);
    return matches && !process->freed;
}

static void on_line(pk_process *process, const pk_line *line, void *data)
{
    pk_task *task = data;
    enter(task);
    bool wanted = is_wanted(task, process, line);
    if (!leave(task) || !wanted)
        return;
    int r = process_copy_line(line, &task->answer.text, &task->error);
    drop_process(task);
    end(task, r < 0 ? r : 1);
}

/* A command that sends its stdout elsewhere is left as it is, and refused. */
static int look_at_lines(pk_task *task, pk_error *error)
{
    if (answer_check(&task->wish, task->command, NULL) < 0)
        return 0;
    const struct descriptor *descriptor = command_find_descriptor(task->command, 1);
    if (descriptor && descriptor->uses) {
        task->on_line = descriptor->uses->on_line;
        task->line_data = descriptor->uses->line_data;
    }
    int before = task->command->problem.number;
    pk_command_on_line(task->command, 1, on_line, task);
    return task->command->problem.number == before ? 0 : command_check(task->command, error);
}

/* ---- The handle's side ------------------------------------------------------------------------------------------ */

static int make_task(pk_command *command, const struct wish *wish, pk_task **ret, pk_error *error)
{
    pk_task *task = command ? calloc(1, sizeof(*task)) : NULL;
    if (!task) {
        pk_command_free(command);
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a task");
    }
    task->command = command;
    task->wish = *wish;
    task->token_fd = -1;
    task->epoch = sys_epoch();
    *ret = task;
    return 0;
}

int task_submit(pk_command *command, const struct wish *wish, pk_loop *loop, pk_task_callback callback, void *data,
                pk_task **ret, pk_error *error)
{
    pk_auto(pk_task) task = NULL;
    int r = make_task(command, wish, &task, error);
    if (r == 0 && wish->verb == &verb_first_line)
        r = look_at_lines(task, error);
    if (r < 0)
        return r;
    task->loop = loop;
    task->callback = callback;
    task->data = data;
    r = loop_timer_add(loop, &task->timer, 0, on_time, task);
    if (r < 0)
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot make a task");
    if (ret)
        *ret = task;
    task = NULL;
    return 0;
}

static int submit(const pk_command *command, const struct wish *wish, pk_loop *loop, pk_task_callback callback,
                  void *data, pk_task **task, pk_error *error)
{
    if (!callback)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "a task needs a callback");
    return task_submit(pk_command_copy(command), wish, loop, callback, data, task, error);
}

int pk_command_submit(const pk_command *command, pk_verb verb, pk_loop *loop, pk_task_callback callback, void *data,
                      pk_task **task, pk_error *error)
{
    struct wish wish = {.verb = verb_of(verb)};
    if (!wish.verb)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "%d is no verb", (int)verb);
    return submit(command, &wish, loop, callback, data, task, error);
}

int pk_command_submit_parse(const pk_command *command, pk_parse_callback parse, void *parse_data, pk_loop *loop,
                            pk_task_callback callback, void *data, pk_task **task, pk_error *error)
{
    struct wish wish = {.verb = &verb_parse, .parse = parse, .data = parse_data};
    return submit(command, &wish, loop, callback, data, task, error);
}

int pk_command_submit_first_line(const pk_command *command, pk_match_callback match, void *match_data, pk_loop *loop,
                                 pk_task_callback callback, void *data, pk_task **task, pk_error *error)
{
    struct wish wish = {.verb = &verb_first_line, .match = match, .data = match_data};
    return submit(command, &wish, loop, callback, data, task, error);
}

pk_task *pk_task_free(pk_task *task)
{
    if (!task || task->freed)
        return NULL;
    task->freed = true;
    drop_process(task);
    forget_token(task);
    loop_timer_remove(&task->timer);
    release_unused(task);
    return NULL;
}

void task_stop(pk_task *task, const pk_stop_options *options)
{
    task->last = true;
    if (task->process)
        pk_process_stop(task->process, options, NULL);
    else if (task->phase == TASK_RESTING && task->retry.attempts > 0)
        give_up(task);
    else if (task->phase == TASK_RESTING)
        end(task, error_set(&task->error, -ECANCELED, PK_ERROR_CANCELLED, PK_STEP_ARGUMENTS, NULL,
                            "cannot start %s: it was stopped before", task->command->argv[0]));
}

pk_process *pk_task_process(const pk_task *task)
{
    return task->process;
}

const char *pk_task_text(const pk_task *task)
{
    return task->answer.text;
}

const pk_result *pk_task_result(const pk_task *task)
{
    return task->answer.output ? pk_output_result(task->answer.output) : NULL;
}

const pk_output *pk_task_output(const pk_task *task)
{
    return task->answer.output;
}
