/*
 * Reading counters of cgroups and of living processes. Sums saturate.
 */
#include "contain/usage.h"

#include "base/time.h"
#include "contain/cgroup.h"
#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>

bool usage_parse_cgroup(const char *text, pk_usage *usage)
{
    uint64_t user, system;
    if (cgroup_parse_key(text, "user_usec", &user) < 0 || cgroup_parse_key(text, "system_usec", &system) < 0)
        return false;
    usage->cpu_source = PK_SOURCE_CGROUP;
    usage->cpu_user = time_from_microseconds(user);
    usage->cpu_system = time_from_microseconds(system);
    return true;
}

int usage_read_cgroup(int dir, bool controllers, pk_usage *usage)
{
    char text[4096];
    ssize_t length = sys_read_attribute(dir, "cpu.stat", text, sizeof(text));
    if (length < 0)
        return (int)length;
    (void)usage_parse_cgroup(text, usage);
    if (!controllers)
        return 0;
    if (cgroup_read_number(dir, "memory.peak", &usage->memory_peak) == 0)
        usage->memory_source = PK_SOURCE_CGROUP;
    if (cgroup_read_number(dir, "pids.peak", &usage->pids_peak) == 0)
        usage->pids_source = PK_SOURCE_CGROUP;
    return 0;
}

static void take_larger(pk_source *source, uint64_t *value, pk_source other_source, uint64_t other)
{
    if (other_source == PK_SOURCE_UNAVAILABLE)
        return;
    *source = other_source;
    if (other > *value)
        *value = other;
}

void usage_add(pk_usage *usage, const pk_usage *more)
{
    if (more->cpu_source != PK_SOURCE_UNAVAILABLE)
        usage->cpu_source = more->cpu_source;
    usage->cpu_user = time_add(usage->cpu_user, more->cpu_user);
    usage->cpu_system = time_add(usage->cpu_system, more->cpu_system);
    take_larger(&usage->memory_source, &usage->memory_peak, more->memory_source, more->memory_peak);
    take_larger(&usage->pids_source, &usage->pids_peak, more->pids_source, more->pids_peak);
}

void usage_subtract(pk_usage *usage, const pk_usage *before)
{
    usage->cpu_user -= before->cpu_user < usage->cpu_user ? before->cpu_user : usage->cpu_user;
    usage->cpu_system -= before->cpu_system < usage->cpu_system ? before->cpu_system : usage->cpu_system;
}

void usage_read_living(const struct pids *pids, pk_usage *usage)
{
    pk_usage sum = {0};
    uint64_t tick = proc_tick();

    for (size_t i = 0; i < pids->count; i++) {
        struct proc_stat stat;
        uint64_t peak;
        if (proc_stat_read(pids->items[i], &stat) < 0 || !proc_is_alive(&stat))
            continue;
        sum.members++;
        sum.cpu_source = PK_SOURCE_PROC;
        sum.cpu_user = time_add(sum.cpu_user, stat.user_ticks * tick);
        sum.cpu_system = time_add(sum.cpu_system, stat.system_ticks * tick);
        if (proc_memory_peak(pids->items[i], &peak) == 0) {
            sum.memory_source = PK_SOURCE_PROC;
            sum.memory_peak = time_add(sum.memory_peak, peak);
        }
    }
    usage->members = sum.members;
    if (usage->cpu_source == PK_SOURCE_UNAVAILABLE && sum.cpu_source != PK_SOURCE_UNAVAILABLE) {
        usage->cpu_source = sum.cpu_source;
        usage->cpu_user = sum.cpu_user;
        usage->cpu_system = sum.cpu_system;
    }
    if (usage->memory_source == PK_SOURCE_UNAVAILABLE && sum.memory_source != PK_SOURCE_UNAVAILABLE) {
        usage->memory_source = sum.memory_source;
        usage->memory_peak = sum.memory_peak;
    }
}

void usage_add_families(const struct pids *pids, pk_usage *usage)
{
    uint64_t tick = proc_tick();
    for (size_t i = 0; i < pids->count; i++) {
        struct proc_stat stat;
        if (proc_stat_read(pids->items[i], &stat) < 0)
            continue;
        usage->cpu_source = PK_SOURCE_REAPER;
        usage->cpu_user = time_add(usage->cpu_user, (stat.user_ticks + stat.waited_user_ticks) * tick);
        usage->cpu_system = time_add(usage->cpu_system, (stat.system_ticks + stat.waited_system_ticks) * tick);
    }
}

const char *pk_source_name(pk_source source)
{
    static const char *const names[] = {
        [PK_SOURCE_UNAVAILABLE] = "unavailable", [PK_SOURCE_CGROUP] = "cgroup", [PK_SOURCE_PROC] = "proc",
        [PK_SOURCE_RUSAGE] = "rusage",           [PK_SOURCE_REAPER] = "reaper",
    };
    return (unsigned)source < sizeof(names) / sizeof(names[0]) ? names[source] : "unknown";
}
