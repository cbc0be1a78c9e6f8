/*
 * Making a child in the memory of its parent.
 *
 * clone3 with a stack of its own cannot be called through the C library's syscall(): the child would return on an empty
 * stack. So each architecture has a few instructions here that make the call and, in the child, go on in `run`. An
 * architecture without them answers -ENOSYS, and the caller uses sys_clone, which every C library has.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

#if defined(__x86_64__) && !defined(__ILP32__)

static long enter_clone3(struct clone_args *args, size_t size, int (*run)(void *), void *data)
{
    long result;
    register int (*function)(void *) __asm__("r12") = run;
    register void *argument __asm__("r13") = data;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t" /* the outermost frame, for debuggers */
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(args), "S"(size), "r"(function), "r"(argument)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

#elif defined(__aarch64__)

static long enter_clone3(struct clone_args *args, size_t size, int (*run)(void *), void *data)
{
    register long result __asm__("x0") = (long)args;
    register size_t length __asm__("x1") = size;
    register long number __asm__("x8") = SYS_clone3;
    register int (*function)(void *) __asm__("x20") = run;
    register void *argument __asm__("x21") = data;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, #0\n\t" /* the outermost frame, for debuggers */
                     "mov x0, x21\n\t"
                     "blr x20\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(result)
                     : "r"(length), "r"(number), "r"(function), "r"(argument)
                     : "memory", "cc");
    return result;
}

#else

static long enter_clone3(struct clone_args *args, size_t size, int (*run)(void *), void *data)
{
    (void)args, (void)size, (void)run, (void)data;
    return -ENOSYS;
}

#endif

int sys_clone3(struct clone_args *args, size_t size, int (*run)(void *), void *data)
{
    SYS_FAULT("clone3");
    return (int)enter_clone3(args, size, run, data);
}

int sys_clone(struct clone_args *args, int (*run)(void *), void *data)
{
    SYS_FAULT("clone");
    void *top = (char *)(uintptr_t)args->stack + args->stack_size;
    int flags = (int)(args->flags | args->exit_signal);
    /* The old call has one place for two things; nobody asks for both. */
    int *first = (int *)(uintptr_t)(args->flags & CLONE_PIDFD ? args->pidfd : args->parent_tid);
    return (int)SYS_RESULT(clone(run, top, flags, data, first, NULL, (int *)(uintptr_t)args->child_tid));
}
