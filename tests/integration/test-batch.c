/*
 * Batches: how many at a time, in what order they are told, and how they end.
 */
#include "cast.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 300 };

/* What was told. */
struct log {
    size_t count;
    size_t order[MOST];
    int codes[MOST]; /* exit codes; -1: it was not started, or has not exited */
    bool stopped[MOST];
    size_t started;
    size_t stop_after; /* 0: never */
};

static void note_end(pk_batch *batch, const pk_batch_item *item, void *data)
{
    struct log *log = data;
    assert_true(log->count < MOST);
    const pk_result *result = item->output ? pk_output_result(item->output) : NULL;
    log->order[log->count++] = item->index;
    log->codes[item->index] = result && result->leader_ending == PK_ENDING_EXITED ? result->exit_code : -1;
    log->stopped[item->index] = item->stopped;
    assert_true(item->ended >= item->started);
    if (log->count == log->stop_after)
        pk_batch_stop(batch, NULL);
}

static void note_start(pk_batch *batch, const pk_batch_item *item, void *data)
{
    struct log *log = data;
    (void)batch;
    assert_int_equal(item->index, log->started);
    log->started++;
}

static pk_batch *batch_of(struct log *log, unsigned jobs)
{
    pk_batch *batch = pk_batch_new();
    *log = (struct log){0};
    pk_batch_jobs(batch, jobs);
    pk_batch_on_start(batch, note_start, log);
    pk_batch_on_end(batch, note_end, log);
    return batch;
}

static void add(pk_batch *batch, const char *words)
{
    pk_auto(pk_command) command = cast_command(NULL, words);
    pk_batch_add(batch, command, NULL);
}

static pk_batch_summary run(pk_batch *batch)
{
    pk_error error;
    pk_batch_summary summary;
    assert_ok(pk_batch_run(batch, &summary, &error), error);
    assert_int_equal(summary.running, 0);
    return summary;
}

/* ---- Items ------------------------------------------------------------------------------------------------------ */

static void each_item_is_run_once(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 3);
    for (int i = 0; i < 20; i++)
        add(batch, i % 5 == 4 ? "exit 7" : "exit 0");
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.end, PK_BATCH_ENDED);
    assert_int_equal(summary.succeeded, 16);
    assert_int_equal(summary.failed, 4);
    assert_int_equal(summary.stopped, 0);
    assert_int_equal(summary.most, 3);
    assert_int_equal(log.count, 20);
    assert_int_equal(log.started, 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(log.codes[i], i % 5 == 4 ? 7 : 0);
}

static void an_empty_batch_has_ended(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.end, PK_BATCH_ENDED);
    assert_int_equal(summary.succeeded + summary.failed, 0);
}

static void what_cannot_be_started_is_a_failure(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_auto(pk_command) missing = pk_command_new("no-such-program", NULL);
    pk_auto(pk_command) nonsense = pk_command_new("", NULL);
    pk_batch_add(batch, missing, NULL);
    add(batch, "exit 0");
    pk_batch_add(batch, nonsense, NULL);
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.succeeded, 1);
    assert_int_equal(summary.failed, 2);
    assert_int_equal(log.codes[0], -1);
}

struct outputs {
    size_t count;
    char text[4][64];
};

static void keep_output(pk_batch *batch, const pk_batch_item *item, void *data)
{
    struct outputs *outputs = data;
    (void)batch;
    snprintf(outputs->text[item->index], sizeof(outputs->text[0]), "%s/%s/%s", (const char *)item->data,
             pk_output_text(item->output, 1), pk_output_text(item->output, 2));
    outputs->count++;
}

static void output_is_each_items_own(void **state)
{
    struct outputs outputs = {0};
    (void)state;
    pk_auto(pk_batch) batch = pk_batch_new();
    pk_batch_jobs(batch, 4);
    pk_batch_on_end(batch, keep_output, &outputs);
    static const char *const names[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) {
        char words[64];
        snprintf(words, sizeof(words), "print out-%d -- print-to 2 err-%d", i, i);
        pk_auto(pk_command) command = cast_command(NULL, words);
        pk_batch_add(batch, command, (void *)names[i]);
    }
    run(batch);
    assert_int_equal(outputs.count, 4);
    assert_string_equal(outputs.text[2], "c/out-2\n/err-2\n");
}

static void a_pipeline_is_an_item(void **state)
{
    struct outputs outputs = {0};
    (void)state;
    pk_auto(pk_command) first = cast_command(NULL, "bytes 1000");
    pk_auto(pk_command) last = cast_command(NULL, "count");
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
    pk_auto(pk_batch) batch = pk_batch_new();
    pk_batch_on_end(batch, keep_output, &outputs);
    pk_batch_add(batch, pk_pipeline_command(pipeline), (void *)"p");
    assert_int_equal(run(batch).succeeded, 1);
    assert_string_equal(outputs.text[0], "p/1000\n/");
}

/* ---- Order ------------------------------------------------------------------------------------------------------ */

static void they_are_told_as_they_end(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    add(batch, "sleep 300");
    add(batch, "exit 0");
    run(batch);
    assert_int_equal(log.order[0], 1);
    assert_int_equal(log.order[1], 0);
}

static void or_in_order(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 4);
    pk_batch_deliver(batch, PK_BATCH_IN_ORDER);
    add(batch, "sleep 300");
    for (int i = 0; i < 20; i++)
        add(batch, "exit 0");
    run(batch);
    for (size_t i = 0; i < 21; i++)
        assert_int_equal(log.order[i], i);
}

/* ---- Sources ---------------------------------------------------------------------------------------------------- */

struct well {
    pk_batch *batch;
    long left, asked;
    long pauses; /* that it makes, each until it is woken */
    int error;   /* instead of an end */
};

static int draw(pk_command **command, void **item_data, void *data)
{
    struct well *well = data;
    (void)item_data;
    well->asked++;
    if (well->pauses > 0 && well->asked % 2 == 0) {
        well->pauses--;
        return -EAGAIN;
    }
    if (well->left == 0)
        return well->error;
    well->left--;
    *command = cast_command(NULL, "exit 0");
    return 1;
}

static void a_source_is_asked_as_there_is_room(void **state)
{
    struct log log;
    struct well well = {.left = 50};
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_batch_source(batch, draw, &well);
    add(batch, "exit 0");
    assert_int_equal(run(batch).succeeded, 51);
    assert_int_equal(well.asked, 51);
}

static void a_source_that_fails_ends_it(void **state)
{
    pk_error error;
    struct log log;
    pk_batch_summary summary;
    struct well well = {.left = 3, .error = -EIO};
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_batch_source(batch, draw, &well);
    assert_int_equal(pk_batch_run(batch, &summary, &error), -EIO);
    assert_int_equal(summary.end, PK_BATCH_NO_SOURCE);
    assert_int_equal(summary.succeeded, 3);
    assert_int_equal(log.count, 3);
}

/* Only while there is more to come: a batch that is over has been freed. */
static void wake(pk_timer *timer, void *data)
{
    struct well *well = data;
    if (well->left > 0)
        pk_batch_wake(well->batch);
    pk_timer_set(timer, pk_deadline(PK_MILLISECONDS(1)));
}

struct over {
    bool told;
    int number;
};

static void note_over(pk_batch *batch, int number, const pk_error *error, void *data)
{
    struct over *over = data;
    assert_int_equal(number < 0, error != NULL);
    *over = (struct over){true, number};
    pk_batch_free(batch);
}

static void a_source_can_rest(void **state)
{
    pk_error error;
    struct log log;
    struct over over = {0};
    struct well well = {.left = 20, .pauses = 10};
    pk_auto(pk_loop) loop = NULL;
    pk_auto(pk_timer) timer = NULL;
    (void)state;
    assert_ok(pk_loop_create(&loop, &error), error);
    pk_batch *batch = well.batch = batch_of(&log, 2);
    pk_batch_source(batch, draw, &well);
    assert_ok(pk_loop_timer(loop, pk_deadline(PK_MILLISECONDS(1)), wake, &well, &timer, &error), error);
    assert_ok(pk_batch_start(batch, loop, note_over, &over, &error), error);
    while (!over.told)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_int_equal(over.number, 0);
    assert_int_equal(log.count, 20);
}

/* ---- How many --------------------------------------------------------------------------------------------------- */

static void a_rate_is_kept(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 10);
    pk_batch_rate(batch, 100, PK_SECONDS(1));
    for (int i = 0; i < 21; i++)
        add(batch, "exit 0");
    assert_true(run(batch).wall >= PK_MILLISECONDS(200));
}

/* More than there can be: one at a time goes on. */
static void one_runs_whatever_is_asked_for(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 4);
    pk_batch_memory_floor(batch, UINT64_MAX);
    for (int i = 0; i < 4; i++)
        add(batch, "exit 0");
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.succeeded, 4);
    assert_int_equal(summary.most, 1);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static void a_failure_can_end_it(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_batch_on_failure(batch, PK_BATCH_STOP);
    add(batch, "hold");
    add(batch, "exit 3");
    for (int i = 0; i < 10; i++)
        add(batch, "hold");
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.end, PK_BATCH_FAILED);
    assert_int_equal(summary.failed, 1);
    assert_true(summary.stopped >= 1 && summary.stopped <= 2);
    assert_true(log.stopped[0]);
    assert_false(log.stopped[1]);
}

static void or_let_the_others_end(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_batch_on_failure(batch, PK_BATCH_FINISH);
    add(batch, "sleep 200");
    add(batch, "exit 3");
    for (int i = 0; i < 10; i++)
        add(batch, "exit 0");
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.end, PK_BATCH_FAILED);
    assert_int_equal(summary.succeeded, 1);
    assert_int_equal(summary.stopped, 0);
}

static void a_deadline_ends_it(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_batch_timeout(batch, PK_MILLISECONDS(100));
    for (int i = 0; i < 10; i++)
        add(batch, "hold");
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.end, PK_BATCH_TIMED_OUT);
    assert_int_equal(summary.stopped, 2);
    assert_int_equal(log.count, 2);
}

static void a_token_ends_it(void **state)
{
    pk_error error;
    struct log log;
    pk_cancel *cancel;
    (void)state;
    assert_ok(pk_cancel_create(&cancel, &error), error);
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_batch_cancel(batch, cancel);
    pk_cancel_now(cancel);
    for (int i = 0; i < 10; i++)
        add(batch, "hold");
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.end, PK_BATCH_CANCELLED);
    assert_int_equal(summary.stopped, log.count);
    pk_cancel_free(cancel);
}

static void a_callback_can_stop_it(void **state)
{
    struct log log;
    (void)state;
    pk_auto(pk_batch) batch = batch_of(&log, 3);
    log.stop_after = 1;
    add(batch, "hold");
    add(batch, "exit 0");
    for (int i = 0; i < 10; i++)
        add(batch, "hold");
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.end, PK_BATCH_STOPPED);
    assert_int_equal(summary.succeeded, 1);
    assert_int_equal(summary.stopped, log.count - 1);
}

/* An item whose command would be tried again for ever. */
static void what_is_stopped_is_not_tried_again(void **state)
{
    struct log log;
    (void)state;
    pk_retry_options retry = PK_RETRY_OPTIONS_INIT;
    retry.attempts = 1000000;
    retry.first_pause = retry.most_pause = PK_SECONDS(100);
    pk_auto(pk_batch) batch = batch_of(&log, 2);
    pk_auto(pk_command) missing = pk_command_new("/proc/self/environ", NULL);
    pk_command_retry(missing, &retry);
    pk_batch_add(batch, missing, NULL);
    pk_auto(pk_command) holding = cast_command(NULL, "hold");
    pk_command_retry(holding, &retry);
    pk_batch_add(batch, holding, NULL);
    pk_batch_timeout(batch, PK_MILLISECONDS(100));
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.end, PK_BATCH_TIMED_OUT);
    assert_int_equal(summary.stopped + summary.failed, 2);
}

static void freeing_it_kills_all(void **state)
{
    pk_error error;
    struct log log;
    struct over over = {0};
    pk_auto(pk_loop) loop = NULL;
    struct witness *witness = witness_new();
    (void)state;
    assert_ok(pk_loop_create(&loop, &error), error);
    pk_batch *batch = batch_of(&log, 2);
    pk_auto(pk_command) tree = cast_command(witness, "tree 5");
    pk_batch_add(batch, tree, NULL);
    assert_ok(pk_batch_start(batch, loop, note_over, &over, &error), error);
    while (log.started == 0)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error); /* the start itself */
    witness_ready(witness);
    pk_batch_free(batch);
    witness_assert_dead(witness, GONE_MS);
    assert_false(over.told);
    assert_int_equal(log.count, 0);
    witness_free(witness);
}

/* ---- Groups ----------------------------------------------------------------------------------------------------- */

static void all_can_be_in_one_group(void **state)
{
    struct log log;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = cast_mechanism(state);
    pk_auto(pk_batch) batch = batch_of(&log, 3);
    pk_batch_contain(batch, &options);
    for (int i = 0; i < 10; i++)
        add(batch, "exit 0");
    pk_auto(pk_command) apart = cast_command(NULL, "exit 0");
    pk_command_contain(apart, &options);
    pk_batch_add(batch, apart, NULL);
    pk_batch_summary summary = run(batch);
    assert_int_equal(summary.succeeded, 10);
    assert_int_equal(summary.failed, 1);
}

static void what_makes_no_sense_is_refused(void **state)
{
    pk_error error;
    (void)state;
    pk_auto(pk_batch) batch = pk_batch_new();
    pk_batch_timeout(batch, 0);
    assert_int_equal(pk_batch_run(batch, NULL, &error), -EINVAL);
    pk_auto(pk_batch) twice = pk_batch_new();
    assert_ok(pk_batch_run(twice, NULL, &error), error);
    assert_int_equal(pk_batch_run(twice, NULL, &error), -EINVAL);
    assert_int_equal(pk_batch_run(NULL, NULL, &error), -ENOMEM);
}

static const struct test tests[] = {
    PK_TEST(each_item_is_run_once),
    PK_TEST(an_empty_batch_has_ended),
    PK_TEST(what_cannot_be_started_is_a_failure),
    PK_TEST(output_is_each_items_own),
    PK_TEST(a_pipeline_is_an_item),
    PK_TEST(they_are_told_as_they_end),
    PK_TEST(or_in_order),
    PK_TEST(a_source_is_asked_as_there_is_room),
    PK_TEST(a_source_that_fails_ends_it),
    PK_TEST(a_source_can_rest),
    PK_TEST(a_rate_is_kept),
    PK_TEST(one_runs_whatever_is_asked_for),
    PK_TEST(a_failure_can_end_it),
    PK_TEST(or_let_the_others_end),
    PK_TEST(a_deadline_ends_it),
    PK_TEST(a_token_ends_it),
    PK_TEST(a_callback_can_stop_it),
    PK_TEST(what_is_stopped_is_not_tried_again),
    PK_TEST(freeing_it_kills_all),
    EACH(all_can_be_in_one_group),
    PK_TEST(what_makes_no_sense_is_refused),
};

PK_TEST_MAIN(tests)
