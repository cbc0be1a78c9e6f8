/*
 * Supervisors: services that are started in order, kept alive, and stopped in order.
 *
 *     static void tell(pk_supervisor *supervisor, const pk_service_event *event, void *data)
 *     {
 *         char line[256];
 *         printf("%s\n", pk_service_event_format(event, line, sizeof(line)));
 *     }
 *
 *     pk_auto(pk_supervisor) supervisor = pk_supervisor_new();
 *     pk_service *server = pk_supervisor_add(supervisor, "server", command);
 *     pk_service_ready_take(server, pk_probe_port("localhost", 8080));
 *     pk_supervisor_on_event(supervisor, tell, NULL);
 *     if (pk_supervisor_run(supervisor, &error) < 0) ...
 *
 * A supervisor belongs to one thread. It has no threads and waits for nothing but its loop: while nothing happens,
 * nothing is woken. Callbacks may do anything but free it: for that there is pk_supervisor_stop.
 */
#ifndef PROCESSKIT_SUPERVISOR_H
#define PROCESSKIT_SUPERVISOR_H

#include <processkit/cancel.h>
#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/loop.h>
#include <processkit/macros.h>
#include <processkit/result.h>
#include <processkit/service.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

PK_BEGIN_DECLS

typedef struct pk_supervisor pk_supervisor;

/* NULL only when memory ran out; all functions accept that NULL, and the run reports it. */
PK_API pk_supervisor *pk_supervisor_new(void);

/* Kills what runs, and calls nobody back. Not from a callback. Takes NULL; returns NULL. */
PK_API pk_supervisor *pk_supervisor_free(pk_supervisor *supervisor);

PK_DEFINE_CLEANUP(pk_supervisor);

/* ---- Services --------------------------------------------------------------------------------------------------- */

/*
 * One more service, before the run or during it; the command is copied, and so is the name: 1 to 64 letters, digits and
 * ".-_@", that no other service has unless that is being removed. It is started as soon as the loop is dispatched. NULL
 * when memory ran out, which the run reports.
 */
PK_API pk_service *pk_supervisor_add(pk_supervisor *supervisor, const char *name, const pk_command *command);

/* The service of that name that is not being removed; NULL: there is none. */
PK_API pk_service *pk_supervisor_find(const pk_supervisor *supervisor, const char *name);

/* All of them, in the order they were added: the first one after NULL, and so on, until NULL. */
PK_API pk_service *pk_supervisor_next(const pk_supervisor *supervisor, const pk_service *service);

/* ---- Events ----------------------------------------------------------------------------------------------------- */

typedef enum pk_service_event_kind {
    PK_SERVICE_WAITS = 1, /* for a service that it needs: text is its name; or for the one before it of its own name */
    PK_SERVICE_STARTED,   /* pid */
    PK_SERVICE_START_FAILED, /* error */
    PK_SERVICE_IS_READY,     /* also after a reload */
    PK_SERVICE_NOT_READY,    /* in time; it is being stopped: text says why */
    PK_SERVICE_NOT_WELL,     /* it is being stopped: text says why */
    PK_SERVICE_RELOADS,      /* it was told to, or says so itself */
    PK_SERVICE_SAYS,         /* text: what it has said as STATUS= */
    PK_SERVICE_STOPS,        /* it was told to end, or says that it ends */
    PK_SERVICE_LEADER_ENDED, /* and its tree is not empty yet */
    PK_SERVICE_STUCK,        /* members of its tree cannot be killed: text names them; it is tried again */
    PK_SERVICE_ENDED,        /* its tree is empty: result; error: of a verb that wants success, or NULL */
    PK_SERVICE_PAUSES,       /* until it is started again: pause, storm */
    PK_SERVICE_IS_OVER,      /* end, and text why */
    PK_SERVICE_RESTS,        /* it was stopped */
    PK_SERVICE_LOG_LOST,     /* lines could not be written to its log: count, error */
    PK_SERVICE_REMOVED,      /* the last one, of one that was removed */
} pk_service_event_kind;

/* "waits", "started", "start-failed", "ready", "not-ready", "not-well", "reloads", "says", "stops", "leader-ended",
 * "stuck", "ended", "pauses", "over", "rests", "log-lost", "removed"; "unknown" otherwise. These stay. Static; any
 * thread. */
PK_API const char *pk_service_event_kind_name(pk_service_event_kind kind);

typedef struct pk_service_event {
    size_t size; /* of what the library has filled in: a later one may know more */
    pk_service_event_kind kind;
    pk_time time;      /* when it was noticed */
    uint64_t realtime; /* the same by the clock on the wall, in nanoseconds since 1970 */
    pk_service *service;
    const char *name;
    unsigned incarnation; /* how often it was started */
    pid_t pid;            /* of the leader of the last incarnation; 0: there was none */
    const pk_result *result;
    const pk_error *error;
    pk_duration pause;
    bool storm;
    pk_service_end end;
    uint64_t count;
    const char *text; /* "" if there is none; fit for a terminal */
    uint64_t reserved[4];
} pk_service_event;

/* What is not told of a kind is 0 or NULL. The event lasts as long as the call. */
typedef void (*pk_service_event_callback)(pk_supervisor *supervisor, const pk_service_event *event, void *data);
PK_API void pk_supervisor_on_event(pk_supervisor *supervisor, pk_service_event_callback callback, void *data);

/* One line for people, such as "web: exited with 3" or "web: starts again in 400ms". Any thread. Returns `buffer`. */
PK_API const char *pk_service_event_format(const pk_service_event *event, char *buffer, size_t size);

/* ---- Running ---------------------------------------------------------------------------------------------------- */

/*
 * Runs until all services rest or are over, which events and pk_service_look tell of each. 0, or a negative errno when
 * it could not begin or go on: -EINVAL for a setting, a circle or a second run, -ENOMEM, what a loop costs.
 */
PK_API PK_NODISCARD int pk_supervisor_run(pk_supervisor *supervisor, pk_error *error);

/* Lets a loop run it, which must outlive it. The callback is called when all services rest or are over, with what
 * pk_supervisor_run would return; `error` is NULL unless that is negative, and lasts as long as the call. It may free
 * the supervisor; with pk_supervisor_stay it is called only after pk_supervisor_stop. */
typedef void (*pk_supervisor_ended)(pk_supervisor *supervisor, int number, const pk_error *error, void *data);
PK_API PK_NODISCARD int pk_supervisor_start(pk_supervisor *supervisor, pk_loop *loop, pk_supervisor_ended ended,
                                            void *data, pk_error *error);

/* Whether it goes on when all services rest or are over, until pk_supervisor_stop: for programs that add and start
 * services as they go. Off by default. */
PK_API void pk_supervisor_stay(pk_supervisor *supervisor, bool stays);

/* Stops all services, each when those that need it have ended, in parallel where that may be; `options` NULL: as their
 * commands say. Once more can only make it harder. Returns at once. */
PK_API void pk_supervisor_stop(pk_supervisor *supervisor, const pk_stop_options *options);

/* The same, when that token is cancelled. For a run that begins after this call. */
PK_API void pk_supervisor_cancel(pk_supervisor *supervisor, pk_cancel *cancel);

PK_END_DECLS

#endif
