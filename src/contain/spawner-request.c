/*
 * Asking a spawner, and hearing what it answers.
 */
#include "base/error.h"
#include "base/time.h"
#include "contain/fork-lock.h"
#include "contain/late-child.h"
#include "contain/spawner.h"
#include "sys/sys.h"

#include <errno.h>

/*
 * Held from where a socket for an answer is made to where the spawner has its end. A forked child with a copy of that
 * would hide its closing from us for as long as it lives.
 */
static void let_go(void)
{
}

static struct fork_lock asking = FORK_LOCK_INIT(let_go, true);

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

static int send_once(const struct spawner *spawner, const struct spawner_request *request, const int *fds, size_t count)
{
    int r;
    do
        r = sys_send_with(spawner->control, request, sizeof(*request), fds, count);
    while (r == -EINTR);
    if (r == -ECONNRESET)
        return -EPIPE;
    return r < 0 ? r : 0;
}

static int send_with_new_socket(const struct spawner *spawner, const struct spawner_request *request, int *fds,
                                size_t count, int *answer)
{
    int ends[2];
    fork_lock_take(&asking);
    int r = sys_socketpair(ends);
    if (r == 0) {
        fds[0] = ends[1];
        r = send_once(spawner, request, fds, count);
        sys_close(ends[1]);
        if (r < 0)
            sys_close(ends[0]);
    }
    fork_lock_release(&asking);
    *answer = r < 0 ? -1 : ends[0];
    return r;
}

/* A spawner that is busy leaves the socket full, and so does one that is stopped. So many descriptors may be on their
 * way that the kernel takes no more: nothing tells when that is over. */
static int wait_for_room(const struct spawner *spawner, int number, pk_time deadline)
{
    static const pk_duration pause = PK_MILLISECONDS(1);
    struct pollfd poll = {.fd = spawner->control, .events = POLLOUT};
    pk_duration left = time_left(deadline, sys_now());
    struct timespec timeout = time_to_timespec(number == -EAGAIN ? left : time_earlier(left, pause));
    if (left == 0)
        return -ETIMEDOUT;
    int r = sys_ppoll(&poll, number == -EAGAIN ? 1 : 0, &timeout);
    return r < 0 && r != -EINTR ? r : 0;
}

static int ask(const struct spawner *spawner, const struct spawner_request *request, int *fds, size_t count,
               int *answer)
{
    pk_time deadline = time_add(sys_now(), SPAWNER_PATIENCE);
    if (spawner->control < 0)
        return -EPIPE;
    for (;;) {
        int r = answer ? send_with_new_socket(spawner, request, fds, count, answer)
                       : send_once(spawner, request, fds, count);
        if (r != -EAGAIN && r != -ETOOMANYREFS)
            return r;
        r = wait_for_room(spawner, r, deadline);
        if (r < 0)
            return r;
    }
}

int spawner_ask(const struct spawner *spawner, const struct spawner_request *request, int *fds, size_t count,
                int *answer)
{
    return ask(spawner, request, fds, count, answer);
}

int spawner_ask_on(const struct spawner *spawner, const struct spawner_request *request, const int *fds, size_t count)
{
    return ask(spawner, request, (int *)fds, count, NULL);
}

/* ---- Hearing ---------------------------------------------------------------------------------------------------- */

/* 1: no answer so far. */
static int receive(int socket, struct spawner_answer *answer, int *pidfd)
{
    int r;
    do
        r = sys_receive_with(socket, answer, sizeof(*answer), pidfd);
    while (r == -EINTR);
    if (r == -EAGAIN)
        return 1;
    if (r == 0 || r == -ECONNRESET) /* the end */
        return -EPROTO;
    if (r < 0)
        return r;
    if (spawner_answer_is_valid(answer, (size_t)r))
        return 0;
    *pidfd = sys_close_safe(*pidfd);
    return -EPROTO;
}

static int wait_for_answer(const struct spawner *spawner, int socket, pk_duration most)
{
    struct pollfd polls[] = {{.fd = socket, .events = POLLIN}, {.fd = spawner->pidfd, .events = POLLIN}};
    struct timespec timeout = time_to_timespec(most);
    int r = sys_ppoll(polls, 2, &timeout);
    return r < 0 && r != -EINTR ? r : 0;
}

/* One that ends may close this socket a moment before all that tells of its end. */
static bool has_closed_by_ending(const struct spawner *spawner)
{
    return late_child_has_ended(spawner->pidfd, PK_SECONDS(1)) || spawner_is_lost(spawner);
}

/* The loss is looked for first, so that an answer that came before it is not missed. */
int spawner_hear(const struct spawner *spawner, int socket, struct spawner_answer *answer, int *pidfd)
{
    static const pk_duration short_patience = PK_SECONDS(1);
    pk_time start = sys_now(), deadline = time_add(start, SPAWNER_PATIENCE), wake = time_add(start, short_patience);
    bool woken = false;
    *pidfd = -1;
    for (;;) {
        bool lost = spawner_is_lost(spawner);
        int r = receive(socket, answer, pidfd);
        if (r == -EPROTO && (lost || has_closed_by_ending(spawner)))
            return -EPIPE;
        if (r <= 0)
            return r;
        if (lost)
            return -EPIPE;
        pk_time now = sys_now();
        if (!woken && time_left(wake, now) == 0) {
            sys_pidfd_send_signal(spawner->pidfd, SIGCONT);
            woken = true;
        }
        if (time_left(deadline, now) == 0)
            return -ETIMEDOUT;
        r = wait_for_answer(spawner, socket, time_left(woken ? deadline : wake, now));
        if (r < 0)
            return r;
    }
}

int spawner_explain(int number, const char *what, pk_error *error)
{
    switch (number) {
    case -EPIPE:
        return error_set(error, number, PK_ERROR_SPAWN, PK_STEP_SPAWNER, NULL,
                         "cannot start %s: the spawner, the helper that starts it, was killed", what);
    case -ETIMEDOUT:
        return error_set(error, number, PK_ERROR_SPAWN, PK_STEP_SPAWNER, NULL,
                         "cannot start %s: the spawner, the helper that starts it, does not answer (is it stopped?)",
                         what);
    case -EPROTO:
        return error_set(error, number, PK_ERROR_SPAWN, PK_STEP_SPAWNER, NULL,
                         "cannot start %s: the spawner did not understand (is the installed processkit-helper of "
                         "another version?)",
                         what);
    default:
        return error_errno(error, number, PK_STEP_SPAWNER, NULL, "cannot start %s by the spawner", what);
    }
}
