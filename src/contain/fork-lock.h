/*
 * Locks of what belongs to this process alone, whatever forks from it.
 *
 * A forked child has a copy of everything, and it is the parent's: the child must not touch what the copy stands for,
 * and begins anew. It also has a copy of each lock, perhaps held by a thread that does not exist there. So the first
 * time a lock is taken in a child, it is made new, and what it guards is let go of. Forks by the C library's fork wait
 * for an `eager` lock, and let go at once: what must not stay open in a child that never asks, such as a socket whose
 * end means something to others. No two eager locks are ever held at the same time.
 */
#ifndef PK_CONTAIN_FORK_LOCK_H
#define PK_CONTAIN_FORK_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct fork_lock {
    pthread_mutex_t mutex;
    _Atomic uint64_t epoch; /* of the process it was last taken in; 0: never */
    void (*let_go)(void);   /* forgets what is the parent's; called with the lock or before anybody can have it */
    bool eager;
    struct fork_lock *next; /* eager ones that were taken */
};

#define FORK_LOCK_INIT(forget, at_once)                                            \
    {                                                                              \
        .mutex = PTHREAD_MUTEX_INITIALIZER, .let_go = (forget), .eager = (at_once) \
    }

void fork_lock_take(struct fork_lock *lock);
void fork_lock_release(struct fork_lock *lock);

/* Whether it was ever taken in this very process: if not, there is nothing behind it that is ours. */
bool fork_lock_is_used(const struct fork_lock *lock);

#endif
