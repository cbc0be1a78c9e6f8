/*
 * Results for people.
 */
#include <processkit/parse.h>
#include <processkit/result.h>

#include <stdio.h>

bool pk_result_is_success(const pk_result *result)
{
    return result->verdict == PK_VERDICT_EXITED && result->ok_code;
}

const char *pk_verdict_name(pk_verdict verdict)
{
    static const char *const names[] = {
        [PK_VERDICT_EXITED] = "exited",
        [PK_VERDICT_SIGNALLED] = "signalled",
        [PK_VERDICT_TIMED_OUT] = "timed-out",
        [PK_VERDICT_STOPPED] = "stopped",
        [PK_VERDICT_LEFTOVERS] = "leftovers",
        [PK_VERDICT_UNKILLABLE] = "unkillable",
        [PK_VERDICT_LOST] = "lost",
        [PK_VERDICT_OOM_KILLED] = "oom-killed",
        [PK_VERDICT_PIDS_LIMIT] = "pids-limit",
        [PK_VERDICT_IDLE] = "idle",
        [PK_VERDICT_CANCELLED] = "cancelled",
        [PK_VERDICT_OVERFLOW] = "overflow",
    };
    return verdict >= PK_VERDICT_EXITED && verdict <= PK_VERDICT_OVERFLOW ? names[verdict] : "unknown";
}

static void format_leader(const pk_result *result, char *buffer, size_t size)
{
    char name[16];
    switch (result->leader_ending) {
    case PK_ENDING_EXITED:
        snprintf(buffer, size, "exited with %d", result->exit_code);
        return;
    case PK_ENDING_SIGNALLED:
        snprintf(buffer, size, "killed by SIG%s%s", pk_format_signal(result->signal_number, name, sizeof(name)),
                 result->core_dumped ? " (core dumped)" : "");
        return;
    case PK_ENDING_LOST:
        snprintf(buffer, size, "ended, but its status was taken by another wait");
        return;
    }
    snprintf(buffer, size, "has not ended");
}

static const char *format_oom(const pk_evidence *evidence, char *buffer, size_t size)
{
    char limit[32];
    switch (evidence->oom_cause) {
    case PK_OOM_CAUSE_LIMIT:
        /* Without memory_max it was lifted meanwhile. */
        snprintf(buffer, size, "reached its limit%s%s", evidence->memory_max ? " of " : "",
                 evidence->memory_max ? pk_format_size(evidence->memory_max, limit, sizeof(limit)) : "");
        break;
    case PK_OOM_CAUSE_MEMBER:
        snprintf(buffer, size, "a member reached a limit of its own");
        break;
    default:
        snprintf(buffer, size, "a limit above it, or what the machine has, was reached");
    }
    return buffer;
}

const char *pk_result_format(const pk_result *result, char *buffer, size_t size)
{
    char leader[96], wall[32], cause[96];
    format_leader(result, leader, sizeof(leader));
    pk_format_duration(result->wall, wall, sizeof(wall));

    switch (result->verdict) {
    case PK_VERDICT_TIMED_OUT:
        snprintf(buffer, size, "timed out after %s; %s", wall, leader);
        break;
    case PK_VERDICT_IDLE:
        snprintf(buffer, size, "fell silent, ended after %s; %s", wall, leader);
        break;
    case PK_VERDICT_CANCELLED:
        snprintf(buffer, size, "cancelled after %s; %s", wall, leader);
        break;
    case PK_VERDICT_OVERFLOW:
        snprintf(buffer, size, "wrote more than is kept; %s", leader);
        break;
    case PK_VERDICT_STOPPED:
        snprintf(buffer, size, "stopped after %s; %s", wall, leader);
        break;
    case PK_VERDICT_LEFTOVERS:
        snprintf(buffer, size, "%s, but left %d running", leader, result->leftover_count);
        break;
    case PK_VERDICT_UNKILLABLE:
        snprintf(buffer, size, "left %d that did not end by SIGKILL; %s", result->leftover_count, leader);
        break;
    case PK_VERDICT_OOM_KILLED:
        snprintf(buffer, size, "ran out of memory: %s; %s", format_oom(&result->evidence, cause, sizeof(cause)),
                 leader);
        break;
    case PK_VERDICT_PIDS_LIMIT:
        snprintf(buffer, size, "reached its limit of %llu process%s; %s", (unsigned long long)result->evidence.pids_max,
                 result->evidence.pids_max == 1 ? "" : "es", leader);
        break;
    default:
        snprintf(buffer, size, "%s", leader);
    }
    return buffer;
}
