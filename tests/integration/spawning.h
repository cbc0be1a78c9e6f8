/*
 * Groups whose commands a spawner starts.
 *
 *     struct spawner spawner;
 *     pk_group *group = spawning_group(&spawner);         // starts it
 *     ... pk_group_spawn(group, ...) ...
 *     spawning_end(group, &spawner);
 */
#ifndef PK_TESTS_SPAWNING_H
#define PK_TESTS_SPAWNING_H

#include "contain/group.h"
#include "contain/spawner.h"
#include "subject.h"

/* From now on what this thread starts in the group, which has a cgroup, is started by the spawner; NULL: no longer. */
void spawning_divert(pk_group *group, struct spawner *spawner);

/* Starts a spawner, in the cgroup of this process; a failure fails the test. */
void spawning_start(struct spawner *spawner);

/* Stops it, and returns when it is gone: on a loaded machine the library does not wait that long. */
void spawning_stop(struct spawner *spawner);

pk_group *spawning_group(struct spawner *spawner);
void spawning_end(pk_group *group, struct spawner *spawner);

/* Starts the command and waits for its end. */
pk_result spawning_run(pk_group *group, const pk_command *command);

/* Runs `adversary --output FILE describe`; the command may say more, and is freed. */
pk_command *spawning_describer(void);
struct description *spawning_describe(pk_group *group, pk_command *command);

/* Fails the test unless the start fails so, and frees the command. */
void spawning_fails(pk_group *group, pk_command *command, int number, pk_step step);

/* "/bin/true" in the group succeeds. */
void spawning_works(pk_group *group);

/* Returns when the spawner has nothing open but what it is given at its start. */
void spawning_settle(const struct spawner *spawner);

/* The cgroup of this process. */
int spawning_open_place(void);

/* Valid until the fourth call after this one. */
const char *spawning_format(long number);

/* How many descriptors another process has open, and the number in a field of its status ("Threads:"). */
int spawning_count_descriptors(pid_t pid);
long spawning_status_number(pid_t pid, const char *field);

#endif
