/*
 * Making the owner's child: a sibling of this process, born with what is in the parcel, by the library's own code.
 *
 * It has memory of its own, unlike the library's: this one has little to copy, must not wait for a child that hangs
 * before exec, and must not be taken for the child's accomplice when the kernel kills a cgroup for want of memory.
 */
#include "birth.h"

#include "entry.h"
#include "parcel.h"
#include "sys/sigaction.h"
#include "sys/sys.h"

#include <fcntl.h>

/* ---- The child -------------------------------------------------------------------------------------------------- */

static void check(struct birth *birth, pk_step step, long result)
{
    birth->step = step;
    if (result >= 0)
        return;
    birth->error = (int)result;
    sys_exit(127);
}

/* The dispositions are the spawner's: what the owner ignores has to be said. */
static void ignore_signals(uint64_t ignored)
{
    struct kernel_sigaction action = {.handler = SIG_IGN};
    for (int n = 1; ignored; n++, ignored >>= 1)
        if (ignored & 1)
            CALL4(rt_sigaction, n, &action, NULL, sizeof(uint64_t));
}

static bool is_target(const struct plan *plan, int fd)
{
    for (size_t i = 0; i < plan->move_count; i++)
        if (plan->moves[i].target == fd)
            return true;
    return false;
}

/* At a number that nothing is moved to. */
static long keep_lease(const struct plan *plan, int lease)
{
    long fd = lease;
    while (fd >= 0 && is_target(plan, (int)fd))
        fd = sys_fcntl(lease, F_DUPFD_CLOEXEC, fd + 1);
    return fd;
}

static _Noreturn void be_child(struct parcel *parcel, const struct childbirth *childbirth)
{
    struct birth *birth = &parcel->birth;
    check(birth, PK_STEP_CHDIR, parcel->keep_place ? 0 : CALL1(fchdir, childbirth->directory));
    check(birth, PK_STEP_SESSION, parcel->pgid ? sys_setpgid(0, parcel->pgid) : 0);
    ignore_signals(parcel->ignored);
    birth->lease_fd = (int)keep_lease(&parcel->plan, childbirth->lease);
    check(birth, PK_STEP_DESCRIPTORS, birth->lease_fd);
    birth->count_fd = -1; /* what would be looked at with kernels that cannot clone into a cgroup is not at hand here */
    birth->join_fd = childbirth->way == BIRTH_JOIN ? childbirth->cgroup : -1;
    child_run(birth);
    sys_exit(127);
}

/* ---- Its parent's helper ---------------------------------------------------------------------------------------- */

/* The exit signal is this process's, which is SIGCHLD, as for any child of the owner. */
static long clone_new(struct parcel *parcel, const struct childbirth *childbirth)
{
    struct clone_args args = {
        .flags = CLONE_PARENT | CLONE_PIDFD | CLONE_PARENT_SETTID,
        .pidfd = (uintptr_t)&parcel->pidfd,
        .parent_tid = (uintptr_t)&parcel->pid,
    };
    size_t size = CLONE_ARGS_SIZE_VER0;
    if (childbirth->way == BIRTH_INTO) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)childbirth->cgroup;
        size = CLONE_ARGS_SIZE_VER2;
    }
    return CALL2(clone3, &args, size);
}

/* Has one place for the pidfd and the pid; the child can write its own pid too, as it begins. */
static long clone_old(struct parcel *parcel)
{
    unsigned long flags = CLONE_PARENT | CLONE_PIDFD | CLONE_CHILD_SETTID;
#ifdef __aarch64__
    return CALL5(clone, flags, 0, &parcel->pidfd, 0, &parcel->pid);
#else
    return CALL5(clone, flags, 0, &parcel->pidfd, &parcel->pid, 0);
#endif
}

int give_birth(struct childbirth *childbirth)
{
    struct parcel *parcel = childbirth->parcel;
    int offered = PARCEL_OFFERED;
    childbirth->pidfd = -1;
    if (!parcel_open(parcel, childbirth->size, childbirth->sources, childbirth->source_count))
        return NOT_A_PARCEL;
    if (!__atomic_compare_exchange_n((int *)&parcel->state, &offered, PARCEL_TAKEN, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST))
        return WITHDRAWN;
    long pid = childbirth->legacy ? clone_old(parcel) : clone_new(parcel, childbirth);
    if (pid == 0)
        be_child(parcel, childbirth);
    if (pid > 0)
        childbirth->pidfd = parcel->pidfd;
    return (int)pid;
}
