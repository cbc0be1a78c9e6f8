/*
 * What options do that commands have in common which run programs, and each tells in its own words. Their target is a
 * struct request.
 */
#ifndef PK_CLI_APPLY_COMMON_H
#define PK_CLI_APPLY_COMMON_H

#include "options.h"
#include "request.h"

/* Those that are told in the same words: how they are stopped, and how they are contained. */
extern const struct option_row stop_options[], containment_options[];

int apply_timeout(void *target, const char *value);
int apply_leftovers(void *target, const char *value);
int apply_grace(void *target, const char *value);
int apply_signal(void *target, const char *value);

/* Of the first command, and of the last. */
int apply_stdin(void *target, const char *value);
int apply_stdout(void *target, const char *value);
int apply_stderr(void *target, const char *value);

/* Of all of them. */
int apply_setsid(void *target, const char *value);

int apply_stats(void *target, const char *value);
int apply_quiet(void *target, const char *value);
int apply_verbose(void *target, const char *value);

/* To FILE, or +FILE, which appends. */
void redirect(pk_command *command, int fd, const char *value);

#endif
