/*
 * Counting descriptors, threads and children of this process.
 */
#include "census.h"

#include "harness.h"
#include "hierarchy.h"
#include "kin.h"
#include "lines.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREAD_PATIENCE_MS = 2000 };

/* ---- Taking it -------------------------------------------------------------------------------------------------- */

static void add_fd(struct census *census, int fd)
{
    char path[64];
    struct census_fd *fds = realloc(census->fds, (census->fd_count + 1) * sizeof(*fds));
    if (!fds)
        abort();
    census->fds = fds;
    struct census_fd *item = &fds[census->fd_count++];
    item->fd = fd;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, item->target, sizeof(item->target) - 1);
    item->target[length < 0 ? 0 : length] = '\0';
}

static size_t count_threads(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

struct census census_take(void)
{
    struct census census = {.threads = count_threads()};
    DIR *fds = opendir("/proc/self/fd");
    for (struct dirent *entry; fds && (entry = readdir(fds));) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(fds))
            add_fd(&census, atoi(entry->d_name));
    }
    if (fds)
        closedir(fds);
    return census;
}

void census_free(struct census *census)
{
    free(census->fds);
    *census = (struct census){0};
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

static const struct census_fd *find_fd(const struct census *census, int fd)
{
    for (size_t i = 0; i < census->fd_count; i++) {
        if (census->fds[i].fd == fd)
            return &census->fds[i];
    }
    return NULL;
}

/*
 * The library keeps three descriptors from its first cgroup to the end of the process: its owner directory, the
 * directory that is in, and the socket to its guardian. One each, and no group's.
 */
struct kept {
    bool place, owner, guardian;
};

static bool is_kept_by_library(const char *target, struct kept *kept)
{
    char place[PATH_MAX], prefix[PATH_MAX + 64];
    if (!hierarchy_own(place))
        return false;
    bool *seen = NULL;
    int length = snprintf(prefix, sizeof(prefix), "%s/processkit-%d-", place, getpid());
    if (strcmp(target, place) == 0)
        seen = &kept->place;
    else if (strncmp(target, prefix, (size_t)length) == 0 && !strchr(target + length, '/'))
        seen = &kept->owner;
    else if (strncmp(target, "socket:", 7) == 0 && kept->place)
        seen = &kept->guardian;
    if (!seen || *seen)
        return false;
    *seen = true;
    return true;
}

/* Where everything is slow: what stands for a process that has ended since. */
static bool is_late(const struct census_fd *fd)
{
    struct pollfd poll_fd = {.fd = fd->fd, .events = POLLIN};
    return test_slowness() > 1 && strcmp(fd->target, "anon_inode:[pidfd]") == 0 && poll(&poll_fd, 1, 0) > 0;
}

static int compare_fds(const struct census *before, const struct census *after)
{
    struct kept kept = {.owner = false};
    int leaks = 0;
    for (size_t i = 0; i < after->fd_count; i++) {
        const struct census_fd *new = &after->fds[i], *old = find_fd(before, new->fd);
        if (old && strcmp(old->target, new->target) == 0)
            continue;
        if (old)
            printf("LEAK: descriptor %d was %s and is now %s\n", new->fd, old->target, new->target);
        else if (!is_kept_by_library(new->target, &kept) && !is_late(new))
            printf("LEAK: descriptor %d is open: %s\n", new->fd, new->target);
        else
            continue;
        leaks++;
    }
    for (size_t i = 0; i < before->fd_count; i++) {
        if (find_fd(after, before->fds[i].fd))
            continue;
        printf("LEAK: descriptor %d was closed: %s\n", before->fds[i].fd, before->fds[i].target);
        leaks++;
    }
    return leaks;
}

/* ThreadSanitizer has a thread of its own, from the first that the program starts. */
#ifdef __SANITIZE_THREAD__
enum { FOREIGN_THREADS = 1 };
#else
enum { FOREIGN_THREADS = 0 };
#endif

/* A joined thread is listed for a moment longer, and nothing tells when that moment is over. */
static int compare_threads(const struct census *before)
{
    size_t now = count_threads();
    for (int waited = 0; now > before->threads + FOREIGN_THREADS && waited < THREAD_PATIENCE_MS; waited++) {
        poll(NULL, 0, 1);
        now = count_threads();
    }
    if (now == before->threads || now == before->threads + FOREIGN_THREADS)
        return 0;
    printf("LEAK: %zu threads, and %zu before\n", now, before->threads);
    return 1;
}

static int list_children(void)
{
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return 0; /* ECHILD: neither alive nor ended */
    int leaks = 0;
    struct kin_list below = kin_below(getpid());
    for (size_t i = 0; i < below.count; i++) {
        const struct kin *kin = &below.items[i];
        if (kin->parent != getpid())
            continue;
        printf("LEAK: child %d (%s) %s\n", kin->pid, kin->name,
               kin->state == 'Z' ? "has ended and was not waited for" : "is running");
        leaks++;
    }
    kin_free(&below);
    return leaks;
}

static void wait_for_end(pid_t pid, long deadline)
{
    siginfo_t info = {.si_pid = 0};
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0 && clock_ms() < deadline)
        poll(NULL, 0, 1);
}

/* Where everything is slow, what was killed may still be dying when the library has ceased to wait for it. It would
 * take it away with the next group: so it is waited for here, and taken away. What has ended by now is left to be told.
 */
static void take_the_late(void)
{
    long deadline = clock_ms() + 1000L * test_slowness();
    struct kin_list below = {0};
    if (test_slowness() > 1)
        below = kin_below(getpid());
    for (size_t i = 0; i < below.count; i++)
        if (below.items[i].parent == getpid() && below.items[i].state != 'Z')
            wait_for_end(below.items[i].pid, deadline);
    kin_free(&below);
}

int census_compare(const struct census *before)
{
    take_the_late();
    struct census after = census_take();
    int leaks = compare_fds(before, &after) + list_children() + compare_threads(before);
    census_free(&after);
    return leaks;
}
