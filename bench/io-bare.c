/*
 * posix_spawn, pipe, read, waitpid.
 */
#include "io-bare.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char bytes[BARE_LOUD_PIPE];

static int spawn(struct bare *bare, char *const argv[], const int theirs[3])
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    for (int fd = 1; fd <= 2; fd++)
        if (theirs[fd] >= 0)
            posix_spawn_file_actions_adddup2(&actions, theirs[fd], fd);
    int r = posix_spawn(&bare->pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static int make_pipe(struct bare *bare, int fd, int *theirs)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    bare->fds[fd] = ends[0];
    *theirs = ends[1];
    return 0;
}

int bare_start(struct bare *bare, char *const argv[], bool with_stderr, int pipe_size)
{
    int theirs[3] = {-1, -1, -1};
    *bare = (struct bare){.fds = {-1, -1, -1}};
    int r = make_pipe(bare, 1, &theirs[1]);
    if (r == 0 && with_stderr)
        r = make_pipe(bare, 2, &theirs[2]);
    if (r == 0 && pipe_size && fcntl(bare->fds[1], F_SETPIPE_SZ, pipe_size) < 0)
        r = -errno;
    if (r == 0)
        r = spawn(bare, argv, theirs);
    for (int fd = 1; fd <= 2; fd++)
        if (theirs[fd] >= 0)
            close(theirs[fd]);
    return r;
}

int bare_start_silent(struct bare *bare, char *const argv[])
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0)
        return -errno;
    *bare = (struct bare){.fds = {-1, -1, -1}};
    int r = spawn(bare, argv, (const int[3]){-1, null, null});
    close(null);
    return r;
}

int64_t bare_read_all(const struct bare *bare, int fd, size_t block)
{
    int64_t total = 0;
    for (;;) {
        ssize_t r = read(bare->fds[fd], bytes, block);
        if (r <= 0)
            return r < 0 ? -errno : total;
        total += r;
    }
}

int64_t bare_read_lines(const struct bare *bare, int fd, size_t block, uint64_t *lines)
{
    int64_t total = 0;
    for (*lines = 0;;) {
        ssize_t r = read(bare->fds[fd], bytes, block);
        if (r <= 0)
            return r < 0 ? -errno : total;
        total += r;
        for (const char *next = bytes, *end = bytes + r; (next = memchr(next, '\n', (size_t)(end - next))); next++)
            ++*lines;
    }
}

int bare_end(struct bare *bare)
{
    int status;
    for (int fd = 1; fd <= 2; fd++)
        if (bare->fds[fd] >= 0)
            close(bare->fds[fd]);
    while (waitpid(bare->pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status == 0 ? 0 : -ECHILD;
}
