/*
 * Each system call of a log fails once: no line is lost that is not counted and noted, and nothing is left open.
 */
#include "harness.h"
#include "logging.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CALLS = 32, LINES = 60, SECOND = 1000000000 };

static struct {
    const char *call;
    unsigned count;
} calls[MOST_CALLS];
static unsigned call_count;

static void remember(const char *call, unsigned count, void *data)
{
    (void)data;
    assert_in_range(call_count, 0, MOST_CALLS - 1);
    calls[call_count].call = call;
    calls[call_count++].count = count;
}

/* All that is in files, the oldest first. */
static char *all_files(void)
{
    static const char *const paths[] = {"moved", "log.9", "log.8", "log.7", "log.6", "log.5",
                                        "log.4", "log.3", "log.2", "log.1", "log"};
    char *text = calloc(1, 1 << 20);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (access(paths[i], F_OK) == 0)
            strcat(text, content(paths[i]));
    return text;
}

/* Lines of some seconds into files that are rotated now and then, and moved away once. Whether it could be opened. */
static bool keep_log(unsigned *count, uint64_t *lost)
{
    struct service_log log;
    pk_error error;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    options.path = "log";
    options.most_bytes = 600;
    options.keep = 9;
    options.times = false;
    int r = log_open(&log, &options, "web", &error);
    if (r < 0) {
        assert_int_equal(error.number, r);
        assert_non_null(strstr(error.message, "log"));
        assert_false(log_is_open(&log));
        return false;
    }
    for (*count = 0; *count < LINES;) {
        ++*count;
        say_numbered_at(&log, *count, NOON + *count / 10 * (uint64_t)SECOND);
        if (*count % 3 == 0)
            log_flush(&log);
        if (*count == 5)
            rename("log", "moved");
    }
    log_close(&log);
    *lost = log_lost(&log);
    return true;
}

static void check_once(const char *call, unsigned nth, int number)
{
    unsigned count = 0, noted = 0;
    uint64_t lost = 0;
    sys_fault_clear();
    if (nth > 0)
        sys_fault_set(call, nth, number);
    bool is_open = keep_log(&count, &lost);
    if (nth == 0)
        sys_fault_each(remember, NULL);
    sys_fault_clear();
    if (!is_open)
        return;
    char *text = all_files();
    unsigned found = expect_whole_lines(text, &noted);
    if (found != count || noted != lost)
        fail_msg("%s %u: %u of %u lines, %u lost, %u noted", call, nth, found, count, (unsigned)lost, noted);
    free(text);
    remove_files("log");
    remove_files("moved");
}

static void a_call_that_fails_loses_no_line_without_a_note(void **state)
{
    const int *number = *state;
    check_once("none", 0, 0);
    assert_true(call_count > 5);
    for (unsigned i = 0; i < call_count; i++) {
        for (unsigned nth = 1; nth <= calls[i].count; nth++)
            check_once(calls[i].call, nth, *number);
    }
}

static void a_log_on_stderr_that_cannot_be_opened_leaves_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"fcntl", "fstat", "openat"};
    pk_error error;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (unsigned nth = 1; nth <= 3; nth++) {
            struct service_log log;
            sys_fault_set(names[i], nth, EMFILE);
            int r = log_open(&log, &options, "web", &error);
            assert_true(r == 0 || r == -EMFILE);
            log_close(&log);
            sys_fault_clear();
        }
}

static const int bad_disk = EIO, full_disk = ENOSPC, no_descriptor = EMFILE, interrupted = EINTR;

static void the_last_ones_that_are_lost_are_noted_too(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    sys_fault_set("write", 0, EDQUOT);
    say(&log, "lost");
    log_flush(&log);
    sys_fault_clear();
    log_close(&log);
    char expected[128] = "";
    note_losses(expected, 1, EDQUOT);
    assert_string_equal(content("log"), expected);
}

static const struct test tests[] = {
    PK_TEST(the_last_ones_that_are_lost_are_noted_too),
    PK_TEST_NAMED("a_call_that_fails_loses_no_line_without_a_note/EIO", a_call_that_fails_loses_no_line_without_a_note,
                  .data = &bad_disk),
    PK_TEST_NAMED("a_call_that_fails_loses_no_line_without_a_note/ENOSPC",
                  a_call_that_fails_loses_no_line_without_a_note, .data = &full_disk),
    PK_TEST_NAMED("a_call_that_fails_loses_no_line_without_a_note/EMFILE",
                  a_call_that_fails_loses_no_line_without_a_note, .data = &no_descriptor),
    PK_TEST_NAMED("a_call_that_fails_loses_no_line_without_a_note/EINTR",
                  a_call_that_fails_loses_no_line_without_a_note, .data = &interrupted),
    PK_TEST(a_log_on_stderr_that_cannot_be_opened_leaves_nothing),
};

PK_TEST_MAIN(tests)
