/*
 * What a service says of itself, as sd_notify(3) has it: a message of lines, each an assignment.
 */
#ifndef PK_SUPERVISE_NOTIFY_WORD_H
#define PK_SUPERVISE_NOTIFY_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { NOTIFY_STATUS_SIZE = 256 };

struct notify_word {
    bool ready, reloading, stopping; /* at most one: of several the last counts */
    bool watchdog;                   /* WATCHDOG=1: it is well */
    bool watchdog_trigger;           /* WATCHDOG=trigger: it is not */
    bool has_status;
    char status[NOTIFY_STATUS_SIZE]; /* what fits of it, fit for a terminal */
    uint64_t watchdog_usec;          /* 0: not said */
    uint64_t extend_usec;            /* likewise */
    int error_number;                /* likewise */

    /* Not of the message: its sender, as the kernel has told. */
    pid_t pid;
    uid_t user;
};

/*
 * Takes a message apart. 1: it says something of that. 0: nothing but what means nothing here. -EBADMSG: it is none,
 * but empty, or without a single assignment, or it has a NUL that is not its last byte.
 *
 * An assignment that is not known, or whose value makes no sense, is as if it were not there; of several with one name
 * the last counts. Values are taken to the letter: "1" and no other truth, digits and nothing around them.
 */
int notify_parse(const char *bytes, size_t length, struct notify_word *word);

#endif
