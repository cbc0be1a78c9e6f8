/*
 * Supervising: what pk supervise has while it runs.
 */
#ifndef PK_CLI_SUPERVISE_RUN_H
#define PK_CLI_SUPERVISE_RUN_H

#include "control.h"
#include "signals.h"
#include "supervise-events.h"
#include "supervise.h"

#include <jansson.h>

struct supervision {
    struct supervise_request *request;
    struct roster *roster; /* the services of the file; NULL: there is none */
    pk_loop *loop;
    pk_supervisor *supervisor;
    struct signals signals;
    pk_watch *watch; /* of these, in the loop */
    struct events events;
    struct control control;
    bool told_containment;
    bool over;
    int ending; /* of the last run of the one service: see ending.h. Below 0 a signal */
};

/* How pk ends. */
int supervise_run(struct supervise_request *request);

/* All of it once signals can be read, in one thread. How pk ends. */
int supervise_work(struct supervision *run);

/* supervise-init.c: that in another thread, while this one waits for orphans. */
int supervise_as_init(struct supervision *run);

/* supervise-signals.c: reads those that have come, and acts on them. */
void supervise_signals(struct supervision *run);

/* supervise-file.c: reads the services of a file, and looks whether they make sense together. NULL after a message. */
struct roster *supervise_read(const char *file);

/* Tells what is wrong with a file, if anything is: -1. Who asks for a reload is told so, and not only the supervisor.
 */
int supervise_look(const struct supervise_request *request);

/* And what is in it. How pk ends. */
int supervise_check(const struct supervise_request *request);

/* Reads the file again, and changes what has changed in it. What was done, or {"error": ...}; NULL:
 * memory ran out. */
json_t *supervise_reload(struct supervision *run);

/* supervise-answer.c: answers a request. As control.h has it; `data` is the supervision. */
char *supervise_answer(const char *line, size_t length, void *data);

#endif
