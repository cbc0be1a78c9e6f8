/*
 * Marks: what a cgroup directory of ours carries, so that whoever finds it later can tell the living from the dead.
 *
 * A mark is an extended attribute of the directory. Kernels before 5.7 have none on cgroups: there nothing is marked,
 * and who comes later must leave alone what he finds.
 */
#ifndef PK_CONTAIN_MARK_H
#define PK_CONTAIN_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MARK_BOOT_SIZE 40
#define MARK_NAME_SIZE 65
#define MARK_TEXT_SIZE 320

/* Which process, in words that still mean something when it is gone. Everything but the pid is 0 or "" where it could
 * not be found out. */
struct mark {
    pid_t pid;
    uint64_t start;            /* in clock ticks after the boot, as the process's own time namespace counts them */
    uint64_t pid_namespace;    /* where the pid is one, */
    uint64_t time_namespace;   /* where the ticks are, */
    char boot[MARK_BOOT_SIZE]; /* and when both were: the boot id */
    uint64_t time;             /* seconds since 1970: when it was started; of detached commands only */
    char name[MARK_NAME_SIZE]; /* likewise: what it was called */
};

/* Describes this process, or another one that a pidfd stands for, started just now. */
void mark_self(struct mark *mark);
void mark_process(struct mark *mark, pid_t pid, int pidfd);

/* The text of the attribute, and back. Keys that are not known are skipped. -EINVAL if it is not the text of a mark, or
 * that of a later version, which says by its number that it cannot be read as this one. */
void mark_format(const struct mark *mark, char text[MARK_TEXT_SIZE]);
int mark_parse(const char *text, struct mark *mark);

/* Says that the owner directory is this process's. A kernel without such attributes is a success without effect. */
int mark_write(int dir);

/* -ENODATA if it has no mark, -EINVAL if it has one that cannot be read. */
int mark_read(int dir, struct mark *mark);

/* The same for the directory of a detached command, whose mark is of its leader. */
int mark_write_detached(int dir, const struct mark *mark);
int mark_read_detached(int dir, struct mark *mark);

enum mark_verdict { MARK_ALIVE, MARK_DEAD, MARK_UNKNOWN };

/*
 * Whether the process of the mark is alive. The mark decides where pid and start time can be compared. Where they
 * cannot (another pid or time namespace, another boot, a hidden /proc), the lock decides that an owner holds on its
 * directory: if it can be had, the owner is dead, and the lock is kept until `dir` is closed. If it is held, that is by
 * the owner or by a copy of a dead one that was cloned behind the C library's back, which nobody can tell apart:
 * unknown.
 */
enum mark_verdict mark_judge(const struct mark *mark, int dir);

/* The same for an owner: one that lives and does not hold its lock any more has become another program, and is dead as
 * far as its groups go. */
enum mark_verdict mark_judge_owner(const struct mark *mark, int dir);

/* Says of a group's directory that its members live on after their owner, or takes that back. Without effect where
 * there are no such attributes. */
int mark_spared(int dir, bool spared);

/* 1 or 0. */
int mark_is_spared(int dir);

#endif
