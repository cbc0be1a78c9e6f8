/*
 * Making a child in the memory of its parent.
 *
 * A call with a stack of its own cannot be made through the C library's syscall(): the child would return on an empty
 * stack. So each architecture has a few instructions here that make the call and, in the child, go on in `run`. The old
 * call is made in the same way: the C library's clone is for programs, and what instruments programs takes its child
 * for one. On an architecture without them sys_clone3 answers -ENOSYS, and sys_clone is the C library's.
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
#define OWN_ENTRY

static long enter(long number, const long arguments[5], int (*run)(void *), void *data)
{
    long result;
    register long fourth __asm__("r10") = arguments[3];
    register long fifth __asm__("r8") = arguments[4];
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
                     : "0"(number), "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]), "r"(fourth), "r"(fifth),
                       "r"(function), "r"(argument)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

/* The places of the last two arguments of clone differ between architectures. */
enum { TID_ARGUMENT = 3 };

#elif defined(__aarch64__)
#define OWN_ENTRY

static long enter(long number, const long arguments[5], int (*run)(void *), void *data)
{
    register long result __asm__("x0") = arguments[0];
    register long second __asm__("x1") = arguments[1];
    register long third __asm__("x2") = arguments[2];
    register long fourth __asm__("x3") = arguments[3];
    register long fifth __asm__("x4") = arguments[4];
    register long call __asm__("x8") = number;
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
                     : "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(call), "r"(function), "r"(argument)
                     : "memory", "cc");
    return result;
}

enum { TID_ARGUMENT = 4 };

#endif

int sys_clone3(struct clone_args *args, size_t size, int (*run)(void *), void *data)
{
    SYS_FAULT("clone3");
#ifdef OWN_ENTRY
    return (int)enter(SYS_clone3, (long[5]){(long)args, (long)size}, run, data);
#else
    (void)args, (void)size, (void)run, (void)data;
    return -ENOSYS;
#endif
}

int sys_clone(struct clone_args *args, int (*run)(void *), void *data)
{
    SYS_FAULT("clone");
    long top = (long)(args->stack + args->stack_size);
    long flags = (long)(args->flags | args->exit_signal);
    /* The old call has one place for two things; nobody asks for both. */
    long first = (long)(args->flags & CLONE_PIDFD ? args->pidfd : args->parent_tid);
#ifdef OWN_ENTRY
    long arguments[5] = {flags, top, first};
    arguments[TID_ARGUMENT] = (long)args->child_tid;
    return (int)enter(SYS_clone, arguments, run, data);
#else
    return (int)SYS_RESULT(clone(run, (void *)top, (int)flags, data, (int *)first, NULL, (int *)(long)args->child_tid));
#endif
}
