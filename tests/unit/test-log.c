/*
 * What is in a log: lines of both streams, whole and in pieces, with times and names.
 */
#include "harness.h"
#include "logging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static void a_file_is_made(void **state)
{
    (void)state;
    struct service_log log;
    struct stat status;
    umask(0);
    log_to(&log, "log");
    assert_int_equal(stat("log", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(fcntl(log.file.out.fd, F_GETFD), FD_CLOEXEC);
    assert_true(log.file.out.fd > 2);
    log_close(&log);
    assert_false(log_is_open(&log));
    log_close(&log);
    assert_string_equal(content("log"), "");
}

static int open_at(struct service_log *log, const char *path, pk_error *error)
{
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    options.path = path;
    return log_open(log, &options, "web", error);
}

static void what_cannot_be_opened_is_refused(void **state)
{
    (void)state;
    struct service_log log;
    pk_error error;
    assert_int_equal(open_at(&log, "none/log", &error), -ENOENT);
    assert_string_equal(error.message, "cannot open the log none/log: No such file or directory");
    assert_false(log_is_open(&log));
    log_close(&log);
    assert_int_equal(open_at(&log, ".", &error), -EISDIR);
    assert_int_equal(open_at(&log, "", &error), -EINVAL);
    assert_string_equal(error.message, "the path of a log is empty");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(open_at(&log, "fifo", &error), -ENXIO); /* nobody reads it: nor is that waited for */

    int kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
    close(2);
    int r = open_at(&log, NULL, &error);
    assert_int_equal(dup2(kept, 2), 2);
    close(kept);
    assert_int_equal(r, -EBADF);
    assert_string_equal(error.message, "cannot write a log to stderr: Bad file descriptor");
}

static void a_file_is_continued_in_a_new_line(void **state)
{
    (void)state;
    struct service_log log;
    for (int i = 0; i < 2; i++) {
        log_to(&log, "log");
        say(&log, "a");
        log_close(&log);
    }
    assert_string_equal(content("log"), "a\na\n");

    int fd = open("log", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "cut o", 5), 5);
    close(fd);
    log_to(&log, "log");
    say(&log, "b");
    log_close(&log);
    assert_string_equal(content("log"), "a\na\ncut o\nb\n");
}

static void the_path_holds_wherever_the_owner_goes(void **state)
{
    (void)state;
    struct service_log log;
    assert_int_equal(mkdir("elsewhere", 0700), 0);
    log_rotated(&log, "log", 2, 1);
    assert_int_equal(chdir("elsewhere"), 0);
    say(&log, "a");
    say(&log, "b");
    log_close(&log);
    assert_int_equal(chdir(".."), 0);
    assert_string_equal(content("log"), "b\n");
    assert_string_equal(content("log.1"), "a\n");
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static void lines_are_written_by_a_flush(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    say(&log, "first");
    say(&log, "");
    say_part(&log, 2, 1, "crlf", PK_LINE_CRLF);
    say_part(&log, 2, 2, "end", PK_LINE_EOF);
    assert_string_equal(content("log"), "");
    log_flush(&log);
    assert_string_equal(content("log"), "first\n\ncrlf\nend\n");
    expect_no_news(&log);
    assert_int_equal(log_interest(&log).fd, -1);
    log_close(&log);
}

static void bytes_stay_as_they_are(void **state)
{
    (void)state;
    struct service_log log;
    struct stat status;
    const char bytes[] = "\033[31mred\033[0m \0 \r \xff";
    log_to(&log, "log");
    log_line(&log, &(pk_line){.text = bytes, .length = sizeof(bytes) - 1, .fd = 1, .end = PK_LINE_LF}, NOON);
    log_close(&log);
    assert_int_equal(stat("log", &status), 0);
    assert_int_equal(status.st_size, sizeof(bytes));
    assert_memory_equal(content("log"), bytes, sizeof(bytes) - 1);
}

static void each_line_has_its_time(void **state)
{
    (void)state;
    struct service_log log;
    pk_error error;
    assert_int_equal(open_at(&log, "log", &error), 0);
    say_at(&log, "a", NOON);
    say_at(&log, "b", NOON + 7999999);
    say_at(&log, "c", NOON + 999999999);
    say_at(&log, "d", NOON + 1000000000);
    say_at(&log, "e", NOON - 1); /* the clock was set */
    say_at(&log, "f", 0);
    log_close(&log);
    assert_string_equal(content("log"), "2026-11-27T06:52:41.000Z a\n2026-11-27T06:52:41.007Z b\n"
                                        "2026-11-27T06:52:41.999Z c\n2026-11-27T06:52:42.000Z d\n"
                                        "2026-11-27T06:52:40.999Z e\n1970-01-01T00:00:00.000Z f\n");
}

static int take_stderr(const char *path)
{
    int kept = fcntl(2, F_DUPFD_CLOEXEC, 3), fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(kept >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, 2), 2);
    close(fd);
    return kept;
}

static void give_back_stderr(int kept)
{
    assert_int_equal(dup2(kept, 2), 2);
    close(kept);
}

static void on_stderr_each_line_has_the_name(void **state)
{
    (void)state;
    struct service_log logs[2];
    pk_error error;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    int kept = take_stderr("log");
    assert_int_equal(log_open(&logs[0], &options, "web", &error), 0);
    options.times = false;
    options.most_bytes = 1; /* never rotated */
    assert_int_equal(
        log_open(&logs[1], &options, "a-name-of-64-bytes-which-is-as-long-as-it-may-be.abcdefghijklmno", &error), 0);
    say(&logs[0], "a");
    say(&logs[1], "b");
    log_flush(&logs[0]);
    log_flush(&logs[1]);
    say(&logs[0], "c");
    for (int i = 0; i < 2; i++)
        log_close(&logs[i]);
    give_back_stderr(kept);
    assert_string_equal(content("log"), "2026-11-27T06:52:41.000Z web | a\n"
                                        "a-name-of-64-bytes-which-is-as-long-as-it-may-be.abcdefghijklmno | b\n"
                                        "2026-11-27T06:52:41.000Z web | c\n");
}

/* ---- Pieces ----------------------------------------------------------------------------------------------------- */

static void pieces_are_one_line(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    say_part(&log, 1, 1, "a", PK_LINE_PIECE);
    log_flush(&log);
    say_part(&log, 1, 1, "b", PK_LINE_PIECE);
    say_part(&log, 1, 1, "c", PK_LINE_LF);
    say_part(&log, 1, 2, "d", PK_LINE_LF);
    log_close(&log);
    assert_string_equal(content("log"), "abc\nd\n");
}

static void a_line_of_the_other_stream_ends_an_incomplete_one(void **state)
{
    (void)state;
    struct service_log log;
    pk_error error;
    assert_int_equal(open_at(&log, "log", &error), 0);
    say_part(&log, 1, 1, "a", PK_LINE_PIECE);
    say_part(&log, 2, 1, "other", PK_LINE_LF);
    say_part(&log, 1, 1, "b", PK_LINE_PIECE);
    log_flush(&log);
    say_part(&log, 2, 2, "x", PK_LINE_PIECE);
    say_part(&log, 2, 2, "y", PK_LINE_LF);
    say_part(&log, 1, 1, "c", PK_LINE_EOF);
    log_close(&log);
    assert_string_equal(content("log"), "2026-11-27T06:52:41.000Z a\n2026-11-27T06:52:41.000Z other\n"
                                        "2026-11-27T06:52:41.000Z b\n2026-11-27T06:52:41.000Z xy\n"
                                        "2026-11-27T06:52:41.000Z c\n");
}

static void streams_that_have_ended_end_their_lines(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    say_part(&log, 1, 1, "a", PK_LINE_PIECE);
    log_finish(&log);
    say_part(&log, 1, 1, "b", PK_LINE_PIECE);
    log_close(&log);
    assert_string_equal(content("log"), "a\nb\n");
}

/* The rest of it was lost for want of memory. */
static void another_number_is_another_line(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    say_part(&log, 1, 1, "a", PK_LINE_PIECE);
    say_part(&log, 1, 2, "b", PK_LINE_LF);
    log_close(&log);
    assert_string_equal(content("log"), "a\nb\n");
}

static void a_line_may_be_long(void **state)
{
    (void)state;
    enum { LONG = 3 << 20 };
    struct service_log log;
    char *text = malloc(LONG + 1);
    memset(text, 'x', LONG);
    text[LONG] = '\0';
    log_to(&log, "log");
    say(&log, "before");
    say(&log, text);
    say(&log, "after");
    log_close(&log);
    const char *found = content("log");
    assert_int_equal(strlen(found), LONG + 7 + 6 + 1);
    assert_memory_equal(found, "before\nxxx", 10);
    assert_memory_equal(found + 7, text, LONG);
    assert_string_equal(found + 7 + LONG, "\nafter\n");
    assert_int_equal(log_lost(&log), 0);
    free(text);
}

static void many_lines_are_written_before_the_flush(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    unsigned lost = 0, count = 20000;
    for (unsigned i = 1; i <= count; i++)
        say_numbered(&log, i);
    assert_true(log.length <= LOG_GATHERED);
    log_close(&log);
    assert_int_equal(expect_whole_lines(content("log"), &lost), count);
    assert_int_equal(lost, 0);
}

/* ---- A FIFO ----------------------------------------------------------------------------------------------------- */

static int make_fifo(void)
{
    assert_int_equal(mkfifo("log", 0600), 0);
    return open("log", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Lines until there is no room, of which the last one that has room is too long for a FIFO to take at once. */
static void fill(struct service_log *log)
{
    enum { LONG = 100 << 10, LEFT = 800 };
    static char line[1000], longest[2 * LONG];
    memset(line, 'x', sizeof(line) - 1);
    memset(longest, 'y', sizeof(longest) - 1);
    while (log->length < LOG_MOST - LONG)
        say(log, line);
    longest[LOG_MOST - log->length - LEFT] = '\0';
    say(log, longest);
    assert_int_equal(log_lost(log), 0);
    say(log, line);
    assert_int_equal(log_lost(log), 1);
}

/* Nobody waits any more for who has read the one. */
static void another_fifo_has_room(void **state)
{
    (void)state;
    struct service_log log;
    char bytes[4096] = "", expected[128] = "";
    int fd = make_fifo();
    log_to(&log, "log");
    fill(&log);
    while (!log.file.unfinished) {
        assert_true(read(fd, bytes, sizeof(bytes)) > 0);
        log_flush(&log);
    }
    assert_true(log.length > 0);
    assert_int_equal(rename("log", "old"), 0);
    int other = make_fifo();
    say_at(&log, "next", NOON + 1000000000);
    log_flush(&log);
    assert_int_equal(log_interest(&log).fd, -1);
    assert_true(read(other, bytes, sizeof(bytes)) > 0);
    note_losses(expected, 2, ENOBUFS);
    strcat(expected, "next\n");
    bytes[strlen(expected)] = '\0';
    assert_string_equal(bytes, expected);
    log_close(&log);
    close(fd);
    close(other);
}

static const struct test tests[] = {
    PK_TEST(a_file_is_made),
    PK_TEST(what_cannot_be_opened_is_refused),
    PK_TEST(a_file_is_continued_in_a_new_line),
    PK_TEST(the_path_holds_wherever_the_owner_goes),
    PK_TEST(lines_are_written_by_a_flush),
    PK_TEST(bytes_stay_as_they_are),
    PK_TEST(each_line_has_its_time),
    PK_TEST(on_stderr_each_line_has_the_name),
    PK_TEST(pieces_are_one_line),
    PK_TEST(a_line_of_the_other_stream_ends_an_incomplete_one),
    PK_TEST(streams_that_have_ended_end_their_lines),
    PK_TEST(another_number_is_another_line),
    PK_TEST(a_line_may_be_long),
    PK_TEST(many_lines_are_written_before_the_flush),
    PK_TEST(another_fifo_has_room),
};

PK_TEST_MAIN(tests)
