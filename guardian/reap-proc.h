/*
 * Who is whose child, as /proc says. Numbers only: what they stand for may have changed when they are used.
 */
#ifndef PK_GUARDIAN_REAP_PROC_H
#define PK_GUARDIAN_REAP_PROC_H

#include "calls.h"

/* The number that a text is; -1 if it is something else. */
int proc_number(const char *text);

/* Once. Where there is no /proc, or one with the numbers of another pid namespace, nobody will be found. */
void proc_open(void);

/* The number of this process. */
int proc_self(void);

/* Whether the kernel lists children (CONFIG_PROC_CHILDREN). */
bool proc_has_children(void);

/* The number of the parent; -1 if there is no such process, or if it is hidden. */
int proc_parent(int pid);

void proc_each_child(int pid, void (*found)(int pid, void *data), void *data);

/* All there are, one after the other: where the kernel does not list children. */
void proc_each_process(void (*found)(int pid, void *data), void *data);

#endif
