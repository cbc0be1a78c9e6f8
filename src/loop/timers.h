/*
 * Timers in order of their time: a binary heap.
 */
#ifndef PK_LOOP_TIMERS_H
#define PK_LOOP_TIMERS_H

#include <processkit/time.h>

#include <stddef.h>

struct timers;

/* Lives in whatever has a timer. Zeroed memory is a timer that is in no heap. */
struct timer_node {
    pk_time when;
    size_t position; /* in the heap, from 1; 0: in none */
};

struct timers {
    struct timer_node **nodes; /* from index 1 */
    size_t count;
    size_t capacity;
};

/* Makes room for this many nodes, so that timers_set cannot fail. -ENOMEM. */
int timers_reserve(struct timers *timers, size_t count);

/* Puts a node in, or moves it. PK_FOREVER takes it out. */
void timers_set(struct timers *timers, struct timer_node *node, pk_time when);

void timers_remove(struct timers *timers, struct timer_node *node);

/* The earliest, or NULL. */
struct timer_node *timers_first(const struct timers *timers);

void timers_free(struct timers *timers);

#endif
