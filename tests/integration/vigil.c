/*
 * Vigils.
 */
#include "vigil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_diary(struct vigil *vigil, const pk_service_event *event)
{
    size_t used = strlen(vigil->diary);
    snprintf(vigil->diary + used, sizeof(vigil->diary) - used, "%s%s %s", used ? ", " : "", event->name,
             pk_service_event_kind_name(event->kind));
}

/* Never two incarnations: what was started has ended before it is started again. */
static void keep_watch(struct vigil *vigil, const pk_service_event *event)
{
    size_t place = 0;
    for (pk_service *service = NULL; (service = pk_supervisor_next(vigil->supervisor, service));) {
        if (service == event->service)
            break;
        place++;
    }
    if (event->kind == PK_SERVICE_STARTED && place < 64) {
        assert_false(vigil->live[place]);
        vigil->live[place] = true;
    }
    if ((event->kind == PK_SERVICE_ENDED || event->kind == PK_SERVICE_REMOVED) && place < 64)
        vigil->live[place] = false;
}

static void on_event(pk_supervisor *supervisor, const pk_service_event *event, void *data)
{
    struct vigil *vigil = data;
    char line[512];
    assert_ptr_equal(supervisor, vigil->supervisor);
    assert_true(event->time <= pk_now());
    assert_string_not_equal(pk_service_event_format(event, line, sizeof(line)), "");
    keep_watch(vigil, event);
    if (event->kind == PK_SERVICE_STARTED)
        vigil->starts++;
    if (event->kind == PK_SERVICE_PAUSES && event->pause > vigil->longest_pause)
        vigil->longest_pause = event->pause;
    if (event->kind == PK_SERVICE_IS_OVER) {
        vigil->end = event->end;
        snprintf(vigil->text, sizeof(vigil->text), "%s", event->text);
    }
    if (event->kind != PK_SERVICE_PAUSES && event->kind != PK_SERVICE_LEADER_ENDED)
        write_diary(vigil, event);
    if (vigil->react)
        vigil->react(vigil, event);
}

void vigil_init(struct vigil *vigil)
{
    *vigil = (struct vigil){.supervisor = pk_supervisor_new()};
    pk_supervisor_on_event(vigil->supervisor, on_event, vigil);
}

void vigil_free(struct vigil *vigil)
{
    vigil->supervisor = pk_supervisor_free(vigil->supervisor);
}

void vigil_restarts(pk_service *service, pk_restart when, unsigned most)
{
    pk_restart_options options = PK_RESTART_OPTIONS_INIT;
    options.when = when;
    options.most = most;
    options.first_pause = options.most_pause = PK_MILLISECONDS(1);
    pk_service_restarts(service, &options);
}

static pk_service *add(struct vigil *vigil, const char *name, pk_command *command)
{
    pk_command_grace(command, PK_MILLISECONDS(50));
    pk_service *service = pk_supervisor_add(vigil->supervisor, name, command);
    pk_command_free(command);
    assert_non_null(service);
    vigil_restarts(service, PK_RESTART_ON_FAILURE, ~0U);
    return service;
}

pk_service *vigil_add(struct vigil *vigil, const char *name, const char *words)
{
    return add(vigil, name, cast_command(NULL, words));
}

pk_service *vigil_add_script(struct vigil *vigil, const char *name, const char *script)
{
    return add(vigil, name, pk_command_new("sh", "-c", script, NULL));
}

void vigil_run(struct vigil *vigil)
{
    pk_error error;
    assert_ok(pk_supervisor_run(vigil->supervisor, &error), error);
}
