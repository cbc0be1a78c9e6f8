/*
 * What a pk_process is inside.
 */
#ifndef PK_PROCESS_PROCESS_H
#define PK_PROCESS_PROCESS_H

#include "io/feed.h"
#include "io/stream.h"
#include "loop/loop.h"
#include "process/run.h"

struct company;
struct process_watch;

/* Sees what becomes of a process, for a runner that takes it down. */
struct process_tap {
    struct stream_tap stream; /* first */

    /* It has finished, or is freed before that; the last call. */
    void (*over)(struct process_tap *tap, const pk_process *process);
};

struct pk_process {
    struct run run;
    struct stream *streams; /* by descriptor of the child; all but 0 */
    size_t stream_count;
    struct feed feed;           /* what fills 0 */
    struct shared *input_bytes; /* that it gives: the command may be gone before they are */
    int input;                  /* our end of 0 if it is not filled by us; -1: none */
    bool input_is_terminal;
    bool input_ended; /* then it is not closed */
    pk_cancel *cancel;

    pk_duration idle_timeout; /* 0: none */
    pk_time last_output;
    pk_duration drain;
    bool draining;
    pk_time drained; /* when streams that are still open are given up, once the run has ended */
    pk_time run_wake;
    pk_time looked; /* by who asks for lines, roughly: at everything else */
    bool finished;  /* the run, and all streams */
    size_t turn;    /* the stream that is asked for a line next */
    unsigned told;  /* events that pk_process_next_event has given, as bits */

    /* A callback may free the process: then the memory stays until nobody is busy with it. */
    unsigned busy;
    unsigned held; /* by who waits for several, while others of them are busy */
    bool freed;
    void (*on_free)(void *data); /* whoever keeps it learns that somebody else frees it; NULL: nobody does */
    void *free_data;

    struct company *company; /* goes along with it; NULL: nobody does */
    pk_process *whole;       /* whose company it is part of; NULL: nobody's */

    struct stream_tap *taps;     /* process_taps, each of all streams that are read */
    struct process_watch *watch; /* NULL: not watched by a loop */
    struct tracer tracer;        /* the command's */
    pk_time spawned;             /* 0: it was not told yet */
    bool announced;              /* to who traces the loop */
    char *program;               /* for messages */
};

/* What becomes of descriptors beside what the command says. */
enum process_stdio {
    STDIO_AS_SAID,    /* nothing: the caller gets the process, and with it the pipes */
    STDIO_UNATTENDED, /* nothing, and nobody gets the process */
    STDIO_CAPTURED,   /* the same, and stdout and stderr are captured where the command says nothing */
};

/* By the command's runner, if it has one. */
int process_start(const pk_command *command, enum process_stdio stdio, pk_process **process, pk_error *error);

/* In a private group of its own. What the command does not allow was asked before. */
int process_start_real(const pk_command *command, enum process_stdio stdio, pk_process **process, pk_error *error);

/* In a group that was made for it and is its own from now on, also after a failure. */
int process_start_in(pk_group *group, const pk_command *command, enum process_stdio stdio, pk_process **process,
                     pk_error *error);

/* Before anything was read. The tap stays the caller's, and must stay until it is over. */
void process_tap(pk_process *process, struct process_tap *tap);
void process_end_taps(pk_process *process);

/* wait.c: pk_process_wait without a deadline, right after the start. */
int process_wait_started(pk_process *process, pk_error *error);

/* By the child's number; NULL: there is no such stream. */
struct stream *process_stream(const pk_process *process, int fd);

/* Around everything that may call callbacks. process_leave frees what was freed meanwhile: false, and it is gone. */
void process_enter(pk_process *process);
bool process_leave(pk_process *process);

/* process-streams.c: for a caller who frees it. */
int process_copy_line(const pk_line *line, char **ret, pk_error *error);

/* process-streams.c: takes what was written to a descriptor up to the end of that text, as pk_process_next_line takes
 * lines: 1, 0 if the stream has ended without it, or a negative errno. */
int process_find_text(pk_process *process, int fd, const char *text, pk_time deadline, pk_error *error);
/* Its memory stays meanwhile, whoever frees it. */
void process_hold(pk_process *process);
void process_unhold(pk_process *process);

/* watch.c: the loop that carries it; NULL: none, or it was freed. */
pk_loop *process_loop(const pk_process *process);

/* watch.c: stops watching. Safe inside the callback. */
void process_unwatch(pk_process *process);

/* watch.c: before something that may close what is watched, and after something that changes what is waited for. */
void process_unfollow(pk_process *process);
void process_refollow(pk_process *process);

#endif
