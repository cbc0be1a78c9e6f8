/*
 * Sets of numbers as the kernel writes them.
 */
#include "base/number-set.h"
#include "harness.h"

#include <errno.h>

static void lists_are_read_whole(void **state)
{
    (void)state;
    struct number_set set, other;
    assert_int_equal(number_set_parse(&set, ""), 0);
    assert_int_equal(number_set_parse(&set, "\n"), 0);
    assert_int_equal(number_set_parse(&set, "0-3,8,8191\n"), 0);
    assert_int_equal(set.bits[0], 0x0f);
    assert_int_equal(set.bits[1], 0x01);
    assert_int_equal(set.bits[NUMBER_SET_END / 8 - 1], 0x80);
    assert_int_equal(number_set_parse(&other, "8,0,1,2,3,8191,2-3"), 0);
    assert_memory_equal(&set, &other, sizeof(set));
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {",",  "0,", ",0",      "0,,1", "3-1", "-1", "1-",    "1--2",
                                      "0 ", " 0", "0-2:1/2", "a",    "0x1", "+1", "1\n\n", "1\n2"};
    struct number_set set;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (number_set_parse(&set, bad[i]) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(number_set_parse(&set, "8192"), -ERANGE);
    assert_int_equal(number_set_parse(&set, "0-99999999999999999999"), -ERANGE);
}

static void the_first_that_is_missing_is_found(void **state)
{
    (void)state;
    struct number_set asked, had;
    assert_int_equal(number_set_parse(&asked, "1-20"), 0);
    assert_int_equal(number_set_parse(&had, "0-11,13-20"), 0);
    assert_int_equal(number_set_first_missing(&asked, &had), 12);
    assert_int_equal(number_set_first_missing(&had, &asked), 0);
    assert_int_equal(number_set_first_missing(&asked, &asked), -1);
    assert_int_equal(number_set_parse(&had, ""), 0);
    assert_int_equal(number_set_first_missing(&had, &asked), -1);
    assert_int_equal(number_set_first_missing(&asked, &had), 1);
}

static const struct test tests[] = {
    PK_TEST(lists_are_read_whole),
    PK_TEST(everything_else_is_refused),
    PK_TEST(the_first_that_is_missing_is_found),
};

PK_TEST_MAIN(tests)
