/*
 * Killing and removing cgroups with nothing but system calls.
 */
#include "cgroup.h"

/* How deep cgroups that members made below ours are followed: each level is a stack frame. */
enum { DEEPEST = 64 };

struct visit {
    long (*visit)(int dir, const char *name, void *data);
    void *data;
};

static long visit_directory(int dir, const char *name, int type, void *data)
{
    enum { IS_DIRECTORY = 4 };
    const struct visit *visit = data;
    return type == IS_DIRECTORY ? visit->visit(dir, name, visit->data) : 0;
}

long each_directory(int dir, long (*visit)(int dir, const char *name, void *data), void *data)
{
    struct visit each = {visit, data};
    long reading = open_at(dir, ".", O_RDONLY | O_DIRECTORY);
    if (reading < 0)
        return 0;
    long r = each_entry((int)reading, visit_directory, &each);
    close_fd((int)reading);
    return r;
}

bool is_populated(int dir)
{
    char text[128];
    return read_file(dir, "cgroup.events", text, sizeof(text)) > 0 && find_number(text, "populated") == 1;
}

/* ---- Killing ---------------------------------------------------------------------------------------------------- */

/* Reads the next number of a list with one number a line; 0 at its end. `state` begins as all zero. */
struct list {
    char buffer[1024];
    long size, next;
};

static int next_pid(int fd, struct list *list)
{
    int number = 0;
    for (;;) {
        if (list->next == list->size) {
            list->size = CALL3(read, fd, list->buffer, sizeof(list->buffer));
            list->next = 0;
            if (list->size <= 0)
                return 0;
        }
        char c = list->buffer[list->next++];
        if (c >= '0' && c <= '9')
            number = number * 10 + (c - '0');
        else if (number > 0)
            return number; /* a 0 is a process of another pid namespace, which has no number here */
    }
}

static bool is_listed(int dir, int pid)
{
    struct list list = {.size = 0};
    bool found = false;
    long fd = open_at(dir, "cgroup.procs", O_RDONLY);
    if (fd < 0)
        return false;
    for (int next; !found && (next = next_pid((int)fd, &list)) > 0;)
        found = next == pid;
    close_fd((int)fd);
    return found;
}

/* The number may be another process's by the time it is opened; one that is listed after that is a member, and the one
 * that the pidfd stands for. */
static void kill_member(int dir, int pid)
{
    long pidfd = CALL2(pidfd_open, pid, 0);
    if (pidfd < 0)
        return;
    if (is_listed(dir, pid))
        CALL4(pidfd_send_signal, pidfd, DEFAULT_SIGNAL_KILL, NULL, 0);
    close_fd((int)pidfd);
}

static void kill_tree(int dir, int depth);

static long visit_to_kill(int parent, const char *name, void *data)
{
    int depth = *(int *)data;
    long dir = depth < DEEPEST ? open_at(parent, name, O_RDONLY | O_DIRECTORY) : -1;
    if (dir < 0)
        return 0;
    kill_tree((int)dir, depth + 1);
    close_fd((int)dir);
    return 0;
}

static void kill_tree(int dir, int depth)
{
    struct list list = {.size = 0};
    long fd = open_at(dir, "cgroup.procs", O_RDONLY);
    if (fd >= 0) {
        for (int pid; (pid = next_pid((int)fd, &list)) > 0;)
            kill_member(dir, pid);
        close_fd((int)fd);
    }
    each_directory(dir, visit_to_kill, &depth);
}

void kill_members(int dir)
{
    kill_tree(dir, 0);
}

/* Frozen, so that none can fork away. SIGKILL reaches frozen processes, and nobody is left to thaw. */
void kill_all(int dir)
{
    if (write_file(dir, "cgroup.kill", "1") == 0)
        return;
    write_file(dir, "cgroup.freeze", "1");
    kill_members(dir);
}

/* ---- Removing --------------------------------------------------------------------------------------------------- */

static bool remove_tree(int parent, const char *name, int depth);

static long visit_to_remove(int parent, const char *name, void *data)
{
    remove_tree(parent, name, *(int *)data);
    return 0;
}

static bool is_gone(long number)
{
    return number == ERROR_NO_ENTRY || number == ERROR_NO_DEVICE;
}

static bool remove_tree(int parent, const char *name, int depth)
{
    enum { REMOVE_DIRECTORY = 0x200 };
    long r = CALL3(unlinkat, parent, name, REMOVE_DIRECTORY);
    if (r != ERROR_BUSY || depth == DEEPEST)
        return r == 0 || is_gone(r);
    long dir = open_at(parent, name, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return is_gone(dir);
    bool empty = !is_populated((int)dir);
    int below = depth + 1;
    if (empty)
        each_directory((int)dir, visit_to_remove, &below);
    close_fd((int)dir);
    r = empty ? CALL3(unlinkat, parent, name, REMOVE_DIRECTORY) : r;
    return r == 0 || is_gone(r);
}

bool remove_directory(int parent, const char *name)
{
    return remove_tree(parent, name, 0);
}
