/*
 * From the C library's convention (-1 and errno) to ours (a negative errno).
 */
#ifndef PK_SYS_RESULT_H
#define PK_SYS_RESULT_H

#include <errno.h>

#define SYS_RESULT(call)                        \
    ({                                          \
        long sys_result_ = (call);              \
        sys_result_ < 0 ? -errno : sys_result_; \
    })

#endif
