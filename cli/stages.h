/*
 * The stages of pk pipe, as the command line tells them.
 */
#ifndef PK_CLI_STAGES_H
#define PK_CLI_STAGES_H

#include "options.h"
#include "request.h"

struct stage {
    bool unchecked;
    bool merged;     /* its stderr goes to the next as well */
    const char *tee; /* FILE or +FILE for what goes to the next; NULL: none */
    int tee_fd;      /* -1 */
};

struct pipe_request {
    struct request common; /* first: it is what shared options are applied to */
    struct given given;
    struct stage *stages;
    const char *errors; /* FILE or +FILE for the stderr of all; NULL: that of pk */
    int errors_fd;      /* -1 */
    pk_duration settle;
    pk_pipeline *pipeline;
};

/* Reads the command line and opens files. 0; otherwise pk ends with *status. */
int stages_ask(int argc, char **argv, struct pipe_request *request, int *status);

/* Makes the pipeline, when everything was said of the commands. */
void stages_join(struct pipe_request *request);

/* After stages_ask, whatever it returned. */
void stages_free(struct pipe_request *request);

/* "stage 2 (sort)"; stages are counted from 0 here, and from 1 there. */
const char *stages_format(const struct pipe_request *request, size_t stage, char *buffer, size_t size);

/* The program without its path. */
const char *stages_program(const struct pipe_request *request, size_t stage);

#endif
