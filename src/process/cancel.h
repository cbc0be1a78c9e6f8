/*
 * Tokens that several commands and runs have.
 */
#ifndef PK_PROCESS_CANCEL_H
#define PK_PROCESS_CANCEL_H

#include <processkit/cancel.h>

/* One more who has to free it. */
pk_cancel *cancel_ref(pk_cancel *cancel);

#endif
