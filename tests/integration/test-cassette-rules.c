/*
 * What commands on a cassette are known by, what is stored of them, and what cannot be recorded.
 */
#include "taping.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Choosing --------------------------------------------------------------------------------------------------- */

static void the_same_is_played_in_turn(void **state)
{
    (void)state;
    static const char counts[] = "n=$(cat n 2>/dev/null || echo 0); echo $n; echo $((n + 1)) >n; exit $n";
    char output[256], expected[8];
    pk_runner *recorder = tape_recorder(NULL, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tape_run(recorder, counts, NULL), i);
    tape_end(recorder);
    unlink("n");
    pk_runner *player = tape_player(NULL);
    for (int i = 0; i < 5; i++) {
        int turn = i < 3 ? i : 2;
        snprintf(expected, sizeof(expected), "%d\n", turn);
        assert_int_equal(tape_run(player, counts, output), turn);
        assert_string_equal(output, expected);
    }
    assert_int_equal(access("n", F_OK), -1);
    pk_runner_free(player);
}

static void what_is_not_there_is_not_run(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    assert_int_equal(tape_run(recorder, "echo known", NULL), 0);
    tape_end(recorder);
    pk_runner *player = tape_player(NULL);
    pk_auto(pk_command) command = pk_command_new("touch", "made", NULL);
    pk_command_runner(command, player);
    assert_error(pk_command_check(command, &error), error, -ENOMSG, PK_STEP_ARGUMENTS);
    assert_int_equal(error.kind, PK_ERROR_UNEXPECTED);
    assert_non_null(strstr(error.message, "'touch made'"));
    assert_non_null(strstr(error.message, "tape.json: it is not there"));
    assert_int_equal(access("made", F_OK), -1);
    assert_int_equal(pk_runner_count(player), 1);
    pk_runner_free(player);
}

static int cat(pk_runner *runner, const char *input, char output[256])
{
    pk_error error;
    char *text;
    pk_auto(pk_command) command = pk_command_new("cat", NULL);
    pk_command_runner(command, runner);
    if (input)
        pk_command_input_text(command, input);
    int r = pk_command_run(command, &text, &error);
    if (r < 0)
        return r;
    snprintf(output, 256, "%s", text);
    free(text);
    return 0;
}

static void commands_differ_by_their_input(void **state)
{
    (void)state;
    char output[256];
    pk_runner *recorder = tape_recorder(NULL, NULL);
    assert_int_equal(cat(recorder, "secret one", output), 0);
    assert_int_equal(cat(recorder, "secret two", output), 0);
    tape_end(recorder);
    pk_runner *player = tape_player(NULL);
    assert_int_equal(cat(player, "secret two", output), 0);
    assert_string_equal(output, "secret two");
    assert_int_equal(cat(player, "secret one", output), 0);
    assert_string_equal(output, "secret one");
    assert_int_equal(cat(player, "secret", output), -ENOMSG);
    assert_int_equal(cat(player, NULL, output), -ENOMSG);
    pk_runner_free(player);
}

/* Those without text, too: nothing collides that is not equal. */
static void arguments_are_compared_as_bytes(void **state)
{
    (void)state;
    static const char *const words[] = {"\xff", "\xfe", "\xef\xbf\xbd", "", "a b", "a"};
    enum { WORDS = sizeof(words) / sizeof(words[0]) };
    pk_error error;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    for (int pass = 0; pass < 2; pass++) {
        pk_runner *runner = pass == 0 ? recorder : tape_player(NULL);
        for (size_t i = 0; i < WORDS; i++) {
            char *text;
            pk_auto(pk_command) command = pk_command_new("printf", "<%s>", words[i], NULL);
            char expected[16];
            snprintf(expected, sizeof(expected), "<%s>", words[i]);
            pk_command_runner(command, runner);
            assert_ok(pk_command_run(command, &text, &error), error);
            assert_string_equal(text, expected);
            free(text);
        }
        if (pass == 0)
            tape_end(recorder);
        else
            pk_runner_free(runner);
    }
}

/* ---- Directories and environments -------------------------------------------------------------------------------- */

static int run_with(pk_runner *runner, const char *directory, const char *value, const char *other)
{
    pk_error error;
    pk_auto(pk_command) command = pk_command_new("true", NULL);
    pk_command_runner(command, runner);
    if (directory)
        pk_command_chdir(command, directory);
    if (value)
        pk_command_setenv(command, "SECRET_NAME", value);
    if (other)
        pk_command_unsetenv(command, other);
    return pk_command_check(command, &error);
}

static void directories_matter_if_that_is_said(void **state)
{
    (void)state;
    pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
    options.match_directory = true;
    pk_runner *recorder = tape_recorder(&options, NULL);
    assert_int_equal(run_with(recorder, "/", NULL, NULL), 0);
    tape_end(recorder);
    pk_runner *player = tape_player(&options);
    assert_int_equal(run_with(player, "/", NULL, NULL), 0);
    assert_int_equal(run_with(player, "/tmp", NULL, NULL), -ENOMSG);
    assert_int_equal(run_with(player, NULL, NULL, NULL), -ENOMSG);
    pk_runner_free(player);
}

static void environments_matter_if_that_is_said(void **state)
{
    (void)state;
    pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
    options.match_environment = true;
    pk_runner *recorder = tape_recorder(&options, NULL);
    assert_int_equal(run_with(recorder, NULL, "hush-hush", "LANG"), 0);
    tape_end(recorder);
    pk_runner *player = tape_player(&options);
    assert_int_equal(run_with(player, NULL, "hush-hush", "LANG"), 0);
    assert_int_equal(run_with(player, "/", "hush-hush", "LANG"), 0);
    assert_int_equal(run_with(player, NULL, "hush", "LANG"), -ENOMSG);
    assert_int_equal(run_with(player, NULL, "hush-hush", "LC_ALL"), -ENOMSG);
    assert_int_equal(run_with(player, NULL, "hush-hush", "SECRET_NAME"), -ENOMSG);
    assert_int_equal(run_with(player, NULL, NULL, NULL), -ENOMSG);
    pk_runner_free(player);
}

static void they_do_not_matter_otherwise(void **state)
{
    (void)state;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    assert_int_equal(run_with(recorder, "/", "hush-hush", NULL), 0);
    tape_end(recorder);
    pk_runner *player = tape_player(NULL);
    assert_int_equal(run_with(player, NULL, NULL, NULL), 0);
    assert_int_equal(run_with(player, "/no/such/directory", "x", "LANG"), 0);
    pk_runner_free(player);
}

static void what_matters_must_be_the_same_on_both_sides(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *player;
    for (int recorded = 0; recorded < 4; recorded++) {
        pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
        options.match_directory = recorded & 1;
        options.match_environment = recorded & 2;
        tape_end(tape_recorder(&options, NULL));
        for (int played = 0; played < 4; played++) {
            options.match_directory = played & 1;
            options.match_environment = played & 2;
            int r = pk_runner_create_player(tape_path(), &options, &player, &error);
            if (played == recorded) {
                assert_ok(r, error);
                pk_runner_free(player);
            } else {
                assert_error(r, error, -EINVAL, PK_STEP_ARGUMENTS);
            }
        }
    }
}

/* ---- What is stored ---------------------------------------------------------------------------------------------- */

static void values_and_input_are_never_stored(void **state)
{
    (void)state;
    pk_error error;
    pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
    options.match_environment = options.match_directory = true;
    setenv("INHERITED", "tacit", 1);
    pk_runner *recorder = tape_recorder(&options, NULL);
    pk_auto(pk_command) command = pk_command_new("true", NULL);
    pk_command_runner(command, recorder);
    pk_command_setenv(command, "TOKEN", "hush-hush");
    pk_command_inheritenv(command, "INHERITED");
    pk_command_input_text(command, "whisper");
    assert_ok(pk_command_check(command, &error), error);
    pk_command_runner(command, NULL);
    tape_end(recorder);
    char *text = tape_text();
    assert_non_null(strstr(text, "\"set TOKEN\""));
    assert_non_null(strstr(text, "\"inherit INHERITED\""));
    assert_null(strstr(text, "hush"));
    assert_null(strstr(text, "tacit"));
    assert_null(strstr(text, "whisper"));
    free(text);
}

static void the_same_runs_give_the_same_file(void **state)
{
    (void)state;
    char *texts[2];
    for (int i = 0; i < 2; i++) {
        pk_runner *recorder = tape_recorder(NULL, NULL);
        assert_int_equal(tape_run(recorder, "echo a; sleep 0.05; echo b; printf '\\377'", NULL), 0);
        assert_int_equal(tape_run(recorder, "exit 2", NULL), 2);
        tape_end(recorder);
        texts[i] = tape_text();
    }
    assert_string_equal(texts[0], texts[1]);
    assert_non_null(strstr(texts[0], "\"YQpiCv8=\""));
    assert_int_equal(texts[0][strlen(texts[0]) - 1], '\n');
    free(texts[0]);
    free(texts[1]);
}

/* Lengthens: the first secret is replaced, in arguments and output. */
static size_t hide(pk_cassette_field field, char *text, size_t length, size_t capacity, void *data)
{
    char *found = memmem(text, length, "secret", 6);
    ++((unsigned *)data)[field];
    assert_true(capacity >= 2 * length + 256);
    assert_int_equal(text[length], '\0');
    if (!found)
        return length;
    memmove(found + 11, found + 6, (size_t)(text + length - found - 6));
    for (size_t i = 0; i < 11; i++)
        found[i] = "[scrubbed!]"[i];
    return length + 5;
}

static void secrets_can_be_taken_out(void **state)
{
    (void)state;
    unsigned calls[6] = {0};
    char output[256];
    pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
    options.scrub = hide;
    options.scrub_data = calls;
    pk_runner *recorder = tape_recorder(&options, NULL);
    static const char script[] = "printf 'a sec'; sleep 0.05; echo oops >&2; echo 'ret'; printf 'no end: secret'";
    assert_int_equal(tape_run(recorder, script, output), 0);
    assert_string_equal(output, "a secret\nno end: secret");
    assert_int_equal(calls[PK_CASSETTE_ARGUMENT], 3);
    tape_end(recorder);
    assert_int_equal(calls[PK_CASSETTE_STDOUT], 2);
    assert_int_equal(calls[PK_CASSETTE_STDERR], 1);
    char *text = tape_text();
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "a sec\""));
    free(text);

    pk_runner *player = tape_player(&options);
    assert_int_equal(tape_run(player, script, output), 0);
    assert_string_equal(output, "a [scrubbed!]\nno end: [scrubbed!]");
    pk_runner_free(player);
    player = tape_player(NULL); /* who does not scrub does not find it */
    assert_int_equal(tape_run(player, script, output), -ENOMSG);
    pk_runner_free(player);
}

static void pauses_are_kept_if_that_is_said(void **state)
{
    (void)state;
    pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
    options.timing = true;
    pk_runner *recorder = tape_recorder(&options, NULL);
    assert_int_equal(tape_run(recorder, "echo a; sleep 0.2; echo b; sleep 0.2", NULL), 0);
    tape_end(recorder);
    for (int keeps = 0; keeps < 2; keeps++) {
        char output[256];
        options.timing = keeps;
        pk_runner *player = tape_player(&options);
        pk_time begun = pk_now();
        assert_int_equal(tape_run(player, "echo a; sleep 0.2; echo b; sleep 0.2", output), 0);
        assert_string_equal(output, "a\nb\n");
        pk_duration took = pk_now() - begun;
        assert_true(keeps ? took >= PK_MILLISECONDS(390) : took < PK_MILLISECONDS(390));
        pk_runner_free(player);
    }
}

/* ---- What cannot be recorded --------------------------------------------------------------------------------------
 */

static ssize_t no_input(void *buffer, size_t size, void *data)
{
    (void)buffer, (void)size, (void)data;
    return 0;
}

static void from_callback(pk_command *command)
{
    pk_command_input_callback(command, no_input, NULL);
}

static void from_caller(pk_command *command)
{
    pk_command_pipe(command, 0);
}

static void from_file(pk_command *command)
{
    pk_command_file(command, 0, "/etc/passwd", PK_FILE_READ);
}

static void to_caller(pk_command *command)
{
    pk_command_pipe(command, 1);
}

static void to_file(pk_command *command)
{
    pk_command_file(command, 2, "made", PK_FILE_TRUNCATE);
}

static void to_descriptor(pk_command *command)
{
    pk_command_fd(command, 3, 2);
}

static void to_own(pk_command *command)
{
    pk_command_inherit(command, 1);
}

static void what_is_not_seen_is_not_recorded(void **state)
{
    (void)state;
    static void (*const ways[])(pk_command *) = {from_callback, from_caller,   from_file, to_caller,
                                                 to_file,       to_descriptor, to_own};
    pk_runner *recorder = tape_recorder(NULL, NULL);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        pk_error error;
        pk_auto(pk_command) command = pk_command_new("touch", "made", NULL);
        pk_process *process;
        pk_command_runner(command, recorder);
        pk_command_capture(command, 1, NULL);
        pk_command_capture(command, 2, NULL);
        ways[i](command);
        assert_error(pk_command_start(command, &process, &error), error, -EOPNOTSUPP, PK_STEP_ARGUMENTS);
        assert_int_equal(error.kind, PK_ERROR_UNSUPPORTED);
    }
    assert_int_equal(access("made", F_OK), -1);
    tape_end(recorder);
}

static void what_goes_nowhere_is_recorded(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    pk_auto(pk_command) command = pk_command_new("echo", "x", NULL);
    pk_command_runner(command, recorder);
    pk_command_inherit(command, 0); /* the test's own is /dev/null */
    pk_command_null(command, 1);
    pk_command_file(command, 2, "/dev/null", PK_FILE_APPEND);
    pk_command_same(command, 3, 1);
    assert_ok(pk_command_status(command, NULL, &error), error);
    pk_command_runner(command, NULL);
    tape_end(recorder);
}

/* ---- Beside each other ------------------------------------------------------------------------------------------- */

static void what_is_not_over_is_not_saved(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process;
    pk_line line;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    pk_auto(pk_command) command = adversary("print", "up", "--", "hold", NULL);
    pk_command_runner(command, recorder);
    pk_command_capture(command, 1, NULL);
    pk_command_capture(command, 2, NULL);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 1);
    assert_ok(pk_cassette_save(recorder, &error), error);
    char *text = tape_text();
    assert_non_null(strstr(text, "\"runs\": []"));
    free(text);
    pk_runner_free(recorder); /* process and command keep it */
    pk_process_free(process);
    assert_ok(pk_cassette_save(recorder, &error), error);
    text = tape_text();
    assert_non_null(strstr(text, "\"stdout\": \"up\\n\""));
    assert_non_null(strstr(text, "\"end\": \"hang\""));
    free(text);
}

enum { THREADS = 4, RUNS = 25 };

static void *run_many(void *data)
{
    char script[32], output[256], expected[32];
    for (int i = 0; i < RUNS; i++) {
        snprintf(script, sizeof(script), "echo %d; exit %d", i, i);
        snprintf(expected, sizeof(expected), "%d\n", i);
        if (tape_run(data, script, output) != i || strcmp(output, expected) != 0)
            return data;
    }
    return NULL;
}

static void threads_share_a_runner(void **state)
{
    (void)state;
    pk_runner *recorder = tape_recorder(NULL, NULL), *player = NULL;
    for (int pass = 0; pass < 2; pass++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, run_many, pass ? player : recorder), 0);
        for (int i = 0; i < THREADS; i++) {
            void *failed;
            assert_int_equal(pthread_join(threads[i], &failed), 0);
            assert_null(failed);
        }
        if (pass == 0) {
            tape_end(recorder);
            player = tape_player(NULL);
        }
    }
    assert_int_equal(pk_runner_count(player), THREADS * RUNS);
    pk_runner_free(player);
}

/* What is played can be recorded, by two at once as well. */
static void a_recorder_may_stand_before_any_runner(void **state)
{
    (void)state;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    assert_int_equal(tape_run(recorder, "echo x; exit 4", NULL), 4);
    tape_end(recorder);
    char *first = tape_text();
    pk_runner *player = tape_player(NULL);
    pk_runner *inner = tape_recorder(NULL, player), *outer = tape_recorder(NULL, inner);
    assert_int_equal(tape_run(outer, "echo x; exit 4", NULL), 4);
    pk_runner_free(player);
    tape_end(inner);
    char *second = tape_text();
    tape_end(outer);
    char *third = tape_text();
    assert_string_equal(first, second);
    assert_string_equal(first, third);
    free(first);
    free(second);
    free(third);
}

static const struct test tests[] = {
    PK_TEST(the_same_is_played_in_turn),
    PK_TEST(what_is_not_there_is_not_run),
    PK_TEST(commands_differ_by_their_input),
    PK_TEST(arguments_are_compared_as_bytes),
    PK_TEST(directories_matter_if_that_is_said),
    PK_TEST(environments_matter_if_that_is_said),
    PK_TEST(they_do_not_matter_otherwise),
    PK_TEST(what_matters_must_be_the_same_on_both_sides),
    PK_TEST(values_and_input_are_never_stored),
    PK_TEST(the_same_runs_give_the_same_file),
    PK_TEST(secrets_can_be_taken_out),
    PK_TEST(pauses_are_kept_if_that_is_said),
    PK_TEST(what_is_not_seen_is_not_recorded),
    PK_TEST(what_goes_nowhere_is_recorded),
    PK_TEST(what_is_not_over_is_not_saved),
    PK_TEST(threads_share_a_runner),
    PK_TEST(a_recorder_may_stand_before_any_runner),
};

PK_TEST_MAIN(tests)
