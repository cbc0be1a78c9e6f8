/*
 * Where cgroup2 is, from the texts the kernel gives.
 */
#include "contain/mountinfo.h"
#include "harness.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char unified[] =
    "24 30 0:22 / /proc rw,nosuid - proc proc rw\n"
    "25 30 0:23 / /sys/fs/cgroup rw,nosuid shared:4 master:1 - cgroup2 cgroup2 rw,nsdelegate\n";
static const char hybrid[] = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
                             "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                             "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
static const char container[] = "9 8 0:9 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
static const char spaced[] = "9 8 0:9 / /mnt/a\\040b\\011c\\134d rw - cgroup2 none rw\n";

static void expect(const char *mountinfo, const char *own, const char *directory)
{
    char mount[PATH_MAX], found[PATH_MAX];
    assert_int_equal(mountinfo_find_directory(mountinfo, own, mount, found, sizeof(found)), 0);
    assert_string_equal(found, directory);
}

static void refuse(const char *mountinfo, const char *own, int number)
{
    char mount[PATH_MAX], found[PATH_MAX];
    assert_int_equal(mountinfo_find_directory(mountinfo, own, mount, found, sizeof(found)), number);
}

static void own_directory_is_below_the_mount(void **state)
{
    (void)state;
    expect(unified, "/", "/sys/fs/cgroup");
    expect(unified, "/user.slice/user-1000.slice", "/sys/fs/cgroup/user.slice/user-1000.slice");
    expect(hybrid, "/a b", "/sys/fs/cgroup/unified/a b");
    expect(spaced, "/x", "/mnt/a b\tc\\d/x");
}

static void mount_need_not_show_the_root(void **state)
{
    (void)state;
    expect(container, "/docker/abc", "/sys/fs/cgroup");
    expect(container, "/docker/abc/init", "/sys/fs/cgroup/init");
    refuse(container, "/docker/abcd", -EXDEV);
    refuse(container, "/", -EXDEV);
    refuse(unified, "/../outside", -EXDEV);
    expect(unified, "/..hidden", "/sys/fs/cgroup/..hidden");
}

static void the_mount_that_shows_us_is_taken(void **state)
{
    (void)state;
    char both[1024];
    snprintf(both, sizeof(both), "%s%s", container, hybrid);
    expect(both, "/elsewhere", "/sys/fs/cgroup/unified/elsewhere");
    expect(both, "/docker/abc/x", "/sys/fs/cgroup/x");
}

static void absence_is_told_from_invisibility(void **state)
{
    (void)state;
    refuse("", "/", -ENOENT);
    refuse("31 23 0:28 / /sys/fs/cgroup rw - tmpfs cgroup2 rw\n", "/", -ENOENT);
    refuse("nonsense\n\n - cgroup2 \n1 2 - cgroup2 x\n", "/", -ENOENT);
}

static void long_paths_are_refused(void **state)
{
    (void)state;
    char mount[32], found[32];
    assert_int_equal(mountinfo_find_directory(unified, "/a/very/long/path/that/does/not/fit", mount, found, 32),
                     -ENAMETOOLONG);
}

static void own_path_is_the_line_without_controllers(void **state)
{
    (void)state;
    char path[64];
    assert_int_equal(mountinfo_own_path("4:memory:/m\n0::/a/b\n", path, sizeof(path)), 0);
    assert_string_equal(path, "/a/b");
    assert_int_equal(mountinfo_own_path("10::/not\n4:memory:/m\n", path, sizeof(path)), 0);
    assert_string_equal(path, "/");
    assert_int_equal(mountinfo_own_path("", path, sizeof(path)), 0);
    assert_string_equal(path, "/");
    assert_int_equal(mountinfo_own_path("0::/gone (deleted)\n", path, sizeof(path)), -ENOENT);
    assert_int_equal(mountinfo_own_path("0::relative\n", path, sizeof(path)), -EINVAL);
    assert_int_equal(mountinfo_own_path("0::/too/long", path, 4), -ENAMETOOLONG);
}

static const struct test tests[] = {
    PK_TEST(own_directory_is_below_the_mount), PK_TEST(mount_need_not_show_the_root),
    PK_TEST(the_mount_that_shows_us_is_taken), PK_TEST(absence_is_told_from_invisibility),
    PK_TEST(long_paths_are_refused),           PK_TEST(own_path_is_the_line_without_controllers),
};

PK_TEST_MAIN(tests)
