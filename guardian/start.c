/*
 * Where the kernel enters the helper: the stack holds argc and argv, as the System V ABI has it.
 */
#include "calls.h"

#if defined(__x86_64__)
__asm__(".globl _start\n"
        "_start:\n\t"
        "xor %ebp, %ebp\n\t" /* the outermost frame */
        "mov %rsp, %rdi\n\t"
        "and $-16, %rsp\n\t"
        "call helper_start\n\t"
        "hlt\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
        "_start:\n\t"
        "mov x29, #0\n\t" /* the outermost frame */
        "mov x0, sp\n\t"
        "bl helper_start\n\t"
        "brk #0\n");
#endif

_Noreturn void helper_start(long *stack);

_Noreturn void helper_start(long *stack)
{
    leave(helper_main((int)stack[0], (char **)(stack + 1)));
}
