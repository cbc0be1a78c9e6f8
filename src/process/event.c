/*
 * Everything that happens to a process, in one order.
 *
 * What the run has reached is told when all is told that was written before: each pipe owes what was in it at that
 * moment, and is read no further until then.
 */
#include "process/carry.h"
#include "process/company.h"
#include "process/pull.h"

#include <processkit/event.h>

#include <errno.h>

/* In `told`: it was noted what is owed before the leader's end. */
#define OWED_NOTED RUN_REACHED(0)

static bool is_told(const pk_process *process, pk_event kind)
{
    return process->told & RUN_REACHED(kind);
}

/* What comes next beside output; 0: nothing does yet. */
static pk_event next_milestone(const pk_process *process)
{
    unsigned news = process->run.reached & ~process->told;
    if (news & RUN_REACHED(PK_EVENT_LEADER_EXITED))
        return PK_EVENT_LEADER_EXITED;
    return news & RUN_REACHED(PK_EVENT_TREE_EMPTY) ? PK_EVENT_TREE_EMPTY : 0;
}

/* What a run that has ended is owed was noted when it did. */
static void note_owed(pk_process *process)
{
    if (!(process->run.reached & RUN_REACHED(PK_EVENT_LEADER_EXITED)) || process->told & OWED_NOTED)
        return;
    process->told |= OWED_NOTED;
    for (size_t i = 0; process->run.phase != RUN_ENDED && i < process->stream_count; i++)
        stream_owe(&process->streams[i]);
}

static int tell(pk_process *process, pk_process_event *event, pk_event kind)
{
    const pk_result *result = &(kind == PK_EVENT_ENDED ? company_judged(process) : process)->run.result;
    process->told |= RUN_REACHED(kind);
    event->kind = kind;
    event->pid = process->run.leader->pid;
    if (kind == PK_EVENT_LEADER_EXITED || kind == PK_EVENT_ENDED) {
        event->ending = result->leader_ending;
        event->exit_code = result->exit_code;
        event->signal_number = result->signal_number;
    }
    event->result = kind == PK_EVENT_ENDED ? result : NULL;
    return 1;
}

static int next_line(struct stream *stream, void *data)
{
    return stream_next_line(stream, data);
}

static int next_owed_line(struct stream *stream, void *data)
{
    return stream_next_owed_line(stream, data);
}

/* 1: here it is; 0: there is none now; -ECANCELED: the process is gone. */
static int next(pk_process *process, pk_process_event *event)
{
    note_owed(process);
    pk_event milestone = next_milestone(process);
    bool more;
    process_enter(process);
    int r = pull_look(process, &(struct pull){-1, milestone ? next_owed_line : next_line, &event->line}, &more);
    if (!process_leave(process))
        return -ECANCELED;
    if (r != 0)
        return r < 0 ? r : tell(process, event, PK_EVENT_OUTPUT);
    return milestone ? tell(process, event, milestone) : 0;
}

/* The run may have ended with the last of the streams. */
static int look_again(pk_process *process, pk_process_event *event)
{
    int r = carry_look(process, NULL);
    if (r < 0)
        return r;
    note_owed(process);
    if (next_milestone(process))
        return next(process, event);
    return process->finished ? tell(process, event, PK_EVENT_ENDED) : 0;
}

static int begin(pk_process *process, pk_error *error)
{
    int r = pull_begin(process, -1, error);
    if (r < 0)
        return r;
    r = carry_look(process, NULL);
    return r < 0 ? carry_explain(r, error) : 0;
}

int pk_process_next_event(pk_process *process, pk_process_event *event, pk_time deadline, pk_error *error)
{
    pk_process_event found = {0};
    int r = carry_check(process, error);
    if (r < 0 || is_told(process, PK_EVENT_ENDED))
        return r;
    if (!is_told(process, PK_EVENT_STARTED)) {
        *event = found;
        return tell(process, event, PK_EVENT_STARTED);
    }
    r = begin(process, error);
    while (r == 0) {
        r = next(process, &found);
        if (r == 0)
            r = look_again(process, &found);
        if (r < 0)
            return carry_explain(r, error);
        if (r == 0)
            r = pull_wait(process, -1, deadline, error);
    }
    if (r > 0)
        *event = found;
    return r;
}
