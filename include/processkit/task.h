/*
 * Tasks: verbs on a loop. A task is one of the verbs of run.h that a loop carries, beside everything else that goes on
 * there: from the start of the command to its end, retries with their pauses included.
 *
 *     static void checked(pk_task *task, int number, const pk_error *error, void *name)
 *     {
 *         printf("%s: %s\n", (const char *)name, error ? error->message : "good");
 *         pk_task_free(task);
 *     }
 *
 *     pk_command_submit(lint, PK_VERB_CHECK, loop, checked, "lint", NULL, &error);
 *     pk_command_submit(test, PK_VERB_CHECK, loop, checked, "test", NULL, &error);
 *
 * Whatever a blocking verb would return, and the error it would give, the callback gets; once, from pk_loop_dispatch.
 * So a command that cannot be started, or makes no sense, is told there as well. What a submit itself returns is only
 * about the task: -EINVAL for an unknown verb or a missing callback, -ENOMEM, and what a timer of the loop costs
 * (pk_loop_timer).
 *
 * The command is copied, and started by the next dispatch. What was only lent to it must last until the callback is
 * called: descriptors of the owner, the data of callbacks.
 *
 * A task belongs to the thread of its loop. Callbacks, those of the command too, may free the task and anything else.
 * If the loop is freed before, its tasks rest: nobody is told anything any more, what runs goes on until the task is
 * freed.
 */
#ifndef PROCESSKIT_TASK_H
#define PROCESSKIT_TASK_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/loop.h>
#include <processkit/macros.h>
#include <processkit/process.h>
#include <processkit/result.h>
#include <processkit/run.h>

PK_BEGIN_DECLS

typedef struct pk_task pk_task;

/* ---- Submitting ------------------------------------------------------------------------------------------------- */

typedef enum pk_verb {
    PK_VERB_OUTPUT = 1, /* pk_command_output: see pk_task_output */
    PK_VERB_STATUS,     /* pk_command_status: see pk_task_result */
    PK_VERB_CHECK,      /* pk_command_check */
    PK_VERB_RUN,        /* pk_command_run: see pk_task_text */
    PK_VERB_EXIT_CODE,  /* pk_command_exit_code */
    PK_VERB_PROBE,      /* pk_command_probe */
} pk_verb;

/* `number` is what the verb would return; `error` is NULL unless that is negative, and lasts as long as the call. */
typedef void (*pk_task_callback)(pk_task *task, int number, const pk_error *error, void *data);

/* `task` may be NULL: the callback is then the only one who can free it. */
PK_API PK_NODISCARD int pk_command_submit(const pk_command *command, pk_verb verb, pk_loop *loop,
                                          pk_task_callback callback, void *data, pk_task **task, pk_error *error);

/* The same with pk_command_parse; `parse_data` is for `parse`. */
PK_API PK_NODISCARD int pk_command_submit_parse(const pk_command *command, pk_parse_callback parse, void *parse_data,
                                                pk_loop *loop, pk_task_callback callback, void *data, pk_task **task,
                                                pk_error *error);

/* The same with pk_command_first_line; `match_data` is for `match`, which may be NULL. See pk_task_text. */
PK_API PK_NODISCARD int pk_command_submit_first_line(const pk_command *command, pk_match_callback match,
                                                     void *match_data, pk_loop *loop, pk_task_callback callback,
                                                     void *data, pk_task **task, pk_error *error);

/* Ends it: kills what runs, and the callback is not called any more. Takes NULL; returns NULL. */
PK_API pk_task *pk_task_free(pk_task *task);

PK_DEFINE_CLEANUP(pk_task);

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

/* The process of the attempt that is going on; NULL before, between attempts and after the end. It can be looked at,
 * signalled and stopped; freeing it ends the task with -ECANCELED. */
PK_API pk_process *pk_task_process(const pk_task *task);

/*
 * What is known when the callback is called, and as long as the task lives. Before that, and where there is none, NULL.
 *
 * The text that pk_command_run gives, or the line of pk_command_first_line; after a success only. How the last run
 * ended, and what it wrote, also for verbs that failed; but not of a command that could not be started, or that was
 * killed because its line had come.
 */
PK_API const char *pk_task_text(const pk_task *task);
PK_API const pk_result *pk_task_result(const pk_task *task);
PK_API const pk_output *pk_task_output(const pk_task *task);

PK_END_DECLS

#endif
