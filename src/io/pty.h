/*
 * Terminals that a child can have for itself, seen from the side of whoever made them: the master.
 */
#ifndef PK_IO_PTY_H
#define PK_IO_PTY_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

enum { PTY_COLUMNS = 80, PTY_ROWS = 24, PTY_MOST = 65535 };

/* Bytes: more than one holds for whoever reads the master. */
enum { PTY_HOLDS = 64 * 1024 };

/* How one is made. */
struct pty_setup {
    unsigned columns;
    unsigned rows;
    bool echo;
    bool has_settings;
    struct termios settings;
};

/* Makes one: the master, and the terminal, which is not anybody's controlling terminal yet. Both close on exec, and
 * stand above 2. */
int pty_open(const struct pty_setup *setup, int *master, int *terminal);

/* Whoever opens it by its name must be allowed to. */
int pty_give(int terminal, uid_t user);

int pty_resize(int master, unsigned columns, unsigned rows);

/*
 * The end of the input, to be written after all of it: the character for that, twice. The first ends a line that was
 * begun, if there is one; otherwise it is the end already, and the second one is for a second reader, as the end of a
 * pipe would be there for all. It does not wait, whatever the descriptor is set to. -EAGAIN: not all of it could be
 * written; call again when there is room.
 */
int pty_end_input(int master);

#endif
