/*
 * Marks: their text, and the verdict on every sort of owner.
 */
#include "contain/mark.h"
#include "harness.h"
#include "kin.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The text --------------------------------------------------------------------------------------------------- */

static const struct mark sample = {4711, 123456, 4026531836, 4026531834, "be7cc392-7e6f-c264-cd74-9d0c7508f58c"};

static bool is_same(const struct mark *a, const struct mark *b)
{
    return a->time == b->time && strcmp(a->name, b->name) == 0 && a->pid == b->pid && a->start == b->start &&
           a->pid_namespace == b->pid_namespace && a->time_namespace == b->time_namespace &&
           strcmp(a->boot, b->boot) == 0;
}

static void text_is_read_as_it_was_written(void **state)
{
    (void)state;
    char text[MARK_TEXT_SIZE];
    struct mark mark;
    mark_format(&sample, text);
    assert_string_equal(text, "version=1 pid=4711 start=123456 pidns=4026531836 timens=4026531834 "
                              "boot=be7cc392-7e6f-c264-cd74-9d0c7508f58c");
    assert_int_equal(mark_parse(text, &mark), 0);
    assert_true(is_same(&mark, &sample));
}

static void unknown_words_are_skipped_and_missing_ones_are_unknown(void **state)
{
    (void)state;
    struct mark mark;
    assert_int_equal(mark_parse("colour=blue pid=12 word version=1 = x= pidns2=5\n", &mark), 0);
    assert_int_equal(mark.pid, 12);
    assert_int_equal(mark.start, 0);
    assert_int_equal(mark.pid_namespace, 0);
    assert_string_equal(mark.boot, "");
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "x",
        "pid=12 start=3",              /* before there were versions */
        "version=2 pid=12",            /* of a later one */
        "version=1",                   /* nobody's */
        "version=1 pid=0",             /* likewise */
        "version=1 pid=-1",            /* would be every process */
        "version=1 pid=2147483648",    /* no pid */
        "version=1 pid=4294967297",    /* 1, if cut to 32 bits */
        "version=1 pid=12x",           /* */
        "version=1 pid=12 start=",     /* */
        "version=1 pid=12 start=0x10", /* */
        "version=1 pid=12 start=99999999999999999999",
        "version=1 pid=12 boot=0123456789012345678901234567890123456789",
        "version=1 pid=12 name=01234567890123456789012345678901234567890123456789012345678901234",
        "version=1 pid=12 time=-1",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct mark mark = {.pid = 7};
        assert_int_equal(mark_parse(texts[i], &mark), -EINVAL);
        assert_int_equal(mark.pid, 7);
    }
}

static void longest_text_fits(void **state)
{
    (void)state;
    char text[MARK_TEXT_SIZE];
    struct mark longest = {INT32_MAX,
                           UINT64_MAX,
                           UINT64_MAX,
                           UINT64_MAX,
                           "012345678901234567890123456789012345678",
                           UINT64_MAX,
                           "0123456789012345678901234567890123456789012345678901234567890123"};
    struct mark mark;
    mark_format(&longest, text);
    assert_int_equal(mark_parse(text, &mark), 0);
    assert_true(is_same(&mark, &longest));
}

/* ---- Verdicts --------------------------------------------------------------------------------------------------- */

static int open_directory(void)
{
    assert_true(mkdir(scratch("owner"), 0755) == 0 || errno == EEXIST);
    int dir = open(scratch("owner"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    return dir;
}

/* With and without somebody who holds the lock. */
static enum mark_verdict judge(const struct mark *mark, bool held)
{
    int holder = open_directory(), dir = open_directory();
    if (held)
        assert_int_equal(flock(holder, LOCK_EX | LOCK_NB), 0);
    enum mark_verdict verdict = mark_judge_owner(mark, dir);
    close(dir);
    close(holder);
    return verdict;
}

static void living_owner_is_alive_as_long_as_it_holds_its_lock(void **state)
{
    (void)state;
    struct mark mark;
    struct stat status;
    mark_self(&mark);
    assert_int_equal(mark.pid, getpid());
    assert_int_equal(stat("/proc/self/ns/pid", &status), 0);
    assert_int_equal(mark.pid_namespace, status.st_ino);
    assert_int_equal(strlen(mark.boot), 36);
    assert_int_equal(judge(&mark, true), MARK_ALIVE);
    assert_int_equal(judge(&mark, false), MARK_DEAD); /* it has become another program */
}

/* The mark of a child that waits until `go` is closed, or ends at once. */
static pid_t make_child(struct mark *mark, int go)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        mark_self(mark);
        bool told = write(fds[1], mark, sizeof(*mark)) == sizeof(*mark);
        close(fds[1]);
        if (go >= 0 && read(go, &byte, 1) < 0)
            told = false;
        _exit(told ? 0 : 1);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], mark, sizeof(*mark)), sizeof(*mark));
    close(fds[0]);
    return pid;
}

/* Also while a forked copy holds what was its lock. */
static void dead_owner_is_dead_whoever_holds_the_lock(void **state)
{
    (void)state;
    struct mark mark;
    siginfo_t info;
    pid_t pid = make_child(&mark, -1);
    assert_int_equal(mark.pid, pid);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(judge(&mark, true), MARK_DEAD); /* a zombie */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(judge(&mark, true), MARK_DEAD);
    assert_int_equal(judge(&mark, false), MARK_DEAD);
}

static void owner_whose_pid_another_process_has_is_dead(void **state)
{
    (void)state;
    struct mark mark;
    mark_self(&mark);
    mark.start--;
    assert_int_equal(judge(&mark, true), MARK_DEAD);
}

/* Whose pid means nothing here: this one's would be alive. */
static void lock_decides_where_the_mark_cannot(void **state)
{
    (void)state;
    struct mark self;
    mark_self(&self);
    for (int i = 0; i < 6; i++) {
        struct mark mark = self;
        switch (i) {
        case 0:
            mark.pid_namespace++;
            break;
        case 1:
            mark.time_namespace++;
            break;
        case 2:
            mark.boot[0] = '-';
            break;
        case 3:
            mark.start = 0;
            break;
        case 4:
            mark.boot[0] = '\0';
            break;
        default:
            mark.pid_namespace = 0;
        }
        assert_int_equal(judge(&mark, true), MARK_UNKNOWN);
        assert_int_equal(judge(&mark, false), MARK_DEAD);
    }
}

static void lock_is_kept_by_who_got_it(void **state)
{
    (void)state;
    struct mark mark;
    mark_self(&mark);
    mark.pid_namespace++;
    int first = open_directory(), second = open_directory();
    assert_int_equal(mark_judge(&mark, first), MARK_DEAD);
    assert_int_equal(mark_judge(&mark, second), MARK_UNKNOWN);
    close(first);
    assert_int_equal(mark_judge(&mark, second), MARK_DEAD);
    close(second);
}

/* Every call of a verdict on a living owner, which holds its lock, fails once. */
static void no_failure_makes_a_living_owner_dead(void **state)
{
    (void)state;
    static const char *const calls[] = {"openat", "read", "fstatat", "pidfd_open", "ppoll", "flock"};
    struct mark mark;
    mark_self(&mark);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        sys_fault_clear();
        assert_int_equal(judge(&mark, true), MARK_ALIVE);
        unsigned count = sys_fault_count(calls[i]);
        assert_true(count > 0 || strcmp(calls[i], "flock") == 0);
        for (unsigned n = 1; n <= count; n++) {
            sys_fault_clear();
            sys_fault_set(calls[i], n, EMFILE);
            assert_int_not_equal(judge(&mark, true), MARK_DEAD);
        }
    }
    sys_fault_clear();
}

/* ---- The main thread has ended ---------------------------------------------------------------------------------- */

static void *outlive_the_main_thread(void *data)
{
    struct mark before = *(struct mark *)data, now;
    kin_await_end_of_main_thread();
    mark_self(&now);
    int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), holder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool same = is_same(&before, &now) && flock(holder, LOCK_EX | LOCK_NB) == 0;
    _exit(same && mark_judge(&now, dir) == MARK_ALIVE ? 0 : 1);
}

static void owner_without_its_main_thread_is_alive_and_says_the_same(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        static struct mark mark;
        pthread_t thread;
        mark_self(&mark);
        if (pthread_create(&thread, NULL, outlive_the_main_thread, &mark) != 0)
            _exit(1);
        pthread_exit(NULL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static const struct test tests[] = {
    PK_TEST(text_is_read_as_it_was_written),
    PK_TEST(unknown_words_are_skipped_and_missing_ones_are_unknown),
    PK_TEST(other_texts_are_refused),
    PK_TEST(longest_text_fits),
    PK_TEST(living_owner_is_alive_as_long_as_it_holds_its_lock),
    PK_TEST(dead_owner_is_dead_whoever_holds_the_lock),
    PK_TEST(owner_whose_pid_another_process_has_is_dead),
    PK_TEST(lock_decides_where_the_mark_cannot),
    PK_TEST(lock_is_kept_by_who_got_it),
    PK_TEST(no_failure_makes_a_living_owner_dead),
    PK_TEST(owner_without_its_main_thread_is_alive_and_says_the_same),
};

PK_TEST_MAIN(tests)
