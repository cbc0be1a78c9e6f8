/*
 * A disposition as the kernel has it, where no C library stands between. Also for the helper.
 */
#ifndef PK_SYS_SIGACTION_H
#define PK_SYS_SIGACTION_H

#include <stdint.h>

struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

#endif
