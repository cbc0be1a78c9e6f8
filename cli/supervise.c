/*
 * pk supervise.
 */
#include "supervise.h"

#include "apply-service.h"
#include "apply-supervise.h"
#include "ending.h"
#include "message.h"
#include "standard.h"
#include "supervise-ask.h"
#include "supervise-run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- One service ------------------------------------------------------------------------------------------------ */

/* As its program, in the letters that a name may have. */
static void make_name(char name[65], const char *program)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@";
    const char *slash = strrchr(program, '/');
    size_t length = 0;
    for (const char *next = slash ? slash + 1 : program; *next && length < 64; next++)
        name[length++] = strchr(allowed, *next) ? *next : '_';
    name[length] = '\0';
    if (length == 0)
        strcpy(name, "service");
}

static int begin_plan(struct supervise_request *request)
{
    char name[65];
    const char **words = request->given.rest;
    if (!words || !words[0]) {
        say("the program is missing (see pk supervise --help)");
        return -1;
    }
    make_name(name, words[0]);
    struct service_plan *plan = request->plan = service_plan_new(name, (struct toml_place){0, 0});
    if (!plan) {
        say("out of memory");
        return -1;
    }
    pk_command_free(plan->command);
    plan->command = pk_command_new_argv(words);
    plan->log = LOG_INHERITED;
    standard_keep_limit(plan->command);
    request->common.commands = &plan->command;
    request->common.count = 1;
    return 0;
}

/* A line that is waited for goes through pk. What pk has closed stays so for the program. */
static void pass_on_line(const struct service_plan *plan)
{
    int fd = (int)plan->ready.number;
    if (plan->ready.asks == ASKS_LINE && plan->log == LOG_INHERITED && fcntl(fd, F_GETFD) == 0)
        pk_command_tee(plan->command, fd, fd, PK_TEE_RAW);
}

static int finish_plan(struct supervise_request *request)
{
    struct service_plan *plan = request->plan;
    if (service_options_finish(request) < 0)
        return -1;
    pk_command_contain(plan->command, &request->common.group);
    if (request->common.timeout)
        pk_command_timeout(plan->command, request->common.timeout);
    pass_on_line(plan);
    return 0;
}

/* ---- Those of a file -------------------------------------------------------------------------------------------- */

static bool takes_service(const struct supervise_request *request)
{
    return request->errand == ERRAND_RELOAD;
}

/* The words after the options. */
static int take_words(struct supervise_request *request)
{
    const char **words = request->given.rest;
    size_t count = 0;
    while (words && words[count])
        count++;
    if (count > (size_t)takes_service(request)) {
        say("'%s': with --file it is the file that says what is run (see pk supervise --help)", words[count - 1]);
        return -1;
    }
    if (count > 0)
        request->service = words[0];
    if (request->json && request->errand != ERRAND_STATUS) {
        say("--json is about --status, which was not given");
        return -1;
    }
    return 0;
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

/* 0; otherwise pk ends with *status. */
static int make_request(int argc, char **argv, struct supervise_request *request, int *status)
{
    static const char usage[] = "[OPTION...] [--] PROGRAM [ARG...] | --file FILE [OPTION...]";
    int r = options_parse(argc, argv, supervise_options, usage, &request->given, status);
    if (r == 0)
        r = supervise_options_check(request);
    if (r == 0 && !request->file)
        r = begin_plan(request);
    if (r == 0)
        r = options_apply(&request->given, request);
    if (r == 0)
        r = request->file ? take_words(request) : finish_plan(request);
    return r;
}

static int carry_out(struct supervise_request *request)
{
    switch (request->errand) {
    case ERRAND_NONE:
        return supervise_run(request);
    case ERRAND_CHECK:
        return supervise_check(request);
    case ERRAND_RELOAD:
        return request->service || supervise_look(request) == 0 ? supervise_ask(request) : STATUS_FAILED;
    default:
        return supervise_ask(request);
    }
}

int supervise_main(int argc, char **argv)
{
    struct supervise_request request = {.common = {.group = PK_GROUP_OPTIONS_INIT, .grace = PK_DEFAULT_GRACE}};
    int status = STATUS_FAILED;
    standard_fill();
    standard_raise_limit();
    if (make_request(argc, argv, &request, &status) == 0)
        status = carry_out(&request);
    service_plan_free(request.plan);
    options_free(&request.given);
    end_as(status);
}
