/*
 * Where a signal comes from, and so who else has got it.
 */
#ifndef PK_CLI_ORIGIN_H
#define PK_CLI_ORIGIN_H

#include <stdbool.h>

struct signalfd_siginfo;

/* Whether the terminal gave it to the whole foreground process group, of which pk is one. */
bool origin_is_terminal(const struct signalfd_siginfo *info);

/* Whether the terminal has gone; `at_terminal`: there was one. As opposed to a SIGHUP that somebody has sent. */
bool origin_is_hangup(const struct signalfd_siginfo *info, bool at_terminal);

#endif
