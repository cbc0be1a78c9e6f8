/*
 * Taking and keeping stacks: a mapping costs as much as everything else that is done in it.
 */
#include "contain/stack.h"

#include "sys/sys.h"

#include <stdatomic.h>

enum { KEPT = 3 };

static _Atomic(void *) kept[KEPT];

void *stack_take(void)
{
    for (int i = 0; i < KEPT; i++) {
        void *stack = atomic_exchange(&kept[i], NULL);
        if (stack)
            return stack;
    }
    return sys_map(STACK_SIZE, true);
}

void stack_put(void *stack)
{
    for (int i = 0; stack && i < KEPT; i++)
        stack = atomic_exchange(&kept[i], stack);
    if (stack)
        sys_unmap(stack, STACK_SIZE);
}
