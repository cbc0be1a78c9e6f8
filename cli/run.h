/*
 * pk run: one command, contained.
 */
#ifndef PK_CLI_RUN_H
#define PK_CLI_RUN_H

#include <processkit.h>

#include <stdbool.h>

/* What the options ask for. */
struct run_request {
    pk_command *command;
    pk_group_options group;
    pk_duration timeout; /* 0: none */
    pk_duration grace;
    bool stats;
    bool quiet;
    bool verbose;
};

int run_main(int argc, char **argv);

#endif
