/*
 * What the owners of `bench owners` do until they are killed, and the processes they start.
 *
 * Whoever the bench has to know of reports itself: every process writes who it is to a pipe, which it keeps open as
 * long as it lives. So the end of that pipe proves that nobody is left, also nobody who had no time to report.
 */
#ifndef BENCH_OWNER_H
#define BENCH_OWNER_H

#include <processkit/group.h>

#include <stdint.h>
#include <sys/types.h>

/* The pipe at a member. */
enum { OWNER_PIPE = 3 };

enum owner_report_kind { REPORT_MEMBER = 1, REPORT_HELPER };

/* One write each. */
struct owner_report {
    uint64_t start; /* of the process, as in /proc/PID/stat: a pid alone may have been recycled */
    int32_t pid;
    uint32_t kind;
};

/* The start of a process; 0 if there is none. */
uint64_t owner_start_of(pid_t pid);

/* Random work with the library, without end; the process ends with 1 and a line on stderr if the library fails. */
_Noreturn void owner_work(pk_mechanism mechanism, uint64_t seed, int pipe);

/* The program that owners start: `shape` is what the command line said. */
int owner_be_member(const char *shape);

/* A random number below `end`; moves the state on. */
unsigned owner_random(uint64_t *state, unsigned end);

#endif
