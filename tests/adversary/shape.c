/*
 * Verbs that make the shape: sessions, forks, daemons, trees.
 */
#include "adversary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- One process ------------------------------------------------------------------------------------------------ */

static void run_setsid(char **arguments)
{
    (void)arguments;
    if (setsid() < 0)
        give_up("setsid");
}

static void run_setpgid(char **arguments)
{
    (void)arguments;
    if (setpgid(0, 0) < 0)
        give_up("setpgid");
}

static void run_subreaper(char **arguments)
{
    (void)arguments;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        give_up("subreaper");
}

static void run_name(char **arguments)
{
    prctl(PR_SET_NAME, arguments[0]);
}

/* ---- Two processes ---------------------------------------------------------------------------------------------- */

static pid_t must(pid_t pid)
{
    if (pid < 0)
        give_up("fork");
    return pid;
}

/* The parent goes on as a shell would: it waits and passes the status on. */
static void run_child(char **arguments)
{
    int status;
    (void)arguments;
    pid_t pid = must(birth("child"));
    if (pid == 0)
        return;
    stand();
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    leave(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void run_double_fork(char **arguments)
{
    (void)arguments;
    if (must(birth_orphaned("double-fork")) != 0)
        hold();
}

/* The leader is gone, and what it started stays. */
static void run_leave(char **arguments)
{
    if (must(birth("left")) == 0)
        return;
    wait_ready();
    leave((int)number(arguments[0]));
}

static void run_leave_by(char **arguments)
{
    if (must(birth("left")) == 0)
        return;
    wait_ready();
    die_by(signal_of(arguments[0]));
}

static void run_zombie(char **arguments)
{
    (void)arguments;
    if (must(birth("zombie")) == 0)
        leave(0);
}

static void run_close_stdio(char **arguments)
{
    (void)arguments;
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
}

/* By the book; the leader exits at once. */
static void run_daemonise(char **arguments)
{
    pid_t pid = must(birth("daemon-session"));
    if (pid > 0)
        leave(0);
    run_setsid(arguments);
    pid = must(birth("daemon"));
    if (pid > 0)
        leave(0);
    umask(0);
    if (chdir("/") < 0)
        give_up("chdir");
    run_close_stdio(arguments);
}

/* ---- Many processes --------------------------------------------------------------------------------------------- */

static void run_wide(char **arguments)
{
    for (long i = number(arguments[0]); i > 0; i--) {
        if (must(birth("wide")) == 0)
            return;
    }
    hold();
}

static void run_deep(char **arguments)
{
    for (long i = number(arguments[0]); i > 0; i--) {
        if (must(birth("deep")) != 0)
            hold();
    }
}

enum { TRAIT_SETSID = 1, TRAIT_ORPHAN = 2, TRAIT_IGNORE_TERM = 4, TRAIT_BLOCK_ALL = 8 };

static const struct {
    const char *name;
    unsigned traits;
} kinds[] = {
    {"plain", 0},
    {"setsid", TRAIT_SETSID},
    {"double-fork", TRAIT_ORPHAN},
    {"ignore-TERM", TRAIT_IGNORE_TERM},
    {"setsid,double-fork,ignore-TERM", TRAIT_SETSID | TRAIT_ORPHAN | TRAIT_IGNORE_TERM},
    {"setsid,block-all", TRAIT_SETSID | TRAIT_BLOCK_ALL},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), CHILDREN = 3 };

/* What its parent in the tree has made of itself is not inherited. */
static void take_traits(unsigned traits, const struct sigaction *usual_term, const sigset_t *usual_mask)
{
    sigset_t all;
    sigfillset(&all);
    if (traits & TRAIT_SETSID)
        run_setsid(NULL);
    sigaction(SIGTERM, usual_term, NULL);
    if (traits & TRAIT_IGNORE_TERM)
        signal(SIGTERM, SIG_IGN);
    sigprocmask(SIG_SETMASK, traits & TRAIT_BLOCK_ALL ? &all : usual_mask, NULL);
}

/* Members are numbered as in a heap, so that each can work out its children alone. Number 0 is this process. */
static void run_tree(char **arguments)
{
    long members = number(arguments[0]), self = 0;
    struct sigaction usual_term;
    sigset_t usual_mask;
    sigaction(SIGTERM, NULL, &usual_term);
    sigprocmask(SIG_SETMASK, NULL, &usual_mask);
    for (long child = 1; child < members && child <= CHILDREN * self + CHILDREN;) {
        unsigned kind = (unsigned)child % KINDS, traits = kinds[kind].traits;
        pid_t pid = must(traits & TRAIT_ORPHAN ? birth_orphaned(kinds[kind].name) : birth(kinds[kind].name));
        if (pid != 0) {
            child++;
            continue;
        }
        take_traits(traits, &usual_term, &usual_mask);
        self = child;
        child = CHILDREN * self + 1;
    }
}

const struct verb shape_verbs[] = {
    {"setsid", 0, 0, true, run_setsid, "begins a session; not for the leader of a process group"},
    {"setpgid", 0, 0, true, run_setpgid, "begins a process group"},
    {"subreaper", 0, 0, true, run_subreaper, "becomes a subreaper"},
    {"name", 1, 1, true, run_name, "NAME: changes its short name"},
    {"close-stdio", 0, 0, true, run_close_stdio, "puts /dev/null on 0, 1 and 2"},
    {"child", 0, 0, true, run_child, "forks; the parent waits and exits with the status of the child"},
    {"double-fork", 0, 0, true, run_double_fork,
     "forks twice; the grandchild goes on as an orphan, this process holds"},
    {"leave", 1, 1, true, run_leave, "CODE: forks; this process exits once the whole shape stands, the child goes on"},
    {"leave-by", 1, 1, true, run_leave_by, "SIGNAL: the same, and this process dies by a signal"},
    {"zombie", 0, 0, true, run_zombie, "has a child that exits at once, and never waits for it"},
    {"daemonise", 0, 0, true, run_daemonise, "forks, setsid, forks, closes stdio; the leader exits at once"},
    {"wide", 1, 1, true, run_wide, "N: has N children that go on, and holds"},
    {"deep", 1, 1, true, run_deep, "N: a chain of N descendants; the last goes on, the others hold"},
    {"tree", 1, 1, true, run_tree, "N: N processes with this one, of all kinds; all of them go on"},
    {NULL},
};
