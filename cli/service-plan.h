/*
 * What is to become a service, as a file or options say it.
 */
#ifndef PK_CLI_SERVICE_PLAN_H
#define PK_CLI_SERVICE_PLAN_H

#include "request.h"
#include "toml.h"

#include <processkit.h>
#include <processkit/probe.h>
#include <processkit/service.h>
#include <processkit/supervisor.h>

#include <stdbool.h>
#include <stddef.h>

/* What tells that a service is ready, or well. */
enum asks {
    ASKS_NOTHING,
    ASKS_PORT,      /* text, number */
    ASKS_SOCKET,    /* text: its path */
    ASKS_PATH,      /* text */
    ASKS_HTTP,      /* text: the URL; first, last */
    ASKS_COMMAND,   /* command */
    ASKS_HEARTBEAT, /* text: the path; most */
    ASKS_LINE,      /* text: what is in it; number: the descriptor */
    ASKS_FD,        /* number */
    ASKS_NOTIFY,
    ASKS_END,
};

struct question {
    enum asks asks;
    char *text;
    unsigned number;
    unsigned first, last;
    pk_duration most;
    pk_command *command;
};

enum log_target { LOG_TO_STDERR, LOG_TO_FILE, LOG_TO_NOWHERE, LOG_INHERITED };

struct need {
    char *name;
    struct toml_place place;
};

struct service_plan {
    struct request request; /* first: it is what shared options are applied to */
    pk_command *command;
    char *name;
    struct toml_place place;

    pk_restart_options restart;
    struct question ready, alive;
    pk_duration ready_timeout;
    pk_alive_options alive_options;
    bool notify;
    pk_duration watchdog; /* 0: none */
    int reload_signal;    /* 0: none, which is a restart */

    struct need *needs;
    size_t need_count;

    enum log_target log;
    char *log_path; /* LOG_TO_FILE */
    struct toml_place log_place;
    pk_log_options log_options;

    /* All that was said about it, in one way: plans with the same settings are the same. It has values of environment
     * variables in it, which may be secrets. */
    char *settings;
};

/* Whether a service can have it. */
bool service_plan_is_name(const char *name);

/* NULL: memory ran out. */
struct service_plan *service_plan_new(const char *name, struct toml_place place);

/* Takes NULL; returns NULL. */
struct service_plan *service_plan_free(struct service_plan *plan);

/* Whether a service that was made by the one needs no change for the other. */
bool service_plan_same(const struct service_plan *a, const struct service_plan *b);

#endif
