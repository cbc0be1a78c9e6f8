/*
 * What a probe asks, as it was described; who asks it is an inquiry.
 */
#ifndef PK_SUPERVISE_PROBE_H
#define PK_SUPERVISE_PROBE_H

#include "base/problem.h"
#include "io/probe.h"

#include <processkit/probe.h>

enum probe_nature {
    PROBE_OF_PORT,
    PROBE_OF_SOCKET,
    PROBE_OF_PATH,
    PROBE_OF_HTTP,
    PROBE_OF_COMMAND,
    PROBE_OF_HEARTBEAT,
    PROBE_OF_CALLBACK
};

struct pk_probe {
    unsigned references; /* a service, and who asks at the moment; of one thread */
    struct problem problem;
    enum probe_nature nature;
    char *place; /* host, path or URL */
    unsigned port;
    unsigned first, last; /* HTTP */
    pk_command *command;
    pk_duration most; /* HEARTBEAT */
    pk_probe_callback callback;
    void *data;
};

/* Takes NULL. */
pk_probe *probe_ref(pk_probe *probe);

/* Whether it makes sense: 0, or what was remembered, and what asking it would say. Accepts NULL, for which memory had
 * run out. */
int probe_check(const pk_probe *probe, pk_error *error);

/* Begins one that asks as io/probe.h does: not a command or a heartbeat. */
int probe_begin(const pk_probe *probe, struct probe *asking, pk_error *error);

#endif
