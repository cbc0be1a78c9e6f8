/*
 * Lines that a log cannot take: where there is no room, or nobody reads.
 */
#include "harness.h"
#include "logging.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- No room ---------------------------------------------------------------------------------------------------- */

static void a_full_device_takes_none(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "/dev/full");
    say(&log, "a");
    say(&log, "b");
    assert_int_equal(log_lost(&log), 0);
    log_flush(&log);
    assert_int_equal(log_lost(&log), 2);
    expect_news(&log, -ENOSPC, 0);
    expect_no_news(&log);
    say(&log, "c");
    log_flush(&log);
    assert_int_equal(log_lost(&log), 3); /* the note is no line */
    expect_no_news(&log);
    log_close(&log);
    assert_int_equal(log_lost(&log), 3);
}

static void lines_are_written_again_after_a_note(void **state)
{
    (void)state;
    struct service_log log;
    log_to(&log, "log");
    say(&log, "a");
    log_flush(&log);
    sys_fault_set("write", 0, ENOSPC);
    for (int i = 0; i < 3; i++) {
        say(&log, "lost");
        log_flush(&log);
    }
    sys_fault_clear();
    expect_news(&log, -ENOSPC, 0);
    say(&log, "b");
    expect_no_news(&log); /* it is not known yet */
    log_flush(&log);
    expect_news(&log, 0, 3);
    expect_no_news(&log);
    sys_fault_set("write", 0, EIO);
    say(&log, "lost");
    log_flush(&log);
    sys_fault_clear();
    say(&log, "c");
    log_flush(&log);
    expect_news(&log, -EIO, 0);
    expect_news(&log, 0, 1);
    expect_no_news(&log);
    log_close(&log);
    char expected[256] = "a\n";
    note_losses(expected, 3, ENOSPC);
    strcat(expected, "b\n");
    note_losses(expected, 1, EIO);
    assert_string_equal(content("log"), strcat(expected, "c\n"));
}

/* What the file has of a line stays, and so does what is missing of it: the rest is written first. */
static void a_line_that_was_written_in_part_is_completed(void **state)
{
    (void)state;
    struct service_log log;
    const struct rlimit little = {10, RLIM_INFINITY}, any = {RLIM_INFINITY, RLIM_INFINITY};
    assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
    log_to(&log, "log");
    say(&log, "abcd");
    say(&log, "efghijkl");
    say(&log, "lost");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    log_flush(&log);
    say(&log, "lost too");
    log_flush(&log);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &any), 0);
    assert_string_equal(content("log"), "abcd\nefghi");
    expect_news(&log, -EFBIG, 0);
    say(&log, "m");
    log_close(&log);
    assert_string_equal(content("log"), "abcd\nefghijkl\n[2 lines were lost: File too large]\nm\n");
}

/* A piece that is written, and then one that cannot be. */
static void cut_long_line(struct service_log *log, pk_line_end end)
{
    log_to(log, "log");
    say_part(log, 1, 1, "a", PK_LINE_PIECE);
    log_flush(log);
    sys_fault_set("write", 0, ENOSPC);
    say_part(log, 1, 1, "b", end);
    log_flush(log);
    sys_fault_clear();
}

static void a_long_line_that_was_cut_is_lost_and_ends(void **state)
{
    (void)state;
    struct service_log log;
    cut_long_line(&log, PK_LINE_PIECE);
    assert_int_equal(log_lost(&log), 1);
    say_part(&log, 1, 1, "c", PK_LINE_PIECE);
    say_part(&log, 1, 1, "d", PK_LINE_LF);
    assert_int_equal(log_lost(&log), 1);
    say_part(&log, 1, 2, "e", PK_LINE_LF);
    log_close(&log);
    assert_string_equal(content("log"), "a\n[1 line was lost: No space left on device]\ne\n");
}

static void a_long_line_that_has_its_end_goes_on(void **state)
{
    (void)state;
    struct service_log log;
    cut_long_line(&log, PK_LINE_LF);
    assert_int_equal(log_lost(&log), 0);
    say_part(&log, 1, 2, "c", PK_LINE_LF);
    log_close(&log);
    assert_string_equal(content("log"), "ab\nc\n");
}

static void a_rest_is_of_no_use_in_another_file(void **state)
{
    (void)state;
    struct service_log log;
    const struct rlimit little = {3, RLIM_INFINITY}, any = {RLIM_INFINITY, RLIM_INFINITY};
    log_to(&log, "log");
    say(&log, "abcd");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    log_flush(&log);
    assert_int_equal(log_lost(&log), 0);
    assert_int_equal(rename("log", "moved"), 0);
    say_at(&log, "next", NOON + 1000000000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &any), 0);
    log_close(&log);
    assert_int_equal(log_lost(&log), 1);
    assert_string_equal(content("moved"), "abc");
    assert_string_equal(content("log"), "[1 line was lost: No such file or directory]\nnext\n");
}

static void make_small_disk(void)
{
    assert_int_equal(mkdir("disk", 0700), 0);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "disk", "tmpfs", 0, "size=64k") < 0)
        skip_test("a mount namespace with a tmpfs of its own");
}

static void resize_disk(unsigned kilobytes)
{
    char options[32];
    snprintf(options, sizeof(options), "size=%uk", kilobytes);
    assert_int_equal(mount(NULL, "disk", NULL, MS_REMOUNT, options), 0);
}

/* Whatever of a line the disk has taken, and whenever there is room again. */
static void a_full_disk_has_whole_lines_and_notes(void **state)
{
    (void)state;
    struct service_log log;
    unsigned lost = 0, number = 0, seed = 5, size = 64;
    make_small_disk();
    log_to(&log, "disk/log");
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = (unsigned)rand_r(&seed) % 500; i > 0; i--) {
            say_numbered(&log, ++number);
            if (rand_r(&seed) % 8 == 0)
                log_flush(&log);
        }
        resize_disk(size += (unsigned)rand_r(&seed) % 6 * 4);
    }
    resize_disk(4096);
    assert_true(log_lost(&log) > 0);
    log_close(&log);
    const char *text = content("disk/log");
    assert_true(strchr(text, '[') != strrchr(text, '['));
    assert_int_equal(expect_whole_lines(text, &lost), number);
    assert_int_equal(lost, log_lost(&log));
    assert_int_equal(umount("disk"), 0);
}

/* A rotation makes room. */
static void a_full_disk_is_rotated(void **state)
{
    (void)state;
    struct service_log log;
    unsigned lost = 0;
    make_small_disk();
    log_rotated(&log, "disk/log", 16 << 10, 2);
    for (unsigned i = 1; i <= 5000; i++)
        say_numbered(&log, i);
    log_close(&log);
    assert_int_equal(log_lost(&log), 0);
    assert_true(strlen(content("disk/log.2")) >= 16 << 10);
    sscanf(content("disk/log"), "line %u", &lost);
    assert_in_range(lost, 4800, 5000);
    assert_int_equal(umount("disk"), 0);
}

/* ---- Nobody reads ----------------------------------------------------------------------------------------------- */

struct stream {
    int read_end, kept;
};

static struct stream take_stderr(int flags)
{
    int ends[2], kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(pipe2(ends, O_CLOEXEC | flags), 0);
    assert_int_equal(dup2(ends[1], 2), 2);
    close(ends[1]);
    return (struct stream){ends[0], kept};
}

static void give_back_stderr(struct stream *stream)
{
    assert_int_equal(dup2(stream->kept, 2), 2);
    close(stream->kept);
}

/* What there is to read, without waiting; at the end of a text. */
static size_t drain(int fd, char *text, size_t most)
{
    size_t length = 0;
    int flags = fcntl(fd, F_GETFL);
    assert_int_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    for (ssize_t r; length < most && (r = read(fd, text + length, most - length)) > 0;)
        length += (size_t)r;
    text[length] = '\0';
    return length;
}

static void open_on_stderr(struct service_log *log, const char *name)
{
    pk_error error;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    options.times = false;
    assert_int_equal(log_open(log, &options, name, &error), 0);
}

/* Once opened for itself; and once as it is where that cannot be, such as another user's. */
static void a_slow_reader_holds_up_nobody(void **state)
{
    bool is_careful = *state != NULL;
    struct service_log log;
    enum { MOST = 4 << 20 };
    char *text = malloc(MOST + 1);
    size_t length = 0;
    unsigned lost = 0, number = 0, seed = 7;
    struct stream stream = take_stderr(0);
    if (is_careful)
        sys_fault_set("openat", 0, EACCES);
    open_on_stderr(&log, "");
    sys_fault_clear();
    assert_int_equal(log.file.out.careful, is_careful);
    log.before_length = 0; /* so that lines can be told from notes */
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = rand_r(&seed) % 2000; i > 0; i--)
            say_numbered(&log, ++number);
        log_flush(&log);
        if (log.waits)
            assert_int_equal(log_interest(&log).events, POLLOUT);
        length += drain(stream.read_end, text + length, rand_r(&seed) % 200000);
        if (rand_r(&seed) % 3 == 0)
            log_flush(&log);
    }
    assert_true(log_lost(&log) > 0);
    assert_false(fcntl(2, F_GETFL) & O_NONBLOCK);
    do {
        length += drain(stream.read_end, text + length, MOST - length);
        log_flush(&log);
    } while (log_interest(&log).fd >= 0);
    length += drain(stream.read_end, text + length, MOST - length);
    log_close(&log);
    drain(stream.read_end, text + length, MOST - length);
    give_back_stderr(&stream);
    assert_int_equal(expect_whole_lines(text, &lost), number);
    assert_int_equal(lost, log_lost(&log));
    close(stream.read_end);
    free(text);
}

static void a_burst_is_kept_for_the_reader(void **state)
{
    (void)state;
    struct service_log log;
    enum { MOST = 1 << 20 };
    char *text = malloc(MOST + 1);
    struct stream stream = take_stderr(0);
    size_t length = 0;
    open_on_stderr(&log, "web");
    for (unsigned i = 0; i < 4000; i++)
        say(&log, "fifty bytes are not many, but there are some lines.");
    log_flush(&log);
    bool waits = log.waits;
    while (log_interest(&log).fd >= 0) {
        length += drain(stream.read_end, text + length, MOST - length);
        log_flush(&log);
    }
    length += drain(stream.read_end, text + length, MOST - length);
    give_back_stderr(&stream);
    assert_true(waits);
    assert_int_equal(length, 4000 * strlen("web | fifty bytes are not many, but there are some lines.\n"));
    assert_int_equal(log_lost(&log), 0);
    expect_no_news(&log);
    log_close(&log);
    close(stream.read_end);
    free(text);
}

static void begins_and_ends_of_losing_are_told(void **state)
{
    (void)state;
    struct service_log log;
    enum { MOST = 1 << 20 };
    char *text = malloc(MOST + 1);
    struct stream stream = take_stderr(0);
    open_on_stderr(&log, "web");
    unsigned count = 0;
    for (; log_lost(&log) == 0; count++)
        say(&log, "fifty bytes are not many, but there are some lines.");
    assert_in_range(count, 3000, 10000);
    say(&log, "lost as well");
    log_flush(&log);
    expect_news(&log, -ENOBUFS, 0);
    while (log_interest(&log).fd >= 0) {
        drain(stream.read_end, text, MOST);
        log_flush(&log);
    }
    expect_no_news(&log);
    drain(stream.read_end, text, MOST);
    say(&log, "last");
    log_flush(&log);
    expect_news(&log, 0, 2);
    drain(stream.read_end, text, MOST);
    give_back_stderr(&stream);
    assert_string_equal(text, "web | [2 lines were lost: No buffer space available]\nweb | last\n");
    log_close(&log);
    close(stream.read_end);
    free(text);
}

/* Lines of several services stay whole where a pipe is full again and again. */
static void several_services_write_whole_lines(void **state)
{
    (void)state;
    struct service_log logs[3];
    enum { MOST = 4 << 20 };
    char *text = malloc(MOST + 1), *end;
    size_t length = 0;
    struct stream stream = take_stderr(0);
    for (int i = 0; i < 3; i++)
        open_on_stderr(&logs[i], (const char *const[]){"a", "b", "c"}[i]);
    for (unsigned round = 0; round < 500; round++) {
        for (int i = 0; i < 3; i++) {
            for (int n = 0; n < 20; n++)
                say(&logs[i], "a line of some length, so that it does not fit evenly into pages");
            log_flush(&logs[i]);
        }
        length += drain(stream.read_end, text + length, 3000);
    }
    for (int i = 0; i < 3; i++)
        log_close(&logs[i]);
    drain(stream.read_end, text + length, MOST - length);
    give_back_stderr(&stream);
    for (char *at = text; *at; at = end + 1) {
        end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        if (strcmp(at + 1, " | a line of some length, so that it does not fit evenly into pages") != 0 &&
            strncmp(at + 1, " | [", 4) != 0)
            fail_msg("a line is not whole: %s", at);
    }
    close(stream.read_end);
    free(text);
}

/* What comes after a line that was cut begins a new one, also if there is room just then; or what waits can never be
 * written. */
static void a_long_line_that_found_no_room_ends(void **state)
{
    const int *number = *state;
    struct service_log log;
    enum { MOST = 1 << 20 };
    char *text = malloc(MOST + 1), piece[1000] = "";
    memset(piece, 'x', sizeof(piece) - 1);
    struct stream stream = take_stderr(0);
    open_on_stderr(&log, "web");
    while (log_lost(&log) == 0)
        say_part(&log, 1, 1, piece, PK_LINE_PIECE);
    fcntl(stream.read_end, F_SETPIPE_SZ, MOST);
    sys_fault_clear();
    sys_fault_set("write", 1, EAGAIN);
    if (number)
        sys_fault_set("write", 2, *number);
    say_part(&log, 1, 2, "next", PK_LINE_LF);
    log_flush(&log);
    sys_fault_clear();
    size_t length = drain(stream.read_end, text, MOST);
    give_back_stderr(&stream);
    const char *end = "\nweb | [1 line was lost: No buffer space available]\nweb | next\n";
    assert_in_range(length, strlen(end), MOST);
    if (!number)
        assert_in_range(length, LOG_MOST, MOST);
    assert_string_equal(text + length - strlen(end), end);
    log_close(&log);
    close(stream.read_end);
    free(text);
}

static void a_reader_that_has_gone_is_an_error(void **state)
{
    (void)state;
    struct service_log log;
    struct stream stream = take_stderr(0);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    open_on_stderr(&log, "web");
    close(stream.read_end);
    say(&log, "a");
    log_flush(&log);
    give_back_stderr(&stream);
    expect_news(&log, -EPIPE, 0);
    assert_int_equal(log_lost(&log), 1);
    log_close(&log);
}

static void a_fifo_has_another_reader_later(void **state)
{
    (void)state;
    struct service_log log;
    char text[256];
    assert_int_equal(mkfifo("log", 0600), 0);
    int fd = open("log", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    log_to(&log, "log");
    say(&log, "a");
    log_flush(&log);
    drain(fd, text, sizeof(text) - 1);
    assert_string_equal(text, "a\n");
    close(fd);
    say(&log, "lost");
    log_flush(&log);
    fd = open("log", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    say(&log, "b");
    log_flush(&log);
    drain(fd, text, sizeof(text) - 1);
    assert_string_equal(text, "[1 line was lost: Broken pipe]\nb\n");
    close(fd);
    log_close(&log);
}

static const int bad_pipe = EPIPE;

static const struct test tests[] = {
    PK_TEST(a_full_device_takes_none),
    PK_TEST(lines_are_written_again_after_a_note),
    PK_TEST(a_line_that_was_written_in_part_is_completed),
    PK_TEST(a_long_line_that_was_cut_is_lost_and_ends),
    PK_TEST(a_long_line_that_has_its_end_goes_on),
    PK_TEST(a_rest_is_of_no_use_in_another_file),
    PK_TEST_WITH(a_full_disk_has_whole_lines_and_notes, .needs = NEEDS_ROOT),
    PK_TEST_WITH(a_full_disk_is_rotated, .needs = NEEDS_ROOT),
    PK_TEST(a_slow_reader_holds_up_nobody),
    PK_TEST_NAMED("a_slow_reader_holds_up_nobody/careful", a_slow_reader_holds_up_nobody, .data = "careful"),
    PK_TEST(a_burst_is_kept_for_the_reader),
    PK_TEST(begins_and_ends_of_losing_are_told),
    PK_TEST(several_services_write_whole_lines),
    PK_TEST(a_long_line_that_found_no_room_ends),
    PK_TEST_NAMED("a_long_line_that_found_no_room_ends/lost", a_long_line_that_found_no_room_ends, .data = &bad_pipe),
    PK_TEST(a_reader_that_has_gone_is_an_error),
    PK_TEST(a_fifo_has_another_reader_later),
};

PK_TEST_MAIN(tests)
