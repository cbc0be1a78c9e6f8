/*
 * Where a signal comes from.
 *
 *  - Keys, and the size of the terminal: the kernel sends them to the whole foreground process group.
 *  - A hangup: the kernel sends SIGHUP to the leader of the session alone, and to the foreground process group when
 * that leader has died. A shell that controls jobs sends it to each of its jobs first, and pk, if it is one, may read
 * both or one: what is pending already does not become two.
 *  - An alarm that was set before pk was executed is pk's alone, though it comes from the kernel as well.
 */
#include "origin.h"

#include "terminal.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool origin_is_terminal(const struct signalfd_siginfo *info)
{
    if (info->ssi_code != SI_KERNEL || info->ssi_signo == SIGALRM)
        return false;
    return info->ssi_signo != SIGHUP || getsid(0) != getpid();
}

/* The number of a leader that has died is nobody else's while the session lasts; 0: it is in another namespace. */
static bool is_from_session_leader(const struct signalfd_siginfo *info)
{
    pid_t leader = getsid(0);
    return leader > 0 && info->ssi_code == SI_USER && info->ssi_pid == (uint32_t)leader;
}

bool origin_is_hangup(const struct signalfd_siginfo *info, bool at_terminal)
{
    if (info->ssi_signo != SIGHUP)
        return false;
    return info->ssi_code == SI_KERNEL || (at_terminal && is_from_session_leader(info) && !terminal_is_there());
}
