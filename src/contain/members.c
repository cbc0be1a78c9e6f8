/*
 * Telling the living among the processes a mechanism lists.
 */
#include "contain/members.h"

#include "base/time.h"
#include "contain/backend.h"
#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int members_read(pk_group *group, pk_member *members, size_t capacity)
{
    if (group->backend->describe)
        return group->backend->describe(group, members, capacity);
    struct pids pids = {0};
    int r = group->backend->list(group, &pids);
    size_t count = 0;
    for (size_t i = 0; r == 0 && i < pids.count; i++) {
        struct proc_stat stat = {.state = '?'};
        int known = proc_stat_read(pids.items[i], &stat);
        /* Gone or a zombie: not a member any more. Unreadable (hidden /proc): a member without a name. */
        if (known == -ESRCH || (known == 0 && !proc_is_alive(&stat)))
            continue;
        if (count < capacity) {
            members[count].pid = pids.items[i];
            memcpy(members[count].name, stat.name, sizeof(stat.name));
        }
        count++;
    }
    pids_free(&pids);
    return r < 0 ? r : (int)count;
}

int members_count(pk_group *group)
{
    int count = members_read(group, NULL, 0);
    return count < 0 ? 0 : count;
}

static bool is_any_running(pk_group *group)
{
    struct pids pids = {0};
    bool running = false;
    if (group->backend->list(group, &pids) == 0)
        for (size_t i = 0; i < pids.count && !running; i++) {
            struct proc_stat stat;
            running = proc_stat_read(pids.items[i], &stat) == 0 && proc_is_alive(&stat) && stat.state != 'T' &&
                      stat.state != 't' && stat.state != 'D';
        }
    pids_free(&pids);
    return running;
}

void members_wait_stopped(pk_group *group)
{
    static const pk_duration bound = PK_MILLISECONDS(100);
    pk_time deadline = time_add(sys_now(), bound);
    for (pk_duration pause = PK_MICROSECONDS(20); is_any_running(group) && sys_now() < deadline; pause *= 2) {
        struct timespec timeout = time_to_timespec(pause);
        sys_ppoll(NULL, 0, &timeout);
    }
}

void members_format(pk_group *group, char *buffer, size_t size)
{
    enum { MOST = 8 };
    pk_member members[MOST];

    pthread_mutex_lock(group->lock);
    int count = members_read(group, members, MOST);
    pthread_mutex_unlock(group->lock);

    size_t used = (size_t)snprintf(buffer, size, "%s", count > 0 ? "" : "processes that cannot be listed");
    for (int i = 0; i < count && i < MOST && used < size; i++)
        used +=
            (size_t)snprintf(buffer + used, size - used, "%s%d (%s)", i ? ", " : "", members[i].pid, members[i].name);
    if (count > MOST && used < size)
        snprintf(buffer + used, size - used, " and %d more", count - MOST);
}
