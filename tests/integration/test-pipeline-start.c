/*
 * Building and starting pipelines, or not.
 */
#include "plumbing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- What cannot be --------------------------------------------------------------------------------------------- */

static void refuse(const pk_pipeline *pipeline, const char *why)
{
    pk_error error;
    pk_process *process;
    assert_int_equal(pk_pipeline_start(pipeline, &process, &error), -EINVAL);
    if (!strstr(error.message, why))
        fail_msg("%s", error.message);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    pk_auto(pk_pipeline) empty = pk_pipeline_new(NULL, NULL);
    refuse(empty, "it has no stages");

    pk_auto(pk_command) plain = cast_command(NULL, "echo");
    pk_auto(pk_command) reading = cast_command(NULL, "echo");
    pk_auto(pk_command) writing = cast_command(NULL, "echo");
    pk_auto(pk_command) sparing = cast_command(NULL, "echo");
    pk_auto(pk_command) alone = cast_command(NULL, "echo");
    pk_command_null(reading, 0);
    pk_auto(pk_pipeline) with_stdin = pk_pipeline_new(plain, reading, NULL);
    refuse(with_stdin, "stdin of its own");

    pk_command_capture(writing, 1, NULL);
    pk_auto(pk_pipeline) with_stdout = pk_pipeline_new(writing, plain, NULL);
    refuse(with_stdout, "stdout of its own");

    pk_command_leftovers(sparing, PK_LEFTOVERS_ALLOW);
    pk_auto(pk_pipeline) with_leftovers = pk_pipeline_new(plain, sparing, NULL);
    refuse(with_leftovers, "leftovers");

    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_command_contain(alone, &options);
    pk_auto(pk_pipeline) contained = pk_pipeline_new(plain, alone, NULL);
    pk_pipeline_contain(contained, &options);
    refuse(contained, "contained by itself");

    pk_auto(pk_pipeline) short_one = pk_pipeline_new(plain, plain, NULL);
    pk_pipeline_unchecked(short_one, 2);
    refuse(short_one, "no stage 2");

    pk_auto(pk_pipeline) tee_at_the_end = pk_pipeline_new(plain, plain, NULL);
    pk_pipeline_tee(tee_at_the_end, 1, 2);
    refuse(tee_at_the_end, "pk_command_tee");
}

/* What is not there at all, and what cannot be started for another reason. */
static void nothing_begins_without_all_of_it(void **state)
{
    pk_error error;
    pk_process *process;
    int ends[2], report[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe2(report, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], "precious", 8), 8);
    for (int i = 0; i < 2; i++) {
        pk_auto(pk_command) first = cast_command(NULL, "echo");
        pk_auto(pk_command) last = cast_command(NULL, "count");
        pk_auto(pk_command) missing = i == 0 ? pk_command_new("no-such-program", NULL) : cast_command(NULL, "echo");
        pk_command_fd(first, 0, ends[0]);
        pk_command_fd(last, 1, report[1]);
        if (i == 1)
            pk_command_rlimit(missing, 9999, 1, 1);
        const struct way *way = *state;
        pk_group_options options = PK_GROUP_OPTIONS_INIT;
        options.mechanism = way->mechanism;
        pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, missing, last, NULL);
        pk_pipeline_contain(pipeline, &options);
        assert_int_equal(pk_pipeline_start(pipeline, &process, &error), i == 0 ? -ENOENT : -EINVAL);
    }
    char text[16];
    assert_int_equal(read(ends[0], text, sizeof(text)), 8);
    assert_int_equal(read(report[0], text, sizeof(text)), -1); /* the last has not seen the end of its input */
    assert_int_equal(errno, EAGAIN);
    close(ends[0]), close(ends[1]), close(report[0]), close(report[1]);
}

static int start_with_few_descriptors(const pk_pipeline *pipeline, rlim_t most)
{
    pk_error error;
    pk_process *process = NULL;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    pk_time begun = pk_now();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){most, old.rlim_max}), 0);
    int r = pk_pipeline_start(pipeline, &process, &error);
    setrlimit(RLIMIT_NOFILE, &old);
    if (r < 0 && r != -EMFILE)
        fail_msg("with %u descriptors: %d: %s", (unsigned)most, r, error.message);
    assert_true(pk_now() - begun < PK_SECONDS(3) * test_slowness());
    pk_process_free(process);
    return r;
}

/* Whoever was started before is gone at once, though that takes some to be seen. */
static void it_runs_out_of_descriptors_cleanly(void **state)
{
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    int r = -EMFILE, report[2];
    char byte;
    options.mechanism = way->mechanism;
    for (int more = 1; r < 0 && more < 100; more++) {
        assert_int_equal(pipe2(report, O_CLOEXEC), 0);
        pk_auto(pk_command) hold = cast_command(NULL, "hold");
        pk_command_fd(hold, 2, report[1]);
        pk_auto(pk_pipeline) pipeline = pk_pipeline_new(hold, hold, hold, hold, NULL);
        pk_pipeline_contain(pipeline, &options);
        r = start_with_few_descriptors(pipeline, (rlim_t)report[1] + (rlim_t)more);
        close(report[1]);
        assert_int_equal(read(report[0], &byte, 1), 0); /* nobody has the other end */
        close(report[0]);
    }
    assert_int_equal(r, 0);
}

/* ---- As a command ----------------------------------------------------------------------------------------------- */

static void a_copy_stays_as_it_was(void **state)
{
    pk_error error;
    char *text;
    (void)state;
    pk_auto(pk_pipeline) pipeline = plumb_plainly("print one | echo");
    pk_auto(pk_command) copy = pk_command_copy(pk_pipeline_command(pipeline));
    pk_auto(pk_command) more = cast_command(NULL, "count");
    pk_pipeline_add(pipeline, more);
    assert_ok(pk_command_run(copy, &text, &error), error);
    assert_string_equal(text, "one");
    free(text);
    assert_ok(pk_pipeline_run(pipeline, &text, &error), error);
    assert_string_equal(text, "4");
    free(text);
}

static void it_is_in_no_group_of_others(void **state)
{
    pk_error error;
    pk_process *process;
    (void)state;
    pk_auto(pk_group) group = cast_group(PK_MECHANISM_REAPER);
    pk_auto(pk_pipeline) pipeline = plumb_plainly("print one | echo");
    assert_int_equal(pk_group_spawn(group, pk_pipeline_command(pipeline), &process, &error), -EOPNOTSUPP);
}

static const struct test tests[] = {
    PK_TEST(what_makes_no_sense_is_refused),
    EACH_MECHANISM(nothing_begins_without_all_of_it),
    EACH_MECHANISM(it_runs_out_of_descriptors_cleanly),
    EACH_LEAKY_WAY(it_runs_out_of_descriptors_cleanly),
    PK_TEST(a_copy_stays_as_it_was),
    PK_TEST(it_is_in_no_group_of_others),
};

PK_TEST_MAIN(tests)
