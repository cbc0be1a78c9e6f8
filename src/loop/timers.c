/*
 * A binary heap of timers. Each node knows its position, so that any of them can be moved or removed.
 */
#include "loop/timers.h"

#include <errno.h>
#include <stdlib.h>

int timers_reserve(struct timers *timers, size_t count)
{
    if (count < timers->capacity) /* index 0 is not used */
        return 0;
    size_t capacity = timers->capacity ? timers->capacity * 2 : 16;
    if (capacity <= count)
        capacity = count + 1;
    struct timer_node **nodes = reallocarray(timers->nodes, capacity, sizeof(*nodes));
    if (!nodes)
        return -ENOMEM;
    timers->nodes = nodes;
    timers->capacity = capacity;
    return 0;
}

static void put(struct timers *timers, size_t position, struct timer_node *node)
{
    timers->nodes[position] = node;
    node->position = position;
}

static void sift_up(struct timers *timers, struct timer_node *node)
{
    size_t position = node->position;
    while (position > 1 && timers->nodes[position / 2]->when > node->when) {
        put(timers, position, timers->nodes[position / 2]);
        position /= 2;
    }
    put(timers, position, node);
}

static void sift_down(struct timers *timers, struct timer_node *node)
{
    size_t position = node->position;
    for (;;) {
        size_t child = position * 2;
        if (child < timers->count && timers->nodes[child + 1]->when < timers->nodes[child]->when)
            child++;
        if (child > timers->count || timers->nodes[child]->when >= node->when)
            break;
        put(timers, position, timers->nodes[child]);
        position = child;
    }
    put(timers, position, node);
}

void timers_remove(struct timers *timers, struct timer_node *node)
{
    if (node->position == 0)
        return;
    struct timer_node *last = timers->nodes[timers->count--];
    if (last != node) {
        put(timers, node->position, last);
        sift_up(timers, last);
        sift_down(timers, last);
    }
    node->position = 0;
}

void timers_set(struct timers *timers, struct timer_node *node, pk_time when)
{
    timers_remove(timers, node);
    node->when = when;
    if (when == PK_FOREVER)
        return;
    put(timers, ++timers->count, node);
    sift_up(timers, node);
}

struct timer_node *timers_first(const struct timers *timers)
{
    return timers->count > 0 ? timers->nodes[1] : NULL;
}

void timers_free(struct timers *timers)
{
    free(timers->nodes);
    *timers = (struct timers){0};
}
