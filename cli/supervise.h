/*
 * pk supervise: services that are kept alive, one from the command line or those of a file.
 */
#ifndef PK_CLI_SUPERVISE_H
#define PK_CLI_SUPERVISE_H

#include "options.h"
#include "request.h"
#include "service-plan.h"

/* What is asked of a supervisor that runs, or of a file. */
enum errand {
    ERRAND_NONE, /* it is to be supervised */
    ERRAND_STATUS,
    ERRAND_START,
    ERRAND_STOP,
    ERRAND_RESTART,
    ERRAND_RELOAD,
    ERRAND_CHECK,
};

/* What the options ask for. */
struct supervise_request {
    struct request common; /* first: it is what shared options are applied to */
    struct given given;
    const char *file;                        /* NULL: one service, as options have it */
    struct service_plan *plan;               /* that one */
    const char *policy;                      /* of --restart: a word, or with a file the name of a service */
    const char *ready_option, *alive_option; /* the one that says how it is asked; NULL: none */
    const char *events;                      /* NULL: none */
    enum errand errand;
    const char *errand_option;
    const char *service; /* that the errand is about; NULL: all of them */
    bool json;
    bool stays;
    bool reaps; /* orphans */
};

int supervise_main(int argc, char **argv);

#endif
