/*
 * Verbs that fork all the time, within bounds.
 */
#include "adversary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Everybody forks as fast as possible until there were so many, or the time is over. A fork that fails is tried again:
 * it may be a limit. */
static void run_storm(char **arguments)
{
    unsigned most = (unsigned)number(arguments[0]);
    long end = monotonic_ms() + number(arguments[1]);
    while (monotonic_ms() < end && count_up() <= most) {
        if (birth("storm") < 0)
            sleep_ms(1);
    }
}

/* One process that is never the same: it forks and exits, so that a list of pids is out of date when it is read. */
static void run_hop(char **arguments)
{
    long end = monotonic_ms() + number(arguments[0]);
    if (birth("hop") != 0)
        hold();
    stand();
    while (monotonic_ms() < end) {
        pid_t pid = birth("hop");
        if (pid > 0)
            leave(0);
        if (pid == 0)
            stand();
    }
}

/* Children that are born and end at once, all the time, and are waited for by nobody: the leader has SIGCHLD ignored.
 */
static void run_churn(char **arguments)
{
    long end = monotonic_ms() + number(arguments[0]);
    stand();
    while (monotonic_ms() < end) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0 && errno == EAGAIN)
            sleep_ms(1);
    }
}

/* As many children at once as it may have. They end with this process: it holds the other end of their pipe. */
static void run_crowd(char **arguments)
{
    int ends[2];
    char nothing;
    long asked = number(arguments[0]), count = 0;
    if (pipe(ends) < 0)
        give_up("pipe");
    for (pid_t pid = 1; count < asked && pid > 0; count += pid > 0) {
        pid = birth("crowd");
        if (pid != 0)
            continue;
        close(ends[1]);
        while (read(ends[0], &nothing, 1) < 0 && errno == EINTR)
            ;
        leave(0);
    }
    printf("%ld of %ld children%s%s\n", count, asked, count < asked ? ": " : "", count < asked ? strerror(errno) : "");
    fflush(stdout);
}

const struct verb storm_verbs[] = {
    {"crowd", 1, 1, false, run_crowd, "COUNT: children that are there at once; says how many it could have"},
    {"storm", 2, 2, true, run_storm, "COUNT MS: all fork as fast as they can, COUNT times in all, for MS at most"},
    {"hop", 1, 1, true, run_hop, "MS: a child that forks and exits, over and over; this process holds"},
    {"churn", 1, 1, true, run_churn, "MS: children that end at once; use after: ignore CHLD"},
    {NULL},
};
