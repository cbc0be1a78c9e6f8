/*
 * Finding devices: by numbers, by the path of a device, by any path. What there is to find differs from machine to
 * machine, so the answers are compared with one another and with /sys.
 */
#include "harness.h"

#include <processkit.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The first entry of /sys/dev/block that is a partition, or is none. */
static bool find(bool partition, unsigned *major, unsigned *minor)
{
    bool found = false;
    DIR *dir = opendir("/sys/dev/block");
    for (const struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof(path), "/sys/dev/block/%s/partition", entry->d_name);
        found = sscanf(entry->d_name, "%u:%u", major, minor) == 2 && (access(path, F_OK) == 0) == partition;
    }
    if (dir)
        closedir(dir);
    return found;
}

static void whole_disks_are_found_by_number(void **state)
{
    (void)state;
    unsigned major, minor, found_major, found_minor;
    char name[32];
    pk_error error;
    if (!find(false, &major, &minor))
        skip_test("a block device");
    snprintf(name, sizeof(name), "%u:%u", major, minor);
    assert_int_equal(pk_device_find(name, &found_major, &found_minor, &error), 0);
    assert_int_equal(found_major, major);
    assert_int_equal(found_minor, minor);
}

static void partitions_stand_for_their_disk(void **state)
{
    (void)state;
    unsigned major, minor, found_major, found_minor;
    char name[64];
    pk_error error;
    if (!find(true, &major, &minor))
        skip_test("a partition");
    snprintf(name, sizeof(name), "%u:%u", major, minor);
    assert_int_equal(pk_device_find(name, &found_major, &found_minor, &error), 0);
    assert_false(found_major == major && found_minor == minor);
    snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/partition", found_major, found_minor);
    assert_int_equal(access(name, F_OK), -1);
}

static void paths_stand_for_the_disk_they_are_on(void **state)
{
    (void)state;
    unsigned major_found, minor_found;
    char name[64];
    struct stat status;
    pk_error error;
    int r = pk_device_find("/", &major_found, &minor_found, &error);
    assert_int_equal(stat("/", &status), 0);
    snprintf(name, sizeof(name), "/sys/dev/block/%u:%u", major(status.st_dev), minor(status.st_dev));
    if (access(name, F_OK) < 0) {
        assert_int_equal(r, -ENODEV);
        assert_non_null(strstr(error.message, "not on one block device"));
        skip_test("a root file system on a disk");
    }
    assert_int_equal(r, 0);
    snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/partition", major_found, minor_found);
    assert_int_equal(access(name, F_OK), -1);
}

static void what_is_no_device_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int number;
        const char *words;
    } bad[] = {
        {"", -EINVAL, "its name is empty"},
        {"4095:1048575", -ENODEV, "'4095:1048575': there is no such block device"},
        {"99999999999:0", -ENOENT, "No such file"},
        {"8:0x", -ENOENT, "No such file"},
        {"/no/such/path", -ENOENT, "No such file"},
        {"/proc/self/status", -ENODEV, "not on one block device"},
        {"/dev/null", -ENODEV, "not on one block device"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        pk_error error;
        unsigned major_found = 77, minor_found = 78;
        assert_int_equal(pk_device_find(bad[i].name, &major_found, &minor_found, &error), bad[i].number);
        if (!strstr(error.message, bad[i].words))
            fail_msg("'%s' is not in '%s'", bad[i].words, error.message);
        assert_int_equal(major_found, 77);
        assert_int_equal(minor_found, 78);
    }
}

static const struct test tests[] = {
    PK_TEST(whole_disks_are_found_by_number),
    PK_TEST(partitions_stand_for_their_disk),
    PK_TEST(paths_stand_for_the_disk_they_are_on),
    PK_TEST(what_is_no_device_is_refused),
};

PK_TEST_MAIN(tests)
