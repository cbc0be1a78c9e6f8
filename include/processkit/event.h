/*
 * Events: everything that happens to a process, pulled one after the other.
 *
 *     pk_process_event event;
 *     while (pk_process_next_event(process, &event, PK_FOREVER, &error) > 0)
 *         switch (event.kind) {
 *         case PK_EVENT_OUTPUT: show(event.line.fd, event.line.text); break;
 *         case PK_EVENT_ENDED: judge(event.result); break;
 *         ...
 *
 * Where a loop carries the process, pk_process_watch and pk_command_on_line push the same in the same order.
 */
#ifndef PROCESSKIT_EVENT_H
#define PROCESSKIT_EVENT_H

#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/process.h>
#include <processkit/result.h>
#include <processkit/stream.h>
#include <processkit/time.h>

#include <stdint.h>
#include <sys/types.h>

PK_BEGIN_DECLS

typedef struct pk_process_event {
    pk_event kind;
    pid_t pid;               /* the leader's, which may be recycled once the run has ended */
    pk_line line;            /* OUTPUT; valid until the next call with this process */
    pk_ending ending;        /* LEADER_EXITED and ENDED: how the leader ended, or 0 if it is unkillable */
    int exit_code;           /* with them */
    int signal_number;       /* with them */
    const pk_result *result; /* ENDED, NULL otherwise; lives as long as the process */
    uint64_t reserved[4];
} pk_process_event;

/*
 * The next event of a process: 1, or 0 after PK_EVENT_ENDED was given. Waits until the deadline at most, for everything
 * else of the process meanwhile: -ETIMEDOUT, and nothing is lost. The order:
 *
 *  - PK_EVENT_STARTED is the first, once.
 *  - PK_EVENT_OUTPUT for each line of each stream that the owner has a pipe or a terminal for and that was not taken:
 *    for one stream in order. Two streams have no common order but what follows; see pk_command_same.
 *  - PK_EVENT_LEADER_EXITED, once, unless the leader is unkillable. Every whole line that was written before the leader
 *    ended comes before it; lines that others write later may, if they were there when that was noticed. What was
 *    written without an end of line comes when that, or the end of the stream, does.
 *  - PK_EVENT_TREE_EMPTY, once, after that; of private groups only, and not if members were spared or are unkillable.
 *    Everything that members wrote comes before it; after it comes only what somebody wrote who is no member.
 *  - PK_EVENT_ENDED, once, the last.
 *
 * A stream that is paused, or held up by a descriptor that it is passed on to, holds up PK_EVENT_ENDED, and its lines
 * come late: then after the other two. So do lines that wait for memory or for iconv to know the rest of a character.
 *
 * A line is given once: here, or by pk_process_next_line. pk_process_wait reads all streams to their end, so that what
 * happened without lines is left; the other events come once all the same, whoever else has waited meanwhile.
 *
 * -EBUSY: a loop watches the process. -ECANCELED: a callback has freed it. -EDEADLK: called from one.
 */
PK_API PK_NODISCARD int pk_process_next_event(pk_process *process, pk_process_event *event, pk_time deadline,
                                              pk_error *error);

PK_END_DECLS

#endif
