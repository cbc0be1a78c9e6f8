/*
 * Starting and stopping a spawner.
 */
#include "contain/spawner.h"

#include "base/error.h"
#include "contain/helper-image.h"
#include "contain/late-child.h"
#include "contain/stack.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdatomic.h>

/* ---- Its birth -------------------------------------------------------------------------------------------------- */

struct spawner_birth {
    struct helper_image image;
    int ends[2]; /* of the socket: ours and its */
    int owner;   /* our pidfd */
    int pidfd;
    const char *call; /* that may fail, here; NULL: the program cannot be run */
    bool ran;
    int error;
};

SYS_CHILD static void check(struct spawner_birth *birth, const char *call, int result)
{
    birth->call = call;
    if (result >= 0)
        return;
    birth->error = result;
    sys_exit(127);
}

/*
 * All signals are blocked, and stay so. A process group of its own keeps what a terminal sends away even so (a SIGSTOP
 * cannot be blocked, but no terminal sends that); the session stays the owner's, or its children could not join the
 * owner's process group.
 */
SYS_CHILD static int become_spawner(void *data)
{
    struct spawner_birth *birth = data;
    char *argv[] = {(char[]){"processkit-spawner"}, (char[]){"spawn"}, NULL};
    check(birth, "setpgid", sys_setpgid(0, 0));
    check(birth, "dup3", sys_dup3(birth->ends[1], 0, 0));
    check(birth, "dup3", sys_dup3(birth->owner, 1, 0));
    birth->ran = true;
    check(birth, NULL, helper_exec(&birth->image, argv));
    sys_exit(127);
}

static int clone_once(struct spawner_birth *birth, void *stack, bool legacy)
{
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
        .pidfd = (uintptr_t)&birth->pidfd,
        .stack = (uintptr_t)stack,
        .stack_size = STACK_SIZE,
        /* No exit signal until it is the helper: nobody else waits for it, or hears of it. */
    };
    return legacy ? sys_clone(&args, become_spawner, birth)
                  : sys_clone3(&args, CLONE_ARGS_SIZE_VER0, become_spawner, birth);
}

static int clone_spawner(struct spawner_birth *birth)
{
    uint64_t mask;
    void *stack = stack_take();
    birth->call = "mmap";
    if (!stack)
        return -ENOMEM;
    birth->call = "clone";
    sys_block_signals(&mask);
    int r = clone_once(birth, stack, false);
    if (r == -ENOSYS || r == -EPERM)
        r = clone_once(birth, stack, true);
    sys_restore_signals(mask);
    stack_put(stack);
    if (r < 0)
        birth->pidfd = -1; /* the kernel may have written a number that came to nothing */
    return r;
}

/* Its pid, or an errno: then nothing is left of it. */
static int give_birth(struct spawner_birth *birth)
{
    int pid = clone_spawner(birth);
    if (pid < 0)
        return pid;
    birth->pidfd = sys_keep(birth->pidfd);
    int r = birth->error < 0 ? birth->error : !birth->ran ? -ECANCELED : birth->pidfd;
    if (r >= 0)
        return pid;
    if (birth->error == 0 && birth->ran)
        sys_kill(pid, SIGKILL);
    sys_wait_child(pid, NULL);
    birth->pidfd = sys_close_safe(birth->pidfd);
    return r;
}

static int open_all(struct spawner_birth *birth)
{
    birth->call = "memfd_create";
    int r = helper_image_open(&birth->image);
    if (r < 0)
        return r;
    birth->call = "socketpair";
    r = sys_socketpair(birth->ends);
    if (r < 0)
        return r;
    birth->ends[0] = sys_keep(birth->ends[0]);
    birth->ends[1] = sys_keep(birth->ends[1]);
    if (birth->ends[0] < 0 || birth->ends[1] < 0)
        return birth->ends[0] < 0 ? birth->ends[0] : birth->ends[1];
    birth->call = "pidfd_open";
    birth->owner = sys_keep(sys_pidfd_open(sys_getpid()));
    return birth->owner < 0 ? birth->owner : 0;
}

static int explain(const struct spawner_birth *birth, int number, pk_error *error)
{
    int r = helper_explain(&birth->image, birth->call, number, "spawner", error);
    if (error)
        error->step = PK_STEP_SPAWNER;
    return r;
}

int spawner_start(struct spawner *spawner, pk_error *error)
{
    struct spawner_birth birth = {.image.fd = -1, .ends = {-1, -1}, .owner = -1, .pidfd = -1};

    *spawner = (struct spawner)SPAWNER_INIT;
    int r = helper_check_place("spawner", error);
    if (r == 0)
        r = heritage_take(&spawner->heritage, error);
    if (r < 0)
        return r;
    r = open_all(&birth);
    if (r == 0)
        r = give_birth(&birth);
    if (r < 0) {
        r = explain(&birth, r, error);
        sys_close_safe(birth.ends[0]);
    } else {
        spawner->pid = r;
        spawner->control = birth.ends[0];
        spawner->pidfd = birth.pidfd;
        r = 0;
    }
    sys_close_safe(birth.ends[1]);
    sys_close_safe(birth.owner);
    helper_image_close(&birth.image);
    return r;
}

/* ---- Its end ---------------------------------------------------------------------------------------------------- */

/* It never speaks on this socket. One that ends closes it a moment before it counts as ended. */
bool spawner_is_lost(const struct spawner *spawner)
{
    struct pollfd polls[] = {{.fd = spawner->control, .events = POLLIN}, {.fd = spawner->pidfd, .events = POLLIN}};
    struct timespec at_once = {0};
    return spawner->pidfd < 0 || sys_ppoll(polls, 2, &at_once) > 0;
}

void spawner_stop(struct spawner *spawner)
{
    static const pk_duration patience = PK_MILLISECONDS(100);
    int pidfd = spawner->pidfd;
    if (pidfd < 0)
        return;
    spawner->control = sys_close_safe(spawner->control);
    spawner->pidfd = -1;
    spawner->pid = 0;
    sys_pidfd_send_signal(pidfd, SIGCONT); /* or one that was stopped would stay */
    if (late_child_has_ended(pidfd, patience))
        late_child_take(pidfd);
    else
        late_child_add(pidfd);
}

void spawner_forget(struct spawner *spawner)
{
    spawner->control = sys_close_safe(spawner->control);
    spawner->pidfd = sys_close_safe(spawner->pidfd);
    spawner->pid = 0;
}

void spawner_kill(const struct spawner *spawner)
{
    if (sys_pidfd_send_signal(spawner->pidfd, SIGKILL) >= 0)
        late_child_has_ended(spawner->pidfd, PK_SECONDS(1));
}
