/*
 * Carrying what was started to its end, with the signals that come to pk meanwhile.
 */
#ifndef PK_CLI_CARRY_H
#define PK_CLI_CARRY_H

#include "signals.h"

struct carrier {
    pk_loop *loop;
    struct signals signals;
    pk_process_callback on_event;
    void (*check)(pk_process *process, const struct signals *signals, void *data); /* after each step; NULL: nothing */
    void *data;                                                                    /* of both */
};

/* Before anything is started: takes the signals. 0, or -1 after a message. */
int carrier_begin(struct carrier *carrier, const struct request *request);

/* Until there is a result. 0, or -1 after a message. */
int carrier_carry(struct carrier *carrier, pk_process *process);

/* After carrier_begin, whatever it returned. */
void carrier_end(struct carrier *carrier);

#endif
