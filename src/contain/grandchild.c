/*
 * Making a child of a child without ever copying this process.
 *
 * Both share our memory, each on a stack of its own. The kernel holds our thread back until the process between has
 * ended; for the other one it keeps a word, set as that is made, and cleared, with a wake-up, as it leaves our memory.
 * So the end of the one and the exec of the other happen at the same time. Until then our thread does nothing but wait
 * for the word: errno, like all that belongs to the thread, is the new process's.
 */
#include "contain/grandchild.h"

#include "contain/stack.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

struct making {
    struct grandchild *grandchild;
    void *stack;
    _Atomic int present; /* its pid while it is in our memory */
    _Atomic int pid;     /* what it was; 0: never made */
    int result;
    bool legacy;
};

/* clone3 is missing or refused by a seccomp filter: the old call does, but for a cgroup to be born into. */
SYS_CHILD static int clone_either_way(struct clone_args *args, size_t size, int (*run)(void *), void *data, bool legacy)
{
    return legacy ? sys_clone(args, run, data) : sys_clone3(args, size, run, data);
}

SYS_CHILD static int run_grandchild(void *data)
{
    struct making *making = data;
    making->pid = making->present;
    making->grandchild->run(making->grandchild->data);
    sys_exit(127);
}

SYS_CHILD static int run_between(void *data)
{
    struct making *making = data;
    struct grandchild *grandchild = making->grandchild;
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
        .parent_tid = (uintptr_t)&making->present,
        .child_tid = (uintptr_t)&making->present,
        .stack = (uintptr_t)making->stack,
        .stack_size = STACK_SIZE,
        .exit_signal = SIGCHLD,
    };
    size_t size = CLONE_ARGS_SIZE_VER0;
    if (grandchild->between) {
        args.flags |= CLONE_VFORK;   /* this one has more to do, and must not do it in the other's memory */
        sys_signal_default(SIGCHLD); /* ignored, as the owner may have it, it would leave no status to wait for */
    }
    if (grandchild->cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)grandchild->cgroup_fd;
        size = CLONE_ARGS_SIZE_VER2;
    }
    making->result = clone_either_way(&args, size, run_grandchild, making, making->legacy);
    if (making->result > 0 && grandchild->between)
        making->result = grandchild->between(grandchild->data, making->result);
    sys_exit(0);
}

SYS_CHILD void absence_wait(_Atomic int *present)
{
    int pid;
    while ((pid = *present) != 0)
        sys_futex_wait(present, pid);
}

static int make(struct making *making, void *stack)
{
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES, /* no exit signal: nobody else waits for it, or hears of it */
        .stack = (uintptr_t)stack,
        .stack_size = STACK_SIZE,
    };
    making->result = -ECANCELED;
    int between = clone_either_way(&args, CLONE_ARGS_SIZE_VER0, run_between, making, making->legacy);
    if (between < 0)
        return between;
    absence_wait(&making->present);
    sys_wait_child(between, NULL);
    if (making->result == -ECANCELED && making->pid > 0 && !making->grandchild->between)
        return making->pid; /* the process between was killed when it had nothing more to do */
    return making->result;
}

int grandchild_make(struct grandchild *grandchild)
{
    static atomic_bool legacy;
    struct making making = {.grandchild = grandchild, .stack = stack_take(), .legacy = legacy};
    void *stack = stack_take();
    uint64_t mask;
    int r = -ENOMEM;

    if (legacy && grandchild->cgroup_fd >= 0) {
        r = -ENOSYS; /* the old call would leave it in our own cgroup */
    } else if (stack && making.stack) {
        sys_block_signals(&mask);
        r = make(&making, stack);
        if ((r == -ENOSYS || r == -EPERM) && !making.legacy && grandchild->cgroup_fd < 0) {
            making.legacy = true;
            r = make(&making, stack);
            if (r >= 0)
                legacy = true;
        }
        sys_restore_signals(mask);
    }
    stack_put(stack);
    stack_put(making.stack);
    grandchild->pid = making.pid;
    return r < 0 ? r : 0;
}
