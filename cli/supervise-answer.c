/*
 * Requests to a pk supervise that runs, as it answers them.
 *
 * {"version":1, "do":"status"}: {"version":1, "pid":PID, "services":[...]}. {"version":1, "do":WHAT, "service":NAME},
 * where WHAT is start, stop, restart or reload: {"version":1, "done":WHAT}. Reload without a service reads the file
 * again, and tells what was "added", "changed" and "removed". Whatever cannot be done: {"version":1, "error":TEXT}.
 */
#include "roster.h"
#include "supervise-json.h"
#include "supervise-run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static json_t *refuse(const char *text)
{
    return json_pack("{s:o}", "error", json_text(text));
}

static json_t *tell_status(const struct supervision *run)
{
    json_t *services = json_array();
    for (const pk_service *service = NULL; (service = pk_supervisor_next(run->supervisor, service));)
        json_array_append_new(services, json_service(service));
    return json_pack("{s:i, s:o}", "pid", (int)getpid(), "services", services);
}

/* ---- One service ------------------------------------------------------------------------------------------------ */

static int stop(pk_service *service, pk_error *error)
{
    return pk_service_stop(service, NULL, error);
}

static const struct errand_row {
    const char *name;
    int (*run)(pk_service *service, pk_error *error);
    void (*note)(struct roster *roster, const char *name); /* NULL: nothing is to be known of it later */
} rows[] = {
    {"start", pk_service_start, roster_note_start},
    {"stop", stop, roster_note_stop},
    {"restart", pk_service_restart, roster_note_start},
    {"reload", pk_service_reload, NULL},
    {NULL, NULL, NULL},
};

static const struct errand_row *find_row(const char *name)
{
    const struct errand_row *row = rows;
    while (row->name && strcmp(row->name, name) != 0)
        row++;
    return row->name ? row : NULL;
}

static json_t *run_errand(const struct supervision *run, const struct errand_row *row, const char *name)
{
    char text[256];
    pk_error error;
    pk_service *service = pk_supervisor_find(run->supervisor, name);
    if (!service) {
        snprintf(text, sizeof(text), "there is no service '%s'", name);
        return refuse(text);
    }
    if (row->run(service, &error) < 0)
        return refuse(error.message);
    if (row->note)
        row->note(run->roster, name);
    return json_pack("{s:s}", "done", row->name);
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

static json_t *answer(struct supervision *run, const json_t *question)
{
    const char *what = json_string_value(json_object_get(question, "do"));
    const char *name = json_string_value(json_object_get(question, "service"));
    if (json_integer_value(json_object_get(question, "version")) != 1 || !what)
        return refuse("this is no request of this version");
    if (strcmp(what, "status") == 0)
        return tell_status(run);
    const struct errand_row *row = find_row(what);
    if (row && name)
        return run_errand(run, row, name);
    if (row && strcmp(what, "reload") == 0)
        return supervise_reload(run);
    return refuse(row ? "the request names no service" : "nobody can do that here");
}

char *supervise_answer(const char *line, size_t length, void *data)
{
    json_t *question = json_loadb(line, length, 0, NULL);
    json_t *all = json_pack("{s:i}", "version", 1);
    json_t *said = answer(data, question);
    char *text = NULL;
    if (all && said && json_object_update(all, said) == 0)
        text = json_dumps(all, JSON_COMPACT);
    json_decref(question);
    json_decref(said);
    json_decref(all);
    return text;
}
