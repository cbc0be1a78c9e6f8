/*
 * What a process does, as a script.
 *
 * Reads are not writes: what was read of one descriptor, one piece after the other, is one step, unless pauses matter.
 */
#include "testing/taking.h"

#include "sys/sys.h"
#include "testing/script.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* A descriptor that leads to where a stream comes from. */
struct alias {
    int fd;
    int stream_fd;
};

struct taking {
    struct process_tap tap; /* first */
    struct recorder *recorder;
    struct cassette_run *run;
    const pk_process *process;
    struct alias *aliases;
    size_t alias_count;
    bool timing;
    pk_time now; /* as far as the script has come */
    pk_script *script;
    int problem;
    struct room pending; /* bytes of one descriptor, no step yet */
    size_t length;
    int fd;
};

/* ---- Output ----------------------------------------------------------------------------------------------------- */

static void flush(struct taking *taking)
{
    if (taking->length > 0)
        pk_script_write(taking->script, taking->fd, taking->pending.bytes, taking->length);
    taking->length = 0;
}

/* To the nearest millisecond; what is lost of one pause is part of the next. */
static void pause_until(struct taking *taking, pk_time now)
{
    const pk_duration unit = PK_MILLISECONDS(1);
    if (!taking->timing || now <= taking->now)
        return;
    pk_duration pause = (now - taking->now + unit / 2) / unit;
    if (pause == 0)
        return;
    flush(taking);
    pk_script_pause(taking->script, (pause < CASSETTE_PAUSE ? pause : CASSETTE_PAUSE) * unit);
    taking->now += pause * unit;
}

static void keep(struct taking *taking, int fd, const char *bytes, size_t length)
{
    if (taking->problem)
        return;
    if (!recorder_has_room(taking->recorder, length)) {
        taking->problem = -EFBIG;
        return;
    }
    if (taking->timing)
        pause_until(taking, sys_now());
    if (fd != taking->fd)
        flush(taking);
    taking->fd = fd;
    taking->problem = room_reserve(&taking->pending, taking->length + length, SIZE_MAX);
    if (taking->problem)
        return;
    memcpy(taking->pending.bytes + taking->length, bytes, length);
    taking->length += length;
}

static void close_stream(struct taking *taking, int fd)
{
    flush(taking);
    for (size_t i = 0; i < taking->alias_count; i++)
        if (taking->aliases[i].stream_fd == fd)
            pk_script_close(taking->script, taking->aliases[i].fd);
}

static void on_read(struct stream_tap *tap, int fd, const char *bytes, size_t length)
{
    struct taking *taking = (struct taking *)tap;
    if (length > 0)
        keep(taking, fd, bytes, length);
    else if (taking->process->run.phase == RUN_RUNNING) /* later, that is no news */
        close_stream(taking, fd);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* An end closes everything: that the ends of streams were seen before it says nothing. */
static void drop_closes(pk_script *script)
{
    while (script->count > 0 && script->steps[script->count - 1].kind == STEP_CLOSE)
        free(script->steps[--script->count].bytes);
}

/* Members that lived on, and held only those streams that were not at their end then. */
static void leave(struct taking *taking, const pk_process *process)
{
    const struct run *run = &process->run;
    int count = run->result.leftover_count < CASSETTE_LEAVES ? run->result.leftover_count : CASSETTE_LEAVES;
    bool went = run->reason == REASON_NONE && run->leftovers == PK_LEFTOVERS_WAIT;
    if (went || count <= 0)
        return;
    for (size_t i = 0; i < process->stream_count; i++)
        if (process->streams[i].at_end && !process->streams[i].cut_off)
            close_stream(taking, process->streams[i].child_fd);
    for (int i = 0; i < count; i++)
        pk_script_leave(taking->script, PK_FOREVER);
}

static void end_by_itself(struct taking *taking, const pk_process *process)
{
    const pk_result *result = &process->run.result;
    drop_closes(taking->script);
    pause_until(taking, process->run.started + result->leader_wall);
    leave(taking, process);
    if (result->leader_ending == PK_ENDING_LOST)
        taking->problem = taking->problem ? taking->problem : -ECHILD;
    else if (result->verdict == PK_VERDICT_OOM_KILLED && result->leader_ending == PK_ENDING_SIGNALLED)
        pk_script_run_out_of_memory(taking->script);
    else if (result->leader_ending == PK_ENDING_SIGNALLED)
        pk_script_die(taking->script, result->signal_number);
    else
        pk_script_exit(taking->script, result->exit_code);
}

/* What the soft signal did is done to the next one too. */
static void hang(struct taking *taking, const pk_result *result)
{
    int soft = result->soft_signal;
    bool may_be_caught = soft != 0 && soft != SIGKILL && soft != SIGSTOP;
    if (may_be_caught && result->leader_ending == PK_ENDING_EXITED)
        pk_script_on_signal(taking->script, soft, result->exit_code);
    else if (may_be_caught && result->hard_killed && result->signal_number == SIGKILL)
        pk_script_on_signal(taking->script, soft, SIGNAL_IGNORED);
    pk_script_hang(taking->script);
}

/* Whether the leader ended before anybody wanted it to: whoever was left then was looked for when it had. */
static bool ended_by_itself(const struct run *run)
{
    bool ended = run->reached & RUN_REACHED(PK_EVENT_LEADER_EXITED);
    bool unkillable = run->phase == RUN_ENDED && run->result.verdict == PK_VERDICT_UNKILLABLE;
    return ended && (run->reason == REASON_NONE || (run->result.leftover_count > 0 && !unkillable));
}

static void on_over(struct process_tap *tap, const pk_process *process)
{
    struct taking *taking = (struct taking *)tap;
    flush(taking);
    if (ended_by_itself(&process->run))
        end_by_itself(taking, process);
    else
        hang(taking, &process->run.result);
    recorder_put(taking->recorder, taking->run, taking->script, taking->problem);
    room_free(&taking->pending);
    free(taking->aliases);
    free(taking);
}

/* ---- The beginning ----------------------------------------------------------------------------------------------- */

/* All of a terminal is one stream: that of the first descriptor at it but 0. */
static int find_terminal(const pk_command *command)
{
    for (size_t i = 0; i < command->descriptor_count; i++)
        if (command->descriptors[i].kind == DESCRIPTOR_TERMINAL && command->descriptors[i].fd != 0)
            return command->descriptors[i].fd;
    return -1;
}

static struct alias alias_of(const pk_command *command, const struct descriptor *descriptor)
{
    const struct descriptor *where = descriptor;
    if (descriptor->kind == DESCRIPTOR_SAME)
        where = command_find_descriptor(command, descriptor->owner_fd);
    int stream = where ? where->fd : descriptor->owner_fd; /* of which nothing is said */
    bool terminal = where && where->kind == DESCRIPTOR_TERMINAL;
    return (struct alias){descriptor->fd, terminal ? find_terminal(command) : stream};
}

static bool find_aliases(struct taking *taking, const pk_command *command)
{
    taking->aliases = calloc(command->descriptor_count + 2, sizeof(*taking->aliases));
    if (!taking->aliases)
        return false;
    for (size_t i = 0; i < command->descriptor_count; i++)
        taking->aliases[taking->alias_count++] = alias_of(command, &command->descriptors[i]);
    for (int fd = 1; fd <= 2; fd++)
        if (!command_find_descriptor(command, fd))
            taking->aliases[taking->alias_count++] = (struct alias){fd, fd};
    return true;
}

struct taking *taking_new(struct recorder *recorder, const pk_command *command, struct cassette_run *run, bool timing)
{
    struct taking *taking = calloc(1, sizeof(*taking));
    if (!taking)
        return NULL;
    taking->tap.stream.read = on_read;
    taking->tap.over = on_over;
    taking->recorder = recorder;
    taking->run = run;
    taking->timing = timing;
    taking->fd = -1;
    taking->script = pk_script_new();
    if (taking->script && find_aliases(taking, command))
        return taking;
    pk_script_free(taking->script);
    free(taking);
    return NULL;
}

void taking_begin(struct taking *taking, pk_process *process)
{
    taking->process = process;
    taking->now = process->run.started;
    process_tap(process, &taking->tap);
}

void taking_fail(struct taking *taking, int number, pk_step step)
{
    pk_script_fail(taking->script, number, step);
    recorder_put(taking->recorder, taking->run, taking->script, 0);
    free(taking->aliases);
    free(taking);
}

void taking_drop(struct taking *taking)
{
    recorder_drop(taking->recorder);
    pk_script_free(taking->script);
    free(taking->aliases);
    free(taking);
}
