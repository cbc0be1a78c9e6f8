/*
 * pk run --pty: the program's terminal, shown in the one that pk is at, or forwarded to whatever is there.
 */
#ifndef PK_CLI_CONSOLE_H
#define PK_CLI_CONSOLE_H

#include "forward.h"
#include "run.h"
#include "signals.h"

#include <poll.h>

struct console {
    pk_process *process;
    pk_duration grace;
    bool has_keys;      /* stdin is forwarded */
    struct flow keys;   /* from stdin to the program's terminal */
    struct flow screen; /* from there to stdout */
    bool end_given;     /* the program was told that there is no more input */
    bool hung_up;       /* the run is being ended, because nobody sees it any more */
};

enum { CONSOLE_POLLS = 3 };

/* For a command that nothing was said about yet: a terminal like the one that pk is at. `has_keys`: the program will
 * read from it. */
void console_ask(pk_command *command, bool has_keys);

/* Before the start: takes pk's own terminal, if the program will read from its own. NULL after a message. The grace is
 * that of a run which is ended because its output cannot be written any more. */
struct console *console_new(pk_duration grace, bool has_keys);

/* The process that was started; `shows` if what it writes is to be forwarded here. */
void console_begin(struct console *console, pk_process *process, bool shows);

/* The rest of these do nothing where there is no terminal: NULL. */

/* What to poll for, CONSOLE_POLLS of them, and what to do after it. */
void console_interest(const struct console *console, struct pollfd *polls);
void console_handle(struct console *console, const struct pollfd *polls);

/* What the program writes cannot be shown any more, for this reason. */
void console_fail(struct console *console, int error);

/* Pk's own terminal has another size. */
void console_resize(struct console *console);

/* Before pk stops, and when it goes on. */
void console_pause(struct console *console);
void console_resume(struct console *console);

/* After the end of the run: writes what is left of the output, unless a signal asks pk to end, or that time has passed.
 */
void console_drain(struct console *console, struct signals *signals, pk_duration most);

/* What becomes of an ending (see ending.h), if there was nobody to read the output. */
int console_ending(const struct console *console, int ending);

/* Gives pk's own terminal back. Before the process is freed. NULL. */
struct console *console_free(struct console *console);

#endif
