/*
 * A directory with the files of a cgroup that limits are written to, as ordinary files: what the kernel says in them
 * when nothing is limited.
 */
#ifndef PK_TESTS_FAKE_CGROUP_H
#define PK_TESTS_FAKE_CGROUP_H

#include <processkit/limits.h>

/* Makes it in the test's own directory, and opens it. */
int fake_cgroup(void);

/* Its files, by name and by what is in them. */
enum { FAKE_FILES = 12 };
extern const char *const fake_files[FAKE_FILES][2];

/* Limits of every kind, none of which is the default, that the fake would take. */
pk_limits fake_limits(void);

/* Makes or replaces a file. */
void put(const char *name, const char *text);

/* The first bytes of a file: an ordinary one keeps what a shorter write does not cover. */
void expect(const char *name, const char *text);

#endif
