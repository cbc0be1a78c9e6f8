/*
 * The guardian: what makes a tree end with its owner, however that ends.
 *
 * A small helper process, started with the first group that has a cgroup, outside the tree and in a session of its own.
 * It sleeps until this process is gone, by return, exit, crash, SIGKILL or exec of another program, and then kills
 * every group that was not spared and removes the directories. Groups that have it carry PK_GUARANTEE_OWNER_DEATH.
 *
 * It is not a child of this process: no wait sees it, unless this process takes in orphans as its children (a
 * subreaper, or the first process of a pid namespace). It holds no descriptor of this process, ignores the terminal, is
 * never in a group, takes some 30 KiB, does not wake up while nothing happens, and ends with the last directory it
 * guards. If somebody kills it, that is noticed by the waits for a run, by a watching loop, and when the next group is
 * made; another takes its place, and the result of the run and pk_guardian_losses count it. In between, and if the
 * guardian is killed together with this process, nothing watches: `pk prune` removes what such an end leaves.
 *
 * A program that closes all its descriptors, as daemons do when they begin, must do so before the first group: the
 * guardian takes the end of its socket for the end of the owner, as reapers do.
 *
 * It is run from memory; where the kernel does not allow that (vm.memfd_noexec=2), from the file processkit-helper that
 * is installed with the library. Where neither works there is no guardian, and pk_group_refusal says why.
 *
 * A process that has unshared its pid namespace, and is not in the new one, gets none: the guardian would be born
 * there.
 *
 * Kernel: Linux 5.3 (pidfd_open).
 */
#ifndef PROCESSKIT_GUARDIAN_H
#define PROCESSKIT_GUARDIAN_H

#include <processkit/error.h>
#include <processkit/macros.h>

#include <stdbool.h>
#include <sys/types.h>

PK_BEGIN_DECLS

/*
 * Switches the guardian of this process off, or on again; on is the default. For programs that must not have another
 * process beside them; such a program asks for a mechanism without reapers as well. Before the first group, or after
 * pk_leave: -EBUSY while there is an owner directory. A forked child inherits the choice. Any thread.
 */
PK_API int pk_guardian_enable(bool enable, pk_error *error);

/* Its pid, for people who look; 0 when there is none. Any thread. */
PK_API pid_t pk_guardian_pid(void);

/* How many guardians this process has lost and noticed so far. Any thread. */
PK_API unsigned pk_guardian_losses(void);

PK_END_DECLS

#endif
