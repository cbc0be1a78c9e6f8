/*
 * The floor: the fewest system calls that can do what the library does, without the library.
 *
 * It checks nothing, cleans nothing in the child and explains no failure; it is here to be divided by.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct floor_child {
    pid_t pid;
    int pidfd;
};

/* clone3 with VM, VFORK and PIDFD straight into the cgroup, or into our own with -1, then exec: a negative errno, or 0
 * once the child has exec'd or ended. The child inherits every descriptor that is not close-on-exec. */
int floor_spawn(int cgroup_fd, char *const argv[], char *const environment[], struct floor_child *child);

/* Waits for it by pidfd and closes that; 0 if it exited with 0, a negative errno otherwise. */
int floor_wait(struct floor_child *child);

/* The same for another exit status. */
int floor_wait_status(struct floor_child *child, int status);

/* A directory for the floor's cgroups, beside those of the library, which the group's path tells. */
struct floor_place {
    char directory[PATH_MAX];
    int fd;
};
int floor_place_open(const char *group_path, struct floor_place *place);
void floor_place_close(struct floor_place *place);

/* Makes and opens a cgroup in the place; removes it. */
int floor_cgroup_open(const struct floor_place *place, const char *name);
int floor_cgroup_remove(const struct floor_place *place, const char *name, int fd);

/* Whether cgroup.events, which `events` is open for, says that nobody is in it. */
bool floor_is_empty(int events);

#endif
