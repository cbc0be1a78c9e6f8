/*
 * Why something failed.
 *
 * The return value decides what a program does; a pk_error tells a person (or a log) what happened. It belongs to the
 * caller, holds no resources and needs no initialisation and no freeing: a failing function overwrites it, a succeeding
 * one leaves it alone. Every function that takes one accepts NULL.
 */
#ifndef PROCESSKIT_ERROR_H
#define PROCESSKIT_ERROR_H

#include <processkit/macros.h>

PK_BEGIN_DECLS

/* What sort of failure it is: the errno says how the kernel put it, the kind what it means here. */
typedef enum pk_error_kind {
    PK_ERROR_NONE,             /* no failure */
    PK_ERROR_INVALID,          /* the request makes no sense: an argument, an option, a combination */
    PK_ERROR_NOT_FOUND,        /* the program was found nowhere; see `searched` */
    PK_ERROR_PERMISSION,       /* not allowed, or found but not executable */
    PK_ERROR_SPAWN,            /* the child could not be started; `step` says how far it came */
    PK_ERROR_RESOURCE_LIMIT,   /* a limit that was asked for is invalid or cannot be enforced */
    PK_ERROR_UNSUPPORTED,      /* this kernel, place or mechanism cannot do it */
    PK_ERROR_TIMEOUT,          /* a deadline passed: the caller's own, or that of a run */
    PK_ERROR_IO,               /* reading or writing failed */
    PK_ERROR_TEARDOWN,         /* members were left after the hard kill, or after the leader where that is a failure */
    PK_ERROR_NO_MEMORY,        /* memory or another kernel resource ran out */
    PK_ERROR_EXIT,             /* the leader exited with a code that is no success; see `exit_code` */
    PK_ERROR_SIGNALLED,        /* the leader died by a signal; see `signal_number` */
    PK_ERROR_IDLE_TIMEOUT,     /* the run was silent for too long */
    PK_ERROR_CANCELLED,        /* the run was cancelled or stopped, or not even started for that reason */
    PK_ERROR_OUTPUT_TOO_LARGE, /* the run wrote more than is kept, and all of it was wanted */
    PK_ERROR_STDIN,            /* the input of the run could not be given */
    PK_ERROR_PARSE,            /* what it wrote, or a file, was not what was expected */
    PK_ERROR_LOST,             /* how it ended was taken by another part of the program */
    PK_ERROR_NOT_READY,        /* a process was not ready in time, or has ended before it was */
    PK_ERROR_UNEXPECTED,       /* a runner does not know what the command would do: see runner.h */
} pk_error_kind;

/* The step that failed. A spawn takes them in about this order. */
typedef enum pk_step {
    PK_STEP_NONE,
    PK_STEP_ARGUMENTS,     /* checking what the caller passed */
    PK_STEP_ALLOCATE,      /* memory */
    PK_STEP_FIND_CGROUP,   /* reading where cgroup2 is mounted and where this process is in it */
    PK_STEP_MAKE_CGROUP,   /* creating a cgroup directory */
    PK_STEP_OPEN_CGROUP,   /* opening a cgroup directory or one of its files */
    PK_STEP_ENABLE_LIMITS, /* enabling controllers */
    PK_STEP_SET_LIMITS,    /* writing a limit */
    PK_STEP_REQUIRE,       /* comparing the guarantees asked for with those to be had */
    PK_STEP_OPEN_STDIO,    /* opening a file or a pipe for the child */
    PK_STEP_CLONE,         /* creating the child */
    PK_STEP_JOIN_CGROUP,   /* the child entering its cgroup */
    PK_STEP_SESSION,       /* setsid or setpgid */
    PK_STEP_UMASK,
    PK_STEP_NICE,
    PK_STEP_IO_PRIORITY,
    PK_STEP_AFFINITY,
    PK_STEP_RLIMIT,
    PK_STEP_DESCRIPTORS, /* arranging descriptors, closing all others */
    PK_STEP_SETGROUPS,
    PK_STEP_SETGID,
    PK_STEP_SETUID,
    PK_STEP_CHDIR,
    PK_STEP_SIGNALS,      /* dispositions and mask */
    PK_STEP_PARENT_DEATH, /* arming the parent-death signal */
    PK_STEP_EXEC,
    PK_STEP_WAIT,       /* waiting for an end, or until something is ready */
    PK_STEP_ADOPT,      /* moving a running process in */
    PK_STEP_LIST,       /* reading members */
    PK_STEP_SIGNAL,     /* sending a signal */
    PK_STEP_FREEZE,     /* suspending or resuming */
    PK_STEP_KILL,       /* the hard kill */
    PK_STEP_DRAIN,      /* waiting for the tree to become empty */
    PK_STEP_READ_USAGE, /* reading counters */
    PK_STEP_LOOP,       /* epoll and timers */
    PK_STEP_GUARDIAN,   /* starting the guardian */
    PK_STEP_REMOVE,     /* removing a cgroup directory */
    PK_STEP_SPAWNER,    /* starting a spawner, or a command or guardian by one */
    PK_STEP_TERMINAL,   /* making a terminal for the child, the child taking it, resizing it */
} pk_step;

#define PK_ERROR_MESSAGE_SIZE  512
#define PK_ERROR_PATH_SIZE     256
#define PK_ERROR_SEARCHED_SIZE 1024

typedef struct pk_error {
    int number; /* the negative errno, the same that was returned */
    pk_error_kind kind;
    pk_step step;
    int exit_code;     /* PK_ERROR_EXIT */
    int signal_number; /* PK_ERROR_SIGNALLED */
    int reserved[3];
    char path[PK_ERROR_PATH_SIZE];         /* the file or program concerned, or "" */
    char searched[PK_ERROR_SEARCHED_SIZE]; /* not found: where the program was looked for, separated by ':', or "" */
    char message[PK_ERROR_MESSAGE_SIZE];   /* one line for people: "what failed: why (what to do)" */
} pk_error;

/*
 * The three strings may be cut to fit, never in the middle of a UTF-8 character. `message` has control characters,
 * and whatever else could harm a terminal, replaced by escapes such as \n and \x1b; `path` and `searched` are the
 * bytes as they were.
 */

/* The names of kinds and steps as they appear in events and logs ("not-found", "make-cgroup"): stable, static
 * strings; "unknown" for anything else. Any thread. */
PK_API const char *pk_error_kind_name(pk_error_kind kind);
PK_API const char *pk_step_name(pk_step step);

PK_END_DECLS

#endif
