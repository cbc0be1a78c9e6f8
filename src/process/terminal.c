/*
 * Commands with a terminal of their own.
 */
#include "base/error.h"
#include "contain/group.h"
#include "io/pty.h"
#include "process/command.h"
#include "process/process.h"

#include <processkit/pty.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Building --------------------------------------------------------------------------------------------------- */

static bool is_size(unsigned number)
{
    return number > 0 && number <= PTY_MOST;
}

static const char *wrong_with(const pk_pty_options *options)
{
    if (options->size == 0 || options->size > sizeof(*options))
        return "invalid options for a terminal: start from PK_PTY_OPTIONS_INIT of this version";
    if (options->columns > PTY_MOST || options->rows > PTY_MOST)
        return "a terminal has at most 65535 columns and rows";
    return NULL;
}

static struct pty_setup set_up(const pk_pty_options *options)
{
    struct pty_setup setup = {
        .columns = options->columns ? options->columns : PTY_COLUMNS,
        .rows = options->rows ? options->rows : PTY_ROWS,
        .echo = options->echo,
        .has_settings = options->settings != NULL,
    };
    if (options->settings)
        setup.settings = *options->settings;
    return setup;
}

/* What becomes of what is written, and of what is read, stays as it was said. */
static void place(pk_command *command)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct descriptor *descriptor = command_find_descriptor(command, fd);
        if (!descriptor || descriptor->kind != DESCRIPTOR_PIPE)
            descriptor = command_descriptor(command, fd);
        if (descriptor)
            descriptor->kind = DESCRIPTOR_TERMINAL;
    }
}

void pk_command_pty(pk_command *command, const pk_pty_options *given)
{
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    if (!command)
        return;
    const char *wrong = given ? wrong_with(given) : NULL;
    if (wrong) {
        command_remember(command, -EINVAL, "%s", wrong);
        return;
    }
    if (given)
        memcpy(&options, given, given->size);
    if (!command->pty)
        command->pty = malloc(sizeof(*command->pty));
    if (!command->pty) {
        command_remember(command, -ENOMEM, "out of memory");
        return;
    }
    *command->pty = set_up(&options);
    place(command);
    pk_command_setsid(command);
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

/* Whichever end there still is; -1 if there is none. */
static int find_master(const pk_process *process)
{
    if (process->input_is_terminal && process->input >= 0)
        return process->input;
    if (process->feed.is_terminal && process->feed.fd >= 0)
        return process->feed.fd;
    for (size_t i = 0; i < process->stream_count; i++)
        if (process->streams[i].is_terminal && process->streams[i].fd >= 0)
            return process->streams[i].fd;
    return -1;
}

static bool had_terminal(const pk_process *process)
{
    bool had = process->input_is_terminal || process->feed.is_terminal;
    for (size_t i = 0; i < process->stream_count; i++)
        had |= process->streams[i].is_terminal;
    return had;
}

static int refuse(const pk_process *process, pk_error *error)
{
    bool had = had_terminal(process);
    return error_set(error, had ? -EBADF : -ENOTTY, PK_ERROR_INVALID, PK_STEP_TERMINAL, NULL,
                     had ? "cannot resize a terminal that was taken, or has come to its end"
                         : "cannot resize the terminal of a command that has none (see pk_command_pty)");
}

int pk_process_resize(pk_process *process, unsigned columns, unsigned rows, pk_error *error)
{
    int r = group_check_owner(process->run.group, error);
    if (r < 0)
        return r;
    if (!is_size(columns) || !is_size(rows))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "a terminal cannot have %u columns and %u rows (1 to %d)", columns, rows, PTY_MOST);
    int master = find_master(process);
    if (master < 0)
        return refuse(process, error);
    r = pty_resize(master, columns, rows);
    return r < 0 ? error_errno(error, r, PK_STEP_TERMINAL, NULL, "cannot resize a terminal") : 0;
}
