/*
 * The demo: runs an unruly tree under pk, and proves that nothing of it is left.
 *
 *     demo-witness PK ADVERSARY [MEMBERS]
 *
 * Every process of the tree reports itself on a FIFO as it is born. The witness opens a pidfd for each, which stands
 * for that very process whatever becomes of its pid, lets pk do its work, and looks at the pidfds afterwards. It does
 * not use the library: it would be no witness then.
 */
#include "kin.h"
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_MEMBERS = 1000, TIMED_OUT = 124 };

static struct {
    int pidfds[MOST_MEMBERS];
    int count;
    int setsid, double_fork, ignore_term, block_all;
    bool ready;
} seen;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "demo: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- Watching --------------------------------------------------------------------------------------------------- */

/* A pidfd is readable once its process is dead. None: it was dead before its report was read. */
static bool is_alive(int pidfd)
{
    struct pollfd fd = {.fd = pidfd, .events = POLLIN};
    return pidfd >= 0 && poll(&fd, 1, 0) == 0;
}

/* "PID NAME", where the name tells how the process tries to escape; or "ready" after the last one. */
static void take_report(const char *line)
{
    char *name;
    pid_t pid = (pid_t)strtol(line, &name, 10);
    if (strcmp(line, "ready") == 0)
        seen.ready = true;
    if (pid <= 0 || seen.count == MOST_MEMBERS)
        return;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    errno = EINVAL;
    if (!kin_is_younger(pid) && is_alive(pidfd))
        die("a process was reported that cannot be ours");
    seen.pidfds[seen.count++] = pidfd;
    seen.setsid += strstr(name, "setsid") != NULL;
    seen.double_fork += strstr(name, "double-fork") != NULL;
    seen.ignore_term += strstr(name, "ignore-TERM") != NULL;
    seen.block_all += strstr(name, "block-all") != NULL;
}

static void watch(int reports, int pk)
{
    char line[256];
    struct line_reader reader = {.fd = reports};
    struct pollfd fds[] = {{.fd = reports, .events = POLLIN}, {.fd = pk, .events = POLLIN}};
    while (!fds[1].revents) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            die("poll");
        while (lines_next(&reader, line, sizeof(line), 0))
            take_report(line);
    }
}

static int count_alive(void)
{
    int alive = 0;
    for (int i = 0; i < seen.count; i++)
        alive += is_alive(seen.pidfds[i]);
    return alive;
}

/* Whatever the result, the demo leaves nothing behind. */
static void kill_survivors(void)
{
    for (int i = 0; i < seen.count; i++)
        syscall(SYS_pidfd_send_signal, seen.pidfds[i], SIGKILL, NULL, 0);
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static int run(const char *const command[], int reports)
{
    pid_t pid;
    int status;
    printf("$ pk");
    for (const char *const *word = &command[1]; *word; word++)
        printf(" %s", strrchr(*word, '/') ? strrchr(*word, '/') + 1 : *word);
    printf("\n\n");
    fflush(stdout);
    errno = posix_spawn(&pid, command[0], NULL, NULL, (char *const *)(uintptr_t)command, environ);
    if (errno != 0)
        die(command[0]);
    int pk = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pk < 0)
        die("pidfd_open");
    watch(reports, pk);
    waitpid(pid, &status, 0);
    close(pk);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool explain(int members, int status, long elapsed_ms)
{
    int alive = count_alive();
    printf("\n%d processes were started below pk, and each was held by a pidfd from its birth:\n", seen.count);
    printf("  %3d began a session of their own (setsid)\n", seen.setsid);
    printf("  %3d were orphaned on purpose (double fork)\n", seen.double_fork);
    printf("  %3d ignore SIGTERM\n", seen.ignore_term);
    printf("  %3d block every signal they can\n", seen.block_all);
    printf("pk ended after %ld.%ld s with status %d%s.\n", elapsed_ms / 1000, elapsed_ms % 1000 / 100, status,
           status == TIMED_OUT ? " (timed out, as it was asked to)" : "");
    printf("Alive now: %d\n", alive);
    if (!seen.ready || seen.count != members)
        printf("But that proves nothing: %d processes were expected to come up.\n", members);
    return alive == 0 && seen.ready && seen.count == members && status == TIMED_OUT;
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/pk-demo-XXXXXX", fifo[64];
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: demo-witness PK ADVERSARY [MEMBERS]\n");
        return 2;
    }
    const char *members = argc == 4 ? argv[3] : "23";
    if (!mkdtemp(directory))
        die("cannot make a directory in /tmp");
    snprintf(fifo, sizeof(fifo), "%s/report", directory);
    if (mkfifo(fifo, 0600) < 0)
        die(fifo);
    int reports = open(fifo, O_RDWR | O_CLOEXEC); /* for both, so that it has no end while the witness listens */
    if (reports < 0)
        die(fifo);

    const char *const command[] = {argv[1], "run",      "--timeout", "2s",   "--stats", "--",
                                   argv[2], "--report", fifo,        "tree", members,   NULL};
    long begin = clock_ms();
    int status = run(command, reports);
    bool good = explain(atoi(members), status, clock_ms() - begin);
    kill_survivors();
    unlink(fifo);
    rmdir(directory);
    return good ? 0 : 1;
}
