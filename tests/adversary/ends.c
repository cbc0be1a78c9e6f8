/*
 * Verbs that end the list: holding, exiting, dying, becoming another program.
 */
#include "adversary.h"

#include <stdlib.h>
#include <unistd.h>

static void run_hold(char **arguments)
{
    (void)arguments;
    hold();
}

static void run_sleep(char **arguments)
{
    stand();
    sleep_ms(number(arguments[0]));
}

/* A step that the others are waited for before. */
static void run_wait_ready(char **arguments)
{
    (void)arguments;
    wait_ready();
}

static void run_exit(char **arguments)
{
    leave((int)number(arguments[0]));
}

static void run_die(char **arguments)
{
    stand();
    die_by(signal_of(arguments[0]));
}

static void run_note(char **arguments)
{
    remark(arguments[0]);
}

static void run_exec(char **arguments)
{
    stand();
    execvp(arguments[0], arguments);
    give_up("exec");
}

static void run_describe(char **arguments)
{
    describe(arguments);
    leave(0);
}

const struct verb end_verbs[] = {
    {"note", 1, 1, false, run_note, "TEXT: remarks it"},
    {"hold", 0, 0, true, run_hold, "does nothing, with all descriptors open, until it is killed"},
    {"sleep", 1, 1, false, run_sleep, "MS: does nothing for that long"},
    {"wait-ready", 0, 0, false, run_wait_ready, "waits until all processes are where they stay"},
    {"exit", 1, 1, false, run_exit, "CODE: exits"},
    {"die", 1, 1, false, run_die, "SIGNAL: sends itself a signal, by name or number, with its default effect"},
    {"exec", 1, ANY, false, run_exec, "PROGRAM [ARGUMENT...]: becomes another program"},
    {"describe", 0, ANY, false, run_describe, "[WORD...]: prints everything it was born with, as KEY=VALUE"},
    {NULL},
};
