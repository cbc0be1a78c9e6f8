/*
 * Waiting until a process is ready: by probes and by its own words, while everything else of it goes on.
 */
#include "base/error.h"
#include "base/time.h"
#include "io/probe.h"
#include "process/carry.h"

#include <processkit/ready.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int not_ready(int number, pid_t pid, const char *why, pk_error *error)
{
    const char *when = number == -ECHILD ? "ended before it was ready" : "was not ready in time";
    return error_set(error, number, PK_ERROR_NOT_READY, PK_STEP_WAIT, NULL, "pid %d %s: %s", pid, when, why);
}

/* ---- What can be seen from outside ------------------------------------------------------------------------------ */

static int wait_by(pk_process *process, struct probe *probe, pk_time deadline, pk_error *error)
{
    pid_t pid = pk_process_pid(process);
    struct pollfd fd = {.fd = -1};
    pk_time wake = 0;
    int r = carry_look(process, NULL);
    while (r == 0) {
        pk_time now = sys_now();
        int ready = fd.revents || now >= wake ? probe_advance(probe, now) : 0;
        if (ready > 0)
            return 0;
        if (ready < 0)
            return error_errno(error, ready, PK_STEP_WAIT, NULL, "cannot tell whether pid %d is ready", pid);
        bool ended = pk_process_result(process) != NULL;
        if (ended || now >= deadline)
            return not_ready(ended ? -ECHILD : -ETIMEDOUT, pid, probe_refusal(probe), error);
        wake = probe_interest(probe, &fd);
        r = carry_pump(process, &fd, time_earlier(wake, deadline));
    }
    return carry_explain(r, error);
}

/* With what the beginning of the probe has returned. */
static int wait_and_end(pk_process *process, struct probe *probe, int r, pk_time deadline, pk_error *error)
{
    if (r < 0)
        return r;
    r = wait_by(process, probe, deadline, error);
    probe_end(probe);
    return r;
}

int pk_process_wait_port(pk_process *process, const char *host, unsigned port, pk_time deadline, pk_error *error)
{
    struct probe probe;
    int r = carry_check(process, error);
    if (r == 0)
        r = probe_begin_port(&probe, host, port, error);
    return wait_and_end(process, &probe, r, deadline, error);
}

int pk_process_wait_socket(pk_process *process, const char *path, pk_time deadline, pk_error *error)
{
    struct probe probe;
    int r = carry_check(process, error);
    if (r == 0)
        r = probe_begin_socket(&probe, path, error);
    return wait_and_end(process, &probe, r, deadline, error);
}

int pk_process_wait_path(pk_process *process, const char *path, pk_time deadline, pk_error *error)
{
    struct probe probe;
    int r = carry_check(process, error);
    if (r == 0)
        r = probe_begin_path(&probe, path, error);
    return wait_and_end(process, &probe, r, deadline, error);
}

int pk_process_wait_http(pk_process *process, const char *url, unsigned first, unsigned last, pk_time deadline,
                         pk_error *error)
{
    struct probe probe;
    int r = carry_check(process, error);
    if (r == 0)
        r = probe_begin_http(&probe, url, first, last, error);
    return wait_and_end(process, &probe, r, deadline, error);
}

/* ---- Callbacks -------------------------------------------------------------------------------------------------- */

struct question {
    pk_process *process;
    pk_ready_callback ready;
    void *data;
    bool gone; /* the process: the callback has freed it */
};

static int ask(void *data)
{
    struct question *question = data;
    process_enter(question->process);
    int r = question->ready(question->process, question->data);
    question->gone = !process_leave(question->process);
    return question->gone ? -ECANCELED : r;
}

int pk_process_wait_until(pk_process *process, pk_ready_callback ready, void *data, pk_time deadline, pk_error *error)
{
    struct question question = {.process = process, .ready = ready, .data = data};
    struct probe probe;
    int r = carry_check(process, error);
    if (r < 0)
        return r;
    probe_begin_callback(&probe, ask, &question);
    r = wait_and_end(process, &probe, 0, deadline, error);
    return question.gone ? carry_explain(r, error) : r;
}

/* ---- What it says itself ---------------------------------------------------------------------------------------- */

/* Nothing came, in time or at all; any other error is explained already. */
static int not_written(pk_process *process, int r, const char *why, pk_error *error)
{
    if (r != 0 && r != -ETIMEDOUT)
        return r;
    return not_ready(r == 0 ? -ECHILD : r, pk_process_pid(process), why, error);
}

/* 1: it will do. */
static int judge_line(pk_process *process, pk_match_callback match, const pk_line *line, void *data, pk_error *error)
{
    if (!match)
        return 1;
    process_enter(process);
    bool will_do = match(line, data);
    return process_leave(process) ? will_do : carry_explain(-ECANCELED, error);
}

int pk_process_wait_line(pk_process *process, int fd, pk_match_callback match, void *data, char **line,
                         pk_time deadline, pk_error *error)
{
    for (;;) {
        pk_line next;
        int r = pk_process_next_line(process, fd, &next, deadline, error);
        if (r <= 0)
            return not_written(process, r, "it has not written such a line", error);
        r = judge_line(process, match, &next, data, error);
        if (r < 0)
            return r;
        if (r > 0)
            return line ? process_copy_line(&next, line, error) : 0;
    }
}

int pk_process_wait_text(pk_process *process, int fd, const char *text, pk_time deadline, pk_error *error)
{
    if (!text || !text[0] || strpbrk(text, "\r\n"))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid text to wait for: it must be of one line, and not empty");
    int r = process_find_text(process, fd, text, deadline, error);
    if (r > 0)
        return 0;
    char why[PK_ERROR_PATH_SIZE];
    snprintf(why, sizeof(why), "it has not written '%s'", text);
    return not_written(process, r, why, error);
}
