/*
 * Copying, writing and removing files.
 */
#include "files.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

bool files_copy(const char *from, const char *to, mode_t mode)
{
    struct stat status;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    bool copied = in >= 0 && out >= 0 && fstat(in, &status) == 0;
    for (off_t left = copied ? status.st_size : 0; copied && left > 0;) {
        ssize_t sent = sendfile(out, in, NULL, (size_t)left);
        copied = sent > 0;
        left -= sent;
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return copied;
}

bool files_write(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0;
    close(fd);
    return written;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    if (remove(path) < 0)
        fprintf(stderr, "cannot remove %s\n", path);
    return 0;
}

void files_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
