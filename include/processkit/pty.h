/*
 * Terminals: a child that finds a terminal of its own, with the owner at the other side of it.
 *
 *     pk_command_pty(shell, NULL);
 *     if (pk_command_start(shell, &process, &error) < 0) ...
 *     int screen = pk_process_pipe(process, 1);       // what the child writes
 *     int keys = pk_process_pipe(process, 0);         // what it reads
 *
 * Programs behave at it as they do before a person: they ask, show colours, write line by line, and start jobs that
 * Ctrl-Z stops. Each start of the command makes a new terminal. It is the controlling terminal of a session of the
 * child's own, whose foreground the child begins in; how the child is contained does not change.
 *
 * What a terminal does, it does here too. A line feed that the child writes comes as a carriage return and a line feed.
 * What the owner writes is echoed, if that is asked for, and edited: characters that erase, stop, continue and
 * interrupt have their effect, and a line of more than 4095 bytes is cut. Stdout and stderr come as one stream, in the
 * order in which they were written. TERM is set to `dumb` if the child's environment has none: who reads the terminal
 * is not known to be able to do more.
 */
#ifndef PROCESSKIT_PTY_H
#define PROCESSKIT_PTY_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/macros.h>

#include <stdbool.h>
#include <stddef.h>

PK_BEGIN_DECLS

typedef struct pk_process pk_process;
struct termios;

typedef struct pk_pty_options {
    size_t size;                    /* PK_PTY_OPTIONS_INIT sets it */
    unsigned columns;               /* at most 65535; 0: 80 */
    unsigned rows;                  /* likewise; 0: 24 */
    bool echo;                      /* what is written to it by the owner can be read there again, as it is typed */
    const struct termios *settings; /* as tcgetattr gives them of another terminal; ECHO is as `echo` says. NULL: the
                                       kernel's usual ones */
} pk_pty_options;

#define PK_PTY_OPTIONS_INIT                            \
    {                                                  \
        sizeof(pk_pty_options), 0, 0, false, (void *)0 \
    }

/*
 * The child finds a new terminal at 0, 1 and 2. As always the last call for a descriptor holds: those that a later call
 * says something else about are not at the terminal, which is the child's controlling terminal all the same; it must
 * stay at one of the three. `options` may be NULL, and are copied.
 *
 * What comes from the terminal is stream 1 (2, if 1 is not at it), for all that stream.h does with streams, and the
 * verbs capture it. What goes to it is the input, for all that input.h does. Both can be said before or after this.
 *
 * Otherwise the owner's side is there as the other end of a pipe: pk_process_pipe(process, 0) to write to it, and
 * pk_process_pipe(process, 1) to read from it, which somebody must do, or the child waits. There may be one of them
 * only, and each does for both. They are two descriptors of the same file: closing one closes nothing for the other,
 * but O_NONBLOCK is common to them, and set once the library itself reads or writes one. Reading fails with EIO when
 * nobody holds the terminal any more and everything was read. When the last of the two is closed, the terminal hangs
 * up: SIGHUP to its foreground.
 *
 * End of input is no closed descriptor, but a character that the child must be reading for: Ctrl-D (0x04, if the
 * settings say nothing else) at the beginning of a line. pk_process_close_input and the end of what pk_command_input
 * gives write it twice, and leave the descriptor open: one ends a line that was begun.
 *
 * If the command says a uid, the terminal belongs to that user.
 *
 * The start fails with PK_STEP_TERMINAL. -ENOSPC: there are as many terminals as may be. -ENOENT, -ENODEV: there is no
 * /dev/ptmx, or no devpts. -EINVAL: there is no descriptor left for it, or stream 2 is asked for while all comes by 1.
 * A command cannot have it together with pk_command_setpgid, and cannot be detached with it. Kernel: 4.13.
 */
PK_API void pk_command_pty(pk_command *command, const pk_pty_options *options);

/*
 * Changes the size of the process's terminal; its foreground gets SIGWINCH if it is another one.
 *
 * -EINVAL: 0, or more than 65535. -ENOTTY: it has no terminal. -EBADF: all of the owner's side was taken
 * (pk_process_pipe_take), and whoever has it now can use TIOCSWINSZ; or it has come to its end.
 */
PK_API int pk_process_resize(pk_process *process, unsigned columns, unsigned rows, pk_error *error);

PK_END_DECLS

#endif
