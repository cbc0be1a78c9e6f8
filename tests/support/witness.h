/*
 * Witnesses: the processes an adversary reports, each held by a pidfd from the moment it was reported, so that their
 * death, or their life, is proved and not guessed from pids.
 *
 *     struct witness *witness = witness_new();
 *     ... start: adversary --report PATH tree 23, with witness_path(witness) as PATH
 *     witness_ready(witness);                     // all of them stand
 *     ... kill
 *     witness_assert_dead(witness, 0);
 *     witness_free(witness);
 *
 * The functions with `assert` in the name, and witness_ready, end the test if they are disappointed.
 */
#ifndef PK_TESTS_WITNESS_H
#define PK_TESTS_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct witness;

/*
 * How long a member's pidfd may take to fire once its group is empty. The dead may leave their cgroup a moment
 * before that, when they have let go of everything else; an adversary that was missed would live for minutes.
 */
enum { GONE_MS = 2000 };

/* Makes a FIFO in the directory of the test. Several can be there at once. */
struct witness *witness_new(void);

/* Kills what is left of them, by pidfd. Returns NULL. */
struct witness *witness_free(struct witness *witness);

/* What to pass as --report. */
const char *witness_path(const struct witness *witness);

/* Reads reports until "ready". */
void witness_ready(struct witness *witness);

/* The same for at least `count` processes, ready or not. */
void witness_count(struct witness *witness, size_t count);

/* Reads what has been reported by now. */
void witness_update(struct witness *witness);

/* Waits for a remark ("note TEXT" of an adversary, or "got TERM" of one that catches it), unless it is there already,
 * and takes it. Returns the pid it came from. */
pid_t witness_remark(struct witness *witness, const char *text);

size_t witness_total(const struct witness *witness);
size_t witness_alive(const struct witness *witness);

/* By order of their reports; the first is the process that was started. */
pid_t witness_pid(const struct witness *witness, size_t index);
int witness_pidfd(const struct witness *witness, size_t index);
const char *witness_name(const struct witness *witness, size_t index);

/* The first one that is alive under that name, or fails the test. */
size_t witness_find(const struct witness *witness, const char *name);

/* All are dead, at the latest after that time, or as much longer as everything is slower. */
void witness_assert_dead(struct witness *witness, int patience_ms);

/* All are alive now. */
void witness_assert_alive(struct witness *witness);

bool pidfd_is_dead(int pidfd, int patience_ms);

#endif
