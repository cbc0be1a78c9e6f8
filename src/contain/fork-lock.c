/*
 * Telling a process from its forked copy before anything is done in its name.
 */
#include "contain/fork-lock.h"

#include "sys/sys.h"

#include <stdatomic.h>

/* ---- fork ------------------------------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t mutex;
    struct fork_lock *first;
} eager = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void before_fork(void)
{
    pthread_mutex_lock(&eager.mutex);
    for (struct fork_lock *lock = eager.first; lock; lock = lock->next)
        pthread_mutex_lock(&lock->mutex);
}

static void after_fork_in_parent(void)
{
    for (struct fork_lock *lock = eager.first; lock; lock = lock->next)
        pthread_mutex_unlock(&lock->mutex);
    pthread_mutex_unlock(&eager.mutex);
}

static void after_fork_in_child(void)
{
    eager.mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    for (struct fork_lock *lock = eager.first; lock; lock = lock->next) {
        lock->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        lock->let_go();
        lock->epoch = sys_epoch();
    }
}

static void follow_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void enlist(struct fork_lock *lock)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, follow_forks);
    pthread_mutex_lock(&eager.mutex);
    lock->next = eager.first;
    eager.first = lock;
    pthread_mutex_unlock(&eager.mutex);
}

/* ---- Locks ------------------------------------------------------------------------------------------------------ */

/* In a child that was cloned without the C library's knowledge, the epoch is all that tells. */
void fork_lock_take(struct fork_lock *lock)
{
    uint64_t now = sys_epoch();
    uint64_t then = lock->epoch;
    if (then != now && atomic_compare_exchange_strong(&lock->epoch, &then, now)) {
        if (then == 0 && lock->eager) {
            enlist(lock);
        } else if (then != 0) {
            lock->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
            lock->let_go();
        }
    }
    pthread_mutex_lock(&lock->mutex);
}

void fork_lock_release(struct fork_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

bool fork_lock_is_used(const struct fork_lock *lock)
{
    return lock->epoch == sys_epoch();
}
