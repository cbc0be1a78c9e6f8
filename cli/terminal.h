/*
 * The controlling terminal, if there is one.
 */
#ifndef PK_CLI_TERMINAL_H
#define PK_CLI_TERMINAL_H

#include <stdbool.h>

/* Remembers whether pk is in the terminal's foreground. Before the child is started. */
void terminal_remember(void);

/* A program that made itself the foreground and died has left the terminal to nobody: gives it back to pk's process
 * group, if that had it before. When the tree is gone, zombies included. */
void terminal_restore(void);

/*
 * Around a stop of pk: the foreground of a program that had made itself that, as a shell does that suspends itself. The
 * shell above gives the terminal to pk's process group when it goes on, and the program could not read from it.
 */
void terminal_pause(void);
void terminal_resume(void);

bool terminal_is_there(void);

/* Whether a program is reading single keys (an editor, a pager, a line editor at its prompt). Such a program takes
 * Ctrl-C as input, even where the terminal makes a signal of it. */
bool terminal_reads_keys(void);

#endif
