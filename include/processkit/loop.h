/*
 * Loops: everything that is going on behind one descriptor.
 *
 * A pk_loop fits into the event loop a program already has: wait until pk_loop_fd is readable, call pk_loop_dispatch.
 * Timers are behind the same descriptor. A program without a loop of its own calls pk_loop_dispatch alone:
 *
 *     while (running)
 *         pk_loop_dispatch(loop, PK_FOREVER, &error);
 *
 * A loop and what it watches belong to one thread; several loops may run in several threads. Callbacks may add and
 * remove anything, themselves included; whoever was removed is not called again.
 */
#ifndef PROCESSKIT_LOOP_H
#define PROCESSKIT_LOOP_H

#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stdint.h>

PK_BEGIN_DECLS

typedef struct pk_loop pk_loop;
typedef struct pk_watch pk_watch;
typedef struct pk_timer pk_timer;

/* A new loop: one epoll descriptor, and a timerfd from the first timer on. */
PK_API PK_NODISCARD int pk_loop_create(pk_loop **loop, pk_error *error);

/* Watches and timers that are still there never fire again, and still have to be freed; so do tasks, and processes it
 * watched, which nobody carries on any more. Not from a callback. Takes NULL; returns NULL. */
PK_API pk_loop *pk_loop_free(pk_loop *loop);

PK_DEFINE_CLEANUP(pk_loop);

/* The descriptor to poll for readability. It stays the loop's. */
PK_API int pk_loop_fd(const pk_loop *loop);

/* How long until the next timer: 0 if one is due, PK_FOREVER without any. Only a hint: timers make pk_loop_fd
 * readable. */
PK_API pk_duration pk_loop_timeout(const pk_loop *loop);

/*
 * Waits until something happens or the deadline has passed (0: does not wait), calls the callbacks and returns how
 * many were called, the library's own included. 0 after the deadline, and when a signal handler ran, so that the caller
 * can look at what it set. Must not be called from a callback: -EDEADLK.
 */
PK_API int pk_loop_dispatch(pk_loop *loop, pk_time deadline, pk_error *error);

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

typedef void (*pk_watch_callback)(pk_watch *watch, int fd, uint32_t events, void *data);

/* Calls back whenever `events` (EPOLLIN, EPOLLOUT, EPOLLPRI of <sys/epoll.h>; level-triggered) hold for `fd`, which
 * stays the caller's and must stay open until the watch is freed. EPOLLERR and EPOLLHUP are always reported. */
PK_API PK_NODISCARD int pk_loop_watch(pk_loop *loop, int fd, uint32_t events, pk_watch_callback callback, void *data,
                                      pk_watch **watch, pk_error *error);

/* Takes NULL; returns NULL. */
PK_API pk_watch *pk_watch_free(pk_watch *watch);

PK_DEFINE_CLEANUP(pk_watch);

/* ---- Timers ----------------------------------------------------------------------------------------------------- */

typedef void (*pk_timer_callback)(pk_timer *timer, void *data);

/* Calls back once, when the time has come. PK_FOREVER: not until pk_timer_set. */
PK_API PK_NODISCARD int pk_loop_timer(pk_loop *loop, pk_time when, pk_timer_callback callback, void *data,
                                      pk_timer **timer, pk_error *error);

/* Moves a timer, which may have expired before, to another time. Fails only for want of a descriptor, for the first
 * timer of a loop. */
PK_API int pk_timer_set(pk_timer *timer, pk_time when);

/* Takes NULL; returns NULL. */
PK_API pk_timer *pk_timer_free(pk_timer *timer);

PK_DEFINE_CLEANUP(pk_timer);

PK_END_DECLS

#endif
