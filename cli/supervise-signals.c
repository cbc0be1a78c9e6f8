/*
 * Signals to pk supervise.
 *
 *  - TERM, INT, QUIT, and a terminal that hangs up stop all services in order; the second one kills them.
 *  - HUP that somebody sends: the file is read again; of one service it is a reload.
 *  - Ctrl-Z stops pk.
 *  - WINCH and CONT: what somebody sends is for the one service there is.
 *  - Anything else is for the one service there is; where there is a file it stops all of them, as it would end pk.
 */
#include "message.h"
#include "origin.h"
#include "supervise-run.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void tell(const struct supervision *run, const char *what, int number)
{
    char name[16];
    if (run->signals.verbose)
        say("SIG%s: %s", pk_format_signal(number, name, sizeof(name)), what);
}

static void stop(struct supervision *run, int number)
{
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    if (run->signals.received != 0) {
        tell(run, "killing all", number);
        options.grace = 0;
        pk_supervisor_stop(run->supervisor, &options);
        return;
    }
    tell(run, "stopping all", number);
    run->signals.received = number;
    pk_supervisor_stop(run->supervisor, NULL);
}

static pk_service *the_one(const struct supervision *run)
{
    return pk_supervisor_next(run->supervisor, NULL);
}

static void reload(struct supervision *run)
{
    pk_error error;
    if (run->signals.received != 0)
        return;
    if (run->roster)
        json_decref(supervise_reload(run));
    else if (pk_service_reload(the_one(run), &error) < 0)
        say("%s", error.message);
}

static void hang_up(struct supervision *run, const struct signalfd_siginfo *info)
{
    if (!origin_is_hangup(info, run->signals.at_terminal))
        reload(run);
    else if (!signals_have_it(&run->signals, info))
        stop(run, SIGHUP);
}

/* What the terminal sent, the program has got as well. */
static void pass_on(const struct supervision *run, const struct signalfd_siginfo *info)
{
    pk_process *process = run->roster ? NULL : pk_service_process(the_one(run));
    if (process && !origin_is_terminal(info))
        pk_process_signal(process, (int)info->ssi_signo, NULL);
}

static void handle(struct supervision *run, const struct signalfd_siginfo *info)
{
    switch (info->ssi_signo) {
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
        stop(run, (int)info->ssi_signo);
        break;
    case SIGHUP:
        hang_up(run, info);
        break;
    case SIGTSTP:
        kill(getpid(), SIGSTOP);
        break;
    case SIGCHLD:
        break;
    case SIGCONT:
    case SIGWINCH:
        pass_on(run, info);
        break;
    default:
        if (run->roster)
            stop(run, (int)info->ssi_signo);
        else
            pass_on(run, info);
    }
}

void supervise_signals(struct supervision *run)
{
    struct signalfd_siginfo info;
    while (read(run->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        handle(run, &info);
}
