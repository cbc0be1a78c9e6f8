/*
 * What is to be written to which file of a cgroup, in which order, and what would undo it.
 */
#ifndef PK_CONTAIN_LIMIT_PLAN_H
#define PK_CONTAIN_LIMIT_PLAN_H

#include <processkit/limits.h>

enum { LIMIT_TEXT_SIZE = PK_CPU_LIST_SIZE + 8 };

/* Weights for input and output have two files, one for each kind of scheduler; one of them at least must take it. */
enum limit_part { LIMIT_ALONE, LIMIT_EITHER, LIMIT_OR };

struct limit_change {
    const char *file;
    enum limit_part part;
    char text[LIMIT_TEXT_SIZE];
    char undo[LIMIT_TEXT_SIZE]; /* "": there is nothing to go back to */
};

struct limit_plan {
    struct limit_change *changes;
    size_t count;
    size_t capacity;
};

/* For a directory that was made just now. -ENOMEM. */
int limit_plan_new(struct limit_plan *plan, const pk_limits *limits);

/* For one that is in use: reads what is there. Otherwise the errno of the first file that cannot be read, and `file` is
 * its name. */
int limit_plan_replace(struct limit_plan *plan, int dir, const pk_limits *limits, const char **file);

void limit_plan_free(struct limit_plan *plan);

/* Whether the limits are kept as well if there is no such file. */
bool limit_file_may_be_absent(const char *file, const pk_limits *limits);

/* The weight of io.weight as the scheduler BFQ has it in io.bfq.weight, from 1 to 1000, and back. Both have 100 in
 * their middle. */
unsigned limit_weight_to_bfq(unsigned weight);
unsigned limit_weight_from_bfq(unsigned weight);

#endif
