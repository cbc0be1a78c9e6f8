/*
 * A job in a loop: it has a deadline, its lines come as they are written, and its end is an event.
 */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    void (*on_end)(void *data);
    void *data;
};

static void on_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)data;
    printf("%s\n", line->text);
}

static void on_event(pk_process *process, pk_event event, void *data)
{
    struct job *job = data;
    char text[128];
    if (event != PK_EVENT_ENDED)
        return;
    printf("%s\n", pk_result_format(pk_process_result(process), text, sizeof(text)));
    pk_process_free(process);
    job->on_end(job->data);
    free(job);
}

int job_start(pk_loop *loop, void (*on_end)(void *data), void *data, pk_error *error)
{
    pk_auto(pk_command) command = pk_command_new("sh", "-c", "echo one; echo two; sleep 60", NULL);
    pk_command_on_line(command, 1, on_line, NULL);
    pk_command_timeout(command, PK_MILLISECONDS(300));

    pk_process *process = NULL;
    struct job *job = malloc(sizeof(*job));
    if (!job)
        return -ENOMEM;
    *job = (struct job){on_end, data};
    int r = pk_command_start(command, &process, error);
    if (r == 0)
        r = pk_process_watch(process, loop, on_event, job, error);
    if (r < 0) {
        pk_process_free(process);
        free(job);
    }
    return r;
}

int job_fail(const pk_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}
