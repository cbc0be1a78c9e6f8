/*
 * Seccomp filters, for this process and all that it starts from now on.
 *
 *     struct sock_filter filter[] = {
 *         LOAD(nr),
 *         UNLESS(SYS_clone3, 1),
 *         ANSWER(SECCOMP_RET_ERRNO | EPERM),
 *         ANSWER(SECCOMP_RET_ALLOW),
 *     };
 *     INSTALL(filter);
 */
#ifndef PK_TESTS_FILTER_H
#define PK_TESTS_FILTER_H

#include "harness.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define LOAD(field)         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ANSWER(value)       BPF_STMT(BPF_RET | BPF_K, (value))
#define INSTALL(filter)     filter_install((filter), sizeof(filter) / sizeof((filter)[0]))

static inline void filter_install(struct sock_filter *instructions, size_t count)
{
    struct sock_fprog program = {.len = (unsigned short)count, .filter = instructions};
    assert_return_code(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), errno);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        skip_test("a kernel with seccomp filters");
}

/* Docker's, for some years: glibc falls back on ENOSYS only. */
static inline void filter_new_calls(void)
{
    struct sock_filter filter[] = {
        LOAD(nr),
        UNLESS(SYS_clone3, 1),
        ANSWER(SECCOMP_RET_ERRNO | EPERM),
        UNLESS(SYS_close_range, 1),
        ANSWER(SECCOMP_RET_ERRNO | EPERM),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    INSTALL(filter);
}

#endif
