/*
 * Pruning in a place of the test's own: the machine may be full of owners, dead ones of other tests included.
 */
#ifndef PK_TESTS_PRUNING_H
#define PK_TESTS_PRUNING_H

#include "contain/mark.h"
#include "estate.h"

/* What the last directory was, and the report. */
struct seen {
    pk_prune_report report;
    pk_pruned last;
    char path[PATH_MAX];
};

/* A callback for a struct seen. */
void see(const pk_pruned *pruned, void *data);

int prune(const char *below, bool dry_run, struct seen *seen, pk_error *error);

/* Prunes; this becomes of one directory, the last that is found. */
struct seen expect(const struct estate *estate, pk_prune_action action);

/* The same, as soon as what led to `former` is over; nothing else tells when that is. */
void expect_after(const struct estate *estate, pk_prune_action former, pk_prune_action action);

int open_directory(const char *path);

/* Changes the mark of an owner's directory. */
void rewrite_mark(const char *path, void (*change)(struct mark *mark));

/* To one in a pid namespace that cannot be seen: the lock has to decide. */
void move_elsewhere(struct mark *mark);

/* The life of an owner: one group with one member; `data` is its witness, or NULL. */
void live_with_one(void *data);

#endif
