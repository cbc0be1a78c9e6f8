/*
 * The descendants of pk.
 */
#include "kin.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 0 if it cannot be told. */
static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    int parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    const char *close = strrchr(text, ')'); /* the name before it may hold anything */
    if (!close || sscanf(close, ") %*c %d", &parent) != 1)
        return 0;
    return parent;
}

static bool is_descendant(pid_t pid)
{
    enum { DEEPEST = 1000 };
    pid_t own = getpid();
    for (int i = 0; i < DEEPEST && pid > 1; i++)
        if ((pid = parent_of(pid)) == own)
            return true;
    return false;
}

/* It is looked at after it was opened, so the number was no other's. */
static void signal_descendant(pid_t pid, int number)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return;
    if (is_descendant(pid))
        syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
    close(pidfd);
}

static bool proc_is_ours(void)
{
    char link[32] = "";
    return readlink("/proc/self", link, sizeof(link) - 1) > 0 && atoi(link) == getpid();
}

bool kin_signal(int number)
{
    DIR *proc = proc_is_ours() ? opendir("/proc") : NULL;
    if (!proc)
        return false;
    for (const struct dirent *entry; (entry = readdir(proc));) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid > 0)
            signal_descendant(pid, number);
    }
    closedir(proc);
    return true;
}
