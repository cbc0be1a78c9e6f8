/*
 * Tracing: what the library does with processes, as it does it, for logs and for finding out why something is slow.
 *
 *     static void log_it(const pk_trace *trace, void *data)
 *     {
 *         fprintf(data, "%s: %s\n", trace->program, pk_trace_kind_name(trace->kind));
 *     }
 *     ...
 *     pk_loop_trace(loop, log_it, stderr);
 *
 * Records have no arguments and no values of the environment, only the name of the program as the command has it. The
 * same points are there for tracers from outside as well: see docs/tracing.md.
 */
#ifndef PROCESSKIT_TRACE_H
#define PROCESSKIT_TRACE_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/loop.h>
#include <processkit/macros.h>
#include <processkit/result.h>
#include <processkit/time.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

PK_BEGIN_DECLS

typedef enum pk_trace_kind {
    PK_TRACE_SPAWNED = 1,   /* the program runs */
    PK_TRACE_SPAWN_FAILED,  /* it does not: step, number */
    PK_TRACE_RETRY,         /* a further attempt will be made, after `pause`: attempt, and why: step, number */
    PK_TRACE_LEADER_EXITED, /* ending, exit_code, signal_number */
    PK_TRACE_TIMED_OUT,     /* the run is to be ended: its deadline passed */
    PK_TRACE_IDLE,          /* the same: it was silent for too long */
    PK_TRACE_CANCELLED,     /* the same: its token was cancelled */
    PK_TRACE_OVERFLOW,      /* the same: it wrote more than a capture was to keep */
    PK_TRACE_STOPPED,       /* the same: the program said so, by pk_process_stop */
    PK_TRACE_SOFT_SIGNAL,   /* it was asked to end: signal_number, and number if that could not be sent */
    PK_TRACE_HARD_KILL,     /* the grace was over, or there is none; whom it reached, the result tells */
    PK_TRACE_TREE_EMPTY,    /* nothing is left; private groups only */
    PK_TRACE_UNKILLABLE,    /* members are left after the hard kill */
    PK_TRACE_SPARED,        /* members are left on purpose */
    PK_TRACE_ENDED,         /* run and streams: verdict, and as with LEADER_EXITED; the last */
    PK_TRACE_FREED,         /* the handle was freed before that, and a private group is killed; the last */
} pk_trace_kind;

/* "spawned", "spawn-failed", "retry", "leader-exited", "timed-out", "idle", "cancelled", "overflow", "stopped",
 * "soft-signal", "hard-kill", "tree-empty", "unkillable", "spared", "ended", "freed"; "unknown" otherwise. These stay.
 * Static; any thread. */
PK_API const char *pk_trace_kind_name(pk_trace_kind kind);

typedef struct pk_trace {
    size_t size; /* of what the library has filled in: a later one may know more */
    pk_trace_kind kind;
    pid_t pid;            /* the leader's; 0 where there is none */
    pk_time time;         /* when it was noticed */
    pk_duration duration; /* from the beginning of the start to that time; 0 without a pid */
    const char *program;  /* as the command has it; valid during the call, like the record */
    pk_mechanism mechanism;
    pk_verdict verdict; /* ENDED; 0 with other kinds, as is each of the following with kinds that do not mention it */
    pk_ending ending;
    int exit_code;
    int signal_number;
    pk_step step;
    int number;       /* a negative errno, or 0 */
    unsigned attempt; /* RETRY: the one that will be made; the first one of all is 1 */
    pk_duration pause;
    uint64_t reserved[4];
} pk_trace;

/*
 * Called on the thread that does what it tells of, right after that, between two steps of the process: like other
 * callbacks it may stop the process, and free it; then one more record follows, FREED, or ENDED if it had. While
 * SPAWNED is told by pk_command_trace there is no handle yet; while FREED is, there is none any more.
 */
typedef void (*pk_trace_callback)(const pk_trace *trace, void *data);

/*
 * Traces each run of a command, whoever carries it, that is started from now on. `callback` NULL: no more. `data` must
 * stay as long as such processes do.
 */
PK_API void pk_command_trace(pk_command *command, pk_trace_callback callback, void *data);

/*
 * Traces each process that this loop carries, SPAWN_FAILED and RETRY excepted: SPAWNED comes first, with the time of
 * the start, then what happens from then on. For a process that is watched later it comes from the next dispatch, for
 * one that is watched already with what happens next. A process with a trace of its own has both called, the command's
 * first. `callback` NULL: no more.
 */
PK_API void pk_loop_trace(pk_loop *loop, pk_trace_callback callback, void *data);

PK_END_DECLS

#endif
