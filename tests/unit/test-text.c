/*
 * Text that is safe to show, and the errors it is used in.
 */
#include "base/error.h"
#include "harness.h"

#include <processkit/parse.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void expect(const char *text, const char *expected)
{
    char shown[256];
    assert_ptr_equal(pk_format_text(text, shown, sizeof(shown)), shown);
    assert_string_equal(shown, expected);
}

static void harmless_text_is_left_alone(void **state)
{
    (void)state;
    expect("", "");
    expect("plain text, 1\\2 'quoted'", "plain text, 1\\2 'quoted'");
    expect("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7");
}

static void what_could_harm_a_terminal_is_escaped(void **state)
{
    (void)state;
    expect("a\nb\tc\rd", "a\\nb\\tc\\rd");
    expect("\x1b[31mred\x07\x7f", "\\x1b[31mred\\x07\\x7f");
    expect("\xc2\x9b", "\\x9b"); /* the same as ESC [ in one character */
    expect("a\xe2\x80\xae"
           "b",
           "a\\u202eb"); /* would turn the rest around */
    expect("\xe2\x80\xa8\xe2\x81\xa6\xef\xbb\xbf", "\\u2028\\u2066\\ufeff");
}

static void bytes_that_are_no_characters_are_escaped(void **state)
{
    (void)state;
    expect("\xff\xfe", "\\xff\\xfe");
    expect("\xc3", "\\xc3"); /* cut short */
    expect("\xe2\x82", "\\xe2\\x82");
    expect("\xc0\xaf", "\\xc0\\xaf"); /* a longer form of '/' */
    expect("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    expect("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* half a surrogate pair */
    expect("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
    expect("\x80x", "\\x80x");
}

/* Whatever the size: ended, not overrun, and cut between characters and escapes. */
static void cuts_are_clean(void **state)
{
    (void)state;
    static const char text[] = "a\n\xe2\x82\xac\xf0\x9f\x90\xa7\xff.";
    static const char *const whole = "a\\n\xe2\x82\xac\xf0\x9f\x90\xa7\\xff.";
    static const size_t borders[] = {0, 1, 3, 6, 10, 14, 15};
    for (size_t size = 0; size <= strlen(whole) + 1; size++) {
        char *shown = malloc(size + 1); /* exactly, so that a sanitizer sees an overrun */
        shown[size] = '#';
        pk_format_text(text, shown, size);
        assert_int_equal(shown[size], '#');
        if (size > 0) {
            size_t length = strlen(shown), most = 0;
            for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]); i++)
                most = borders[i] < size ? borders[i] : most;
            assert_int_equal(length, most);
            assert_memory_equal(shown, whole, length);
        }
        free(shown);
    }
}

static void errors_explain_themselves(void **state)
{
    (void)state;
    pk_error error;
    memset(&error, 0x55, sizeof(error));
    assert_int_equal(error_errno(&error, -EACCES, PK_STEP_MAKE_CGROUP, "/a\nb", "cannot make %s", "/a\nb"), -EACCES);
    assert_int_equal(error.number, -EACCES);
    assert_int_equal(error.kind, PK_ERROR_PERMISSION);
    assert_int_equal(error.step, PK_STEP_MAKE_CGROUP);
    assert_string_equal(error.path, "/a\nb"); /* as it was */
    assert_string_equal(error.message, "cannot make /a\\nb: Permission denied");
    assert_string_equal(error.searched, "");
    assert_int_equal(error_set(NULL, -EIO, PK_ERROR_IO, PK_STEP_NONE, NULL, "nobody cares"), -EIO);

    char longer[2000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    error_errno(&error, -EIO, PK_STEP_EXEC, longer, "cannot run %s", longer);
    assert_true(strlen(error.message) < PK_ERROR_MESSAGE_SIZE);
    char end[128]; /* the name is cut, not the reason */
    snprintf(end, sizeof(end), "xxx...: %s", error_text(-EIO));
    assert_non_null(strstr(error.message, end));
    assert_int_equal(strlen(error.path), PK_ERROR_PATH_SIZE - 1);
}

static void kinds_and_steps_have_names(void **state)
{
    (void)state;
    assert_string_equal(pk_error_kind_name(PK_ERROR_NOT_FOUND), "not-found");
    assert_string_equal(pk_step_name(PK_STEP_IO_PRIORITY), "io-priority");
    assert_string_equal(pk_error_kind_name((pk_error_kind)99), "unknown");
    assert_string_equal(pk_step_name((pk_step)-1), "unknown");
    for (int i = 0; i <= PK_ERROR_NO_MEMORY; i++)
        assert_string_not_equal(pk_error_kind_name((pk_error_kind)i), "unknown");
    for (int i = 0; i <= PK_STEP_LOOP; i++)
        assert_string_not_equal(pk_step_name((pk_step)i), "unknown");
}

static const struct test tests[] = {
    PK_TEST(harmless_text_is_left_alone),
    PK_TEST(what_could_harm_a_terminal_is_escaped),
    PK_TEST(bytes_that_are_no_characters_are_escaped),
    PK_TEST(cuts_are_clean),
    PK_TEST(errors_explain_themselves),
    PK_TEST(kinds_and_steps_have_names),
};

PK_TEST_MAIN(tests)
