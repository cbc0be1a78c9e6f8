/*
 * A guardian that is born where a spawner lives: whoever ends the cgroup of this process does not take it along.
 *
 * The guardian answers itself, on its control socket, once it has made the directory and is on its way; the spawner
 * does if none could be born.
 */
#include "base/error.h"
#include "base/time.h"
#include "contain/spawner.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char what[] = "a guardian";

/* Not once its end was closed. Something that could still become a guardian has it otherwise. */
static bool is_held(int control)
{
    struct pollfd poll = {.fd = control, .events = POLLIN};
    struct timespec patience = time_to_timespec(PK_SECONDS(1));
    return sys_ppoll(&poll, 1, &patience) <= 0;
}

static int hear(const struct spawner *spawner, int control, struct spawner_answer *answer)
{
    int pidfd;
    int r = spawner_hear(spawner, control, answer, &pidfd);
    sys_close_safe(pidfd);
    if (r != -ETIMEDOUT)
        return r;
    spawner_kill(spawner); /* or it would start one later, when nobody wants it any more */
    int late = spawner_hear(spawner, control, answer, &pidfd);
    sys_close_safe(pidfd);
    return late == 0 ? 0 : r;
}

static int explain_refusal(const struct spawner_answer *answer, pk_error *error)
{
    if (answer->call == SPAWNER_MKDIR)
        return error_errno(error, answer->number, PK_STEP_MAKE_CGROUP, NULL, "cannot make a cgroup");
    return error_errno(error, answer->number, PK_STEP_SPAWNER, NULL, "cannot start %s by the spawner", what);
}

/* Its pid, or an errno: with `perhaps`, the directory may have been made even so. */
static int give_birth(const struct spawner *spawner, struct guardian_ends *ends, int parent,
                      const struct spawner_request *request, bool *perhaps, pk_error *error)
{
    const int fds[GUARD_FIXED] = {ends->theirs, ends->owner, parent};
    struct spawner_answer answer;
    int r = spawner_ask_on(spawner, request, fds, GUARD_FIXED);
    guardian_close_given(ends);
    if (r < 0)
        return spawner_explain(r, what, error);
    r = hear(spawner, ends->ours, &answer);
    *perhaps = r < 0 || answer.call == SPAWNER_SETSID;
    if (r < 0)
        return spawner_explain(r, what, error);
    return answer.number > 0 ? answer.number : explain_refusal(&answer, error);
}

/* A guardian that comes to itself later would take the end of the socket for the end of its owner, and kill. */
static void hang_up(struct guardian_ends *ends, bool asked)
{
    if (!asked || !is_held(ends->ours))
        sys_close_safe(ends->ours);
    guardian_close_given(ends);
}

int spawner_start_guardian(struct spawner *spawner, struct guardian *guardian, int parent, const char *name, bool make,
                           pk_error *error)
{
    struct spawner_request request = {.magic = SPAWNER_MAGIC,
                                      .version = SPAWNER_VERSION,
                                      .kind = SPAWNER_GUARD,
                                      .flags = make ? SPAWNER_MAKE : 0,
                                      .descriptors = GUARD_FIXED};
    struct guardian_ends ends;
    const char *call;
    bool perhaps = false;

    *guardian = (struct guardian){.control = -1};
    memcpy(request.name, name, strnlen(name, SPAWNER_NAME - 1));
    int r = guardian_open_ends(&ends, &call);
    if (r < 0)
        error_errno(error, r, PK_STEP_SPAWNER, NULL, "cannot start %s", what);
    else
        r = give_birth(spawner, &ends, parent, &request, &perhaps, error);
    if (r < 0) {
        hang_up(&ends, perhaps);
        if (make && perhaps)
            sys_unlinkat(parent, name, AT_REMOVEDIR);
        return r;
    }
    *guardian = (struct guardian){ends.ours, r};
    return 0;
}
