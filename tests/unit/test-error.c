/*
 * Errors: what a caller finds in its pk_error, whatever went into it.
 */
#include "base/error.h"
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void every_field_is_written(void **state)
{
    (void)state;
    static const int none[3] = {0};
    pk_error error;
    memset(&error, 0x55, sizeof(error));
    assert_int_equal(error_set(&error, -EBUSY, PK_ERROR_TEARDOWN, PK_STEP_DRAIN, "/a", "%d are left", 3), -EBUSY);
    assert_int_equal(error.number, -EBUSY);
    assert_int_equal(error.kind, PK_ERROR_TEARDOWN);
    assert_int_equal(error.step, PK_STEP_DRAIN);
    assert_string_equal(error.path, "/a");
    assert_string_equal(error.message, "3 are left");
    assert_string_equal(error.searched, "");
    assert_int_equal(error.exit_code, 0);
    assert_int_equal(error.signal_number, 0);
    assert_memory_equal(error.reserved, none, sizeof(none));

    error_set(&error, -EIO, PK_ERROR_IO, PK_STEP_NONE, NULL, "no path");
    assert_string_equal(error.path, ""); /* nothing of the one before is left */
}

static void nobody_need_want_to_know(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, -EIO, PK_ERROR_IO, PK_STEP_NONE, NULL, "nobody cares"), -EIO);
    assert_int_equal(error_errno(NULL, -EMFILE, PK_STEP_LOOP, "/a", "nobody cares"), -EMFILE);
}

static void failed_calls_say_why(void **state)
{
    (void)state;
    pk_error error;
    char expected[128];
    assert_int_equal(error_errno(&error, -EACCES, PK_STEP_MAKE_CGROUP, "/a\nb", "cannot make %s", "/a\nb"), -EACCES);
    assert_int_equal(error.number, -EACCES);
    assert_int_equal(error.kind, PK_ERROR_PERMISSION);
    assert_int_equal(error.step, PK_STEP_MAKE_CGROUP);
    assert_string_equal(error.path, "/a\nb"); /* as it was */
    snprintf(expected, sizeof(expected), "cannot make /a\\nb: %s", error_text(-EACCES));
    assert_string_equal(error.message, expected);
}

static void messages_cannot_harm_a_terminal(void **state)
{
    (void)state;
    static const char nasty[] = "\x1b]0;\x07\xc2\x9b\xe2\x80\xae\xff\r";
    pk_error error;
    error_set(&error, -EIO, PK_ERROR_IO, PK_STEP_EXEC, nasty, "cannot run '%s'", nasty);
    assert_string_equal(error.path, nasty);
    assert_string_equal(error.message, "cannot run '\\x1b]0;\\x07\\x9b\\u202e\\xff\\r'");
}

/* The name is cut, not the reason; of whatever length around the limits. */
static void long_names_do_not_push_out_the_reason(void **state)
{
    (void)state;
    char name[2000], reason[128];
    pk_error error;
    for (size_t length = 1; length < sizeof(name); length++) {
        memset(name, 'x', length);
        name[length] = '\0';
        memset(&error, 0x55, sizeof(error));
        error_errno(&error, -EIO, PK_STEP_EXEC, name, "%s", name);
        assert_non_null(memchr(error.message, '\0', sizeof(error.message)));
        assert_non_null(memchr(error.path, '\0', sizeof(error.path)));
        assert_int_equal(strlen(error.path), length < PK_ERROR_PATH_SIZE ? length : PK_ERROR_PATH_SIZE - 1);
        bool cut = strstr(error.message, "...: ") != NULL;
        snprintf(reason, sizeof(reason), "x%s: %s", cut ? "..." : "", error_text(-EIO));
        const char *end = strstr(error.message, reason);
        assert_non_null(end);
        assert_string_equal(end, reason);
        if (!cut)
            assert_int_equal(end - error.message + 1, length);
        else
            assert_true(length > PK_ERROR_MESSAGE_SIZE / 2);
    }
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    char text[2 * PK_ERROR_MESSAGE_SIZE];
    pk_error error;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&error, -EIO, PK_ERROR_IO, PK_STEP_EXEC, NULL, "%s", text);
    assert_int_equal(strlen(error.message), PK_ERROR_MESSAGE_SIZE - 1);

    memset(text, '\n', sizeof(text) - 1); /* twice as long when escaped */
    error_set(&error, -EIO, PK_ERROR_IO, PK_STEP_EXEC, NULL, "%s", text);
    assert_int_equal(strlen(error.message), PK_ERROR_MESSAGE_SIZE - 2);
    assert_string_equal(error.message + PK_ERROR_MESSAGE_SIZE - 4, "\\n");
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static void errnos_have_kinds(void **state)
{
    (void)state;
    static const struct {
        int number;
        pk_error_kind kind;
    } cases[] = {
        {-EINVAL, PK_ERROR_INVALID},    {-EDEADLK, PK_ERROR_INVALID},    {-EACCES, PK_ERROR_PERMISSION},
        {-EPERM, PK_ERROR_PERMISSION},  {-EROFS, PK_ERROR_PERMISSION},   {-ENOMEM, PK_ERROR_NO_MEMORY},
        {-EMFILE, PK_ERROR_NO_MEMORY},  {-ENFILE, PK_ERROR_NO_MEMORY},   {-EAGAIN, PK_ERROR_NO_MEMORY},
        {-ENOSPC, PK_ERROR_NO_MEMORY},  {-ENOSYS, PK_ERROR_UNSUPPORTED}, {-EOPNOTSUPP, PK_ERROR_UNSUPPORTED},
        {-ETIMEDOUT, PK_ERROR_TIMEOUT}, {-ESRCH, PK_ERROR_NOT_FOUND},    {-EIO, PK_ERROR_IO},
        {-ENOENT, PK_ERROR_IO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(error_kind_of(cases[i].number), cases[i].kind);
}

/* Lower-case words with hyphens, each another one. */
static void must_be_a_new_name(const char *name, const char *const *seen, int count)
{
    assert_true(name[0] != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name));
    assert_string_not_equal(name, "unknown");
    for (int i = 0; i < count; i++)
        assert_string_not_equal(name, seen[i]);
}

static void kinds_and_steps_have_names(void **state)
{
    (void)state;
    const char *seen[PK_STEP_TERMINAL + 1];
    for (int i = 0; i <= PK_ERROR_UNEXPECTED; i++) {
        seen[i] = pk_error_kind_name((pk_error_kind)i);
        must_be_a_new_name(seen[i], seen, i);
    }
    for (int i = 0; i <= PK_STEP_TERMINAL; i++) {
        seen[i] = pk_step_name((pk_step)i);
        must_be_a_new_name(seen[i], seen, i);
    }
    assert_string_equal(pk_error_kind_name(PK_ERROR_NOT_FOUND), "not-found");
    assert_string_equal(pk_step_name(PK_STEP_IO_PRIORITY), "io-priority");
    assert_string_equal(pk_error_kind_name((pk_error_kind)(PK_ERROR_UNEXPECTED + 1)), "unknown");
    assert_string_equal(pk_error_kind_name((pk_error_kind)-1), "unknown");
    assert_string_equal(pk_step_name((pk_step)(PK_STEP_TERMINAL + 1)), "unknown");
    assert_string_equal(pk_step_name((pk_step)-1), "unknown");
}

/* Two bytes each, and room for an odd number of them. */
static void a_path_is_not_cut_within_a_character(void **state)
{
    (void)state;
    pk_error error;
    char path[2 * PK_ERROR_PATH_SIZE + 1] = "";
    for (size_t i = 0; i + 2 < sizeof(path); i += 2)
        memcpy(path + i, "\xc3\xa4", 3);
    error_set(&error, -EIO, PK_ERROR_IO, PK_STEP_NONE, path, "long");
    assert_int_equal(strlen(error.path), (PK_ERROR_PATH_SIZE - 1) / 2 * 2);
    memset(path, '\xe4', sizeof(path) - 1); /* Latin-1 */
    error_set(&error, -EIO, PK_ERROR_IO, PK_STEP_NONE, path, "long");
    assert_int_equal(strlen(error.path), PK_ERROR_PATH_SIZE - 2); /* the last could be the beginning of one */
}

static const struct test tests[] = {
    PK_TEST(every_field_is_written),
    PK_TEST(nobody_need_want_to_know),
    PK_TEST(failed_calls_say_why),
    PK_TEST(messages_cannot_harm_a_terminal),
    PK_TEST(long_names_do_not_push_out_the_reason),
    PK_TEST(long_messages_are_cut),
    PK_TEST(errnos_have_kinds),
    PK_TEST(kinds_and_steps_have_names),
    PK_TEST(a_path_is_not_cut_within_a_character),
};

PK_TEST_MAIN(tests)
