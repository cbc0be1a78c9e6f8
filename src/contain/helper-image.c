/*
 * Putting the helper into memory, executing it, and saying why that cannot be done.
 */
#include "contain/helper-image.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>

#ifdef PK_HELPER_IMAGE
static const unsigned char image_bytes[] = {
#include PK_HELPER_IMAGE
};
#else
static const unsigned char image_bytes[1]; /* not written for this processor */
#endif

const char *helper_path(void)
{
    return PK_HELPER_PATH;
}

/* Whether a failure is about memory files, which the installed file does not need, and not about this process. */
static int is_refusal(int number)
{
    return number != -EMFILE && number != -ENFILE && number != -ENOMEM;
}

/* Memory files count: a write beyond the limit would be answered with SIGXFSZ, which ends the program. */
static bool is_beyond_file_size(size_t size)
{
    uint64_t soft, hard;
    return sys_getrlimit(RLIMIT_FSIZE, &soft, &hard) >= 0 && soft < size;
}

int helper_image_open(struct helper_image *image)
{
    *image = (struct helper_image){.fd = -1, .memory_error = -ENOEXEC};
    if (sizeof(image_bytes) == 1)
        return 0;
    if (is_beyond_file_size(sizeof(image_bytes))) {
        image->memory_error = -EFBIG;
        return 0;
    }
    int fd = sys_keep(sys_memfd_create("processkit-helper", true));
    int r = fd < 0 ? fd : sys_write_all(fd, image_bytes, sizeof(image_bytes));
    if (r < 0) {
        if (fd >= 0)
            sys_close(fd);
        image->memory_error = r;
        return is_refusal(r) ? 0 : r;
    }
    *image = (struct helper_image){.fd = fd};
    return 0;
}

void helper_image_close(struct helper_image *image)
{
    image->fd = sys_close_safe(image->fd);
}

SYS_CHILD int helper_exec(struct helper_image *image, char *const argv[])
{
    static char *const no_environment[] = {NULL};
    if (image->fd >= 0)
        image->memory_error = sys_fexecve(image->fd, argv, no_environment);
    image->exec_error = sys_execve(PK_HELPER_PATH, argv, no_environment);
    return image->exec_error;
}

/* ---- Where it cannot be run ------------------------------------------------------------------------------------- */

/* What says that no helper can be had here, rather than that something ran out just now. */
static bool is_lasting(int number)
{
    switch (number) {
    case -EPERM: /* a filter, or the kernel's settings */
    case -EACCES:
    case -ENOSYS:
    case -EOPNOTSUPP:
    case -EINVAL:
    case -ENOENT: /* no such file */
    case -ENOTDIR:
    case -ENOEXEC:
        return true;
    default:
        return false;
    }
}

int helper_explain(const struct helper_image *image, const char *call, int number, const char *role, pk_error *error)
{
    if (!is_lasting(number))
        return error_errno(error, number, PK_STEP_GUARDIAN, NULL, "cannot start a %s", role);
    if (call)
        return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_GUARDIAN, NULL,
                         "no %s can be started: %s: %s (it takes Linux 5.3, and no seccomp filter that refuses %s)",
                         role, call, error_text(number), call);
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_GUARDIAN, PK_HELPER_PATH,
                     "no %s can be started: from memory: %s; from %s: %s (allow executable memory files with sysctl "
                     "vm.memfd_noexec=1, or install processkit-helper)",
                     role, error_text(image->memory_error), PK_HELPER_PATH, error_text(image->exec_error));
}
