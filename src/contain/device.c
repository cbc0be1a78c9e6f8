/*
 * Finding the disk that somebody means.
 */
#include "base/error.h"
#include "sys/sys.h"

#include <processkit/limits.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

struct disk {
    unsigned major, minor;
};

/* "8:0" and nothing else. */
static bool parse_numbers(const char *text, struct disk *disk)
{
    char end;
    return text[0] >= '0' && text[0] <= '9' && sscanf(text, "%9u:%9u%c", &disk->major, &disk->minor, &end) == 2;
}

/* -ENODEV: there is no such device. A partition becomes the disk it is on, whose directory is above its own. */
static int find_whole(struct disk *disk)
{
    char path[64], text[32];
    struct stat status;
    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", disk->major, disk->minor);
    if (sys_fstatat(AT_FDCWD, path, &status, 0) < 0)
        return -ENODEV;
    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", disk->major, disk->minor);
    if (sys_fstatat(AT_FDCWD, path, &status, 0) < 0)
        return 0;
    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", disk->major, disk->minor);
    ssize_t length = sys_read_file(AT_FDCWD, path, text, sizeof(text));
    if (length < 0)
        return (int)length;
    text[strcspn(text, "\n")] = '\0';
    return parse_numbers(text, disk) ? 0 : -ENODEV;
}

int pk_device_find(const char *name, unsigned *ret_major, unsigned *ret_minor, pk_error *error)
{
    struct disk disk;
    struct stat status;
    const char *why = "there is no such block device";

    if (*name == '\0')
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "cannot find a device: its name is empty");
    if (!parse_numbers(name, &disk)) {
        int r = sys_fstatat(AT_FDCWD, name, &status, 0);
        if (r < 0)
            return error_errno(error, r, PK_STEP_ARGUMENTS, name, "cannot find the device '%s'", name);
        bool is_device = S_ISBLK(status.st_mode);
        dev_t device = is_device ? status.st_rdev : status.st_dev;
        disk = (struct disk){major(device), minor(device)};
        if (!is_device)
            why = "it is in a file system that is not on one block device";
    }
    int r = find_whole(&disk);
    if (r == -ENODEV)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, name, "cannot find the device '%s': %s", name,
                         why);
    if (r < 0)
        return error_errno(error, r, PK_STEP_ARGUMENTS, name, "cannot find the device '%s'", name);
    *ret_major = disk.major;
    *ret_minor = disk.minor;
    return 0;
}
