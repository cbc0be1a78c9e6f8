/*
 * The file that a log is written to.
 */
#include "supervise/log-file.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Where it is ------------------------------------------------------------------------------------------------ */

struct log_place log_place_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct log_place place = {.name = path};
    struct stat status;
    char directory[PATH_MAX];
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    if (length >= sizeof(directory))
        return place;
    snprintf(directory, sizeof(directory), "%.*s", (int)length, path);
    if (sys_fstatat(AT_FDCWD, length > 0 ? directory : ".", &status, 0) < 0)
        return place;
    return (struct log_place){true, status.st_dev, status.st_ino, path + length};
}

bool log_place_is_same(const struct log_place *a, const struct log_place *b)
{
    return a->is_known == b->is_known && a->device == b->device && a->inode == b->inode &&
           strcmp(a->name, b->name) == 0;
}

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static bool is_same(const struct log_file *file, const struct stat *status)
{
    return status->st_dev == file->device && status->st_ino == file->inode;
}

/* The last one who wrote may not have come to the end of a line. Where the file cannot be read this is not known. */
static void end_last_line(struct log_file *file)
{
    char last = '\n';
    int fd = sys_openat(AT_FDCWD, file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return;
    if (sys_pread(fd, &last, 1, (off_t)file->size - 1) == 1 && last != '\n') {
        file->unfinished = tee_offer(&file->out, "\n", 1) == 0;
        file->size += !file->unfinished;
    }
    sys_close(fd);
}

static int adopt(struct log_file *file, int fd)
{
    struct stat status, itself;
    int r = sys_fstat(fd, &status);
    if (r < 0)
        return r;
    file->out = (struct tee){.fd = fd};
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->size = (uint64_t)status.st_size;
    file->unfinished = false;
    file->is_regular = S_ISREG(status.st_mode);
    /* What a link leads to may be anywhere, and others may count on finding it there. */
    file->is_rotated = file->most_bytes > 0 && file->is_regular &&
                       sys_fstatat(AT_FDCWD, file->path, &itself, AT_SYMLINK_NOFOLLOW) >= 0 && is_same(file, &itself);
    if (file->is_regular && file->size > 0)
        end_last_line(file);
    return 0;
}

static int open_path(struct log_file *file)
{
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY;
    int fd = sys_keep(sys_openat(AT_FDCWD, file->path, flags, 0640));
    if (fd < 0)
        return fd;
    int r = adopt(file, fd);
    if (r < 0)
        sys_close(fd);
    return r;
}

/* With room for the numbers, so that a rotation needs no memory. */
static int take_path(struct log_file *file, const char *path)
{
    char here[PATH_MAX] = "";
    int r = path[0] == '/' ? 0 : sys_getcwd(here, sizeof(here));
    if (r < 0)
        return r;
    size_t size = strlen(here) + strlen(path) + sizeof("/.4294967295");
    file->path = malloc(3 * size);
    if (!file->path)
        return -ENOMEM;
    file->names[0] = file->path + size;
    file->names[1] = file->names[0] + size;
    snprintf(file->path, size, "%s%s%s", here, here[0] ? "/" : "", path);
    return 0;
}

static int open_stderr(struct log_file *file)
{
    enum { STDERR = 2 };
    struct stat status;
    int r = tee_open(&file->out, STDERR);
    if (r < 0)
        return r;
    r = sys_fstat(file->out.fd, &status);
    if (r < 0)
        tee_close(&file->out);
    file->is_regular = r >= 0 && S_ISREG(status.st_mode);
    return r;
}

int log_file_open(struct log_file *file, const pk_log_options *options, pk_error *error)
{
    *file = (struct log_file){.out = TEE_NONE, .most_bytes = options->most_bytes, .keep = options->keep};
    if (!options->path) {
        int r = open_stderr(file);
        return r < 0 ? error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot write a log to stderr") : 0;
    }
    if (!options->path[0])
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "the path of a log is empty");
    int r = take_path(file, options->path);
    if (r >= 0)
        r = open_path(file);
    if (r >= 0)
        return 0;
    free(file->path);
    return error_errno(error, r, PK_STEP_OPEN_STDIO, options->path, "cannot open the log %s", options->path);
}

void log_file_close(struct log_file *file)
{
    tee_close(&file->out);
    free(file->path);
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* As many whole lines as a pipe takes at once or not at all; or one, which is longer. */
static size_t measure_lines(const char *bytes, size_t length)
{
    const char *end = memrchr(bytes, '\n', length < PIPE_BUF ? length : PIPE_BUF);
    if (!end)
        end = memchr(bytes, '\n', length);
    return end ? (size_t)(end - bytes) + 1 : length;
}

static size_t offer_lines(struct tee *out, const char *bytes, size_t length)
{
    size_t taken = 0, lines, now;
    do {
        lines = measure_lines(bytes + taken, length - taken);
        now = tee_offer(out, bytes + taken, lines);
        taken += now;
    } while (now == lines && taken < length);
    return taken;
}

size_t log_file_write(struct log_file *file, const char *bytes, size_t length, int *number)
{
    *number = file->out.fd < 0 ? open_path(file) : 0;
    if (*number < 0)
        return 0;
    file->out.error = 0; /* it may be better now */
    size_t taken = file->is_regular ? tee_offer(&file->out, bytes, length) : offer_lines(&file->out, bytes, length);
    file->size += taken;
    if (taken > 0)
        file->unfinished = bytes[taken - 1] != '\n';
    *number = file->out.error;
    return taken;
}

/* ---- Moved away by somebody else -------------------------------------------------------------------------------- */

bool log_file_is_elsewhere(struct log_file *file)
{
    struct stat status;
    if (!file->path || file->out.fd < 0)
        return false;
    int r = sys_fstatat(AT_FDCWD, file->path, &status, 0);
    if (r < 0)
        return r == -ENOENT || r == -ENOTDIR;
    if (!is_same(file, &status))
        return true;
    file->size = (uint64_t)status.st_size; /* somebody else may have emptied it, or written to it as well */
    return false;
}

int log_file_renew(struct log_file *file)
{
    struct stat status;
    struct tee old = file->out;
    int r = open_path(file);
    if (r >= 0) {
        tee_close(&old);
        return 0;
    }
    if (sys_fstat(old.fd, &status) >= 0 && status.st_nlink == 0) {
        tee_close(&file->out);
        file->unfinished = false;
        file->size = 0;
    }
    return r;
}

/* ---- Rotating --------------------------------------------------------------------------------------------------- */

/* PATH for 0. */
static const char *name_of(const struct log_file *file, unsigned number)
{
    char *name = file->names[number % 2];
    if (number == 0)
        return file->path;
    sprintf(name, "%s.%u", file->path, number);
    return name;
}

/* The first number that no file has, `keep` at most, which then is overwritten; or a negative errno. */
static int find_free(const struct log_file *file, unsigned *number)
{
    struct stat status;
    for (*number = 1; *number < file->keep; ++*number) {
        int r = sys_fstatat(AT_FDCWD, name_of(file, *number), &status, AT_SYMLINK_NOFOLLOW);
        if (r < 0)
            return r == -ENOENT ? 0 : r;
    }
    return 0;
}

/* From the last one on, so that whatever fails, no file takes the place of one that is to be kept. */
static int shift(const struct log_file *file)
{
    unsigned number;
    int r = find_free(file, &number);
    for (; r >= 0 && number > 0; number--)
        r = sys_renameat(AT_FDCWD, name_of(file, number - 1), name_of(file, number));
    return r;
}

/* Of a time when more were kept. */
static void remove_beyond(const struct log_file *file)
{
    for (unsigned number = file->keep + 1; number > file->keep; number++)
        if (sys_unlinkat(AT_FDCWD, name_of(file, number), 0) < 0)
            return;
}

int log_file_rotate(struct log_file *file)
{
    struct stat status;
    int r = sys_fstatat(AT_FDCWD, file->path, &status, AT_SYMLINK_NOFOLLOW);
    if (r < 0 || !is_same(file, &status))
        return log_file_renew(file);
    r = file->keep > 0 ? shift(file) : sys_ftruncate(file->out.fd, 0);
    if (r < 0)
        return r;
    remove_beyond(file);
    if (file->keep > 0)
        return log_file_renew(file);
    file->size = 0;
    return 0;
}
