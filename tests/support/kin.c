/*
 * Reading the tree of processes from /proc.
 */
#include "kin.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PF_EXITING = 0x4 }; /* of the kernel's task flags */

/* A fatal signal stays pending until the process gets to run. */
static bool has_pending_kill(pid_t pid)
{
    char path[64], line[256];
    unsigned long long pending = 0, mask;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    if (!status)
        return true;
    while (fgets(line, sizeof(line), status)) {
        if (sscanf(line, "SigPnd: %llx", &mask) == 1 || sscanf(line, "ShdPnd: %llx", &mask) == 1)
            pending |= mask;
    }
    fclose(status);
    return pending >> (SIGKILL - 1) & 1;
}

static bool read_kin(pid_t pid, struct kin *kin)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *stat = fopen(path, "re");
    if (!stat)
        return false;
    size_t length = fread(text, 1, sizeof(text) - 1, stat);
    fclose(stat);
    text[length] = '\0';

    char *open = strchr(text, '('), *close = strrchr(text, ')'); /* the name may hold any of both */
    unsigned flags;
    if (!open || !close)
        return false;
    *close = '\0';
    snprintf(kin->name, sizeof(kin->name), "%s", open + 1);
    kin->pid = pid;
    if (sscanf(close + 1, " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &kin->state,
               &kin->parent, &flags, &kin->start) != 4)
        return false;
    kin->dying = kin->state == 'Z' || kin->state == 'X' || flags & PF_EXITING;
    return true;
}

static void add(struct kin_list *list, const struct kin *kin)
{
    struct kin *items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (!items)
        abort();
    items[list->count++] = *kin;
    list->items = items;
}

static struct kin_list read_all(void)
{
    struct kin_list all = {0};
    struct kin kin;
    DIR *proc = opendir("/proc");
    if (!proc)
        return all;
    for (struct dirent *entry; (entry = readdir(proc));) {
        pid_t pid = atoi(entry->d_name);
        if (pid > 0 && read_kin(pid, &kin))
            add(&all, &kin);
    }
    closedir(proc);
    return all;
}

static void add_children(struct kin_list *below, const struct kin_list *all, pid_t parent)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].parent == parent)
            add(below, &all->items[i]);
    }
}

struct kin_list kin_below(pid_t root)
{
    struct kin_list below = {0}, all = read_all();
    add_children(&below, &all, root);
    for (size_t i = 0; i < below.count; i++)
        add_children(&below, &all, below.items[i].pid);
    for (size_t i = 0; i < below.count; i++)
        below.items[i].dying = below.items[i].dying || has_pending_kill(below.items[i].pid);
    kin_free(&all);
    return below;
}

void kin_free(struct kin_list *list)
{
    free(list->items);
    *list = (struct kin_list){0};
}

bool kin_is_younger(pid_t pid)
{
    struct kin self, other;
    return pid != getpid() && read_kin(getpid(), &self) && read_kin(pid, &other) && other.start >= self.start;
}

void kin_kill(const struct kin *kin)
{
    struct kin now;
    int pidfd = (int)syscall(SYS_pidfd_open, kin->pid, 0);
    if (pidfd < 0)
        return;
    if (read_kin(kin->pid, &now) && now.start == kin->start)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    close(pidfd);
}

void kin_await_end_of_main_thread(void)
{
    struct kin self = {.state = 'R'};
    while (!read_kin(getpid(), &self) || self.state != 'Z')
        sched_yield();
}
