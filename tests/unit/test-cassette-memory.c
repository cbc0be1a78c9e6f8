/*
 * Memory that runs out anywhere between the making of a recorder and the end of what a player plays: it is told,
 * nothing is lost or left, and the file that was there is there, or the new one.
 */
#include "harness.h"
#include "scarce.h"

#include <processkit.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAPE "tape.json" /* in the test's own directory */

struct scene {
    pk_runner *inner;
    pk_command *command;
    pk_cassette_options options;
};

/* "secret" becomes "******". */
static size_t hide(pk_cassette_field field, char *text, size_t length, size_t capacity, void *data)
{
    (void)field, (void)capacity, (void)data;
    char *found = memmem(text, length, "secret", 6);
    if (found)
        memset(found, '*', 6);
    return length;
}

static void set_scene(struct scene *scene)
{
    pk_error error;
    assert_int_equal(pk_runner_create_scripted(&scene->inner, &error), 0);
    pk_auto(pk_script) script = pk_script_new();
    for (int i = 0; i < 40; i++)
        pk_script_write(script, 1 + i % 2, "a secret\n\xff", 10);
    pk_script_exit(script, 3);
    pk_runner_on(scene->inner, script, "program", NULL);
    scene->command = pk_command_new("program", "secret", NULL);
    pk_command_setenv(scene->command, "NAME", "value");
    pk_command_clearenv(scene->command);
    pk_command_setenv(scene->command, "OTHER", "value");
    pk_command_chdir(scene->command, "/");
    pk_command_input_text(scene->command, "input");
    scene->options = (pk_cassette_options)PK_CASSETTE_OPTIONS_INIT;
    scene->options.match_directory = scene->options.match_environment = true;
    scene->options.scrub = hide;
}

static void strike_scene(struct scene *scene)
{
    pk_command_free(scene->command);
    pk_runner_free(scene->inner);
}

/* 3, or a negative errno. */
static int run(const struct scene *scene, pk_runner *runner, pk_error *error)
{
    pk_command_runner(scene->command, runner);
    int r = pk_command_exit_code(scene->command, error);
    pk_command_runner(scene->command, NULL);
    return r;
}

static int record(const struct scene *scene, pk_error *error)
{
    pk_auto(pk_runner) recorder = NULL;
    int r = pk_runner_create_recorder(TAPE, &scene->options, scene->inner, &recorder, error);
    if (r == 0)
        r = run(scene, recorder, error);
    return r < 0 ? r : pk_cassette_save(recorder, error);
}

static int play(const struct scene *scene, pk_error *error)
{
    pk_auto(pk_runner) player = NULL;
    int r = pk_runner_create_player(TAPE, &scene->options, &player, error);
    if (r == 0)
        r = run(scene, player, error);
    return r == 3 ? 0 : r < 0 ? r : -ERANGE;
}

static void put(const char *text, size_t length)
{
    int fd = open(TAPE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, length), length);
    close(fd);
}

static ssize_t get(char *text, size_t size)
{
    int fd = open(TAPE, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, size);
    close(fd);
    return length;
}

/* The file as it was before or, after a success, as it is to be. */
static void check_file(int r, const char *whole, ssize_t length)
{
    static char text[8192];
    ssize_t there = get(text, sizeof(text));
    if (r == 0)
        assert_int_equal(there, length);
    if (there == length)
        assert_memory_equal(text, whole, (size_t)length);
    else
        assert_memory_equal(text, "old", 3);
}

/* Once, without that piece. How many pieces there are more than before: what the C library made and the command has
 * freed counts against them, so that is not 0. The inner runner is a new one, since it remembers calls. */
static long act_without(int (*act)(const struct scene *scene, pk_error *error), unsigned nth, int *r, unsigned *most)
{
    struct scene scene;
    pk_error error = {0};
    long before = scarce_live();
    set_scene(&scene);
    scarce_begin(nth);
    *r = act(&scene, &error);
    *most = scarce_end();
    strike_scene(&scene);
    if (*r != 0 && *r != -ENOMEM)
        fail_msg("without piece %u: %d, %s", nth, *r, error.message);
    return scarce_live() - before;
}

static void fail_each(int (*act)(const struct scene *scene, pk_error *error), bool records)
{
    static char whole[8192];
    pk_error error;
    pk_runner *recorder;
    int r;
    unsigned most, ignored, failed = 0;
    if (pk_runner_create_recorder(TAPE, NULL, NULL, &recorder, &error) == -EOPNOTSUPP)
        skip_test("libjansson.so.4");
    pk_runner_free(recorder);
    act_without(record, 0, &r, &most); /* what is made once is there from now on */
    ssize_t length = get(whole, sizeof(whole));
    long usual = act_without(act, 0, &r, &most);
    assert_int_equal(r, 0);
    assert_true(most > 20);
    for (unsigned nth = 1; nth <= most; nth++) {
        if (records)
            put("old", 3);
        assert_int_equal(act_without(act, nth, &r, &ignored), usual);
        check_file(r, whole, length);
        failed += r < 0;
    }
    print_message("%u pieces, %u failures\n", most, failed);
    assert_true(failed > most / 2);
}

static void recording_and_saving_survive_it(void **state)
{
    (void)state;
    fail_each(record, true);
}

static void playing_survives_it(void **state)
{
    (void)state;
    fail_each(play, false);
}

static const struct test tests[] = {
    PK_TEST_WITH(recording_and_saving_survive_it, .deadline_s = 60),
    PK_TEST_WITH(playing_survives_it, .deadline_s = 60),
};

PK_TEST_MAIN(tests)
