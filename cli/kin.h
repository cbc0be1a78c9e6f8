/*
 * The descendants of pk, as /proc has them.
 */
#ifndef PK_CLI_KIN_H
#define PK_CLI_KIN_H

#include <stdbool.h>

/* Sends a signal to each of them. False, and to nobody, where /proc is missing or is that of another namespace. */
bool kin_signal(int number);

#endif
