/*
 * Pipelines: commands each of which reads what the one before it writes, by kernel pipes and without a shell.
 *
 *     pk_auto(pk_pipeline) words = pk_pipeline_new(print, split, sort, NULL);
 *     if (pk_pipeline_run(words, &text, &error) < 0)
 *         return fail(error.message);             // "split exited with 1: extra operand"
 *
 * A pipeline is run as one command is: by pk_pipeline_command it goes to every verb (run.h), task (task.h) and runner,
 * and what was started (pk_pipeline_start) is one pk_process, that of its last stage, which is not over before all of
 * them are. Lines, captures, waiting and loops are as always, and what is written to it goes to the first stage; the
 * stages before the last are there by pk_process_stage.
 *
 * Stages. The first one's stdin and the last one's stdout are what their commands say. Between two stages there is a
 * pipe, and a command that says something else of that descriptor is refused (-EINVAL). Stderr is each stage's own
 * business: inherited, captured or passed on as its command says; pk_command_same(command, 2, 1) sends it to the next
 * stage as well. Verbs that capture keep each stage's by itself.
 *
 * The start. The last stage is started first, so nothing is read before somebody is there for all of it. If one of them
 * cannot be started, none is left, none has read anything from the first one's stdin, and none has seen the end of its
 * input.
 *
 * The group. All stages are in one group, made as pk_pipeline_contain says: limits hold for all of them together, and
 * it is pk_process_pipeline_group. Each stage's tree is a part of it that can be ended by itself. A command that says
 * itself how it is to be contained, or that has a runner, is in a group of its own. Leftovers of a stage cannot be
 * allowed to live on (-EINVAL).
 *
 * How it ended. A stage that has ended was
 *
 *     clean         a success, see pk_command_ok_codes; or unchecked, and it exited or died by a signal
 *     torn down     ended by the library, because another stage had failed
 *     cut off       killed by SIGPIPE, and not the last: whoever was to read what it wrote was there no more
 *     failed        anything else
 *
 * The culprit is the leftmost stage that failed; if none has, the leftmost that was cut off. Without a culprit the
 * pipeline is a success. Its result, and the error of a verb, are those of its culprit, and otherwise of its last
 * stage.
 *
 * When a stage has failed the others are torn down at once, and not when they come to notice. Those before it are
 * stopped as their commands say (signal and grace). Those after it see the end of their input and may finish what they
 * have been given, for PK_PIPELINE_SETTLE or what pk_pipeline_settle says, and are stopped then. A stage that was cut
 * off tears nothing down.
 *
 * Stopping the process, or freeing it, stops or kills all stages. Freeing a single stage kills that one.
 */
#ifndef PROCESSKIT_PIPELINE_H
#define PROCESSKIT_PIPELINE_H

#include <processkit/cancel.h>
#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/macros.h>
#include <processkit/process.h>
#include <processkit/result.h>
#include <processkit/retry.h>
#include <processkit/run.h>
#include <processkit/time.h>

#include <stddef.h>

PK_BEGIN_DECLS

typedef struct pk_pipeline pk_pipeline;

/* ---- Building --------------------------------------------------------------------------------------------------- */

/*
 * A pipeline of these commands, which are copied; NULL ends them. NULL only when memory ran out; all functions accept
 * that NULL, and the start reports it. Like a command it is plain data, and the first thing that was wrong is
 * remembered and reported by the start. A command that is NULL for want of memory ends the list as well; said to
 * pk_pipeline_add it is reported.
 */
PK_API pk_pipeline *pk_pipeline_new(const pk_command *first, ...) PK_SENTINEL;

/* Takes NULL; returns NULL. */
PK_API pk_pipeline *pk_pipeline_free(pk_pipeline *pipeline);

PK_DEFINE_CLEANUP(pk_pipeline);

/* One more stage, at the end. */
PK_API void pk_pipeline_add(pk_pipeline *pipeline, const pk_command *command);

/* How many there are. */
PK_API size_t pk_pipeline_count(const pk_pipeline *pipeline);

/* Whatever code a stage, from 0, exits with, or signal it dies by, is as good as a success. It is still no success that
 * it was stopped, timed out, or ran out of memory. */
PK_API void pk_pipeline_unchecked(pk_pipeline *pipeline, size_t stage);

/*
 * Passes what goes from this stage to the next on to a descriptor of the owner as well, which stays the caller's and
 * must be open when the pipeline is started. The kernel does the copying (tee, splice) where it can. It goes as fast as
 * the slower one takes it; what the next stage has got goes there too, but for what is not taken when all stages have
 * ended. A tee that fails gets nothing more, and the pipeline goes on: pk_process_stage_tee_error tells. The last stage
 * has pk_command_tee for that.
 */
PK_API void pk_pipeline_tee(pk_pipeline *pipeline, size_t stage, int owner_fd);

/* A deadline for all of it, counted from the start, beside those of single commands. 0 is invalid. */
PK_API void pk_pipeline_timeout(pk_pipeline *pipeline, pk_duration timeout);

#define PK_PIPELINE_SETTLE PK_SECONDS(2)

/* How long stages may go on after one before them has failed. 0: not at all; PK_FOREVER: until they have ended. */
PK_API void pk_pipeline_settle(pk_pipeline *pipeline, pk_duration most);

/* The token of those stages whose commands have none of their own. */
PK_API void pk_pipeline_cancel(pk_pipeline *pipeline, pk_cancel *cancel);

/* How the group for all stages is made; NULL for the defaults. The options are copied. */
PK_API void pk_pipeline_contain(pk_pipeline *pipeline, const pk_group_options *options);

/* Runs all of it again when it has failed: see retry.h. What commands say of that themselves does not count here. */
PK_API void pk_pipeline_retry(pk_pipeline *pipeline, const pk_retry_options *options);

/* ---- Running ---------------------------------------------------------------------------------------------------- */

/*
 * The pipeline as a command, for everything that takes one; the pipeline's, until that is changed or freed. A copy of
 * it is the caller's, and what is said to that is said of the last stage, which has no stdin of its own (-EINVAL). Not
 * so a runner: that takes the place of the pipeline, whose runner it is. A stage cannot be a pipeline itself (-EINVAL).
 */
PK_API const pk_command *pk_pipeline_command(const pk_pipeline *pipeline);

/* pk_command_start, pk_command_run, pk_command_check and pk_command_output of it. */
PK_API PK_NODISCARD int pk_pipeline_start(const pk_pipeline *pipeline, pk_process **process, pk_error *error);
PK_API PK_NODISCARD int pk_pipeline_run(const pk_pipeline *pipeline, char **text, pk_error *error);
PK_API PK_NODISCARD int pk_pipeline_check(const pk_pipeline *pipeline, pk_error *error);
PK_API PK_NODISCARD int pk_pipeline_output(const pk_pipeline *pipeline, pk_output **output, pk_error *error);

/* ---- Stages of what was started --------------------------------------------------------------------------------- */

#define PK_NO_STAGE ((size_t)-1)

/* How many there are; 1 for what was no pipeline. */
PK_API size_t pk_process_stage_count(const pk_process *process);

/* One of them, from 0; the last is the process itself. It can be looked at, signalled and stopped, but not waited
 * for. NULL beyond the last. */
PK_API pk_process *pk_process_stage(const pk_process *process, size_t stage);

/* How a stage ended by itself, once all of it is over; NULL before. */
PK_API const pk_result *pk_process_stage_result(const pk_process *process, size_t stage);

/* The culprit, once all of it is over; PK_NO_STAGE if there is none, or not yet. */
PK_API size_t pk_process_culprit(const pk_process *process);

/* Why the tee behind this stage got nothing more: a negative errno, or 0. */
PK_API int pk_process_stage_tee_error(const pk_process *process, size_t stage);

/* The group that all stages are in; of what was no pipeline, its group. NULL if all stages have groups of their own. */
PK_API pk_group *pk_process_pipeline_group(const pk_process *process);

/*
 * The same of an output. What is captured of a pipeline is stdout of its last stage, and everything else of the stage
 * that its result is of; here is what each of them wrote.
 */
PK_API size_t pk_output_stage_count(const pk_output *output);
PK_API const pk_output *pk_output_stage(const pk_output *output, size_t stage);
PK_API size_t pk_output_culprit(const pk_output *output);

/* What all stages together have used, where they were in one group; zeros and PK_SOURCE_UNAVAILABLE otherwise. */
PK_API const pk_usage *pk_output_usage(const pk_output *output);

PK_END_DECLS

#endif
