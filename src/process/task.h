/*
 * Tasks, for who has several of them.
 */
#ifndef PK_PROCESS_TASK_H
#define PK_PROCESS_TASK_H

#include "process/answer.h"

#include <processkit/task.h>

/* pk_command_submit for any wish. The command is the task's, also after a failure. */
int task_submit(pk_command *command, const struct wish *wish, pk_loop *loop, pk_task_callback callback, void *data,
                pk_task **ret, pk_error *error);

/* Stops what runs, and tries nothing again: the callback is called as always. */
void task_stop(pk_task *task, const pk_stop_options *options);

#endif
