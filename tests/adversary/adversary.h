/*
 * The adversary: one program with every bad habit a child can have, for tests to run.
 *
 *     adversary [--report FD|PATH] [--output PATH] [--life SECONDS] VERB [ARGUMENT...] [-- VERB [ARGUMENT...]]...
 *
 * The verbs are carried out in order. Some fork; what follows them is then done by the new process or processes, while
 * the old one stays where it is. At the end of the verbs a process exits with 0, or holds if its last verb is one that
 * makes no sense otherwise; `adversary help` lists them.
 *
 * The report gets one line "PID NAME" for every process, written when it is born and named after the verb that made it;
 * "ready" once all of them have come to where they stay; and "PID ! REMARK" for remarks. Each line is one write.
 *
 * With --output, `describe` writes to that file and not to stdout.
 *
 * Whatever it is told, every process of an adversary is killed by a timer of its own after --life seconds (120), so
 * that a test that fails leaves nothing forever.
 */
#ifndef PK_TESTS_ADVERSARY_H
#define PK_TESTS_ADVERSARY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* ---- Verbs ------------------------------------------------------------------------------------------------------ */

enum { ANY = 1000 }; /* number of arguments; such a verb also takes all that follows, "--" included */

struct verb {
    const char *name;
    int least, most; /* arguments */
    bool lasts;      /* holds at the end of the verbs */
    void (*run)(char **arguments);
    const char *help;
};

/* One table per theme; each ends with a NULL name. */
extern const struct verb shape_verbs[], storm_verbs[], signal_verbs[], stream_verbs[], resource_verbs[], server_verbs[],
    end_verbs[];

/* ---- The shape: who was born, who stands ------------------------------------------------------------------------ */

/* Once, at the start. `report` may be NULL. */
void shape_begin(const char *where, unsigned life_s);

/* As fork, for a process that counts: it is reported under that name, and has a lifetime. */
pid_t birth(const char *name);

/* The same without a parent: the process between exits at once and is not reported. 0 in the new process. */
pid_t birth_orphaned(const char *name);

/* This process is where it stays. The last one to say so makes the shape ready. */
void stand(void);

/* Waits until all the others stand, too. Stands. */
void wait_ready(void);

/* Stands, then does nothing for the rest of its life. */
_Noreturn void hold(void);

/* Stands, then exits. */
_Noreturn void leave(int code);

/* Writes a remark to the report. Async-signal-safe. */
void remark(const char *text);

/* Opens a file for ourselves, where it is not in the way of what a test does with descriptors, if the limit allows. */
int open_aside(const char *path);

/* Whether it was opened so. */
bool is_aside(int fd);

/* A counter that all processes of this adversary share; returns its new value. */
unsigned count_up(void);

/* ---- Small things ----------------------------------------------------------------------------------------------- */

/* One line on stderr, exit 120. With errno if it is not 0. */
_Noreturn void give_up(const char *what);

/* Arguments as a number or a signal; gives up on anything else. */
long number(const char *text);
int signal_of(const char *text);
const char *signal_text(int signal_number);

/* By a signal, whatever was done about it before, and without a core file. Returns if it does not kill. */
void die_by(int signal_number);

void sleep_ms(long milliseconds);
long monotonic_ms(void);

/* describe.c */
void describe_to(const char *path);
void describe(char **arguments);

#endif
