/*
 * Signals to pk batch.
 *
 *  - What would end pk ends the batch with that signal: the second one kills, unless one hangup has sent both.
 *  - Ctrl-Z stops pk. The terminal stops the items as well, and continues them with pk.
 */
#include "batch-run.h"
#include "message.h"
#include "origin.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void tell(struct batch_run *run, const char *what, int number)
{
    char name[16];
    if (run->signals.verbose)
        batch_tell(run, "SIG%s: %s", pk_format_signal(number, name, sizeof(name)), what);
}

static void stop(struct batch_run *run, const struct signalfd_siginfo *info)
{
    int number = (int)info->ssi_signo;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    if (signals_have_it(&run->signals, info))
        return;
    run->ending = true;
    if (run->signals.received != 0) {
        tell(run, "killing all", number);
        options.grace = 0;
        pk_batch_stop(run->batch, &options);
        run->hurries = true;
        return;
    }
    tell(run, "stopping all", number);
    run->signals.received = number;
    options.signal_number = number;
    options.grace = run->signals.grace;
    if (origin_is_terminal(info))
        options.skip_pgid = -1; /* the terminal gave it to the whole foreground group already */
    pk_batch_stop(run->batch, &options);
}

static void handle(struct batch_run *run, const struct signalfd_siginfo *info)
{
    switch (info->ssi_signo) {
    case SIGCHLD:
    case SIGCONT:
    case SIGWINCH:
        break;
    case SIGTSTP:
        progress_erase(&run->progress);
        kill(getpid(), SIGSTOP);
        break;
    default:
        stop(run, info);
    }
}

void batch_signals(struct batch_run *run)
{
    struct signalfd_siginfo info;
    while (read(run->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        handle(run, &info);
}
