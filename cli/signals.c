/*
 * Reading signals from a descriptor and passing their meaning on.
 *
 *  - TERM, HUP, INT, QUIT: the ladder with that signal; the second one kills, unless one hangup has sent both.
 *  - Ctrl-Z and its kin: pk stops when the *leader* has stopped, as a shell would see it without pk. A leader that
 * ignores or handles the signal goes on, and pk with it. Of a pipeline, all that have not ended must have stopped.
 *  - Where the program has a terminal of its own, pk stops by itself: nobody can stop a leader that leads a session.
 *  - Anything else is the leader's, or that of all leaders of a pipeline.
 *
 * For pk init others may be meant by them (enum audience), a SIGHUP that is no hangup is one of the others, and as
 * process 1 it stops for nobody: nobody could continue it.
 */
#include "signals.h"

#include "console.h"
#include "message.h"
#include "origin.h"
#include "terminal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

bool signal_is_own(int number)
{
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV: /* faults come to the thread that made them, blocked or not */
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS:
    case SIGABRT:
    case SIGPIPE:
    case SIGTTIN:
    case SIGTTOU:
    case SIGURG:
    case SIGXFSZ:
        return true;
    default:
        return number > 31 && number < SIGRTMIN;
    }
}

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int signals_begin(struct signals *signals, const struct request *request)
{
    sigset_t *taken = &signals->taken;
    sigemptyset(taken);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would make the kernel throw away how the leader ended */
    for (int number = 1; number <= SIGRTMAX; number++) {
        if (is_ignored(number))
            for_each_command (command, request)
                pk_command_keep_ignored(command, number);
        else if (!signal_is_own(number))
            sigaddset(taken, number);
    }
    sigprocmask(SIG_BLOCK, taken, NULL);
    signals->at_terminal = terminal_is_there();
    signals->fd = signalfd(-1, taken, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals->fd < 0)
        say("cannot read signals: %s", strerror(errno));
    return signals->fd < 0 ? -1 : 0;
}

/* ---- Ending ----------------------------------------------------------------------------------------------------- */

/* So that the others have it already. */
static bool from_terminal(const struct signals *signals, const struct signalfd_siginfo *info)
{
    return origin_is_terminal(info) && !signals->is_early;
}

bool signals_have_it(const struct signals *signals, const struct signalfd_siginfo *info)
{
    return signals->received == SIGHUP && origin_is_hangup(info, signals->at_terminal);
}

static void note(const struct signals *signals, const char *what, int number)
{
    char name[16];
    if (signals->verbose)
        say("SIG%s: %s", pk_format_signal(number, name, sizeof(name)), what);
}

static void kill_tree(pk_process *process)
{
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = 0;
    pk_process_stop(process, &options, NULL);
}

/* The first step of the ladder is the leader's alone; the last one, in its time, is that of all. */
static void stop_leader(struct signals *signals, pk_process *process, int number, bool has_it)
{
    signals->kill_at = pk_deadline(signals->grace);
    if (!has_it)
        pk_process_signal(process, number, NULL);
    pk_process_signal(process, SIGCONT, NULL); /* stopped it could not obey */
}

static void stop(struct signals *signals, pk_process *process, const struct signalfd_siginfo *info)
{
    int number = (int)info->ssi_signo;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;

    /* A program that reads keys got the signal as well, and knows what to do with a Ctrl-C at its prompt. */
    if (from_terminal(signals, info) && number != SIGHUP && terminal_reads_keys())
        return;
    if (signals_have_it(signals, info))
        return;
    if (signals->received != 0) {
        note(signals, "killing the tree", number);
        kill_tree(process);
        return;
    }
    note(signals, "stopping the tree", number);
    signals->received = number;
    if (signals->audience == AUDIENCE_LEADER) {
        stop_leader(signals, process, number, from_terminal(signals, info));
        return;
    }
    options.signal_number = number;
    options.grace = signals->grace;
    if (from_terminal(signals, info))
        options.skip_pgid = -1; /* the terminal gave it to the whole foreground group already */
    pk_process_stop(process, &options, NULL);
}

/* ---- Stopping and continuing ------------------------------------------------------------------------------------ */

static void signal_leaders(pk_process *process, int number)
{
    for (size_t i = 0; i < pk_process_stage_count(process); i++)
        pk_process_signal(pk_process_stage(process, i), number, NULL);
}

static void pass_on(const struct signals *signals, pk_process *process, const struct signalfd_siginfo *info)
{
    if (from_terminal(signals, info))
        return;
    if (signals->audience == AUDIENCE_TREE)
        pk_group_signal(pk_process_pipeline_group(process), (int)info->ssi_signo, NULL);
    else
        signal_leaders(process, (int)info->ssi_signo);
}

static bool has_ended(const pk_process *process)
{
    struct pollfd ended = {.fd = pk_process_pidfd(process), .events = POLLIN};
    return poll(&ended, 1, 0) != 0;
}

static bool stands_still(const pk_process *process)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", pk_process_pid(process));
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    const char *close = strrchr(text, ')');                               /* the name before it may hold anything */
    return close && strncmp(close, ") T", 3) == 0 && !has_ended(process); /* so it was the leader's number still */
}

/* What the kernel tells of a stop it tells until it is told not to, or until the leader goes on. */
static bool leader_is_stopped(const pk_process *process, int keep)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)pk_process_pid(process), &info, WSTOPPED | WNOHANG | keep) == 0)
        return info.si_pid != 0;
    return stands_still(process); /* the child of a reaper */
}

/* A shell calls a pipeline stopped when all that is left of it is. */
static bool leaders_are_stopped(const pk_process *process)
{
    size_t count = pk_process_stage_count(process), stopped = 0;
    if (count == 1)
        return leader_is_stopped(process, 0);
    for (size_t i = 0; i < count; i++) {
        const pk_process *stage = pk_process_stage(process, i);
        if (has_ended(stage))
            continue;
        if (!leader_is_stopped(stage, WNOWAIT))
            return false;
        stopped++;
    }
    for (size_t i = 0; stopped > 0 && i < count; i++)
        leader_is_stopped(pk_process_stage(process, i), 0);
    return stopped > 0;
}

/*
 * That the child of a reaper has stopped, nothing tells. So it is looked at, where a shell may want to know: soon after
 * a signal that may stop it, since a program may tidy up first, and otherwise a few times in a second.
 */
enum { LOOKS = 100, SOON_MS = 10, LATE_MS = 200 };

static bool must_look(const struct signals *signals, const pk_process *process)
{
    return signals->at_terminal && !signals->stays &&
           pk_group_mechanism(pk_process_group(process)) == PK_MECHANISM_REAPER;
}

static int until_kill(const struct signals *signals)
{
    pk_time now = pk_now();
    pk_duration left = signals->kill_at > now ? signals->kill_at - now : 0;
    return left > PK_MINUTES(60) ? INT_MAX / 2 : (int)((left + PK_MILLISECONDS(1) - 1) / PK_MILLISECONDS(1));
}

int signals_patience(const struct signals *signals, const pk_process *process)
{
    int look = !must_look(signals, process) ? -1 : signals->looks > 0 ? SOON_MS : LATE_MS;
    int end = signals->kill_at ? until_kill(signals) : -1;
    return look < 0 || (end >= 0 && end < look) ? end : look;
}

static void stand_still(struct signals *signals, pk_process *process)
{
    pk_group_suspend(pk_process_pipeline_group(process), NULL);
    console_pause(signals->console);
    terminal_pause();
    kill(getpid(), SIGSTOP);
}

/* The shell that started pk shall see what it would have seen of the leader: a stopped job. */
static void follow_stop(struct signals *signals, pk_process *process)
{
    if (signals->stays || !leaders_are_stopped(process))
        return;
    signals->looks = 0;
    note(signals, "the leader has stopped: stopping the tree and pk", SIGTSTP);
    stand_still(signals, process);
}

/* First the terminal, which stops pk once more if it was continued in the background. Who is to end needs none. */
static void go_on(struct signals *signals, pk_process *process)
{
    if (signals->received == 0)
        console_resume(signals->console);
    terminal_resume();
    pk_group_resume(pk_process_pipeline_group(process), NULL);
    if (signals->audience == AUDIENCE_TREE)
        pk_group_signal(pk_process_pipeline_group(process), SIGCONT, NULL);
    else
        signal_leaders(process, SIGCONT);
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

bool signal_is_for_end(int number)
{
    return number == SIGTERM || number == SIGHUP || number == SIGINT || number == SIGQUIT;
}

/* To most daemons a SIGHUP that somebody has sent says that their configuration has changed. */
static bool means_end(const struct signals *signals, const struct signalfd_siginfo *info)
{
    bool reloads = signals->reloads && info->ssi_signo == SIGHUP;
    return signal_is_for_end((int)info->ssi_signo) && (!reloads || origin_is_hangup(info, signals->at_terminal));
}

/* What pk's own terminal tells, and the program's does not know. */
static bool handle_for_terminal(struct signals *signals, pk_process *process, int number)
{
    if (number == SIGWINCH) {
        console_resize(signals->console);
    } else if (number == SIGTSTP) {
        note(signals, "stopping the tree and pk", number);
        stand_still(signals, process);
    }
    return number == SIGWINCH || number == SIGTSTP;
}

static void handle(struct signals *signals, pk_process *process, const struct signalfd_siginfo *info)
{
    if (means_end(signals, info)) {
        stop(signals, process, info);
        return;
    }
    if (signals->console && handle_for_terminal(signals, process, (int)info->ssi_signo))
        return;
    switch (info->ssi_signo) {
    case SIGCHLD:
        follow_stop(signals, process);
        break;
    case SIGCONT:
        go_on(signals, process);
        break;
    case SIGTSTP:
        pass_on(signals, process, info);
        signals->looks = LOOKS;
        break;
    default:
        pass_on(signals, process, info);
    }
}

void signals_handle(struct signals *signals, pk_process *process)
{
    struct signalfd_siginfo info;
    while (!pk_process_result(process) && read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        handle(signals, process, &info);
    signals->looks -= signals->looks > 0;
    if (!pk_process_result(process) && must_look(signals, process))
        follow_stop(signals, process);
    if (!pk_process_result(process) && signals->kill_at && pk_now() >= signals->kill_at) {
        signals->kill_at = 0;
        kill_tree(process);
    }
}

void signals_handle_early(struct signals *signals, pk_process *process)
{
    signals->is_early = true;
    signals_handle(signals, process);
    signals->is_early = false;
}

bool signals_ask_for_end(struct signals *signals)
{
    struct signalfd_siginfo info;
    while (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (signal_is_for_end((int)info.ssi_signo))
            return true;
    return false;
}
