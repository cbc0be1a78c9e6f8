/*
 * The descriptors of pk itself.
 */
#ifndef PK_CLI_STANDARD_H
#define PK_CLI_STANDARD_H

#include <processkit/command.h>

/* What was closed of the standard ones fails when it is used, and is no place for another file. Programs do not get it:
 * what they inherit is a good /dev/null. */
void standard_fill(void);

/* Lets pk have as many as it may, for much at once. */
void standard_raise_limit(void);

/* A program has the limit that pk was given, unless something else is said after this. */
void standard_keep_limit(pk_command *command);

#endif
