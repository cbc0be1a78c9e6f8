/*
 * A part of a play: one process that is none, with its descriptors and what signals do to it.
 */
#ifndef PK_TESTING_PART_H
#define PK_TESTING_PART_H

#include "process/plan.h"

#include <processkit/time.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PART_SIGNALS = 65 };

struct part_descriptor {
    int target; /* its number in the child */
    int fd;     /* ours; -1: closed */
    bool owned; /* nobody else can be waiting for it, so it may be made non-blocking */
};

struct part {
    struct part *next; /* of all parts of this process */
    struct part **link;
    pid_t pid;
    bool alive;
    bool stopped;     /* by a signal */
    bool frozen;      /* with its group */
    uint64_t pending; /* signals, as bits, for when it goes on */
    pk_time ends;     /* of itself */
    struct part_descriptor *descriptors;
    size_t count;
    short answers[PART_SIGNALS]; /* an exit code, SIGNAL_IGNORED or SIGNAL_DEFAULT */
};

/* With copies of what the plan has for the child, or of another part's. */
int part_begin(struct part *part, const struct plan *plan);
int part_fork(struct part *part, const struct part *parent);

/* It has ended: closes all. */
void part_end(struct part *part);
void part_free(struct part *part);

/* What a signal does to it, and whether only once it goes on. */
enum part_fate { PART_GOES_ON, PART_STOPS, PART_CONTINUES, PART_EXITS, PART_DIES };
enum part_fate part_by_default(int signal_number);
enum part_fate part_judge(const struct part *part, int signal_number);
bool part_defers(const struct part *part, int signal_number);

/* Whether it does nothing, not even end. */
bool part_is_halted(const struct part *part);

/* NULL: it has none of that number. */
struct part_descriptor *part_find(const struct part *part, int target);
void part_close(struct part_descriptor *descriptor);

/* Its own terminal neither changes what is written to it nor repeats what is read. */
int part_make_raw(const struct part *part);

/* Without waiting. -EAGAIN if that is not possible. */
ssize_t part_write(const struct part_descriptor *descriptor, const void *bytes, size_t length);
ssize_t part_read(const struct part_descriptor *descriptor, void *bytes, size_t size);

#endif
