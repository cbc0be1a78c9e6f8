/*
 * Starting the guardian and talking to it.
 */
#include "contain/guardian.h"

#include "base/error.h"
#include "base/time.h"
#include "contain/grandchild.h"
#include "contain/helper-image.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* ---- Starting --------------------------------------------------------------------------------------------------- */

struct guardian_birth {
    struct helper_image image;
    struct guardian_ends ends;
    int parent;
    const char *name;
    bool make;
    bool made;
    const char *call; /* that may fail, here */
    pk_step step;     /* how far it came */
    int error;
};

SYS_CHILD static void check(struct guardian_birth *birth, int result)
{
    if (result >= 0)
        return;
    birth->error = result;
    sys_exit(127);
}

/* Its descriptors are 0 to 2, so ours, above 2, are not in the way. A session of its own: no terminal reaches it. */
SYS_CHILD static int become_guardian(void *data)
{
    struct guardian_birth *birth = data;
    char *argv[] = {(char[]){"processkit-guardian"}, (char[]){"guard"}, (char *)birth->name, NULL};

    birth->step = PK_STEP_MAKE_CGROUP;
    if (birth->make)
        check(birth, sys_mkdirat(birth->parent, birth->name, 0755));
    birth->step = PK_STEP_SESSION;
    check(birth, sys_setsid());
    birth->step = PK_STEP_DESCRIPTORS;
    check(birth, sys_dup3(birth->ends.theirs, 0, 0));
    check(birth, sys_dup3(birth->ends.owner, 1, 0));
    check(birth, sys_dup3(birth->parent, 2, 0));
    birth->step = PK_STEP_EXEC;
    check(birth, helper_exec(&birth->image, argv));
    sys_exit(127);
}

static const char *failed_call(const struct guardian_birth *birth)
{
    switch (birth->step) {
    case PK_STEP_SESSION:
        return "setsid";
    case PK_STEP_DESCRIPTORS:
        return "dup3";
    case PK_STEP_EXEC:
        return NULL;
    default:
        return birth->call;
    }
}

static int explain(const struct guardian_birth *birth, int number, pk_error *error)
{
    return helper_explain(&birth->image, failed_call(birth), number, "guardian", error);
}

static int give_birth(struct guardian *guardian, struct guardian_birth *birth, pk_error *error)
{
    struct grandchild grandchild = {.cgroup_fd = -1, .run = become_guardian, .data = birth};
    birth->call = "clone";
    int r = grandchild_make(&grandchild);
    if (r == 0)
        r = birth->error;
    if (r == 0 && birth->step != PK_STEP_EXEC)
        r = -ECANCELED; /* somebody killed it on the way */
    if (r == 0) {
        guardian->pid = grandchild.pid;
        return 0;
    }
    if (birth->step == PK_STEP_MAKE_CGROUP && birth->error < 0)
        return error_errno(error, r, PK_STEP_MAKE_CGROUP, NULL, "cannot make a cgroup");
    birth->made = birth->make && birth->step >= PK_STEP_MAKE_CGROUP; /* killed in this very step: perhaps */
    return explain(birth, r, error);
}

int guardian_open_ends(struct guardian_ends *ends, const char **call)
{
    int pair[2];
    *ends = (struct guardian_ends){-1, -1, -1};
    *call = "socketpair";
    int r = sys_socketpair(pair);
    if (r < 0)
        return r;
    ends->ours = sys_keep(pair[0]);
    ends->theirs = sys_keep(pair[1]);
    if (ends->ours < 0 || ends->theirs < 0)
        return ends->ours < 0 ? ends->ours : ends->theirs;
    *call = "pidfd_open";
    ends->owner = sys_keep(sys_pidfd_open(sys_getpid()));
    return ends->owner < 0 ? ends->owner : 0;
}

void guardian_close_given(struct guardian_ends *ends)
{
    ends->theirs = sys_close_safe(ends->theirs);
    ends->owner = sys_close_safe(ends->owner);
}

int guardian_start(struct guardian *guardian, int parent, const char *name, bool make, pk_error *error)
{
    struct guardian_birth birth = {.ends = {-1, -1, -1}, .parent = parent, .name = name, .make = make};

    *guardian = (struct guardian){.control = -1};
    int r = helper_check_place("guardian", error);
    if (r < 0)
        return r;
    birth.call = "memfd_create";
    r = helper_image_open(&birth.image);
    if (r == 0)
        r = guardian_open_ends(&birth.ends, &birth.call);
    r = r < 0 ? explain(&birth, r, error) : give_birth(guardian, &birth, error);
    if (r == 0)
        guardian->control = birth.ends.ours;
    else
        sys_close_safe(birth.ends.ours);
    if (birth.made)
        sys_unlinkat(parent, name, AT_REMOVEDIR);
    guardian_close_given(&birth.ends);
    helper_image_close(&birth.image);
    return r;
}

/* ---- Talking ---------------------------------------------------------------------------------------------------- */

/* It reads whenever it has time, so a full socket means that it is busy killing; one that stands still is as good as
 * lost. */
static int wait_for_room(int control)
{
    struct pollfd poll = {.fd = control, .events = POLLOUT};
    struct timespec patience = time_to_timespec(PK_SECONDS(1));
    int r = sys_ppoll(&poll, 1, &patience);
    return r == 0 ? -EPIPE : r == -EINTR || r > 0 ? 0 : r;
}

int guardian_tell(const struct guardian *guardian, enum guardian_kind kind, const char *name)
{
    struct guardian_message message = {.magic = GUARDIAN_MAGIC, .version = GUARDIAN_VERSION, .kind = (uint16_t)kind};
    memcpy(message.name, name, strnlen(name, sizeof(message.name) - 1));
    for (;;) {
        int r = sys_send(guardian->control, &message, sizeof(message));
        if (r == -EAGAIN)
            r = wait_for_room(guardian->control);
        else if (r >= 0)
            return 0;
        if (r < 0 && r != -EINTR)
            return -EPIPE;
    }
}

bool guardian_is_lost(const struct guardian *guardian)
{
    return sys_is_readable(guardian->control); /* it never sends: readable is its end */
}

/* It is nobody's to wait for here, but as long as it holds its end of the socket its number is its own. */
int guardian_open(const struct guardian *guardian)
{
    int pidfd = sys_keep(sys_pidfd_open(guardian->pid));
    if (pidfd < 0 || !guardian_is_lost(guardian))
        return pidfd;
    sys_close(pidfd);
    return -ESRCH;
}

void guardian_kill(const struct guardian *guardian)
{
    struct pollfd poll = {.fd = guardian->control, .events = POLLIN};
    struct timespec patience = time_to_timespec(PK_SECONDS(1));
    int pidfd = guardian_open(guardian);
    if (pidfd < 0)
        return;
    if (sys_pidfd_send_signal(pidfd, SIGKILL) == 0)
        sys_ppoll(&poll, 1, &patience);
    sys_close(pidfd);
}
