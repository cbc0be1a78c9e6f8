/*
 * Telling what is done with processes: to callbacks, counters and probes.
 */
#include "process/trace.h"

#include "contain/counters.h"
#include "process/process.h"
#include "sys/sys.h"
#include "sys/usdt.h"

/* ---- Who listens ------------------------------------------------------------------------------------------------- */

void pk_command_trace(pk_command *command, pk_trace_callback callback, void *data)
{
    if (command)
        command->tracer = (struct tracer){callback, data};
}

static bool listens(const struct tracer *tracer)
{
    return tracer && tracer->callback;
}

static void call(const struct tracer *tracer, const pk_trace *trace)
{
    if (listens(tracer))
        tracer->callback(trace, tracer->data);
}

/* NULL: no loop carries it, or that is not traced. */
static const struct tracer *loop_of(const pk_process *process)
{
    pk_loop *loop = process_loop(process->whole ? process->whole : process);
    const struct tracer *tracer = loop ? loop_tracer(loop) : NULL;
    return listens(tracer) ? tracer : NULL;
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

static pk_trace describe(const pk_process *process, pk_trace_kind kind, pk_time time)
{
    return (pk_trace){
        .size = sizeof(pk_trace),
        .kind = kind,
        .pid = process->run.leader->pid,
        .time = time,
        .duration = time - process->run.started,
        .program = process->program,
        .mechanism = process->run.result.mechanism,
    };
}

static void describe_end(const pk_process *process, pk_trace *trace)
{
    const pk_result *result = &process->run.result;
    trace->ending = result->leader_ending;
    trace->exit_code = result->exit_code;
    trace->signal_number = result->signal_number;
    if (trace->kind == PK_TRACE_ENDED)
        trace->verdict = result->verdict;
}

/* Without a process. */
static pk_trace describe_command(const pk_command *command, pk_trace_kind kind, const pk_error *error)
{
    return (pk_trace){
        .size = sizeof(pk_trace),
        .kind = kind,
        .time = sys_now(),
        .program = pk_command_program(command),
        .step = error->step,
        .number = error->number,
    };
}

/* ---- Notes of a run ---------------------------------------------------------------------------------------------- */

/* What the ladder does it tells by itself. */
static void fire(const struct run *run, pk_trace_kind kind)
{
    const pk_result *result = &run->result;
    const pk_group *group = run->group;
    int pid = run->leader->pid;
    switch (kind) {
    case PK_TRACE_LEADER_EXITED:
        USDT(leader_exited, group, pid, result->exit_code, result->signal_number);
        break;
    case PK_TRACE_TIMED_OUT:
        USDT(timed_out, group, pid);
        break;
    case PK_TRACE_IDLE:
        USDT(idle, group, pid);
        break;
    case PK_TRACE_CANCELLED:
        USDT(cancelled, group, pid);
        break;
    case PK_TRACE_OVERFLOW:
        USDT(overflow, group, pid);
        break;
    case PK_TRACE_STOPPED:
        USDT(stopped, group, pid);
        break;
    case PK_TRACE_TREE_EMPTY:
        USDT(tree_empty, group, pid);
        break;
    case PK_TRACE_SPARED:
        USDT(spared, group, pid);
        break;
    case PK_TRACE_ENDED:
        USDT(ended, group, pid, (int)result->verdict, result->wall);
        break;
    default:
        break;
    }
    (void)result, (void)group, (void)pid; /* where there are no probes */
}

void run_note(struct run *run, pk_trace_kind kind)
{
    struct trace_notes *notes = &run->notes;
    bool soft = kind == PK_TRACE_SOFT_SIGNAL;
    fire(run, kind);
    if (notes->end == TRACE_NOTES)
        return;
    struct trace_note *note = &notes->notes[notes->end++];
    note->kind = (short)kind;
    note->signal_number = soft ? (short)run->ladder.report.signal_sent : 0;
    note->number = soft ? run->ladder.report.signal_error : 0;
}

static bool has_notes(const pk_process *process)
{
    return process->run.notes.begin < process->run.notes.end;
}

/* ---- Telling ----------------------------------------------------------------------------------------------------- */

/* A loop that carries it has to hear first that it is there. */
static void announce(pk_process *process)
{
    pk_trace trace = describe(process, PK_TRACE_SPAWNED, process->spawned);
    process->announced = true;
    call(loop_of(process), &trace);
}

bool trace_is_due(const pk_process *process)
{
    return !process->announced && !process->finished && loop_of(process);
}

static void tell_note(pk_process *process, const struct trace_note *note)
{
    if (!listens(&process->tracer) && !loop_of(process))
        return;
    pk_trace trace = describe(process, (pk_trace_kind)note->kind, sys_now());
    if (note->kind == PK_TRACE_LEADER_EXITED || note->kind == PK_TRACE_ENDED) {
        describe_end(process, &trace);
    } else {
        trace.signal_number = note->signal_number;
        trace.number = note->number;
    }
    call(&process->tracer, &trace);
    if (!process->freed)
        call(loop_of(process), &trace);
}

void trace_tell(pk_process *process)
{
    struct trace_notes *notes = &process->run.notes;
    if (!process->freed && !process->announced && (has_notes(process) || !process->finished) && loop_of(process))
        announce(process);
    while (!process->freed && has_notes(process)) {
        struct trace_note note = notes->notes[notes->begin++];
        tell_note(process, &note);
    }
    if (!process->freed)
        notes->begin = notes->end = 0;
}

void trace_end(pk_process *process)
{
    counter_drop(COUNTER_LIVE);
    counter_add(COUNTER_ENDS + process->run.result.verdict);
    run_note(&process->run, PK_TRACE_ENDED);
}

/* Whoever frees it between two records hears the last one now. Of the last stage of a pipeline that could not be
 * started nobody was told that it is there. */
void trace_free(pk_process *process)
{
    bool ended = process->finished;
    if (!process->spawned || (ended && !has_notes(process)))
        return;
    if (!ended) {
        counter_drop(COUNTER_LIVE);
        counter_add(COUNTER_FREED);
        USDT(freed, process->run.group, process->run.leader->pid);
    }
    const struct tracer *loop = process->announced ? loop_of(process) : NULL;
    if (!loop && !listens(&process->tracer))
        return;
    pk_trace trace = describe(process, ended ? PK_TRACE_ENDED : PK_TRACE_FREED, sys_now());
    if (ended)
        describe_end(process, &trace);
    call(&process->tracer, &trace);
    call(loop, &trace);
}

/* ---- The beginning ----------------------------------------------------------------------------------------------- */

static void tell_start(const pk_command *command, pk_process *process)
{
    counter_add(COUNTER_STARTS);
    counter_add(COUNTER_LIVE);
    process->spawned = sys_now();
    process->tracer = command->tracer;
    USDT(spawned, process->run.group, process->run.leader->pid, process->program, (int)process->run.result.mechanism);
    if (!listens(&process->tracer))
        return;
    pk_trace trace = describe(process, PK_TRACE_SPAWNED, process->spawned);
    call(&process->tracer, &trace);
}

static void tell_failure(const pk_command *command, const pk_error *error)
{
    counter_add(COUNTER_FAILED_STARTS);
    USDT(spawn_failed, pk_command_program(command), (int)error->step, error->number);
    if (!command || !listens(&command->tracer))
        return;
    pk_trace trace = describe_command(command, PK_TRACE_SPAWN_FAILED, error);
    call(&command->tracer, &trace);
}

int trace_start(const pk_command *command, int r, pk_process *process, const pk_error *error)
{
    if (r < 0)
        tell_failure(command, error);
    else
        tell_start(command, process);
    return r;
}

void trace_retry(const pk_command *command, unsigned attempt, pk_duration pause, const pk_error *why)
{
    counter_add(COUNTER_RETRIES);
    USDT(retry, pk_command_program(command), attempt, why->number, pause);
    if (!listens(&command->tracer))
        return;
    pk_trace trace = describe_command(command, PK_TRACE_RETRY, why);
    trace.attempt = attempt;
    trace.pause = pause;
    call(&command->tracer, &trace);
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

const char *pk_trace_kind_name(pk_trace_kind kind)
{
    static const char *const names[] = {
        [PK_TRACE_SPAWNED] = "spawned",       [PK_TRACE_SPAWN_FAILED] = "spawn-failed",
        [PK_TRACE_RETRY] = "retry",           [PK_TRACE_LEADER_EXITED] = "leader-exited",
        [PK_TRACE_TIMED_OUT] = "timed-out",   [PK_TRACE_IDLE] = "idle",
        [PK_TRACE_CANCELLED] = "cancelled",   [PK_TRACE_OVERFLOW] = "overflow",
        [PK_TRACE_STOPPED] = "stopped",       [PK_TRACE_SOFT_SIGNAL] = "soft-signal",
        [PK_TRACE_HARD_KILL] = "hard-kill",   [PK_TRACE_TREE_EMPTY] = "tree-empty",
        [PK_TRACE_UNKILLABLE] = "unkillable", [PK_TRACE_SPARED] = "spared",
        [PK_TRACE_ENDED] = "ended",           [PK_TRACE_FREED] = "freed",
    };
    bool known = (size_t)kind < sizeof(names) / sizeof(names[0]) && names[kind];
    return known ? names[kind] : "unknown";
}
