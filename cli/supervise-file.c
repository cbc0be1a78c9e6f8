/*
 * The file of services: read at the beginning, and again when that is asked for.
 */
#include "message.h"
#include "roster.h"
#include "service-make.h"
#include "supervise-run.h"

#include <stdio.h>

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* Has a supervisor look at them that never runs. */
static int try(const struct service_plans *plans, pk_error *error)
{
    pk_loop *loop;
    int r = pk_loop_create(&loop, error);
    if (r < 0)
        return r;
    pk_supervisor *supervisor = pk_supervisor_new();
    for (size_t i = 0; i < plans->count; i++)
        service_plan_make(plans->items[i], supervisor); /* what did not work is told by the start */
    r = pk_supervisor_start(supervisor, loop, NULL, NULL, error);
    pk_supervisor_free(supervisor);
    pk_loop_free(loop);
    return r;
}

static int read_plans(const char *file, struct service_plans *plans)
{
    pk_error error;
    if (service_file_read(file, plans) < 0)
        return -1;
    if (try(plans, &error) == 0)
        return 0;
    say("%s: %s", file, error.message);
    service_plans_free(plans);
    return -1;
}

struct roster *supervise_read(const char *file)
{
    struct service_plans plans = {0};
    if (read_plans(file, &plans) < 0)
        return NULL;
    struct roster *roster = roster_new(&plans);
    if (!roster)
        say("out of memory");
    return roster;
}

int supervise_look(const struct supervise_request *request)
{
    struct service_plans plans = {0};
    int r = read_plans(request->file, &plans);
    service_plans_free(&plans);
    return r;
}

int supervise_check(const struct supervise_request *request)
{
    struct service_plans plans = {0};
    if (read_plans(request->file, &plans) < 0)
        return STATUS_FAILED;
    if (!request->common.quiet)
        service_plans_show(&plans, stdout);
    service_plans_free(&plans);
    return finish_output();
}

/* ---- Reading it again ------------------------------------------------------------------------------------------- */

static json_t *refuse(const char *file, const char *why)
{
    json_t *text = json_sprintf("%s %s", file, why);
    return json_pack("{s:o}", "error", text ? text : json_string(why));
}

static void tell(const struct supervision *run, const struct roster_changes *changes)
{
    if (!run->request->common.quiet)
        say("%s was read again: %zu added, %zu changed, %zu removed", run->request->file,
            json_array_size(changes->added), json_array_size(changes->changed), json_array_size(changes->removed));
}

json_t *supervise_reload(struct supervision *run)
{
    const char *file = run->request->file;
    if (run->signals.received != 0)
        return refuse(file, "is not read again: all services are being stopped");
    struct roster *next = supervise_read(file);
    if (!next)
        return refuse(file, "has mistakes, which its supervisor has told, and nothing is changed");
    struct roster_changes changes = {json_array(), json_array(), json_array()};
    json_t *answer = json_pack("{s:s, s:o, s:o, s:o}", "done", "reload", "added", changes.added, "changed",
                               changes.changed, "removed", changes.removed);
    if (!answer) {
        roster_free(next);
        return NULL;
    }
    int r = roster_become(run->roster, next, run->supervisor, &changes);
    tell(run, &changes);
    if (r == 0)
        return answer;
    json_decref(answer);
    return refuse(file, "could not be taken over: out of memory");
}
