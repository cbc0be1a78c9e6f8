/*
 * pk run --detach, and the commands for what it has started: pk list and pk stop.
 */
#ifndef PK_CLI_DETACH_H
#define PK_CLI_DETACH_H

#include "options.h"
#include "run.h"

/* 0, or -1 after a message if there are others with it that need pk to stay. */
int detach_check(const struct given *given);

/* Starts the command. The exit status. */
int detach_run(const struct run_request *request);

int list_main(int argc, char **argv);
int stop_main(int argc, char **argv);

#endif
