/*
 * The directories of detached commands: processkit-detached-NAME, in the cgroup of the owner that started them.
 *
 * Until the command runs, the mark is that of its owner; then, of its leader. So one that is empty and whose mark is of
 * a dead process is a leftover, whoever finds it.
 */
#ifndef PK_CONTAIN_DETACHED_H
#define PK_CONTAIN_DETACHED_H

#include <processkit/detach.h>

#include <limits.h>

#define DETACHED_PREFIX "processkit-detached-"

struct detached_dir {
    int parent;
    int fd;
    char name[NAME_MAX + 1];
    char path[PATH_MAX];
};

/* The command's name in the name of a directory; NULL if it is none of these. */
const char *detached_name(const char *directory);

int detached_check_name(const char *name, pk_error *error);

/* Makes it in the caller's own cgroup, after removing what an ended one has left. -EEXIST. */
int detached_make(struct detached_dir *dir, const char *name, pk_error *error);

/* Says who the leader is. The pidfd may be -1: then nobody can tell later whether the pid was recycled. */
void detached_settle(const struct detached_dir *dir, pid_t pid, int pidfd);

void detached_describe(int fd, const char *path, pk_detached *detached);

/* Kills what is in it, and removes it. */
void detached_discard(const struct detached_dir *dir);

void detached_close(struct detached_dir *dir);

#endif
