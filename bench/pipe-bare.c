/*
 * posix_spawn, pipe, waitpid.
 */
#include "pipe-bare.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn(pid_t *pid, char *const argv[], int in, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    int r = posix_spawn(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status == 0 ? 0 : -ECHILD;
}

int shell_run(const char *line, int in, int out)
{
    pid_t pid;
    char *argv[] = {(char *)"/bin/dash", (char *)"-c", (char *)line, NULL};
    int r = spawn(&pid, argv, in, out);
    return r < 0 ? r : wait_for(pid);
}

static int wait_for_all(const pid_t *pids, unsigned count, int r)
{
    for (unsigned i = 0; i < count; i++) {
        int ended = wait_for(pids[i]);
        r = r < 0 ? r : ended;
    }
    return r;
}

int bare_pipeline(char *const argv[], unsigned stages, int in, int out)
{
    pid_t pids[BARE_STAGES];
    unsigned started = 0;
    int r = 0, reads = in;
    for (; r == 0 && started < stages; started += r == 0) {
        int ends[2] = {-1, out};
        if (started + 1 < stages && pipe2(ends, O_CLOEXEC) < 0)
            r = -errno;
        else
            r = spawn(&pids[started], argv, reads, ends[1]);
        if (reads != in)
            close(reads);
        if (ends[1] != out)
            close(ends[1]);
        reads = ends[0] < 0 ? in : ends[0];
    }
    if (reads != in)
        close(reads);
    return wait_for_all(pids, started, r);
}
