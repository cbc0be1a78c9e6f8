/*
 * pk run --idle-timeout, --capture: output that goes through pk on its way out.
 */
#ifndef PK_CLI_OUTPUT_H
#define PK_CLI_OUTPUT_H

#include "options.h"
#include "run.h"
#include "signals.h"

/* Whether any option wants that. */
bool output_is_wanted(const struct run_request *request);

/* For a command whose descriptors are settled: what it writes passes through. 0, or -1 after a message. */
int output_ask(struct run_request *request, const struct given *given);

/* After each step: what nobody reads any more is closed for the program too, or its terminal hangs up. Whoever does not
 * read is waited for, but not after a signal. */
void output_check(struct run_request *request, pk_process *process, const struct signals *signals);

/* After the end: writes what --capture-max has kept. What becomes of an ending (see ending.h). */
int output_finish(const struct run_request *request, pk_process *process, int ending);

#endif
