/*
 * pk init: one command, contained, by a good process 1.
 */
#ifndef PK_CLI_INIT_H
#define PK_CLI_INIT_H

#include "request.h"
#include "signals.h"
#include "usher.h"

struct init_request {
    struct request common; /* first: it is what shared options are applied to */
    pk_command *command;
    enum audience audience;
    bool has_grace; /* that of somebody, for all that is ended */
    struct usher usher;
};

int init_main(int argc, char **argv);

#endif
