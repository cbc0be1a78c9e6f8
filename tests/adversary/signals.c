/*
 * Verbs about signals.
 */
#include "adversary.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int exit_code;

/* Carries out `what` for each signal of a list such as "TERM,INT,HUP". */
static void for_each_signal(char *list, void (*what)(int))
{
    for (char *name = strtok(list, ","); name; name = strtok(NULL, ","))
        what(signal_of(name));
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    if (sigaction(signal_number, &action, NULL) < 0)
        give_up("sigaction");
}

static void ignore_one(int signal_number)
{
    handle(signal_number, SIG_IGN);
}

static void block_one(int signal_number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void tell(int signal_number)
{
    char text[32];
    snprintf(text, sizeof(text), "got %s", signal_text(signal_number));
    remark(text);
}

static void catch_one(int signal_number)
{
    handle(signal_number, tell);
}

static void tell_and_exit(int signal_number)
{
    tell(signal_number);
    _exit(exit_code);
}

/* Only once: a child that forked on the same signal again would be a storm. */
static void fork_again(int signal_number)
{
    handle(signal_number, SIG_IGN);
    if (birth("forked-late") != 0)
        tell(signal_number);
}

static void run_ignore(char **arguments)
{
    for_each_signal(arguments[0], ignore_one);
}

static void run_block(char **arguments)
{
    for_each_signal(arguments[0], block_one);
}

static void run_block_all(char **arguments)
{
    (void)arguments;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

static void run_catch(char **arguments)
{
    for_each_signal(arguments[0], catch_one);
}

static void run_catch_exit(char **arguments)
{
    exit_code = (int)number(arguments[1]);
    handle(signal_of(arguments[0]), tell_and_exit);
}

static void run_fork_on(char **arguments)
{
    handle(signal_of(arguments[0]), fork_again);
}

static void run_stop(char **arguments)
{
    (void)arguments;
    stand();
    raise(SIGSTOP);
    remark("continued");
}

const struct verb signal_verbs[] = {
    {"ignore", 1, 1, true, run_ignore, "SIGNALS: ignores them, as in TERM,INT,HUP"},
    {"block", 1, 1, true, run_block, "SIGNALS: blocks them"},
    {"block-all", 0, 0, true, run_block_all, "blocks all signals"},
    {"catch", 1, 1, true, run_catch, "SIGNALS: remarks \"got SIGNAL\" and goes on"},
    {"catch-exit", 2, 2, true, run_catch_exit, "SIGNAL CODE: remarks \"got SIGNAL\" and exits with CODE"},
    {"fork-on", 1, 1, true, run_fork_on, "SIGNAL: forks when it gets it, and ignores it from then on"},
    {"stop", 0, 0, true, run_stop, "stops itself; remarks \"continued\" when it goes on"},
    {NULL},
};
