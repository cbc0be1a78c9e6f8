/*
 * Commands with terminals, and reading and writing at the owner's side.
 */
#include "at-terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

pk_process *pty_start(void **state, pk_command *command)
{
    pk_process *process = NULL;
    pk_error error;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = cast_mechanism(state);
    pk_command_contain(command, &options);
    assert_ok(pk_command_start(command, &process, &error), error);
    return process;
}

pk_command *pty_command(struct witness *witness, const char *words)
{
    pk_command *command = cast_command(witness, words);
    pk_command_pty(command, NULL);
    return command;
}

pk_result pty_end(pk_process *process)
{
    pk_result result;
    pk_error error;
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    pk_process_free(process);
    return result;
}

void pty_write(int master, const char *text)
{
    assert_int_equal(write(master, text, strlen(text)), strlen(text));
}

/* Until it has ended with that. */
void pty_read_until(int master, const char *wanted)
{
    char text[8192] = "";
    size_t length = 0, end = strlen(wanted);
    struct pollfd ready = {.fd = master, .events = POLLIN};
    while (length < end || strcmp(text + length - end, wanted) != 0) {
        ssize_t r = poll(&ready, 1, PATIENCE_MS) > 0 ? read(master, text + length, 1) : 0;
        if (r <= 0 || ++length == sizeof(text) - 1)
            fail_msg("%s instead of %s", text, wanted);
        text[length] = '\0';
    }
}

/* All of it, to the end, which is EIO. */
void pty_assert_rest(int master, const char *expected)
{
    struct report rest = {0};
    assert_false(read_to_end(master, &rest, PATIENCE_MS));
    assert_int_equal(errno, EIO);
    assert_string_equal(rest.length > 0 ? rest.bytes : "", expected);
    report_free(&rest);
}
