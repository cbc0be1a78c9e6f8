/*
 * The birth of a reaper and its leader.
 *
 * The reaper is made first, in our memory and with our descriptors. While it is still there it makes the leader, so
 * that the leader runs on what was prepared for it, its errors arrive here, and its pidfd is ours; then it becomes the
 * helper. Only once it has, which the kernel tells by clearing the reaper's word, does the leader go on: no program
 * ever runs that nobody would end. The leader's own word tells us that it has left our memory, whoever was killed on
 * the way.
 */
#include "contain/reaper-birth.h"

#include "base/error.h"
#include "contain/grandchild.h"
#include "contain/helper-image.h"
#include "contain/leader.h"
#include "contain/reaper-link.h"
#include "contain/stack.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdatomic.h>

struct making {
    struct reaper_birth *birth;
    struct helper_image image;
    int control; /* the reaper's end of the socket */
    int owner;   /* our pidfd */
    bool legacy; /* clone3 is missing or refused: the old call does */

    /* Cleared by the kernel as each leaves our memory. */
    _Atomic int reaper_present;
    _Atomic int leader_present;

    /* Written by the kernel once the leader exists, whatever becomes of the reaper at that moment. Without it the
     * number of a pidfd means nothing. */
    _Atomic int leader_pid;
    int leader_pidfd;

    /* Written by the reaper and the leader. */
    pid_t reaper_pid;
    int reaper_pidfd;
    volatile bool ran; /* the leader did anything at all */
    volatile pk_step step;
    const char *volatile call; /* that may fail, here */
    volatile int error;
};

/* ---- The leader ------------------------------------------------------------------------------------------------- */

/* Its parent tells whether the reaper has become the helper, or is gone. */
SYS_CHILD static int run_leader(void *data)
{
    struct making *making = data;
    absence_wait(&making->reaper_present);
    if (sys_getppid() != making->reaper_pid)
        sys_exit(127);
    making->ran = true;
    making->birth->run(making->birth->data);
    sys_exit(127);
}

/* ---- The reaper ------------------------------------------------------------------------------------------------- */

/* Ends the reaper, and the leader if there is one, if the call failed. */
SYS_CHILD static void check(struct making *making, const char *call, int result, pid_t leader)
{
    if (result >= 0)
        return;
    making->call = call;
    making->error = result;
    if (leader > 0) {
        sys_kill(leader, SIGKILL);
        sys_wait_child(leader, NULL);
    }
    sys_exit(127);
}

SYS_CHILD static int clone_leader(struct making *making)
{
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
        .parent_tid = (uintptr_t)&making->leader_pid,
        .child_tid = (uintptr_t)&making->leader_present,
        .stack = (uintptr_t)making->birth->stack,
        .stack_size = STACK_SIZE,
        .exit_signal = SIGCHLD,
    };
    making->leader_present = 1;
    if (making->legacy) /* has one place for the pid and the pidfd */
        return sys_clone(&args, run_leader, making);
    args.flags |= CLONE_PIDFD;
    args.pidfd = (uintptr_t)&making->leader_pidfd;
    return sys_clone3(&args, CLONE_ARGS_SIZE_VER0, run_leader, making);
}

SYS_CHILD static void write_number(unsigned number, char buffer[12])
{
    char digits[12];
    int count = 0, length = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        buffer[length++] = digits[--count];
    buffer[length] = '\0';
}

SYS_CHILD static void become_helper(struct making *making, pid_t leader)
{
    char number[12];
    char *argv[] = {(char[]){"processkit-reaper"}, (char[]){"reap"}, number, NULL};
    write_number((unsigned)leader, number);
    check(making, "unshare", sys_unshare_descriptors(), leader);
    check(making, "setsid", sys_setsid(), leader); /* no terminal reaches it */
    check(making, "dup3", sys_dup3(making->control, 0, 0), leader);
    check(making, "dup3", sys_dup3(making->owner, 1, 0), leader);
    making->step = PK_STEP_EXEC;
    check(making, "execve", helper_exec(&making->image, argv), leader);
}

/* With SIGCHLD ignored, as the owner may have it, the kernel would keep no status of the leader. */
SYS_CHILD static void prepare(struct making *making)
{
    making->reaper_pid = *making->birth->parent = sys_getpid();
    if (making->legacy)
        check(making, "pidfd_open", making->reaper_pidfd = sys_pidfd_open(making->reaper_pid), 0);
    check(making, "prctl", sys_become_subreaper(), 0);
    check(making, "sigaction", sys_signal_default(SIGCHLD), 0);
}

SYS_CHILD static int run_reaper(void *data)
{
    struct making *making = data;
    making->step = PK_STEP_GUARDIAN;
    prepare(making);
    making->step = PK_STEP_CLONE;
    int leader = clone_leader(making);
    check(making, "clone", leader, 0);
    making->step = PK_STEP_GUARDIAN;
    if (making->legacy)
        making->leader_pidfd = sys_pidfd_open(leader);
    check(making, "pidfd_open", making->leader_pidfd, leader);
    become_helper(making, leader);
    sys_exit(127);
}

/* ---- The owner -------------------------------------------------------------------------------------------------- */

static int explain(const struct making *making, int number, pk_error *error)
{
    if (making->step == PK_STEP_CLONE)
        return error_errno(error, number, PK_STEP_CLONE, NULL, "cannot start a process");
    return helper_explain(&making->image, making->step == PK_STEP_EXEC ? NULL : making->call, number, "reaper", error);
}

static int killed_on_the_way(pk_error *error)
{
    return error_set(error, -ECANCELED, PK_ERROR_SPAWN, PK_STEP_CLONE, NULL,
                     "cannot start a process: it or its reaper was killed before it could run");
}

/* Returns when the reaper has become the helper or ended, and the leader the program, or has ended. While the leader is
 * still there, it runs on this thread's errno too: nothing is called here that could fail before that. */
static int clone_reaper(struct making *making, void *stack)
{
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
        .parent_tid = (uintptr_t)&making->reaper_present,
        .child_tid = (uintptr_t)&making->reaper_present,
        .stack = (uintptr_t)stack,
        .stack_size = STACK_SIZE,
        /* No exit signal until it is the helper: nobody else waits for it, or hears of it. */
    };
    making->step = PK_STEP_CLONE;
    int r;
    if (making->legacy) {
        r = sys_clone(&args, run_reaper, making);
    } else {
        args.flags |= CLONE_PIDFD;
        args.pidfd = (uintptr_t)&making->reaper_pidfd;
        r = sys_clone3(&args, CLONE_ARGS_SIZE_VER0, run_reaper, making);
    }
    if (r < 0) {
        making->reaper_pidfd = -1; /* the kernel may have written a number that came to nothing */
        return r;
    }
    making->reaper_pid = r; /* one that was killed at once could not say so */
    if (making->leader_pid > 0)
        absence_wait(&making->leader_present);
    if (making->error == 0 && making->reaper_pidfd >= 0)
        return r;
    sys_wait_child(r, NULL);
    return making->error < 0 ? making->error : -ECANCELED;
}

/* What a reaper that could not become the helper has left in our table. */
static void close_pidfds(struct making *making)
{
    making->reaper_pidfd = sys_close_safe(making->reaper_pidfd);
    if (making->leader_pid > 0)
        sys_close_safe(making->leader_pidfd);
    making->leader_pidfd = -1;
    making->leader_pid = 0;
}

static bool is_clone_refused(const struct making *making, int number)
{
    return making->step == PK_STEP_CLONE && !making->legacy && (number == -ENOSYS || number == -EPERM);
}

static int make(struct making *making, pk_error *error)
{
    static atomic_bool legacy;
    void *stack = stack_take();
    if (!stack)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    making->legacy = legacy;
    int r = clone_reaper(making, stack);
    if (is_clone_refused(making, r)) {
        close_pidfds(making);
        making->error = 0;
        making->legacy = true;
        r = clone_reaper(making, stack);
        if (r >= 0)
            legacy = true;
    }
    stack_put(stack);
    return r < 0 ? explain(making, r, error) : 0;
}

/* The link has the reaper from now on, whatever became of the leader. */
static int settle(struct making *making, pk_error *error)
{
    struct reaper_birth *birth = making->birth;
    reaper_link_begin(birth->link, making->reaper_pid, pidfd_keep(making->reaper_pidfd));
    making->reaper_pidfd = -1;
    if (!making->ran)
        return killed_on_the_way(error);
    birth->pid = making->leader_pid;
    birth->pidfd = pidfd_keep(making->leader_pidfd);
    making->leader_pidfd = -1;
    return 0;
}

int reaper_give_birth(struct reaper_birth *birth, pk_error *error)
{
    struct making making = {.birth = birth, .owner = -1, .reaper_pidfd = -1, .leader_pidfd = -1};

    birth->pid = 0;
    birth->pidfd = -1;
    birth->link = NULL;
    making.step = PK_STEP_GUARDIAN;
    making.call = "memfd_create";
    int r = helper_image_open(&making.image);
    making.call = "socketpair";
    if (r == 0)
        birth->link = reaper_link_new(&r);
    if (r == 0)
        making.call = "pidfd_open";
    if (r == 0)
        r = making.owner = sys_keep(sys_pidfd_open(sys_getpid()));
    if (r >= 0) {
        making.control = birth->link->theirs;
        r = make(&making, error);
        if (r == 0)
            r = settle(&making, error);
    } else {
        r = explain(&making, r, error);
    }
    if (r < 0) {
        reaper_link_free(birth->link);
        birth->link = NULL;
    }
    close_pidfds(&making);
    sys_close_safe(making.owner);
    helper_image_close(&making.image);
    return r;
}
