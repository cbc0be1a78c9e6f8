/*
 * Plans, from their beginning to their end.
 */
#include "service-plan.h"

#include "standard.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

bool service_plan_is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@";
    size_t length = strlen(name);
    return length >= 1 && length <= 64 && strspn(name, letters) == length;
}

struct service_plan *service_plan_new(const char *name, struct toml_place place)
{
    static const pk_group_options group = PK_GROUP_OPTIONS_INIT;
    static const pk_restart_options restart = PK_RESTART_OPTIONS_INIT;
    static const pk_alive_options alive = PK_ALIVE_OPTIONS_INIT;
    static const pk_log_options log = PK_LOG_OPTIONS_INIT;
    struct service_plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return NULL;
    *plan = (struct service_plan){
        .request = {.commands = &plan->command, .count = 1, .group = group, .grace = PK_DEFAULT_GRACE},
        .command = pk_command_new_argv((const char *const[]){name, NULL}),
        .name = strdup(name),
        .place = place,
        .restart = restart,
        .ready = {.number = 1, .first = 200, .last = 299},
        .alive = {.first = 200, .last = 299},
        .ready_timeout = PK_DEFAULT_READY_TIMEOUT,
        .alive_options = alive,
        .reload_signal = SIGHUP,
        .log_options = log,
    };
    plan->log_options.times = false; /* who reads stderr has times of his own; in files there are */
    standard_keep_limit(plan->command);
    return plan->command && plan->name ? plan : service_plan_free(plan);
}

static void release_question(struct question *question)
{
    free(question->text);
    pk_command_free(question->command);
}

struct service_plan *service_plan_free(struct service_plan *plan)
{
    if (!plan)
        return NULL;
    pk_command_free(plan->command);
    free(plan->name);
    release_question(&plan->ready);
    release_question(&plan->alive);
    for (size_t i = 0; i < plan->need_count; i++)
        free(plan->needs[i].name);
    free(plan->needs);
    free(plan->log_path);
    free(plan->settings);
    free(plan);
    return NULL;
}

bool service_plan_same(const struct service_plan *a, const struct service_plan *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->settings, b->settings) == 0;
}
