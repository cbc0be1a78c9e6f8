/*
 * Asking a pk supervise that runs, and telling what it answers.
 */
#include "supervise-ask.h"

#include "control.h"
#include "json-value.h"
#include "message.h"

#include <stdio.h>
#include <stdlib.h>

static char *write_question(const struct supervise_request *request)
{
    static const char *const names[] = {
        [ERRAND_STATUS] = "status",   [ERRAND_START] = "start",   [ERRAND_STOP] = "stop",
        [ERRAND_RESTART] = "restart", [ERRAND_RELOAD] = "reload",
    };
    json_t *question = json_pack("{s:i, s:s}", "version", 1, "do", names[request->errand]);
    if (request->service)
        json_object_set_new(question, "service", json_text(request->service));
    char *text = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    return text;
}

static json_t *ask(const struct supervise_request *request)
{
    char *question = write_question(request);
    char *text = question ? control_ask(request->file, question) : NULL;
    json_t *answer = text ? json_loads(text, 0, NULL) : NULL;
    if (!question)
        say("out of memory");
    else if (text && !json_is_object(answer))
        say("the supervisor of %s has answered what nobody can read", request->file);
    free(question);
    free(text);
    return answer;
}

static int print_status(const struct supervise_request *request, const json_t *answer)
{
    const json_t *services = json_object_get(answer, "services");
    if (!request->json) {
        supervise_print_table(services);
        return finish_output();
    }
    char *text = json_dumps(services, JSON_INDENT(2));
    if (text)
        puts(text);
    free(text);
    return finish_output();
}

static void print_names(const json_t *answer, const char *key)
{
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(answer, key), i, name)
    {
        printf("%s %s\n", key, json_string_value(name));
    }
}

static int tell(const struct supervise_request *request, const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (error) {
        say("%s", error);
        return STATUS_FAILED;
    }
    if (request->errand == ERRAND_STATUS)
        return print_status(request, answer);
    if (request->errand == ERRAND_RELOAD && !request->common.quiet) {
        print_names(answer, "removed");
        print_names(answer, "changed");
        print_names(answer, "added");
    }
    return finish_output();
}

/* No other name is asked about: it could be longer than a question. */
int supervise_ask(const struct supervise_request *request)
{
    if (request->service && !service_plan_is_name(request->service)) {
        say("'%.64s' is no name for a service: 1 to 64 letters, digits and .-_@ are", request->service);
        return STATUS_FAILED;
    }
    json_t *answer = ask(request);
    int status = json_is_object(answer) ? tell(request, answer) : STATUS_FAILED;
    json_decref(answer);
    return status;
}
