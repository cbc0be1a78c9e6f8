/*
 * Running the adversary through the library, and reading descriptions.
 */
#include "subject.h"

#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

int assert_ok_at(int result, const pk_error *error, const char *call, const char *file, int line)
{
    if (result >= 0)
        return result;
    printf("%s: %d, step %s: %s\n", call, result, pk_step_name(error->step), error->message);
    _fail(file, line);
    return result;
}

void assert_error_at(int result, const pk_error *error, int number, pk_step step, const char *call, const char *file,
                     int line)
{
    if (result == number && error->number == number && error->step == step && error->message[0] != '\0') {
        printf("as expected: %s\n", error->message);
        return;
    }
    printf("%s: returned %d, not %d; the error says %d, step %s, not %s: %s\n", call, result, number, error->number,
           pk_step_name(error->step), pk_step_name(step), error->message);
    _fail(file, line);
}

/* ---- Commands --------------------------------------------------------------------------------------------------- */

pk_command *adversary(const char *word, ...)
{
    pk_command *command = pk_command_new(adversary_path(), NULL);
    va_list words;
    va_start(words, word);
    for (; word; word = va_arg(words, const char *))
        pk_command_arg(command, word);
    va_end(words);
    return command;
}

pk_command *reporting_adversary(const struct witness *witness, const char *word, ...)
{
    pk_command *command = adversary("--report", witness_path(witness), NULL);
    va_list words;
    va_start(words, word);
    for (; word; word = va_arg(words, const char *))
        pk_command_arg(command, word);
    va_end(words);
    return command;
}

int run_attended(const pk_command *command, pk_result *result, pk_error *error)
{
    pk_auto(pk_process) process = NULL;
    int r = pk_command_start(command, &process, error);
    return r < 0 ? r : pk_process_wait(process, PK_FOREVER, result, error);
}

struct report capture(pk_command *command)
{
    pk_error error;
    pk_result result;
    struct report output = {0};
    pk_process *process;
    pk_command_pipe(command, 1);
    assert_ok(pk_command_start(command, &process, &error), error);
    bool complete = read_to_end(pk_process_pipe(process, 1), &output, PATIENCE_MS);
    assert_true(complete);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    pk_process_free(process);
    if (!pk_result_is_success(&result)) {
        char text[128];
        fail_msg("the child %s; it said: %s", pk_result_format(&result, text, sizeof(text)), output.bytes);
    }
    return output;
}

/* ---- Descriptions ----------------------------------------------------------------------------------------------- */

struct description {
    struct report text;
};

/* Lines become strings, so that a value is the rest of a string. */
static struct description *make_description(struct report text)
{
    struct description *description = malloc(sizeof(*description));
    assert_non_null(description);
    description->text = text;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '\n')
            text.bytes[i] = '\0';
    }
    return description;
}

struct description *describe(pk_command *command)
{
    return make_description(capture(command));
}

struct description *description_read(const char *path)
{
    struct report text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_true(read_to_end(fd, &text, PATIENCE_MS));
    close(fd);
    return make_description(text);
}

static const char *next_line(const struct description *description, const char *line)
{
    line = line ? line + strlen(line) + 1 : description->text.bytes;
    return line < description->text.bytes + description->text.length ? line : NULL;
}

const char *described(const struct description *description, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = NULL; (line = next_line(description, line));) {
        if (strncmp(line, key, length) == 0 && line[length] == '=')
            return line + length + 1;
    }
    return NULL;
}

void assert_described_at(const struct description *description, const char *key, const char *value, const char *file,
                         int line)
{
    const char *found = described(description, key);
    if (found && strcmp(found, value) == 0)
        return;
    printf("the child says %s=%s, and not %s\n", key, found ? found : "(nothing)", value);
    _fail(file, line);
}

size_t described_count(const struct description *description, const char *prefix)
{
    size_t count = 0;
    for (const char *line = NULL; (line = next_line(description, line));)
        count += strncmp(line, prefix, strlen(prefix)) == 0;
    return count;
}

void description_free(struct description *description)
{
    report_free(&description->text);
    free(description);
}
