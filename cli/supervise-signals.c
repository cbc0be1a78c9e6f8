/*
 * Signals to pk supervise.
 *
 *  - TERM, INT, QUIT stop all services in order; the second one kills them.
 *  - HUP: the file is read again; of one service it is a reload.
 *  - Ctrl-Z stops pk.
 *  - Anything else is for the one service there is; where there is a file it stops all of them, as it would end pk.
 */
#include "message.h"
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

static void pass_on(struct supervision *run, const struct signalfd_siginfo *info)
{
    int number = (int)info->ssi_signo;
    pk_process *process = pk_service_process(the_one(run));
    if (run->roster)
        stop(run, number);
    else if (process && info->ssi_code != SI_KERNEL) /* which gave it to the program as well */
        pk_process_signal(process, number, NULL);
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
        reload(run);
        break;
    case SIGTSTP:
        kill(getpid(), SIGSTOP);
        break;
    case SIGCHLD:
    case SIGCONT:
    case SIGWINCH:
        break;
    default:
        pass_on(run, info);
    }
}

void supervise_signals(struct supervision *run)
{
    struct signalfd_siginfo info;
    while (read(run->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        handle(run, &info);
}
