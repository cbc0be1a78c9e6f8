/*
 * What a pk_supervisor and a pk_service are inside.
 */
#ifndef PK_SUPERVISE_SUPERVISE_H
#define PK_SUPERVISE_SUPERVISE_H

#include "base/problem.h"
#include "loop/loop.h"
#include "supervise/inquiry.h"
#include "supervise/log.h"
#include "supervise/machine.h"
#include "supervise/notify.h"

#include <processkit/stream.h>
#include <processkit/supervisor.h>

enum readiness { READY_AT_ONCE, READY_BY_PROBE, READY_BY_LINE, READY_BY_FD, READY_BY_NOTIFY, READY_BY_END };

/* How it is told that it is ready. */
struct ready_sign {
    enum readiness by;
    int fd;                  /* LINE and FD */
    pk_match_callback match; /* LINE; NULL: any */
    void *data;
};

/* A service that this one needs, by name; who that is, as long as the services are the same. */
struct need {
    char *name;
    pk_service *service;
    unsigned generation; /* of the supervisor, when that was looked up */
};

/* What a command itself wants to be told of a stream that the supervisor listens to. */
struct listener {
    int fd; /* 0: there is none */
    pk_line_callback callback;
    void *data;
};

enum { SERVICE_LISTENERS = 3 /* stdout, stderr, and where it says that it is ready */, SERVICE_NAME_SIZE = 65 };

struct pk_service {
    pk_supervisor *supervisor;
    pk_service *next; /* in the order they were added */
    struct problem problem;
    char name[SERVICE_NAME_SIZE];

    /* What is asked for. */
    bool notifies;
    bool logs, log_changed;
    int reload_signal;
    pk_command *command;
    pk_restart_options restarts;
    pk_service_judge judge;
    void *judge_data;
    struct ready_sign sign;
    pk_probe *ready_probe;
    pk_duration ready_timeout;
    pk_probe *alive_probe;
    pk_alive_options alive;
    pk_duration watchdog; /* 0: none */
    struct need *needs;
    size_t need_count;
    pk_log_options log_options;
    char *log_path;
    struct log_place log_place; /* when it was checked last; no name: it was not */

    /* What becomes of it. */
    struct machine machine;
    bool unwanted;     /* it is to rest, when those that need it do */
    bool removing;     /* and is forgotten then */
    bool told_to_rest; /* the machine was */
    bool enlisted;     /* it is carried by the loop */
    bool held;         /* somebody that it has to outlive has a tree, if that is known */
    bool misnamed;     /* another one has its name, or it has none */
    bool log_due;      /* lines have come that are not written yet */
    bool has_last;
    enum { VISIT_NONE, VISIT_ENTERED, VISIT_LEFT } visit; /* by order_check */
    unsigned checked;                                     /* by then it did not need itself: see generation */
    int log_watched;                                      /* while there is no room in it; -1: there is */
    const char *awaited;          /* by the last word on that since it began to wait; NULL: there was none */
    pk_stop_options stop_options; /* size 0: as the command says */
    struct loop_timer timer;      /* whatever it waits for next */
    struct service_log log;
    struct loop_watch log_watch;
    uint64_t log_lost;   /* by logs before this one */
    pk_result last;      /* of the last run that has ended, if there is one */
    pk_error last_error; /* number 0: there is none */

    /* The incarnation. */
    pk_process *process;
    pid_t pid;
    unsigned alive_misses;
    unsigned not_well; /* of all of them */
    int error_number;  /* ERRNO= */
    bool leader_ended;
    bool has_notify;
    bool reloading, winding_down; /* as it says itself */
    bool stuck;                   /* it has ended, or could not be watched, and its tree is not empty */
    bool refused;                 /* the latter: it counts as one that could not be started */
    bool overdue;                 /* a time has come; what came before that is heard first */
    struct ready_sign now;        /* the sign and the options that it goes by */
    pk_alive_options alive_now;
    struct listener listeners[SERVICE_LISTENERS];
    struct inquiry ready_inquiry, alive_inquiry;
    struct notify notify;
    pk_duration ready_pause;   /* before it is asked again */
    pk_time ready_by;          /* STARTING: when it is late */
    pk_duration watchdog_time; /* as it has said last; 0: none */
    pk_time fed_by;            /* READY, with a watchdog: when it is not well any more */
    pk_time alive_from;        /* READY, if it could not be begun to ask: when that is tried again */
    pk_time stuck_until;       /* when that is looked at again */
    pk_duration stuck_pause;   /* and how long after that */
    char text[256];            /* STATUS= */
};

enum supervisor_phase { SUPERVISOR_BUILT, SUPERVISOR_RUNNING, SUPERVISOR_OVER };

struct pk_supervisor {
    struct problem problem;
    pk_service *first, **end;
    pk_service_event_callback on_event;
    void *event_data;
    bool stays;
    pk_cancel *cancel;

    enum supervisor_phase phase;
    pk_loop *loop;
    uint64_t epoch;          /* a forked copy must not go on with it */
    struct loop_timer timer; /* when there is something to look at */
    struct loop_watch token;
    int token_fd; /* a copy; -1 */
    bool stopping;
    unsigned telling;    /* calls of on_event that have not returned */
    unsigned generation; /* of its services: others than before */
    bool held_known;     /* who is held by others: nothing has changed since that was found out */
    pk_supervisor_ended ended;
    void *ended_data;
};

/* ---- service.c -------------------------------------------------------------------------------------------------- */

PK_PRINTF(3, 4) void service_remember(pk_service *service, int number, const char *format, ...);

/* Whether its settings make sense. */
int service_check(pk_service *service, pk_error *error);

/* Takes it out of its supervisor, and kills what runs. */
void service_forget(pk_service *service);

/* ---- order.c ---------------------------------------------------------------------------------------------------- */

/* There are other services than before, or other needs. */
void order_is_another(pk_supervisor *supervisor);

/* Whether nothing needs itself, and everything that services need is there. */
int order_check(const pk_supervisor *supervisor, pk_error *error);

/* Whether this one does not need itself, as far as what it needs is there. */
int order_check_one(pk_service *service, pk_error *error);

/* Whether whoever needs this one can begin. */
bool order_is_satisfied(const pk_service *need);

/* What this one still has to wait for: a name, or NULL. `hopeless`: that will never be ready. */
const char *order_awaited(pk_service *service, bool *hopeless);

/* Whether somebody that needs it has a tree: for one that is being removed, somebody that is to end as well. */
bool order_is_held(pk_service *service);

/* Calls back for each service that needs this one, or that this one needs. */
void order_each_dependent(pk_service *service, void (*visit)(pk_service *dependent));
void order_each_need(pk_service *service, void (*visit)(pk_service *need));

/* ---- drive.c ---------------------------------------------------------------------------------------------------- */

/* Tells the machine, and does what it says. */
void service_feed(pk_service *service, enum machine_event event);

/* The same, when its tree is empty, and when it could not be started: how it ended is in last, and last_error. */
void service_feed_empty(pk_service *service);
void service_feed_refusal(pk_service *service);

/* Looks soon, from the loop, at what there is to do for all of them. */
void supervisor_poke(pk_supervisor *supervisor);

int supervisor_begin(pk_supervisor *supervisor, pk_error *error);
void supervisor_end(pk_supervisor *supervisor);
void supervisor_stop(pk_supervisor *supervisor, const pk_stop_options *options);

/* Something is to be called back at the time that service_wake tells. */
void service_set_timer(pk_service *service);

/* ---- request.c -------------------------------------------------------------------------------------------------- */

/* It is to rest, as soon as that may be. `options` NULL: as its command says. */
void service_stop(pk_service *service, const pk_stop_options *options);
int stop_check(const pk_stop_options *options, pk_stop_options *checked, pk_error *error);

/* ---- incarnation.c ---------------------------------------------------------------------------------------------- */

/* Starts it: 1. A negative errno, with the error in last_error: it could not be started. 0, with the error as well: the
 * same, but something of it is still to be ended, which is told in the end. */
int incarnation_start(pk_service *service);

/* Ends it, as the service was asked to, or as its command says. */
void incarnation_stop(pk_service *service);

/* The next time something is due, and what is due now. */
pk_time incarnation_wake(const pk_service *service);
void incarnation_on_time(pk_service *service, pk_time now);

/* Kills what runs and calls nobody. */
void incarnation_drop(pk_service *service);

/* Whether that process is of its tree, in whichever group: as group_has_member tells it. */
int incarnation_has_member(const pk_service *service, pid_t pid);

/* ---- health.c --------------------------------------------------------------------------------------------------- */

/* Before the start: what the command is given to say on that it is ready, and what is asked. */
int health_begin(pk_service *service, pk_command *command, pk_error *error);

/* It runs: by then it is to be ready. And it is ready: from now on, whether it is well. */
void health_expect(pk_service *service);
void health_watch(pk_service *service);

void health_hear_line(pk_service *service, const pk_line *line);
void health_hear_last_words(pk_service *service);

/* It is about to end: nothing is asked or expected any more. And it has ended: nothing is heard. */
void health_ask_no_more(pk_service *service);
void health_end(pk_service *service);

pk_time health_wake(const pk_service *service);
void health_on_time(pk_service *service, pk_time now);

/* ---- journal.c -------------------------------------------------------------------------------------------------- */

/* As the service's settings have it by now. */
int journal_open(pk_service *service, pk_error *error);
void journal_write(pk_service *service, const pk_line *line);

/* What was gathered; tells what was lost. */
void journal_flush(pk_service *service);

/* Its streams have ended. */
void journal_finish(pk_service *service);
void journal_close(pk_service *service);

/* ---- event.c ---------------------------------------------------------------------------------------------------- */

/* Fills in who and when, and tells. */
void service_tell(pk_service *service, pk_service_event event);

#endif
