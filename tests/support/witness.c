/*
 * Reading reports and holding on to the processes in them.
 */
#include "witness.h"

#include "harness.h"
#include "kin.h"
#include "lines.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READY_PATIENCE_MS = 10000 };

struct seen {
    pid_t pid;
    int pidfd; /* -1: it was dead and gone before its report was read */
    char name[64];
};

struct remark {
    pid_t pid;
    char text[64]; /* "" once somebody has heard it */
};

struct witness {
    char path[256];
    struct line_reader reader;
    struct seen *seen;
    size_t count;
    struct remark *remarks;
    size_t remark_count;
    bool ready;
};

struct witness *witness_new(void)
{
    static unsigned number;
    char name[32];
    struct witness *witness = calloc(1, sizeof(*witness));
    assert_non_null(witness);
    snprintf(name, sizeof(name), "report-%u", number++);
    snprintf(witness->path, sizeof(witness->path), "%s", scratch(name));
    assert_return_code(mkfifo(witness->path, 0666), 0);
    assert_return_code(chmod(witness->path, 0666), 0);
    /* Also open for writing, so that there is no end of the stream when the last reporter dies. */
    witness->reader.fd = open(witness->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    assert_return_code(witness->reader.fd, 0);
    return witness;
}

struct witness *witness_free(struct witness *witness)
{
    if (!witness)
        return NULL;
    for (size_t i = 0; i < witness->count; i++) {
        if (witness->seen[i].pidfd < 0)
            continue;
        syscall(SYS_pidfd_send_signal, witness->seen[i].pidfd, SIGKILL, NULL, 0);
        close(witness->seen[i].pidfd);
    }
    close(witness->reader.fd);
    unlink(witness->path);
    free(witness->seen);
    free(witness->remarks);
    free(witness);
    return NULL;
}

const char *witness_path(const struct witness *witness)
{
    return witness->path;
}

/* ---- Reports ---------------------------------------------------------------------------------------------------- */

static void add(struct witness *witness, pid_t pid, const char *name)
{
    witness->seen = realloc(witness->seen, (witness->count + 1) * sizeof(*witness->seen));
    assert_non_null(witness->seen);
    struct seen *seen = &witness->seen[witness->count++];
    seen->pid = pid;
    seen->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!kin_is_younger(pid) && !pidfd_is_dead(seen->pidfd, 0)) {
        close(seen->pidfd);
        fail_msg("process %d (%s) is none of ours", pid, name);
    }
    snprintf(seen->name, sizeof(seen->name), "%s", name);
}

static void add_remark(struct witness *witness, pid_t pid, const char *text)
{
    witness->remarks = realloc(witness->remarks, (witness->remark_count + 1) * sizeof(*witness->remarks));
    assert_non_null(witness->remarks);
    struct remark *remark = &witness->remarks[witness->remark_count++];
    remark->pid = pid;
    snprintf(remark->text, sizeof(remark->text), "%s", text);
}

/* "ready", "PID NAME", or "PID ! REMARK". */
static void take(struct witness *witness, const char *line)
{
    char *rest;
    pid_t pid = (pid_t)strtol(line, &rest, 10);
    if (strcmp(line, "ready") == 0) {
        witness->ready = true;
    } else if (strncmp(rest, " ! ", 3) == 0) {
        add_remark(witness, pid, rest + 3);
    } else {
        assert_true(pid > 0);
        add(witness, pid, rest + 1);
    }
}

static void take_next(struct witness *witness, const char *waited_for)
{
    char line[256];
    if (!lines_next(&witness->reader, line, sizeof(line), READY_PATIENCE_MS * (int)test_slowness()))
        fail_msg("no report of \"%s\" in time; %zu processes were reported", waited_for, witness->count);
    take(witness, line);
}

void witness_ready(struct witness *witness)
{
    while (!witness->ready)
        take_next(witness, "ready");
}

void witness_count(struct witness *witness, size_t count)
{
    while (witness->count < count)
        take_next(witness, "more processes");
}

void witness_update(struct witness *witness)
{
    char line[256];
    while (lines_next(&witness->reader, line, sizeof(line), 0))
        take(witness, line);
}

pid_t witness_remark(struct witness *witness, const char *text)
{
    for (size_t i = 0;; i++) {
        while (i == witness->remark_count)
            take_next(witness, text);
        if (strcmp(witness->remarks[i].text, text) == 0) {
            witness->remarks[i].text[0] = '\0';
            return witness->remarks[i].pid;
        }
    }
}

/* ---- Proof ------------------------------------------------------------------------------------------------------ */

bool pidfd_is_dead(int pidfd, int patience_ms)
{
    struct pollfd fd = {.fd = pidfd, .events = POLLIN};
    return pidfd < 0 || poll(&fd, 1, patience_ms) > 0;
}

size_t witness_total(const struct witness *witness)
{
    return witness->count;
}

size_t witness_alive(const struct witness *witness)
{
    size_t alive = 0;
    for (size_t i = 0; i < witness->count; i++)
        alive += !pidfd_is_dead(witness->seen[i].pidfd, 0);
    return alive;
}

pid_t witness_pid(const struct witness *witness, size_t index)
{
    assert_true(index < witness->count);
    return witness->seen[index].pid;
}

int witness_pidfd(const struct witness *witness, size_t index)
{
    assert_true(index < witness->count);
    return witness->seen[index].pidfd;
}

const char *witness_name(const struct witness *witness, size_t index)
{
    assert_true(index < witness->count);
    return witness->seen[index].name;
}

size_t witness_find(const struct witness *witness, const char *name)
{
    for (size_t i = 0; i < witness->count; i++) {
        if (strcmp(witness->seen[i].name, name) == 0 && !pidfd_is_dead(witness->seen[i].pidfd, 0))
            return i;
    }
    fail_msg("no living process was reported as \"%s\"", name);
    return 0;
}

void witness_assert_dead(struct witness *witness, int patience_ms)
{
    long deadline = clock_ms() + (long)patience_ms * test_slowness();
    witness_update(witness);
    for (size_t i = 0; i < witness->count; i++) {
        const struct seen *seen = &witness->seen[i];
        long left = deadline - clock_ms();
        if (!pidfd_is_dead(seen->pidfd, left > 0 ? (int)left : 0))
            fail_msg("process %d (%s) is alive", seen->pid, seen->name);
    }
}

void witness_assert_alive(struct witness *witness)
{
    witness_update(witness);
    assert_true(witness->count > 0);
    for (size_t i = 0; i < witness->count; i++) {
        if (pidfd_is_dead(witness->seen[i].pidfd, 0))
            fail_msg("process %d (%s) is dead", witness->seen[i].pid, witness->seen[i].name);
    }
}
