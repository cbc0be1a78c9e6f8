/*
 * The address of the supervisor of a file.
 */
#include "control.h"
#include "digest.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h> /* its basename may change its argument */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Where it really is; one that is not there any more, where it would be. */
static int find_place(const char *file, char path[PATH_MAX])
{
    char copy[PATH_MAX], base[PATH_MAX];
    if (realpath(file, path))
        return 0;
    if (errno != ENOENT || strlen(file) >= sizeof(copy))
        return -1;
    strcpy(copy, file);
    strcpy(base, basename(copy));
    strcpy(copy, file);
    if (!realpath(dirname(copy), path))
        return -1;
    size_t length = strlen(path);
    return snprintf(path + length, PATH_MAX - length, "/%s", base) < (int)(PATH_MAX - length) ? 0 : -1;
}

/* By its directory and its name there: a file that is replaced by another is another file, and the same one to people.
 */
static int digest_place(const char *file, uint64_t *digest)
{
    char path[PATH_MAX], copy[PATH_MAX];
    struct stat status;
    if (find_place(file, path) < 0)
        return -1;
    memcpy(copy, path, sizeof(copy));
    int directory = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || fstat(directory, &status) < 0)
        return directory;
    const char *name = strrchr(path, '/') + 1;
    *digest = digest_add_number(*digest, status.st_dev);
    *digest = digest_add_number(*digest, status.st_ino);
    *digest = digest_add(*digest, name, strlen(name) + 1);
    return directory;
}

int control_address(struct control_address *address, const char *file, uid_t uid)
{
    uint64_t digest = digest_add_number(DIGEST_INIT, uid);
    int directory = digest_place(file, &digest);
    if (directory < 0) {
        say("cannot find %s: %s", file, strerror(errno));
        return -1;
    }
    address->name = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->name.sun_path + 1, sizeof(address->name.sun_path) - 1,
                          "processkit/supervise/%016" PRIx64, digest);
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    return directory;
}
