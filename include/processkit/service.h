/*
 * Services: commands that are to be kept alive, by the rules that are set here.
 *
 *     pk_service *database = pk_supervisor_add(supervisor, "database", postgres);
 *     pk_service_ready_take(database, pk_probe_port("127.0.0.1", 5432));
 *
 *     pk_service *web = pk_supervisor_add(supervisor, "web", server);
 *     pk_service_needs(web, "database");
 *     pk_service_ready_notify(web);
 *
 * A service belongs to its supervisor (supervisor.h). Each time it is started is an *incarnation*: a run of its command
 * in a private group. The next one is never started before the tree of the last is proved empty; if that cannot be
 * proved, because a member cannot be killed, the service is stuck until it can.
 *
 * What the command says of deadlines, limits, stopping and leftovers holds for each incarnation. With the leftovers
 * policy `wait` a service goes on while any member does, so that daemons which leave their leader can be supervised.
 *
 * All functions accept a NULL service. What is wrong with a setting is remembered, and reported when the supervisor is
 * run, or for a service that is added while it runs, as the end PK_SERVICE_INVALID. Settings may be changed while it
 * runs; they hold from the next incarnation on, but for the order of stops (pk_service_needs).
 */
#ifndef PROCESSKIT_SERVICE_H
#define PROCESSKIT_SERVICE_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/macros.h>
#include <processkit/probe.h>
#include <processkit/result.h>
#include <processkit/run.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

PK_BEGIN_DECLS

typedef struct pk_service pk_service;

/* ---- Again ------------------------------------------------------------------------------------------------------ */

typedef enum pk_restart {
    PK_RESTART_ON_FAILURE, /* the default: when a run did not succeed, was not ready in time, or was not well */
    PK_RESTART_ALWAYS,     /* also when it has succeeded */
    PK_RESTART_NEVER,
} pk_restart;

#define PK_RESTART_WINDOW 64

/*
 * When, how often and how soon a service is started again.
 *
 * The pause before a restart is `first_pause` after the first end, and so many times longer (`factor`) after each that
 * follows, `most_pause` at most; with `jitter` it is a random part of that, at least half. A run that was up for
 * `healthy`, from its start until its tree was empty, begins that anew. If `storm_failures` failures come within
 * `storm_time`, the pause is `storm_pause`, with `jitter` a part of that, too: what fell together is not to come back
 * together. The next storm needs as many failures again.
 *
 * Given up is what was restarted `most` times, or is to be restarted more than `burst` times within `burst_time`, where
 * a restart counts from the end before it; and what cannot be started for a reason that does not pass by itself: a
 * program that is not there or cannot be executed, a command that makes no sense, a requirement that cannot be met.
 */
typedef struct pk_restart_options {
    size_t size; /* PK_RESTART_OPTIONS_INIT sets it */
    pk_restart when;
    unsigned most;          /* restarts in all; UINT_MAX: any number */
    unsigned burst;         /* at most PK_RESTART_WINDOW; 0: any number */
    pk_duration burst_time; /* any, if `burst` is 0 */
    pk_duration first_pause;
    pk_duration most_pause;
    unsigned factor; /* at least 1 */
    bool jitter;
    pk_duration healthy;
    unsigned storm_failures; /* at most PK_RESTART_WINDOW; 0: there are no storms */
    pk_duration storm_time;
    pk_duration storm_pause;
} pk_restart_options;

#define PK_RESTART_OPTIONS_INIT                                                                                      \
    {                                                                                                                \
        sizeof(pk_restart_options), PK_RESTART_ON_FAILURE, ~0U, 0, 0, PK_MILLISECONDS(200), PK_SECONDS(30), 2, true, \
            PK_SECONDS(30), 0, PK_SECONDS(30), PK_SECONDS(60)                                                        \
    }

/* NULL: as PK_RESTART_OPTIONS_INIT has it. */
PK_API void pk_service_restarts(pk_service *service, const pk_restart_options *options);

/* What the end of an incarnation means. */
typedef enum pk_judgement {
    PK_JUDGE_BY_POLICY, /* what pk_restart_options say */
    PK_JUDGE_RESTART,   /* it is started again, if its restarts are not used up */
    PK_JUDGE_DONE,      /* it has done what it was to do */
    PK_JUDGE_GIVE_UP,   /* there is no use in trying again */
} pk_judgement;

/* Asked at the end of each incarnation that was not stopped on request, when its tree is empty. `result` is NULL if it
 * could not be started, and `error` tells why; `error` is NULL for a success. */
typedef pk_judgement (*pk_service_judge)(pk_service *service, const pk_result *result, const pk_error *error,
                                         void *data);
PK_API void pk_service_on_end(pk_service *service, pk_service_judge judge, void *data);

/* ---- Ready ------------------------------------------------------------------------------------------------------ */

/*
 * When it can be used. The last of these calls holds; without any it is ready as soon as it runs. Until then it is
 * starting, and whoever needs it waits.
 */

/* When the probe is good for the first time. The probe is the service's now, also if something is wrong with it. */
PK_API void pk_service_ready_take(pk_service *service, pk_probe *probe);

/* When it writes a line to that descriptor that `match` takes; NULL: any. */
PK_API void pk_service_ready_line(pk_service *service, int fd, pk_match_callback match, void *data);

/* When it writes a line feed to that descriptor, from 3 on, which is a pipe for it then: the way of s6. */
PK_API void pk_service_ready_fd(pk_service *service, int fd);

/* When it says READY=1 to the socket in its variable NOTIFY_SOCKET: the way of systemd, see pk_service_notify. */
PK_API void pk_service_ready_notify(pk_service *service);

/* When it has ended, and with success: what prepares something for others. */
PK_API void pk_service_ready_end(pk_service *service);

#define PK_DEFAULT_READY_TIMEOUT PK_SECONDS(90)

/* How long that may take (default PK_DEFAULT_READY_TIMEOUT; PK_FOREVER: any time); then it is stopped, which is a
 * failure. 0 is invalid. Not for pk_service_ready_end: there is the command's own timeout. */
PK_API void pk_service_ready_timeout(pk_service *service, pk_duration timeout);

/* ---- Well ------------------------------------------------------------------------------------------------------- */

typedef struct pk_alive_options {
    size_t size;          /* PK_ALIVE_OPTIONS_INIT sets it */
    pk_duration interval; /* from the end of one question to the next */
    pk_duration timeout;  /* of each: without an answer by then it was not good */
    unsigned failures;    /* in a row, until it is not well; at least 1 */
} pk_alive_options;

#define PK_ALIVE_OPTIONS_INIT                                      \
    {                                                              \
        sizeof(pk_alive_options), PK_SECONDS(10), PK_SECONDS(5), 3 \
    }

/* Asked while it is ready, for the first time one interval after that. A service that is not well is stopped, as its
 * command says, which is a failure. One for each service; `options` NULL: as PK_ALIVE_OPTIONS_INIT has it. */
PK_API void pk_service_alive_take(pk_service *service, pk_probe *probe, const pk_alive_options *options);

/*
 * Gives it a socket, by its address in NOTIFY_SOCKET, to which it may say, as sd_notify(3) does: READY=1, RELOADING=1,
 * STOPPING=1, STATUS=text, WATCHDOG=1, WATCHDOG=trigger, WATCHDOG_USEC=, EXTEND_TIMEOUT_USEC=, MAINPID= (which is
 * ignored: the tree counts), ERRNO=, BARRIER=1. Anything else is ignored, too. Only members of its tree are heard, and
 * processes that had ended when their word was read, if they were the service's user's, the owner's or root's.
 *
 * The address is an abstract one: a service in a network namespace of its own cannot reach it.
 */
PK_API void pk_service_notify(pk_service *service);

/* It is not well if it does not say WATCHDOG=1 at least so often, counted from when it is ready; it finds that time in
 * WATCHDOG_USEC. 0 is invalid. With pk_service_notify. */
PK_API void pk_service_watchdog(pk_service *service, pk_duration most);

/* ---- Order ------------------------------------------------------------------------------------------------------ */

/*
 * It is started only when that service is ready, and that one is stopped only when this one has ended. It is no more
 * than an order: this one goes on if that one ends, and is not started anew with it. If that one is over when this one
 * is to be started, this one is as well (PK_SERVICE_NEEDLESS), unless being over is how that one is ready. A name that
 * there is not, and services that need each other in a circle, are -EINVAL when the supervisor is run. For one that is
 * added later, or is given a need later, such a name means that it waits, and a circle that it is not started
 * (PK_SERVICE_INVALID). A need that is added while this one runs holds up the stop of that one at once.
 */
PK_API void pk_service_needs(pk_service *service, const char *name);

/* ---- Logs ------------------------------------------------------------------------------------------------------- */

typedef struct pk_log_options {
    size_t size;         /* PK_LOG_OPTIONS_INIT sets it */
    const char *path;    /* NULL: the owner's stderr, each line after the name of the service */
    uint64_t most_bytes; /* when the file has reached that, it becomes PATH.1, and that PATH.2; 0: never */
    unsigned keep;       /* files besides PATH; those beyond are removed. 0: PATH is emptied */
    bool times;          /* each line after the time it was read at, as RFC 3339 in UTC, with milliseconds */
} pk_log_options;

#define PK_LOG_OPTIONS_INIT                                                \
    {                                                                      \
        sizeof(pk_log_options), (const char *)0, 10 * 1024 * 1024, 5, true \
    }

/*
 * What it writes to stdout and stderr goes, line by line and with all bytes as they are, to a file, which is made with
 * 0640 or continued. `options` NULL: as PK_LOG_OPTIONS_INIT has it. Without this call: as the command says.
 *
 * A link is followed, /dev/stdout too; only a regular file that is no link is rotated. No line is cut by that, and a
 * rotation that cannot be is noted in the file, which goes on. One that somebody else moves away or removes is made
 * anew by the next line a second later. Several services may share a file that is never rotated by size (`most_bytes` 0
 * for each of them); otherwise that is invalid, whatever paths lead to it.
 *
 * The service never waits for it. A file that cannot be written to, since the disk is full perhaps, gets the lines that
 * come when it can again. Of what is read too slowly, such as a pipe, 256 KiB are kept until it is. What is lost is
 * counted, told (PK_SERVICE_LOG_LOST) and noted where it is missing: "[3 lines were lost: No space left on device]". A
 * line longer than PK_LINE_MAX that the other stream comes between is continued in a line of its own.
 */
PK_API void pk_service_log(pk_service *service, const pk_log_options *options);

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/*
 * These return at once; events tell what comes of them. -ESRCH: the supervisor does not run (any more).
 */

/* Starts one that is not wanted, or is over, as if for the first time, and with it those that it needs. For one that
 * pauses, at once. */
PK_API int pk_service_start(pk_service *service, pk_error *error);

/* Stops it, when all that need it have ended, which are stopped as well; `options` NULL: as its command says. It stays
 * until it is started. Once more can only make it harder. */
PK_API int pk_service_stop(pk_service *service, const pk_stop_options *options, pk_error *error);

/* Stops it and starts it again, without a pause and without counting, also if it was to be stopped. Services that need
 * it go on. */
PK_API int pk_service_restart(pk_service *service, pk_error *error);

/* Sends it the reload signal (default SIGHUP), to the leader; -ESRCH unless it is ready: before that it may not have a
 * handler yet. Signal 0: there is no such thing as a reload, and this is a restart. */
PK_API int pk_service_reload(pk_service *service, pk_error *error);
PK_API void pk_service_reload_signal(pk_service *service, int signal_number);

/* Stops it, whoever needs it, but after those that need it and are to end as well; and forgets it when its tree is
 * empty (PK_SERVICE_REMOVED): the handle is gone then. If its supervisor does not run: at once, or when the event that
 * it is called from has been told. A new service of that name can be added right away; it waits for that. */
PK_API void pk_service_remove(pk_service *service);

/* ---- How it stands ---------------------------------------------------------------------------------------------- */

typedef enum pk_service_state {
    PK_SERVICE_RESTING = 1, /* it is not wanted: not started yet, or stopped */
    PK_SERVICE_WAITING,     /* for those that it needs, or the one before it with its name */
    PK_SERVICE_STARTING,    /* it runs and is not ready */
    PK_SERVICE_READY,
    PK_SERVICE_STOPPING, /* it was told to end */
    PK_SERVICE_EMPTYING, /* its leader has ended, and its tree is not empty */
    PK_SERVICE_PAUSING,  /* until it is started again */
    PK_SERVICE_OVER,     /* it will not be started again by itself: see pk_service_end */
} pk_service_state;

/* Why a service is over. */
typedef enum pk_service_end {
    PK_SERVICE_SATISFIED = 1, /* it succeeded, and is not to be restarted then */
    PK_SERVICE_DONE,          /* PK_JUDGE_DONE */
    PK_SERVICE_FAILED,        /* it failed, and is not to be restarted */
    PK_SERVICE_GAVE_UP,       /* PK_JUDGE_GIVE_UP, or it cannot be started */
    PK_SERVICE_EXHAUSTED,     /* it was restarted as often as it may be */
    PK_SERVICE_NEEDLESS,      /* one that it needs is over */
    PK_SERVICE_INVALID,       /* its settings make no sense */
} pk_service_end;

/* "resting", "waiting", "starting", "ready", "stopping", "emptying", "pausing", "over"; "unknown" otherwise. Static;
 * any thread. */
PK_API const char *pk_service_state_name(pk_service_state state);

/* "satisfied", "done", "failed", "gave-up", "exhausted", "needless", "invalid"; "unknown" otherwise. Static; any
 * thread. */
PK_API const char *pk_service_end_name(pk_service_end end);

typedef struct pk_service_status {
    pk_service_state state;
    pk_service_end end;   /* 0 unless the state is OVER */
    pk_time since;        /* when it came into that state */
    bool reloading;       /* it has said so, and not yet that it is ready again */
    bool stuck;           /* members of its tree cannot be killed */
    pid_t pid;            /* of the leader; 0: there is none */
    unsigned incarnation; /* how often it was started */
    unsigned restarts;    /* of these, by itself */
    unsigned storms;
    unsigned not_well;       /* how often it was stopped for not being well */
    unsigned alive_misses;   /* questions in a row that were not answered well */
    pk_time started;         /* the last incarnation; 0: there was none */
    pk_time resumes;         /* PAUSING: when it is started again */
    int error_number;        /* what it has said as ERRNO=, without a sign; 0: nothing. Until it is started again */
    uint64_t log_lost;       /* lines */
    const pk_result *result; /* of the last run that has ended; NULL: there is none. Until the next has ended */
    const char *text;        /* what it said last as STATUS=, fit for a terminal; "": nothing. Until started again */
    uint64_t reserved[8];
} pk_service_status;

PK_API void pk_service_look(const pk_service *service, pk_service_status *status);

PK_API const char *pk_service_name(const pk_service *service);

/* Its process, while it runs; NULL otherwise. It may be looked at and signalled; not watched or waited for. If a
 * callback of the command frees it, it is killed, but nobody can prove any more that it is gone: so the service is
 * given up (PK_SERVICE_GAVE_UP), or rests if it was to end. */
PK_API pk_process *pk_service_process(const pk_service *service);

PK_END_DECLS

#endif
