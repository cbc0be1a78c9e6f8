/*
 * Copies of commands: the same in everything, and independent.
 */
#include "harness.h"
#include "io/pty.h"
#include "process/command.h"
#include "scarce.h"

#include <processkit.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static void take_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)line, (void)data;
}

static void say_streams(pk_command *command)
{
    pk_capture_options capture = PK_CAPTURE_OPTIONS_INIT;
    pk_text_options text = PK_TEXT_OPTIONS_INIT;
    capture.spill = "spill";
    text.encoding = "LATIN1";
    pk_command_capture(command, 1, &capture);
    pk_command_text(command, 1, &text);
    pk_command_on_line(command, 1, take_line, command);
    pk_command_tee(command, 1, 7, PK_TEE_RAW);
    pk_command_file(command, 2, "errors", PK_FILE_APPEND);
    pk_command_same(command, 5, 2);
    pk_command_fd(command, 6, 9);
    pk_command_input(command, "some\0bytes", 10);
}

/* One that has something of everything. */
static pk_command *everything(pk_cancel *cancel)
{
    const gid_t groups[] = {3, 4, 5};
    pk_group_options contain = PK_GROUP_OPTIONS_INIT;
    contain.limits.pids_max = 77;
    pk_command *command = pk_command_new("tool", "one", "two", "three", NULL);
    pk_command_arg0(command, "name");
    pk_command_chdir(command, "below");
    pk_command_search(command, "first");
    pk_command_search(command, "second");
    pk_command_setenv(command, "A", "1");
    pk_command_unsetenv(command, "B");
    pk_command_clearenv(command);
    pk_command_inheritenv(command, "C");
    pk_command_setenv(command, "D", "2");
    say_streams(command);
    pk_command_rlimit(command, RLIMIT_CORE, 0, 1);
    pk_command_rlimit(command, RLIMIT_NOFILE, 2, 3);
    pk_command_rlimit(command, RLIMIT_FSIZE, 4, 5);
    pk_command_groups(command, groups, 3);
    pk_command_uid(command, 12);
    pk_command_contain(command, &contain);
    pk_command_timeout(command, PK_SECONDS(3));
    pk_command_stop_signal(command, SIGINT);
    pk_command_ok_codes(command, (const int[]){0, 200}, 2);
    pk_command_cancel(command, cancel);
    assert_int_equal(command_check(command, NULL), 0);
    return command;
}

static pk_cancel *token(void)
{
    pk_cancel *cancel;
    assert_int_equal(pk_cancel_create(&cancel, NULL), 0);
    return cancel;
}

/* ---- What it must have ------------------------------------------------------------------------------------------- */

static void check_lists(const pk_command *command)
{
    static const char *const argv[] = {"tool", "one", "two", "three"};
    static const char *const names[] = {"A", "B", NULL, "C", "D"};
    assert_int_equal(command->argc, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(command->argv[i], argv[i]);
    assert_null(command->argv[4]);
    assert_int_equal(command->search_count, 2);
    assert_string_equal(command->search[1], "second");
    assert_int_equal(command->environment_count, 5);
    for (size_t i = 0; i < 5; i++)
        if (names[i])
            assert_string_equal(command->environment[i].name, names[i]);
    assert_int_equal(command->environment[2].kind, ENVIRONMENT_CLEAR);
    assert_string_equal(command->environment[4].value, "D=2");
    assert_int_equal(command->rlimit_count, 3);
    assert_int_equal(command->rlimits[2].hard, 5);
    assert_int_equal(command->group_count, 3);
    assert_int_equal(command->groups[2], 5);
}

static void check_streams(const pk_command *command)
{
    assert_int_equal(command->descriptor_count, 5);
    const struct stream_uses *uses = command_find_descriptor(command, 1)->uses;
    assert_string_equal(uses->capture.spill, "spill");
    assert_string_equal(uses->text.encoding, "LATIN1");
    assert_ptr_equal(uses->on_line, take_line);
    assert_int_equal(uses->tees[PK_TEE_RAW], 7);
    assert_string_equal(command_find_descriptor(command, 2)->path, "errors");
    assert_int_equal(command_find_descriptor(command, 2)->mode, PK_FILE_APPEND);
    assert_int_equal(command_find_descriptor(command, 5)->kind, DESCRIPTOR_SAME);
    assert_int_equal(command_find_descriptor(command, 6)->owner_fd, 9);
    assert_ptr_equal(command->input.bytes, command->input_bytes->bytes);
    assert_int_equal(command->input.length, 10);
    assert_memory_equal(command->input.bytes, "some\0bytes", 10);
}

static void check_everything(const pk_command *command, const pk_cancel *cancel)
{
    check_lists(command);
    check_streams(command);
    assert_string_equal(command->arg0, "name");
    assert_string_equal(command->directory, "below");
    assert_int_equal(command->uid, 12);
    assert_int_equal(command->contain->limits.pids_max, 77);
    assert_int_equal(command->timeout, PK_SECONDS(3));
    assert_int_equal(command->stop.signal_number, SIGINT);
    assert_int_equal(command->ok_codes.bits[3], 1 << (200 - 192));
    assert_ptr_equal(command->cancel, cancel);
}

/* Each list grows beyond the room it had, everything else becomes something else. */
static void change_everything(pk_command *command)
{
    for (int i = 0; i < 9; i++) {
        pk_command_arg(command, "more");
        pk_command_search(command, "more");
        pk_command_setenv(command, "A", "changed");
        pk_command_rlimit(command, RLIMIT_CORE, 9, 9);
        pk_command_null(command, 10 + i);
    }
    for (int fd = 0; fd <= 6; fd++)
        pk_command_null(command, fd);
    pk_command_input_text(command, "other");
    pk_command_arg0(command, "other");
    pk_command_chdir(command, "other");
    pk_command_groups(command, NULL, 0);
    pk_command_uid(command, 13);
    pk_command_contain(command, NULL);
    pk_command_timeout(command, PK_SECONDS(4));
    pk_command_stop_signal(command, SIGHUP);
    pk_command_ok_codes(command, (const int[]){1}, 1);
    pk_command_cancel(command, NULL);
    assert_int_equal(command_check(command, NULL), 0);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------ */

static void a_copy_is_the_same_in_everything(void **state)
{
    pk_auto(pk_cancel) cancel = token();
    pk_auto(pk_command) command = everything(cancel);
    pk_auto(pk_command) copy = pk_command_copy(command);
    assert_non_null(copy);
    check_everything(copy, cancel);
}

static void changing_one_leaves_the_other(void **state)
{
    pk_auto(pk_cancel) cancel = token();
    pk_auto(pk_command) command = everything(cancel);
    pk_auto(pk_command) first = pk_command_copy(command);
    change_everything(first);
    check_everything(command, cancel);
    pk_auto(pk_command) second = pk_command_copy(command);
    change_everything(command);
    check_everything(second, cancel);
}

static void either_can_be_freed_first(void **state)
{
    pk_cancel *cancel = token();
    pk_command *command = everything(cancel);
    pk_command *first = pk_command_copy(command), *second = pk_command_copy(command);
    pk_cancel_free(cancel);
    pk_command_free(first);
    check_everything(command, cancel);
    pk_command_free(command);
    check_everything(second, cancel);
    change_everything(second);
    pk_command_free(second);
}

static void a_terminal_is_copied(void **state)
{
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    options.columns = 99;
    pk_command *command = pk_command_new("tool", NULL);
    pk_command_pty(command, &options);
    pk_auto(pk_command) copy = pk_command_copy(command);
    pk_command_free(command);
    assert_int_equal(copy->pty->columns, 99);
    assert_int_equal(command_find_descriptor(copy, 1)->kind, DESCRIPTOR_TERMINAL);
}

static void so_is_what_was_wrong(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = pk_command_new("tool", NULL);
    pk_command_nice(command, 99);
    pk_auto(pk_command) copy = pk_command_copy(command);
    pk_command_umask(copy, 010000);
    assert_int_equal(command_check(copy, &error), -EINVAL);
    assert_non_null(strstr(error.message, "99 is no nice value"));
}

static void of_nothing_there_is_no_copy(void **state)
{
    assert_null(pk_command_copy(NULL));
    pk_auto(pk_command) empty = pk_command_new(NULL, NULL);
    pk_auto(pk_command) copy = pk_command_copy(empty);
    assert_string_equal(pk_command_program(copy), "");
    assert_int_equal(command_check(copy, NULL), -EINVAL);
}

static ssize_t give(void *buffer, size_t size, void *data)
{
    (void)buffer, (void)size, (void)data;
    return 0;
}

/* Without input bytes there is none, however long it is said to be. */
static void a_callback_of_the_input_is_shared(void **state)
{
    static int data;
    pk_auto(pk_command) command = pk_command_new("tool", NULL);
    pk_command_input_callback(command, give, &data);
    pk_auto(pk_command) copy = pk_command_copy(command);
    assert_true(copy->has_input);
    assert_ptr_equal(copy->input.callback, command->input.callback);
    assert_ptr_equal(copy->input.data, &data);
    assert_null(copy->input.bytes);
}

static void without_memory_there_is_none(void **state)
{
    pk_auto(pk_cancel) cancel = token();
    pk_command *command = everything(cancel);
    pk_command *copy = NULL;
    unsigned failed = 0;
    long before = scarce_live();
    while (!copy) {
        scarce_begin(failed + 1);
        copy = pk_command_copy(command);
        unsigned asked = scarce_end();
        assert_true(copy || asked == failed + 1); /* it stops at the first that fails */
        assert_true(copy || scarce_live() == before);
        failed += !copy;
    }
    print_message("%u pieces of memory\n", failed);
    assert_true(failed > 20);
    check_everything(copy, cancel);
    pk_command_free(copy);
    assert_int_equal(scarce_live(), before);
    pk_command_free(command);
}

/* As with any other: the start reports it. */
static void an_argument_without_memory_is_remembered(void **state)
{
    pk_auto(pk_command) command = pk_command_new("tool", NULL);
    scarce_begin(0);
    pk_command_free(pk_command_copy(command));
    unsigned pieces = scarce_end();
    scarce_begin(pieces + 1);
    pk_auto(pk_command) copy = pk_command_with(command, "one", NULL);
    scarce_end();
    assert_non_null(copy);
    assert_int_equal(command_check(copy, NULL), -ENOMEM);
}

static const struct test tests[] = {
    PK_TEST(an_argument_without_memory_is_remembered),
    PK_TEST(a_copy_is_the_same_in_everything),
    PK_TEST(changing_one_leaves_the_other),
    PK_TEST(either_can_be_freed_first),
    PK_TEST(a_terminal_is_copied),
    PK_TEST(so_is_what_was_wrong),
    PK_TEST(of_nothing_there_is_no_copy),
    PK_TEST(a_callback_of_the_input_is_shared),
    PK_TEST(without_memory_there_is_none),
};

PK_TEST_MAIN(tests)
