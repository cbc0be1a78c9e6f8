/*
 * Signal masks and dispositions, by the kernel's own structures.
 *
 * The C libraries keep signals 32 to 34 for themselves and refuse or hide them. The child must not be interrupted by
 * those either while it runs in its parent's memory, and must not inherit their being ignored.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sigaction.h"
#include "sys/sys.h"

#include <sys/syscall.h>
#include <unistd.h>

int sys_signal_default(int signal_number)
{
    SYS_FAULT("sigaction");
    struct kernel_sigaction action = {.handler = SIG_DFL};
    return (int)SYS_RESULT(syscall(SYS_rt_sigaction, signal_number, &action, NULL, sizeof(uint64_t)));
}

int sys_signal_is_ignored(int signal_number)
{
    struct kernel_sigaction action;
    int r = (int)SYS_RESULT(syscall(SYS_rt_sigaction, signal_number, NULL, &action, sizeof(uint64_t)));
    return r < 0 ? r : action.handler == SIG_IGN;
}

int sys_block_signals(uint64_t *previous)
{
    uint64_t all = UINT64_MAX;
    return (int)SYS_RESULT(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, previous, sizeof(all)));
}

int sys_restore_signals(uint64_t previous)
{
    return (int)SYS_RESULT(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &previous, NULL, sizeof(previous)));
}
