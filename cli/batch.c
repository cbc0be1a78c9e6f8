/*
 * pk batch.
 */
#include "batch.h"

#include "apply-batch.h"
#include "apply-limits.h"
#include "batch-run.h"
#include "ending.h"
#include "message.h"
#include "standard.h"
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The request ------------------------------------------------------------------------------------------------ */

/* With limits there is one group around all of them; otherwise each has its own. */
static void contain(struct batch_request *request)
{
    const pk_group_options *group = &request->common.group;
    for (const struct option_row *row = limit_options; row->name; row++)
        request->has_limits |= options_have(&request->given, row->name);
    if (!request->has_limits && (group->require || group->mechanism != PK_MECHANISM_AUTO))
        pk_command_contain(request->command, group);
}

static int check(const struct batch_request *request)
{
    if (!request->resumes || request->log)
        return 0;
    say("to resume a batch takes its log (--log)");
    return -1;
}

/* 0; otherwise pk ends with *status. */
static int ask(int argc, char **argv, struct batch_request *request, int *status)
{
    static const char usage[] = "[OPTION...] [--] PROGRAM [ARG...]";
    struct given *given = &request->given;
    int r = options_parse(argc, argv, batch_options, usage, given, status);
    if (r != 0)
        return r;
    if (!given->rest || !given->rest[0]) {
        say("the program is missing (see pk batch --help)");
        return -1;
    }
    request->command = pk_command_new_argv(given->rest);
    request->common.commands = &request->command;
    request->common.count = 1;
    pk_command_null(request->command, STDIN_FILENO);
    standard_raise_limit(); /* for what items write, which may have to wait for those before them */
    standard_keep_limit(request->command);
    if (options_apply(given, request) < 0 || check(request) < 0)
        return -1;
    contain(request);
    request->identity = (struct identity){.template = given->rest,
                                          .null = request->null,
                                          .most_words = request->most_words,
                                          .directory = options_value(given, "chdir", NULL)};
    return template_make(&request->template, given->rest, request->most_words);
}

/* A program that is nowhere, or is none, is told once, and not for each item. Who is somebody else finds for himself.
 */
static int look_for_program(const struct batch_request *request)
{
    pk_error error;
    char *path = NULL;
    if (template_is_open(request->template.arguments[0]) || options_have(&request->given, "uid"))
        return 0;
    if (pk_command_find(request->command, &path, &error) == 0) {
        free(path);
        return 0;
    }
    if (error.kind != PK_ERROR_NOT_FOUND && error.kind != PK_ERROR_PERMISSION)
        return 0;
    say("%s", error.message);
    return status_of_error(&error);
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

/* Before anything is started. While words are read for that, signals have their usual effects. */
static int read_log(struct batch_run *run)
{
    const struct batch_request *request = run->request;
    if (!request->log)
        return 0;
    if (joblog_open(&run->log, request->log, &request->identity, request->resumes) < 0)
        return -1;
    if (run->log.count == 0)
        return 0;
    if (words_record(&run->words) < 0 || joblog_compare(&run->log, &run->words, request->most_words) < 0)
        return -1;
    words_rewind(&run->words);
    return 0;
}

static int run_request(struct batch_run *run)
{
    const struct batch_request *request = run->request;
    pk_error error;
    int status = look_for_program(request);
    if (status != 0)
        return status;
    if (read_log(run) < 0)
        return STATUS_FAILED;
    if (pk_loop_create(&run->loop, &error) < 0) {
        say("%s", error.message);
        return STATUS_FAILED;
    }
    run->signals = (struct signals){.fd = -1, .grace = request->common.grace, .verbose = request->common.verbose};
    if (signals_begin(&run->signals, &request->common) < 0)
        return STATUS_FAILED;
    signal(SIGPIPE, SIG_IGN); /* a write that fails is told */
    return batch_run(run);
}

int batch_main(int argc, char **argv)
{
    struct batch_request request = {.common = {.group = PK_GROUP_OPTIONS_INIT, .grace = PK_DEFAULT_GRACE},
                                    .most_words = 1,
                                    .on_failure = PK_BATCH_GO_ON};
    static struct batch_run run; /* zero, and large */
    int status = STATUS_FAILED;
    standard_fill();
    int r = ask(argc, argv, &request, &status);
    run.request = &request;
    if (r == 0 && words_open(&run.words, request.arg_file, request.null ? '\0' : '\n') == 0) {
        status = run_request(&run);
        words_close(&run.words);
        joblog_close(&run.log);
    }
    run.loop = pk_loop_free(run.loop);
    pk_command_free(request.command);
    options_free(&request.given);
    end_as(status);
}
