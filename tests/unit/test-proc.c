/*
 * /proc/PID/stat, whatever a process calls itself.
 */
#include "contain/proc.h"
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char tail[] = "S 10 20 30 0 -1 4194560 1 2 3 4 500 600 7 8 20 0 3 0 12345 0 0";

static int parse(const char *head, struct proc_stat *stat)
{
    char text[512];
    snprintf(text, sizeof(text), "%s %s", head, tail);
    return proc_stat_parse(text, stat);
}

static void fields_are_counted_after_the_last_parenthesis(void **state)
{
    (void)state;
    static const char *const heads[] = {"7 (sh)", "7 (a b)", "7 (x) R 1 2 3)", "7 ()", "7 (\n(()"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct proc_stat stat;
        assert_int_equal(parse(heads[i], &stat), 0);
        assert_int_equal(stat.state, 'S');
        assert_int_equal(stat.parent, 10);
        assert_int_equal(stat.pgid, 20);
        assert_int_equal(stat.session, 30);
        assert_int_equal(stat.user_ticks, 500);
        assert_int_equal(stat.system_ticks, 600);
        assert_int_equal(stat.threads, 3);
        assert_int_equal(stat.start_ticks, 12345);
    }
}

static void names_are_cut_to_what_the_kernel_allows(void **state)
{
    (void)state;
    struct proc_stat stat;
    assert_int_equal(parse("7 (a name that is longer than the kernel has)", &stat), 0);
    assert_string_equal(stat.name, "a name that is ");
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "7", "7 (sh", "7 sh) S", "7 )sh( S 1", "7 (sh) S 1 2 3", "7 (sh)S 1 2 3"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct proc_stat stat;
        assert_int_equal(proc_stat_parse(texts[i], &stat), -EINVAL);
    }
}

static void ending_processes_are_not_alive(void **state)
{
    (void)state;
    assert_true(proc_is_alive(&(struct proc_stat){.state = 'R', .threads = 1}));
    assert_true(proc_is_alive(&(struct proc_stat){.state = 'D', .threads = 1}));
    assert_false(proc_is_alive(&(struct proc_stat){.state = 'Z', .threads = 1}));
    assert_false(proc_is_alive(&(struct proc_stat){.state = 'X', .threads = 1}));
    assert_false(proc_is_alive(&(struct proc_stat){.state = 'R', .threads = 1, .flags = 4}));
    assert_true(proc_is_alive(&(struct proc_stat){.state = 'Z', .threads = 2}));
}

static void real_process_can_be_read(void **state)
{
    (void)state;
    struct proc_stat stat;
    uint64_t peak;
    assert_int_equal(proc_stat_read(getpid(), &stat), 0);
    assert_int_equal(stat.parent, getppid());
    assert_int_equal(stat.pgid, getpgrp());
    assert_true(proc_is_alive(&stat));
    assert_int_equal(proc_memory_peak(getpid(), &peak), 0);
    assert_true(peak > 100000);
    assert_int_equal(proc_stat_read(0x7ffffffe, &stat), -ESRCH);
}

static const struct test tests[] = {
    PK_TEST(fields_are_counted_after_the_last_parenthesis),
    PK_TEST(names_are_cut_to_what_the_kernel_allows),
    PK_TEST(other_texts_are_refused),
    PK_TEST(ending_processes_are_not_alive),
    PK_TEST(real_process_can_be_read),
};

PK_TEST_MAIN(tests)
