/*
 * Those who go along with a process: the stages before it in a pipeline.
 *
 * The process is carried as any other is, and takes them with it. What they wait for is behind one descriptor; the
 * process is not over before they are. It is they who say whose end is the end of all.
 */
#ifndef PK_PROCESS_COMPANY_H
#define PK_PROCESS_COMPANY_H

#include "process/process.h"

struct company {
    pk_process **stages; /* the last is the process itself */
    size_t count;
    size_t culprit;  /* once all of it is over; PK_NO_STAGE */
    pk_group *group; /* around those who have no groups of their own; NULL: nobody */
    int fd;          /* readable when there is something to do for them */

    /* Does that. Callbacks may free the process meanwhile, which is entered. */
    void (*advance)(struct company *company);

    /* Looks at who has ended, the process included, and draws the conclusions. Whether all others are over. Callbacks
     * may free the process meanwhile, which is entered. */
    bool (*look)(struct company *company);

    /* All of it is over: says who was the culprit. */
    void (*conclude)(struct company *company);

    /* Begins to stop the others. `options` NULL: as each says itself. */
    void (*stop)(struct company *company, const pk_stop_options *options);

    int (*tee_error)(const struct company *company, size_t stage);

    /* The process is freed: what runs is killed. Then, when nobody is busy with it any more, the memory. */
    void (*end)(struct company *company);
    void (*free)(struct company *company);
};

/* Whose end is the end of all: the culprit, or the process itself. */
const pk_process *company_judged(const pk_process *process);

/* Who reads what is written to it: the first stage. */
pk_process *company_first(const pk_process *process);

/* Whether it is no failure, whatever its result. */
bool company_is_forgiven(const pk_process *process);

/* process_stop for this one alone. */
int process_stop_alone(pk_process *process, const pk_stop_options *options, pk_error *error);

#endif
