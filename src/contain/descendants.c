/*
 * Walking down a tree of processes.
 *
 * The kernel lists the children of each thread (CONFIG_PROC_CHILDREN). Where it does not, every process is asked for
 * its parent.
 */
#include "contain/descendants.h"

#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- By the lists of children ----------------------------------------------------------------------------------- */

/* A list is read to its end, piece by piece; a number may be cut in two by that. */
static int read_list(int fd, struct pids *pids)
{
    char buffer[1024];
    pid_t number = 0;
    ssize_t size;
    while ((size = sys_read(fd, buffer, sizeof(buffer))) != 0) {
        if (size == -EINTR)
            continue;
        if (size < 0)
            return size == -ESRCH ? 0 : (int)size;
        for (ssize_t i = 0; i < size; i++) {
            bool digit = buffer[i] >= '0' && buffer[i] <= '9';
            int r = !digit && number > 0 ? pids_add(pids, number) : 0;
            number = digit ? number * 10 + (buffer[i] - '0') : 0;
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int add_children_of_thread(int tasks, const char *thread, struct pids *pids)
{
    char path[64];
    snprintf(path, sizeof(path), "%.20s/children", thread);
    int fd = sys_openat(tasks, path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int r = read_list(fd, pids);
    sys_close(fd);
    return r;
}

static bool is_gone(int number)
{
    return number == -ENOENT || number == -ESRCH;
}

static int add_children_by_entry(int tasks, const char *name, struct pids *pids)
{
    int r = name[0] == '.' ? 0 : add_children_of_thread(tasks, name, pids);
    return is_gone(r) ? 0 : r; /* the thread has ended */
}

static int add_children(pid_t pid, struct pids *pids)
{
    _Alignas(struct sys_entry) char buffer[4096];
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    int tasks = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (tasks < 0)
        return is_gone(tasks) ? 0 : tasks;
    int r = 0;
    ssize_t size;
    while (r == 0 && (size = sys_getdents(tasks, buffer, sizeof(buffer))) != 0) {
        if (size < 0) {
            r = is_gone((int)size) ? 0 : (int)size;
            break;
        }
        for (char *next = buffer; r == 0 && next < buffer + size; next += ((struct sys_entry *)next)->length)
            r = add_children_by_entry(tasks, ((struct sys_entry *)next)->name, pids);
    }
    sys_close(tasks);
    return r;
}

static int walk_lists(pid_t root, struct pids *found)
{
    enum { MOST = 1 << 20 }; /* more than there can be: numbers that changed their meaning meanwhile make no end */
    int r = add_children(root, found);
    for (size_t i = 0; r == 0 && i < found->count && i < MOST; i++)
        r = add_children(found->items[i], found);
    return r;
}

/* ---- By everybody's parent -------------------------------------------------------------------------------------- */

struct kinship {
    struct pids children;
    struct pids parents; /* one for each child */
};

static int note_parent(pid_t pid, void *data)
{
    struct kinship *kinship = data;
    struct proc_stat stat;
    if (proc_stat_read(pid, &stat) < 0)
        return 0;
    int r = pids_add(&kinship->parents, stat.parent);
    return r < 0 ? r : pids_add(&kinship->children, pid);
}

static int add_children_of(const struct kinship *kinship, pid_t parent, struct pids *found)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < kinship->children.count; i++)
        if (kinship->parents.items[i] == parent)
            r = pids_add(found, kinship->children.items[i]);
    return r;
}

/* A process that was read before it got a new parent, and the other way round, could make a ring: no more are found
 * than there are. */
static int walk_parents(pid_t root, struct pids *found)
{
    struct kinship kinship = {0};
    int r = proc_each(note_parent, &kinship);
    if (r == 0)
        r = add_children_of(&kinship, root, found);
    for (size_t i = 0; r == 0 && i < found->count && found->count <= kinship.children.count; i++)
        r = add_children_of(&kinship, found->items[i], found);
    pids_free(&kinship.children);
    pids_free(&kinship.parents);
    return r;
}

/* ---- Either way ------------------------------------------------------------------------------------------------- */

static bool kernel_lists_children(void)
{
    return sys_faccessat(AT_FDCWD, "/proc/thread-self/children", 0) == 0;
}

static bool has_ended(pid_t pid)
{
    struct proc_stat stat;
    int r = proc_stat_read(pid, &stat);
    return r == -ESRCH || (r == 0 && proc_has_ended(&stat));
}

int descendants_list_all(pid_t root, struct pids *pids)
{
    int r = proc_check();
    if (r < 0)
        return r;
    return kernel_lists_children() ? walk_lists(root, pids) : walk_parents(root, pids);
}

int descendants_list(pid_t root, struct pids *pids)
{
    struct pids found = {0};
    int r = descendants_list_all(root, &found);
    for (size_t i = 0; r == 0 && i < found.count; i++)
        if (!has_ended(found.items[i]))
            r = pids_add(pids, found.items[i]);
    pids_free(&found);
    return r;
}
