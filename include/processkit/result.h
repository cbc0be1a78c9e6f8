/*
 * Results: how a run ended, why, and what it used.
 */
#ifndef PROCESSKIT_RESULT_H
#define PROCESSKIT_RESULT_H

#include <processkit/evidence.h>
#include <processkit/group.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PK_BEGIN_DECLS

/* Why a run ended. What became of the leader itself is in the leader_* fields, whatever the verdict. */
typedef enum pk_verdict {
    PK_VERDICT_EXITED = 1, /* the leader exited; see exit_code */
    PK_VERDICT_SIGNALLED,  /* the leader died by a signal that was not ours; see signal_number */
    PK_VERDICT_TIMED_OUT,  /* the command's deadline passed */
    PK_VERDICT_STOPPED,    /* the owner stopped or killed it */
    PK_VERDICT_LEFTOVERS,  /* the leader succeeded, but left members behind, and the policy is `fail` */
    PK_VERDICT_UNKILLABLE, /* after the hard kill members were left and for 5 s none went; see leftovers */
    PK_VERDICT_LOST,       /* another part of the program waited for the leader first, and the kernel cannot tell how
                              it ended any more (before Linux 6.15) */
    PK_VERDICT_OOM_KILLED, /* the kernel killed a member for want of memory, and the leader did not succeed;
                              evidence.oom_cause says whose limit it was */
    PK_VERDICT_PIDS_LIMIT, /* the leader failed, and processes or threads could not be started because of pids_max */
    PK_VERDICT_IDLE,       /* it wrote nothing for as long as its idle timeout */
    PK_VERDICT_CANCELLED,  /* its token was cancelled */
    PK_VERDICT_OVERFLOW,   /* it wrote more than a capture was to keep, and that is an error; see pk_overflow */
} pk_verdict;

/* How the leader ended. */
typedef enum pk_ending {
    PK_ENDING_EXITED = 1, /* exit_code holds */
    PK_ENDING_SIGNALLED,  /* signal_number and core_dumped hold */
    PK_ENDING_LOST,       /* the status was taken by a foreign wait */
} pk_ending;

#define PK_RESULT_LEFTOVERS 8

/*
 * The evidence behind a verdict. A private group's is that of the run. One that others share counts for all of them:
 * the counters of the result then tell what was counted from the start of the run to its end, whoever did it, and
 * peaks are those of the group. So there the verdict is `oom-killed` only if the leader itself was killed, and never
 * `pids-limit`.
 *
 * A leader that exits with 0, or another code that is a success, makes the run `exited`, whatever was counted; one that
 * was stopped or timed out was that.
 */
typedef struct pk_result {
    pk_verdict verdict;
    pk_ending leader_ending;
    int exit_code; /* 0 to 255 */
    int signal_number;
    bool core_dumped;
    bool ok_code;     /* the exit code is a success: see pk_command_ok_codes */
    bool spared;      /* leftovers were left running on purpose */
    int soft_signal;  /* the soft signal that was sent to end the run, or 0 */
    bool hard_killed; /* the hard kill was used on living members */
    pk_mechanism mechanism;
    unsigned guarantees;   /* pk_guarantee bits that held to the end */
    unsigned guard_losses; /* guardians lost, and replaced if that could be, while it ran: see guardian.h. Or 1: the
                            reaper was lost, and what was still connected with the leader was killed */
    int leftover_count;    /* members alive when the leader had ended, or after the hard kill if unkillable */
    pk_member leftovers[PK_RESULT_LEFTOVERS]; /* the first of them */
    pk_duration leader_wall;                  /* from the start to the end of the leader */
    pk_duration wall;                         /* from the start to the end of the run */
    pk_usage usage;                           /* of the whole tree where that can be had; see its sources */
    pk_delegation delegation;                 /* how limits were had; 0 without any */
    pk_evidence evidence;                     /* where something is limited, or as pk_command_evidence asked for it */
    uint64_t reserved[8];
} pk_result;

/* True for a run whose verdict is `exited` with a code that is a success: 0, unless the command says otherwise. Any
 * thread. */
PK_API bool pk_result_is_success(const pk_result *result);

/* "exited", "signalled", "timed-out", "stopped", "leftovers", "unkillable", "lost", "oom-killed", "pids-limit",
 * "idle", "cancelled", "overflow";
 * "unknown" otherwise. Static; any thread. */
PK_API const char *pk_verdict_name(pk_verdict verdict);

/* One line for people, such as "timed out after 2.00s; killed by SIGKILL", "exited with 3" or "ran out of memory:
 * reached its limit of 32.0 MiB; killed by SIGKILL". Any thread. Returns `buffer`. */
PK_API const char *pk_result_format(const pk_result *result, char *buffer, size_t size);

PK_END_DECLS

#endif
