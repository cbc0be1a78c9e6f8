/*
 * Files of a log: rotated by size, moved away or removed by somebody else, links.
 */
#include "harness.h"
#include "logging.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECOND = 1000000000 };

static void make(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* The files "log", "log.1" and so on, up to that many. */
static void expect_files(const char *const *texts, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char path[16] = "log";
        if (i > 0)
            snprintf(path, sizeof(path), "log.%u", i);
        if (strcmp(content(path), texts[i]) != 0)
            fail_msg("%s is %s and not %s", path, content(path), texts[i]);
    }
}

#define EXPECT_FILES(...) \
    expect_files((const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void say_five(struct service_log *log)
{
    static const char *const texts[] = {"one", "two", "three", "four", "five"};
    for (int i = 0; i < 5; i++)
        say(log, texts[i]);
    log_flush(log);
}

/* ---- By size ---------------------------------------------------------------------------------------------------- */

static void as_many_files_are_kept_as_asked_for(void **state)
{
    (void)state;
    static const struct {
        unsigned keep;
        const char *files[6];
    } cases[] = {
        {0, {"five\n", "(none)", "(none)", "(none)", "(none)", "(none)"}},
        {1, {"five\n", "four\n", "(none)", "(none)", "(none)", "(none)"}},
        {2, {"five\n", "four\n", "three\n", "(none)", "(none)", "(none)"}},
        {5, {"five\n", "four\n", "three\n", "two\n", "one\n", "(none)"}},
        {UINT_MAX, {"five\n", "four\n", "three\n", "two\n", "one\n", "(none)"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct service_log log;
        log_rotated(&log, "log", 1, cases[i].keep);
        say_five(&log);
        expect_files(cases[i].files, 6);
        log_close(&log);
        remove_files("log");
    }
}

/* The line with which it reaches that is in it. */
static void a_file_is_full_when_it_has_reached_the_size(void **state)
{
    (void)state;
    struct service_log log;
    log_rotated(&log, "log", 8, 5);
    say(&log, "abc");
    say(&log, "def");
    say(&log, "abc");
    say(&log, "longer than it may be");
    say(&log, "");
    log_close(&log);
    EXPECT_FILES("\n", "abc\nlonger than it may be\n", "abc\ndef\n", "(none)");
}

static void what_was_there_counts(void **state)
{
    (void)state;
    struct service_log log;
    make("log", "abcdefg\n");
    log_rotated(&log, "log", 8, 5);
    EXPECT_FILES("abcdefg\n", "(none)");
    say(&log, "next");
    log_close(&log);
    EXPECT_FILES("next\n", "abcdefg\n", "(none)");
}

static void never_is_never(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    say_five(&log);
    log_close(&log);
    EXPECT_FILES("one\ntwo\nthree\nfour\nfive\n", "(none)");
}

static void only_what_is_in_the_way_is_renamed(void **state)
{
    (void)state;
    struct service_log log;
    make("log", "old\n");
    make("log.1", "older\n");
    make("log.3", "apart\n");
    log_rotated(&log, "log", 1, 5);
    say(&log, "new");
    log_close(&log);
    EXPECT_FILES("new\n", "old\n", "older\n", "apart\n", "(none)");
}

static void files_beyond_those_that_are_kept_are_removed(void **state)
{
    (void)state;
    struct service_log log;
    make("log", "old\n");
    for (const char *const *path = (const char *const[]){"log.1", "log.2", "log.3", "log.4", "log.6", NULL}; *path;
         path++)
        make(*path, "older\n");
    log_rotated(&log, "log", 1, 2);
    say(&log, "new");
    log_close(&log);
    EXPECT_FILES("new\n", "old\n", "older\n", "(none)", "(none)", "(none)", "older\n");
}

static void a_line_is_in_one_file(void **state)
{
    (void)state;
    struct service_log log;
    log_rotated(&log, "log", 4, 5);
    say_part(&log, 1, 1, "abc", PK_LINE_PIECE);
    say_part(&log, 1, 1, "def", PK_LINE_PIECE);
    log_flush(&log);
    say_part(&log, 1, 1, "ghi", PK_LINE_LF);
    say_part(&log, 1, 2, "next", PK_LINE_PIECE);
    say_part(&log, 2, 1, "other", PK_LINE_LF);
    log_close(&log);
    EXPECT_FILES("other\n", "next\n", "abcdefghi\n", "(none)");
}

static void a_rotation_that_fails_loses_no_line(void **state)
{
    (void)state;
    struct service_log log;
    assert_int_equal(mkdir("log.1", 0700), 0);
    log_rotated(&log, "log", 1, 1);
    say_at(&log, "a", NOON);
    say_at(&log, "b", NOON);
    say_at(&log, "c", NOON);
    say_at(&log, "d", NOON + SECOND);
    log_flush(&log);
    EXPECT_FILES("a\n[the log could not be rotated: Is a directory]\nb\nc\nd\n");
    assert_int_equal(rmdir("log.1"), 0);
    say_at(&log, "e", NOON + SECOND); /* not again within a second */
    say_at(&log, "f", NOON + 2 * (uint64_t)SECOND);
    log_close(&log);
    EXPECT_FILES("f\n", "a\n[the log could not be rotated: Is a directory]\nb\nc\nd\ne\n");
    assert_int_equal(log_lost(&log), 0);
}

/* ---- By somebody else ------------------------------------------------------------------------------------------- */

static void a_file_that_was_moved_away_is_made_anew(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    say_at(&log, "a", NOON);
    log_flush(&log);
    assert_int_equal(rename("log", "log.1"), 0);
    say_at(&log, "b", NOON + SECOND - 1);
    log_flush(&log);
    EXPECT_FILES("(none)", "a\nb\n");
    say_at(&log, "c", NOON + SECOND);
    say_at(&log, "d", NOON + SECOND);
    log_flush(&log);
    EXPECT_FILES("c\nd\n", "a\nb\n");
    assert_int_equal(unlink("log"), 0);
    say_at(&log, "e", NOON + 2 * (uint64_t)SECOND);
    log_close(&log);
    EXPECT_FILES("e\n", "a\nb\n");
}

static void a_file_in_its_place_is_continued(void **state)
{
    (void)state;
    struct service_log log;
    log_rotated(&log, "log", 12, 5);
    say_at(&log, "a", NOON);
    log_flush(&log);
    assert_int_equal(rename("log", "moved"), 0);
    make("log", "begun by");
    say_at(&log, "other", NOON + SECOND);
    say_at(&log, "next", NOON + SECOND);
    log_close(&log);
    EXPECT_FILES("next\n", "begun by\nother\n", "(none)");
    assert_string_equal(content("moved"), "a\n");
}

/* By copying and emptying, as logrotate does with "copytruncate". */
static void a_file_that_was_emptied_is_filled_from_its_beginning(void **state)
{
    (void)state;
    struct service_log log;
    log_rotated(&log, "log", 10, 5);
    say_at(&log, "abcdefgh", NOON);
    log_flush(&log);
    assert_int_equal(truncate("log", 0), 0);
    say_at(&log, "abcd", NOON + SECOND);
    say_at(&log, "efgh", NOON + SECOND);
    log_close(&log);
    EXPECT_FILES("abcd\nefgh\n", "(none)");
}

/* Rotated by somebody else just before we would. */
static void a_file_is_not_rotated_twice(void **state)
{
    (void)state;
    struct service_log log;
    log_rotated(&log, "log", 2, 5);
    say(&log, "a");
    log_flush(&log);
    assert_int_equal(rename("log", "log.1"), 0);
    say(&log, "b");
    log_flush(&log);
    EXPECT_FILES("b\n", "a\n", "(none)");
    assert_int_equal(rename("log", "moved"), 0);
    make("log", "other\n");
    say(&log, "c");
    log_close(&log);
    EXPECT_FILES("other\nc\n", "a\n", "(none)");
}

static void what_cannot_be_made_anew_goes_where_the_old_one_is(void **state)
{
    (void)state;
    struct service_log log;
    assert_int_equal(mkdir("here", 0700), 0);
    log_to(&log, "here/log");
    say_at(&log, "a", NOON);
    log_flush(&log);
    assert_int_equal(rename("here", "there"), 0);
    say_at(&log, "b", NOON + SECOND);
    log_flush(&log);
    assert_string_equal(content("there/log"), "a\nb\n");
    assert_int_equal(mkdir("here", 0700), 0);
    say_at(&log, "c", NOON + 2 * (uint64_t)SECOND);
    log_close(&log);
    assert_string_equal(content("there/log"), "a\nb\n");
    assert_string_equal(content("here/log"), "c\n");
    assert_int_equal(log_lost(&log), 0);
}

/* There would be no file to read them in. */
static void lines_are_lost_where_there_is_no_file(void **state)
{
    (void)state;
    struct service_log log;
    assert_int_equal(mkdir("here", 0700), 0);
    log_to(&log, "here/log");
    say_at(&log, "a", NOON);
    log_flush(&log);
    assert_int_equal(unlink("here/log"), 0);
    assert_int_equal(rmdir("here"), 0);
    say_at(&log, "b", NOON + SECOND);
    say_at(&log, "c", NOON + SECOND);
    log_flush(&log);
    assert_int_equal(log_lost(&log), 2);
    expect_news(&log, -ENOENT, 0);
    expect_no_news(&log);
    assert_int_equal(mkdir("here", 0700), 0);
    say_at(&log, "d", NOON + SECOND); /* at once, and not in the next second */
    log_flush(&log);
    expect_news(&log, 0, 2);
    log_close(&log);
    assert_string_equal(content("here/log"), "[2 lines were lost: No such file or directory]\nd\n");
}

/* ---- Links ------------------------------------------------------------------------------------------------------ */

static void link_to_far(const char *target, const char *link)
{
    assert_int_equal(mkdir("far", 0700), 0);
    assert_int_equal(symlink(target, link), 0);
}

static void a_link_is_followed_and_not_rotated(void **state)
{
    (void)state;
    struct service_log log;
    link_to_far("far/file", "log");
    log_rotated(&log, "log", 1, 5);
    assert_false(log.file.is_rotated);
    say(&log, "a");
    say(&log, "b");
    log_flush(&log);
    assert_string_equal(content("far/file"), "a\nb\n");
    assert_int_equal(unlink("log"), 0);
    assert_int_equal(symlink("far/second", "log"), 0);
    say_at(&log, "c", NOON + SECOND);
    log_close(&log);
    assert_string_equal(content("far/second"), "c\n");
    assert_false(exists("log.1"));
    assert_false(exists("far/file.1"));
}

static void a_directory_may_be_a_link(void **state)
{
    (void)state;
    struct service_log log;
    link_to_far("far", "logs");
    log_rotated(&log, "logs/log", 1, 5);
    say(&log, "a");
    say(&log, "b");
    log_close(&log);
    assert_string_equal(content("far/log"), "b\n");
    assert_string_equal(content("far/log.1"), "a\n");
}

/* As in containers. */
static void it_may_lead_to_stdout(void **state)
{
    (void)state;
    struct service_log log;
    char text[16] = "";
    int ends[2], kept = fcntl(1, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(dup2(ends[1], 1), 1);
    assert_int_equal(symlink("/proc/self/fd/1", "log"), 0); /* which is what /dev/stdout leads to */
    log_rotated(&log, "log", 1, 5);
    say_at(&log, "a", NOON);
    say_at(&log, "b", NOON + SECOND);
    log_close(&log);
    bool blocks = !(fcntl(1, F_GETFL) & O_NONBLOCK);
    assert_int_equal(dup2(kept, 1), 1);
    assert_int_equal(read(ends[0], text, sizeof(text)), 4);
    assert_string_equal(text, "a\nb\n");
    assert_true(blocks);
    close(kept);
    close(ends[0]);
    close(ends[1]);
}

static const struct test tests[] = {
    PK_TEST(as_many_files_are_kept_as_asked_for),
    PK_TEST(a_file_is_full_when_it_has_reached_the_size),
    PK_TEST(what_was_there_counts),
    PK_TEST(never_is_never),
    PK_TEST(only_what_is_in_the_way_is_renamed),
    PK_TEST(files_beyond_those_that_are_kept_are_removed),
    PK_TEST(a_line_is_in_one_file),
    PK_TEST(a_rotation_that_fails_loses_no_line),
    PK_TEST(a_file_that_was_moved_away_is_made_anew),
    PK_TEST(a_file_in_its_place_is_continued),
    PK_TEST(a_file_that_was_emptied_is_filled_from_its_beginning),
    PK_TEST(a_file_is_not_rotated_twice),
    PK_TEST(what_cannot_be_made_anew_goes_where_the_old_one_is),
    PK_TEST(lines_are_lost_where_there_is_no_file),
    PK_TEST(a_link_is_followed_and_not_rotated),
    PK_TEST(a_directory_may_be_a_link),
    PK_TEST(it_may_lead_to_stdout),
};

PK_TEST_MAIN(tests)
