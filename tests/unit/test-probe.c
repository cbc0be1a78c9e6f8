/*
 * Probes: the rhythm of all of them, files and callbacks.
 */
#include "asking.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Rhythm ----------------------------------------------------------------------------------------------------- */

static void pauses_grow_to_a_tenth_of_a_second(void **state)
{
    (void)state;
    static const unsigned pauses_ms[] = {10, 20, 40, 80, 100, 100, 100};
    struct probe probe;
    assert_int_equal(probe_begin_path(&probe, "file", NULL), 0);
    pk_time now = PK_SECONDS(1000);
    for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
        assert_int_equal(probe_advance(&probe, now), 0);
        assert_int_equal(next_time(&probe), now + PK_MILLISECONDS(pauses_ms[i]));
        sys_fault_clear();
        assert_int_equal(probe_advance(&probe, next_time(&probe) - 1), 0);
        assert_int_equal(sys_fault_count("faccessat"), 0); /* nobody was asked */
        now = next_time(&probe);
    }
    close(creat("file", 0600));
    assert_int_equal(probe_advance(&probe, now), 1);

    /* Asked anew, it says what is so now, and is hasty again. */
    assert_int_equal(probe_advance(&probe, now), 1);
    assert_int_equal(unlink("file"), 0);
    assert_int_equal(probe_advance(&probe, now), 0);
    assert_int_equal(next_time(&probe), now + PK_MILLISECONDS(10));
    assert_int_equal(probe_advance(&probe, PK_FOREVER), 0);
    assert_int_equal(next_time(&probe), PK_FOREVER);
    probe_end(&probe);
}

/* ---- Paths ------------------------------------------------------------------------------------------------------ */

static void a_path_is_ready_when_something_is_there(void **state)
{
    (void)state;
    struct probe probe;
    assert_int_equal(probe_begin_path(&probe, "dir/file", NULL), 0);
    must_be_refused(&probe, 0);
    must_say(&probe, "there is no dir/file");
    close(creat("dir", 0600));
    must_be_refused(&probe, PK_SECONDS(1));
    must_say(&probe, "there is no dir/file");
    assert_int_equal(unlink("dir"), 0);
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_int_equal(symlink("target", "dir/file"), 0);
    must_be_refused(&probe, PK_SECONDS(2));
    must_say(&probe, "there is no dir/file");
    assert_int_equal(mkdir("dir/target", 0), 0);
    assert_int_equal(probe_advance(&probe, PK_SECONDS(3)), 1);
    assert_int_equal(rmdir("dir/target"), 0);
    assert_int_equal(symlink("file", "dir/target"), 0);
    must_be_refused(&probe, PK_SECONDS(4));
    must_say(&probe, "%s: dir/file", strerror(ELOOP));
    probe_end(&probe);

    char name[300];
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(probe_begin_path(&probe, name, NULL), 0);
    assert_int_equal(probe_advance(&probe, 0), -ENAMETOOLONG); /* there never will be */
    probe_end(&probe);
}

static void rights_to_a_path_may_be_given_later(void **state)
{
    (void)state;
    struct probe probe;
    assert_int_equal(mkdir("dir", 0700), 0);
    close(creat("dir/file", 0));
    assert_int_equal(chmod("dir", 0), 0);
    assert_int_equal(probe_begin_path(&probe, "dir/file", NULL), 0);
    must_be_refused(&probe, 0);
    must_say(&probe, "Permission denied: dir/file");
    assert_int_equal(chmod("dir", 0700), 0);
    assert_int_equal(probe_advance(&probe, PK_SECONDS(1)), 1);
    probe_end(&probe);
}

static void paths_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct probe probe;
    pk_error error;
    expect_invalid(probe_begin_path(&probe, "", &error), -EINVAL, &error, "invalid path: it is empty");
    expect_invalid(probe_begin_path(&probe, NULL, &error), -EINVAL, &error, "invalid path: it is empty");
}

/* ---- Callbacks -------------------------------------------------------------------------------------------------- */

static int say(void *data)
{
    return *(const int *)data;
}

static void callbacks_are_asked(void **state)
{
    (void)state;
    int answer = 0;
    struct probe probe;
    probe_begin_callback(&probe, say, &answer);
    must_be_refused(&probe, 0);
    must_say(&probe, "the callback says no");
    answer = 2;
    assert_int_equal(probe_advance(&probe, PK_SECONDS(1)), 1);
    answer = -EKEYEXPIRED;
    assert_int_equal(probe_advance(&probe, PK_SECONDS(2)), -EKEYEXPIRED);
    probe_end(&probe);
}

static const struct test tests[] = {
    PK_TEST(pauses_grow_to_a_tenth_of_a_second),
    PK_TEST(a_path_is_ready_when_something_is_there),
    PK_TEST_AS_USER(rights_to_a_path_may_be_given_later),
    PK_TEST(paths_that_make_no_sense_are_refused),
    PK_TEST(callbacks_are_asked),
};

PK_TEST_MAIN(tests)
