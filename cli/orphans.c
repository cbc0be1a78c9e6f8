/*
 * Orphans: processes that have lost their parent and come to pk.
 */
#include "orphans.h"

#include "kin.h"
#include "message.h"
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_first(void)
{
    return getpid() == 1;
}

int orphans_begin(void)
{
    if (is_first() || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
        return 0;
    say("cannot become a subreaper: %s", strerror(errno));
    return -1;
}

enum orphans orphans_reap(void)
{
    enum { MOST = 1024 }; /* at a time: there are signals to be read as well */
    for (int i = 0; i < MOST; i++) {
        siginfo_t info = {.si_pid = 0};
        int r = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL | __WNOTHREAD);
        if (r < 0 && errno != EINTR)
            return ORPHANS_NONE;
        if (r == 0 && info.si_pid == 0)
            return ORPHANS_LIVE;
    }
    return ORPHANS_MORE;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* What was brought into the namespace from outside, as by docker exec, is nobody's child here. */
static bool somebody_is_left(enum orphans orphans)
{
    return orphans != ORPHANS_NONE || (is_first() && kill(-1, 0) == 0);
}

/* Of process 1 it is the kernel that knows who they are, and none of them forks away meanwhile. */
static bool signal_all(int number)
{
    if (!is_first())
        return kin_signal(number);
    kill(-1, number);
    return true;
}

static bool end_is_asked_for(int fd)
{
    struct signalfd_siginfo info;
    bool asked = false;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        asked |= signal_is_for_end((int)info.ssi_signo);
    return asked;
}

/* Nothing tells of the end of who is no child; and whose parent has just ended may have become one. */
enum { LOOK_MS = 50, KILL_MS = 5 };

/* False if somebody is left at that time, or when a signal asks for the end. */
static bool await_end(int fd, pk_time deadline)
{
    for (;;) {
        enum orphans orphans = orphans_reap();
        if (!somebody_is_left(orphans))
            return true;
        if (pk_now() >= deadline)
            return false;
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        poll(&poll_fd, 1, orphans == ORPHANS_MORE ? 0 : LOOK_MS);
        if (end_is_asked_for(fd))
            return false;
    }
}

/* Again and again: elsewhere than below process 1 somebody may fork away from it. False if somebody cannot be killed.
 */
static bool kill_all(int fd)
{
    pk_time deadline = pk_deadline(PK_SECONDS(5));
    for (;;) {
        signal_all(SIGKILL);
        if (orphans_reap() == ORPHANS_NONE)
            return true;
        if (pk_now() >= deadline)
            return false;
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        poll(&poll_fd, 1, KILL_MS);
        end_is_asked_for(fd);
    }
}

/* They are asked to end first. False if somebody is left. */
static bool end_all(int fd, pk_duration grace)
{
    if (grace > 0) {
        signal_all(SIGTERM);
        signal_all(SIGCONT); /* stopped they could not obey */
        if (await_end(fd, pk_deadline(grace)))
            return true;
    }
    return kill_all(fd);
}

/* A helper of the library that has nothing more to do needs a moment to be gone. */
void orphans_finish(int fd, pk_duration grace)
{
    if (!somebody_is_left(orphans_reap()) || await_end(fd, pk_deadline(PK_MILLISECONDS(100))))
        return;
    if (!signal_all(0))
        say("what came to pk from elsewhere is left running: /proc does not show it (mount the /proc of this "
            "namespace)");
    else if (!end_all(fd, grace))
        say("some processes that came to pk from elsewhere could not be killed");
}
