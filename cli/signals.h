/*
 * Signals to pk: which it reads, and what each of them means for the tree.
 */
#ifndef PK_CLI_SIGNALS_H
#define PK_CLI_SIGNALS_H

#include "run.h"

struct signals {
    int fd;       /* a signalfd; -1: none */
    int received; /* the first signal that asked for the end; 0: none */
    pk_duration grace;
    bool verbose;
};

/* Blocks and redirects the signals. Those that are ignored stay so, in the child as well. 0, or -1 after a message. */
int signals_begin(struct signals *signals, pk_command *command);

/* Reads what has come and acts on it. */
void signals_handle(struct signals *signals, pk_process *process);

#endif
