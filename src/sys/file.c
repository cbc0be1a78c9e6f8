/*
 * System calls on files and directories.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

int sys_openat(int dir, const char *path, int flags, mode_t mode)
{
    SYS_FAULT("openat");
    SYS_FAULT_FILE(path);
    return (int)SYS_RESULT(openat(dir, path, flags | O_CLOEXEC, mode));
}

int sys_close(int fd)
{
    /* Not injectable: the descriptor is gone whatever close says, and nobody looks at the answer. */
    return (int)SYS_RESULT(syscall(SYS_close, fd));
}

ssize_t sys_read(int fd, void *buffer, size_t size)
{
    SYS_FAULT("read");
    return SYS_RESULT(read(fd, buffer, size));
}

ssize_t sys_pread(int fd, void *buffer, size_t size, off_t offset)
{
    SYS_FAULT("pread");
    return SYS_RESULT(pread(fd, buffer, size, offset));
}

ssize_t sys_write(int fd, const void *bytes, size_t size)
{
    SYS_FAULT("write");
    return SYS_RESULT(write(fd, bytes, size));
}

int sys_mkdirat(int dir, const char *name, mode_t mode)
{
    SYS_FAULT("mkdirat");
    return (int)SYS_RESULT(mkdirat(dir, name, mode));
}

int sys_unlinkat(int dir, const char *name, int flags)
{
    SYS_FAULT("unlinkat");
    return (int)SYS_RESULT(unlinkat(dir, name, flags));
}

int sys_renameat(int dir, const char *name, const char *new_name)
{
    SYS_FAULT("renameat");
    return (int)SYS_RESULT(renameat(dir, name, dir, new_name));
}

int sys_fsync(int fd)
{
    SYS_FAULT("fsync");
    return (int)SYS_RESULT(fsync(fd));
}

int sys_fchown(int fd, uid_t user)
{
    SYS_FAULT("fchown");
    return (int)SYS_RESULT(fchown(fd, user, (gid_t)-1));
}

int sys_fstat(int fd, struct stat *status)
{
    SYS_FAULT("fstat");
    return (int)SYS_RESULT(fstat(fd, status));
}

int sys_fstatat(int dir, const char *path, struct stat *status, int flags)
{
    SYS_FAULT("fstatat");
    return (int)SYS_RESULT(fstatat(dir, path, status, flags));
}

enum { FACCESSAT2 = 439, EFFECTIVE = 0x200, EMPTY_PATH = 0x1000 };

int sys_may_execute(int dir, const char *path)
{
    SYS_FAULT("faccessat2");
    return (int)SYS_RESULT(syscall(FACCESSAT2, dir, path, X_OK, EFFECTIVE));
}

int sys_may_write(int dir)
{
    SYS_FAULT("faccessat2");
    return (int)SYS_RESULT(syscall(FACCESSAT2, dir, "", W_OK | X_OK, EFFECTIVE | EMPTY_PATH));
}

int sys_faccessat(int dir, const char *path, int mode)
{
    SYS_FAULT("faccessat");
    return (int)SYS_RESULT(syscall(SYS_faccessat, dir, path, mode));
}

ssize_t sys_getdents(int dir, void *buffer, size_t size)
{
    SYS_FAULT("getdents");
    return SYS_RESULT(syscall(SYS_getdents64, dir, buffer, size));
}

int sys_ftruncate(int fd, size_t size)
{
    SYS_FAULT("ftruncate");
    return (int)SYS_RESULT(ftruncate(fd, (off_t)size));
}

int sys_flock(int fd, int operation)
{
    SYS_FAULT("flock");
    return (int)SYS_RESULT(flock(fd, operation));
}

int sys_fsetxattr(int fd, const char *name, const void *value, size_t size)
{
    SYS_FAULT("fsetxattr");
    return (int)SYS_RESULT(fsetxattr(fd, name, value, size, 0));
}

ssize_t sys_fgetxattr(int fd, const char *name, void *value, size_t size)
{
    SYS_FAULT("fgetxattr");
    return SYS_RESULT(fgetxattr(fd, name, value, size));
}

int sys_fremovexattr(int fd, const char *name)
{
    SYS_FAULT("fremovexattr");
    return (int)SYS_RESULT(fremovexattr(fd, name));
}

int sys_statfs_type(int fd, long *type)
{
    SYS_FAULT("statfs");
    struct statfs status;
    int r = (int)SYS_RESULT(fstatfs(fd, &status));
    if (r >= 0)
        *type = (long)status.f_type;
    return r;
}

ssize_t sys_readlinkat(int dir, const char *path, char *buffer, size_t size)
{
    SYS_FAULT("readlinkat");
    return SYS_RESULT(readlinkat(dir, path, buffer, size));
}

int sys_getcwd(char *buffer, size_t size)
{
    SYS_FAULT("getcwd");
    int r = (int)SYS_RESULT(syscall(SYS_getcwd, buffer, size));
    return r > 0 && buffer[0] != '/' ? -ENOENT : r < 0 ? r : 0; /* "(unreachable)" */
}
