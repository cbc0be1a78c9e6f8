/*
 * Stacks for children that run in the memory of their parent.
 */
#ifndef PK_CONTAIN_STACK_H
#define PK_CONTAIN_STACK_H

/* Deep enough for such a child's few frames; exec takes its arguments from elsewhere. */
enum { STACK_SIZE = 64 * 1024 };

/* NULL without memory. Some are kept for the next who asks, whichever thread that is. */
void *stack_take(void);
void stack_put(void *stack);

#endif
