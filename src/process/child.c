/*
 * What the child does between clone and exec.
 *
 * Everything in this file is async-signal-safe. The child runs in its parent's memory, or in a copy of it, on a stack
 * of its own, while the parent's thread is suspended: it must not allocate, take locks, or rely on thread-local state;
 * all it needs is in the plan. It has its own copies of descriptors, directory, umask and dispositions, so what it does
 * to those does not reach the parent. Sanitizers are kept out: a function that never returns would leave their books of
 * the parent's thread unbalanced.
 */
#include "process/child.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>

#define CHILD SYS_CHILD static

/* From the first step on, the parent knows how far the child came. Ends the child if the step failed. */
CHILD void check(struct birth *birth, int result)
{
    if (result >= 0)
        return;
    birth->error = result;
    sys_exit(127);
}

/*
 * Every disposition becomes the default, so that an ignored SIGPIPE or a blocked SIGTERM of the owner does not change
 * how the program behaves; but what a person asked to be ignored (nohup) can be kept. The parent's handlers, which the
 * child has copies of, cannot run meanwhile: all signals are blocked.
 */
CHILD int reset_signals(const pk_command *command)
{
    enum { LAST_SIGNAL = 64 };
    for (int n = 1; n <= LAST_SIGNAL; n++) {
        if (n == SIGKILL || n == SIGSTOP)
            continue;
        bool keep = command->keep_ignored & UINT64_C(1) << (n - 1);
        if (keep && sys_signal_is_ignored(n) == 1)
            continue;
        int r = sys_signal_default(n);
        if (r < 0)
            return r;
    }
    return 0;
}

CHILD int enter_session(const struct birth *birth)
{
    const pk_command *command = birth->plan->command;
    if (command->setsid || birth->own_session)
        return sys_setsid();
    if (command->setpgid || birth->own_pgid)
        return sys_setpgid(0, 0);
    return 0;
}

/* The leader of a session may have one. Before the descriptors are moved, and from where the first of them is. */
CHILD int take_terminal(const struct plan *plan)
{
    return plan->terminal < 0 ? 0 : sys_take_terminal(plan->moves[plan->terminal].source);
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

/* Whether an earlier move overwrites what this one needs. */
CHILD bool is_overwritten(const struct plan *plan, size_t move)
{
    for (size_t i = 0; i < move; i++)
        if (plan->moves[i].target == plan->moves[move].source && plan->moves[i].source != plan->moves[i].target)
            return true;
    return false;
}

CHILD bool is_target(const struct plan *plan, int fd)
{
    for (size_t i = 0; i < plan->move_count; i++)
        if (plan->moves[i].target == fd)
            return true;
    return false;
}

/* A duplicate at a number that no move needs. */
CHILD int save(const struct plan *plan, int fd)
{
    int copy = fd;
    do
        copy = sys_fcntl(fd, F_DUPFD_CLOEXEC, copy + 1);
    while (copy >= 0 && is_target(plan, copy));
    return copy;
}

CHILD int move_descriptors(const struct plan *plan)
{
    for (size_t i = 0; i < plan->move_count; i++) {
        plan->scratch[i] = plan->moves[i].source;
        if (is_overwritten(plan, i))
            plan->scratch[i] = save(plan, plan->scratch[i]);
        if (plan->scratch[i] < 0)
            return plan->scratch[i];
    }
    for (size_t i = 0; i < plan->move_count; i++) {
        int target = plan->moves[i].target;
        int r = plan->scratch[i] == target ? sys_fcntl(target, F_SETFD, 0) : sys_dup3(plan->scratch[i], target, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Without close_range (before Linux 5.9, or refused): the kernel's own list says what is open. */
CHILD int close_listed(const struct birth *birth)
{
    const struct plan *plan = birth->plan;
    _Alignas(struct sys_entry) char buffer[2048];

    int dir = sys_openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return dir;
    ssize_t size;
    while ((size = sys_getdents(dir, buffer, sizeof(buffer))) > 0) {
        for (char *next = buffer; next < buffer + size; next += ((struct sys_entry *)next)->length) {
            const char *name = ((struct sys_entry *)next)->name;
            int fd = 0;
            for (; *name >= '0' && *name <= '9'; name++)
                fd = fd * 10 + (*name - '0');
            if (*name == '\0' && fd != dir && fd != birth->lease_fd && !is_target(plan, fd))
                sys_close(fd);
        }
    }
    sys_close(dir);
    return (int)size;
}

CHILD int close_gap(unsigned first, unsigned last, int but)
{
    if (but < 0 || (unsigned)but < first || (unsigned)but > last)
        return sys_close_range(first, last, 0);
    int r = (unsigned)but > first ? sys_close_range(first, (unsigned)but - 1, 0) : 0;
    return r == 0 ? sys_close_range((unsigned)but + 1, last, 0) : r;
}

/* The moves are sorted by target: what lies between them is closed. */
CHILD int close_others(const struct birth *birth)
{
    const struct plan *plan = birth->plan;
    unsigned next = 0;
    for (size_t i = 0; i <= plan->move_count; i++) {
        unsigned last = i < plan->move_count ? (unsigned)plan->moves[i].target - 1 : ~0U;
        bool gap = i == plan->move_count || (unsigned)plan->moves[i].target > next;
        int r = gap ? close_gap(next, last, birth->lease_fd) : 0;
        if (r == -ENOSYS || r == -EPERM)
            return close_listed(birth);
        if (r < 0)
            return r;
        if (i < plan->move_count)
            next = (unsigned)plan->moves[i].target + 1;
    }
    return 0;
}

/* ---- Identity --------------------------------------------------------------------------------------------------- */

CHILD int drop_groups(const pk_command *command)
{
    if (command->has_groups)
        return sys_setgroups(command->group_count, command->groups);
    if (!command->has_uid && !command->has_gid)
        return 0;
    int r = sys_setgroups(0, NULL);
    return r == -EPERM ? 0 : r; /* nobody asked for it in so many words */
}

CHILD void become(struct birth *birth)
{
    const pk_command *command = birth->plan->command;

    birth->step = PK_STEP_UMASK;
    if (command->has_umask)
        sys_umask(command->umask);
    birth->step = PK_STEP_NICE;
    if (command->has_nice)
        check(birth, sys_setpriority(command->nice));
    birth->step = PK_STEP_IO_PRIORITY;
    if (command->has_io_priority)
        check(birth, sys_ioprio_set(command->io_class, command->io_level));
    birth->step = PK_STEP_AFFINITY;
    if (command->has_affinity)
        check(birth, sys_sched_setaffinity(sizeof(command->affinity), command->affinity));

    birth->step = PK_STEP_DESCRIPTORS;
    check(birth, move_descriptors(birth->plan));
    check(birth, close_others(birth));

    /* After the descriptors, which a small RLIMIT_NOFILE would be in the way of; before the rights to raise are gone.
     */
    birth->step = PK_STEP_RLIMIT;
    for (size_t i = 0; i < command->rlimit_count; i++) {
        const struct resource_limit *limit = &command->rlimits[i];
        check(birth, sys_setrlimit(limit->resource, limit->soft, limit->hard));
    }
    birth->step = PK_STEP_SETGROUPS;
    check(birth, drop_groups(command));
    birth->step = PK_STEP_SETGID;
    if (command->has_gid)
        check(birth, sys_setgid(command->gid));
    birth->step = PK_STEP_SETUID;
    if (command->has_uid)
        check(birth, sys_setuid(command->uid));
    birth->step = PK_STEP_CHDIR;
    if (command->directory)
        check(birth, sys_chdir(command->directory));
}

/*
 * Armed last: changing ids clears it. If the owner died before, it would never come; the parent is compared with the
 * pid taken before the clone and not with 1, since the owner may be pid 1 or have a subreaper above it.
 */
CHILD void arm_parent_death(struct birth *birth)
{
    birth->step = PK_STEP_PARENT_DEATH;
    if (!birth->plan->command->parent_death)
        return;
    check(birth, sys_parent_death_signal(SIGKILL));
    if (sys_getppid() != birth->owner_pid)
        sys_exit(127);
}

/* ---- The program ------------------------------------------------------------------------------------------------ */

/* What the exec functions of C libraries go on after: this path is not it, another may be. */
CHILD bool is_elsewhere(int number)
{
    return number == -ENOENT || number == -ENOTDIR || number == -EACCES || number == -ENAMETOOLONG ||
           number == -ESTALE || number == -ENODEV || number == -ETIMEDOUT;
}

SYS_CHILD bool child_goes_on(struct attempts *attempts, size_t candidate, int error)
{
    bool elsewhere = is_elsewhere(error);
    if (!elsewhere || error == -EACCES || error == -ENAMETOOLONG) { /* more telling than "not found" */
        attempts->error = error;
        attempts->about = candidate;
    }
    return elsewhere;
}

CHILD void execute(struct birth *birth)
{
    const struct plan *plan = birth->plan;
    struct attempts attempts = {-ENOENT, 0};

    birth->step = PK_STEP_EXEC;
    for (size_t i = 0; plan->candidates[i]; i++) {
        int r = sys_execve(plan->candidates[i], plan->argv, plan->environment);
        if (!child_goes_on(&attempts, i, r))
            break;
    }
    birth->candidate = attempts.about;
    check(birth, attempts.error);
}

/* ---- Entering the cgroup ---------------------------------------------------------------------------------------- */

/* Whoever enters by a write is counted in pids.current, but not held up by pids.max. */
CHILD int check_count(const struct birth *birth)
{
    char text[32];
    uint64_t count = 0;
    ssize_t length = sys_pread(birth->count_fd, text, sizeof(text), 0);
    for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        count = count * 10 + (uint64_t)(text[i] - '0');
    return length < 0 ? (int)length : count > birth->most ? -EAGAIN : 0;
}

CHILD void enter_cgroup(struct birth *birth)
{
    birth->step = PK_STEP_JOIN_CGROUP;
    if (birth->join_fd >= 0)
        check(birth, sys_join_cgroup(birth->join_fd));
    if (birth->count_fd >= 0)
        check(birth, check_count(birth));
}

SYS_CHILD int child_run(void *data)
{
    struct birth *birth = data;

    enter_cgroup(birth);
    birth->step = PK_STEP_SIGNALS;
    check(birth, reset_signals(birth->plan->command));
    birth->step = PK_STEP_SESSION;
    check(birth, enter_session(birth));
    birth->step = PK_STEP_TERMINAL;
    check(birth, take_terminal(birth->plan));
    become(birth);
    arm_parent_death(birth);
    sys_restore_signals(0);
    execute(birth);
    sys_exit(127);
}
