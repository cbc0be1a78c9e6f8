/*
 * From the words of the command line to a pipeline.
 */
#include "stages.h"

#include "apply-pipe.h"
#include "ending.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Names ------------------------------------------------------------------------------------------------------ */

const char *stages_program(const struct pipe_request *request, size_t stage)
{
    const char *program = pk_command_program(request->common.commands[stage]);
    const char *slash = strrchr(program, '/');
    return slash && slash[1] ? slash + 1 : program;
}

const char *stages_format(const struct pipe_request *request, size_t stage, char *buffer, size_t size)
{
    snprintf(buffer, size, "stage %zu (%s)", stage + 1, stages_program(request, stage));
    return buffer;
}

/* ---- From words to stages --------------------------------------------------------------------------------------- */

static size_t length_of(const char *const *words, const char *separator)
{
    size_t length = 0;
    while (words[length] && strcmp(words[length], separator) != 0)
        length++;
    return length;
}

static int refuse_empty(size_t stage, bool is_last, const char *separator)
{
    if (stage == 0)
        say("stage 1 is empty: a program is expected before the first '%s'", separator);
    else if (is_last)
        say("stage %zu is empty: a program is expected after the last '%s'", stage + 1, separator);
    else
        say("stage %zu is empty: a program is expected between '%s' and '%s'", stage + 1, separator, separator);
    return -1;
}

/* How many stages there are; -1 after a message. */
static long count_stages(const char *const *words, const char *separator)
{
    for (size_t stage = 0;; stage++) {
        size_t length = length_of(words, separator);
        bool is_last = !words[length];
        if (length == 0)
            return refuse_empty(stage, is_last, separator);
        if (is_last)
            return (long)stage + 1;
        words += length + 1;
    }
}

/* A command of LENGTH words. The vector is the parser's, which frees its words: the separator is put back. */
static pk_command *make_command(const char **words, size_t length)
{
    const char *separator = words[length];
    words[length] = NULL;
    pk_command *command = pk_command_new_argv(words);
    words[length] = separator;
    pk_command_inherit(command, 2);
    return command;
}

static void make_commands(struct request *request, const char **words, const char *separator)
{
    for (size_t i = 0; i < request->count; i++) {
        size_t length = length_of(words, separator);
        request->commands[i] = make_command(words, length);
        words += length + 1;
    }
    pk_command_inherit(request->commands[0], 0);
    pk_command_inherit(request->commands[request->count - 1], 1);
}

static int split(struct pipe_request *request)
{
    const struct given *given = &request->given;
    const char *separator = options_value(given, "separator", "::");
    if (*separator == '\0') {
        say("--separator: the word is empty");
        return -1;
    }
    if (!given->rest || !given->rest[0]) {
        say("the stages are missing (see pk pipe --help)");
        return -1;
    }
    long count = count_stages(given->rest, separator);
    if (count < 0)
        return -1;
    request->common.commands = calloc((size_t)count, sizeof(pk_command *));
    request->stages = calloc((size_t)count, sizeof(*request->stages));
    if (!request->common.commands || !request->stages) {
        say("out of memory");
        return -1;
    }
    request->common.count = (size_t)count;
    for (size_t i = 0; i < request->common.count; i++)
        request->stages[i].tee_fd = -1;
    make_commands(&request->common, given->rest, separator);
    return 0;
}

/* ---- Files that several write to, or pk itself ------------------------------------------------------------------ */

static bool has_files(const struct pipe_request *request)
{
    bool any = request->errors;
    for (size_t i = 0; i < request->common.count; i++)
        any |= request->stages[i].tee != NULL;
    return any;
}

/* No file is emptied for what is not there. */
static int find_programs(const struct request *request, int *status)
{
    char *path;
    pk_error error;
    for_each_command (command, request) {
        int r = pk_command_find(command, &path, &error);
        if (r == 0)
            free(path);
        if (r != -ENOENT)
            continue;
        say("%s", error.message);
        *status = status_of_error(&error);
        return -1;
    }
    return 0;
}

static int open_file(const char *option, const char *value, int *fd)
{
    bool append = *value == '+';
    const char *path = value + append;
    if (*path == '\0') {
        say("%s: the file's name is empty", option);
        return -1;
    }
    *fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (append ? O_APPEND : O_TRUNC), 0666);
    if (*fd < 0)
        say("cannot open %s: %s", path, strerror(errno));
    return *fd < 0 ? -1 : 0;
}

static int open_files(struct pipe_request *request, int *status)
{
    if (!has_files(request))
        return 0;
    int r = find_programs(&request->common, status);
    if (r == 0 && request->errors)
        r = open_file("--stderr", request->errors, &request->errors_fd);
    for (size_t i = 0; r == 0 && i < request->common.count; i++)
        if (request->stages[i].tee)
            r = open_file("--tee", request->stages[i].tee, &request->stages[i].tee_fd);
    return r;
}

/* ---- The pipeline ----------------------------------------------------------------------------------------------- */

static void add_stage(const struct pipe_request *request, size_t stage)
{
    const struct stage *asked = &request->stages[stage];
    pk_command *command = request->common.commands[stage];
    if (request->errors_fd >= 0)
        pk_command_fd(command, 2, request->errors_fd);
    if (asked->merged)
        pk_command_same(command, 2, 1);
    pk_command_evidence(command, request->common.stats);
    pk_pipeline_add(request->pipeline, command);
    if (asked->unchecked)
        pk_pipeline_unchecked(request->pipeline, stage);
    if (asked->tee_fd >= 0)
        pk_pipeline_tee(request->pipeline, stage, asked->tee_fd);
}

void stages_join(struct pipe_request *request)
{
    request->pipeline = pk_pipeline_new(NULL, NULL);
    for (size_t i = 0; i < request->common.count; i++)
        add_stage(request, i);
    if (request->common.timeout)
        pk_pipeline_timeout(request->pipeline, request->common.timeout);
    pk_pipeline_settle(request->pipeline, request->settle);
    pk_pipeline_contain(request->pipeline, &request->common.group);
}

int stages_ask(int argc, char **argv, struct pipe_request *request, int *status)
{
    *request = (struct pipe_request){
        .common = {.group = PK_GROUP_OPTIONS_INIT, .grace = PK_DEFAULT_GRACE},
        .errors_fd = -1,
        .settle = PK_PIPELINE_SETTLE,
    };
    int r = options_parse(argc, argv, pipe_options, "[OPTION...] [--] PROGRAM [ARG...] [:: PROGRAM [ARG...]]...",
                          &request->given, status);
    if (r == 0)
        r = split(request);
    if (r == 0)
        r = options_apply(&request->given, request);
    return r == 0 ? open_files(request, status) : r;
}

static void close_file(int fd)
{
    if (fd >= 0)
        close(fd);
}

void stages_free(struct pipe_request *request)
{
    pk_pipeline_free(request->pipeline);
    for (size_t i = 0; i < request->common.count; i++) {
        pk_command_free(request->common.commands[i]);
        close_file(request->stages[i].tee_fd);
    }
    close_file(request->errors_fd);
    free(request->common.commands);
    free(request->stages);
    options_free(&request->given);
}
