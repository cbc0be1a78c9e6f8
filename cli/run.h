/*
 * pk run: one command, contained.
 */
#ifndef PK_CLI_RUN_H
#define PK_CLI_RUN_H

#include "request.h"

#include <stdint.h>

/* What the options ask for. */
struct run_request {
    struct request common; /* first: it is what shared options are applied to */
    pk_command *command;
    char *detach;             /* its name; NULL: not detached */
    pk_duration idle_timeout; /* 0: none */
    char *capture;            /* the directory for what it writes; NULL: none */
    uint64_t capture_max;     /* bytes of each stream that are kept there; 0: all */
    bool closed[3];           /* streams that could not be passed on any more */
    bool lost;                /* and not because their reader had gone */
    bool tree_empty;
    bool pty;
    bool has_stdin; /* another one than that of pk */
};

int run_main(int argc, char **argv);

#endif
