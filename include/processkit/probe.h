/*
 * Probes: what is asked to learn whether something can be used, or is still well.
 *
 *     pk_service_ready_take(database, pk_probe_port("127.0.0.1", 5432));
 *     pk_service_alive_take(web, pk_probe_http("http://localhost:8080/health", 200, 299), NULL);
 *
 * A probe is made and given away at once: to a service (service.h), which asks it as often as need be, on its loop,
 * without threads, without ever waiting for it. To wait for a process of your own, see ready.h: hosts, paths and URLs
 * are what they are there.
 *
 * All of them return NULL only when memory ran out. What makes no sense is remembered, and reported when the supervisor
 * that has the service is run.
 */
#ifndef PROCESSKIT_PROBE_H
#define PROCESSKIT_PROBE_H

#include <processkit/command.h>
#include <processkit/macros.h>
#include <processkit/time.h>

PK_BEGIN_DECLS

typedef struct pk_probe pk_probe;

/* Good when a TCP connection to that port can be made. */
PK_API pk_probe *pk_probe_port(const char *host, unsigned port);

/* Good when a connection to the stream socket with that path can be made. */
PK_API pk_probe *pk_probe_socket(const char *path);

/* Good when there is something at that path. */
PK_API pk_probe *pk_probe_path(const char *path);

/* Good when a GET of that URL is answered with a status from `first` to `last`. */
PK_API pk_probe *pk_probe_http(const char *url, unsigned first, unsigned last);

/* Good when that command succeeds. The command is copied; it is run in a group of its own, and killed when the time of
 * an attempt is over. */
PK_API pk_probe *pk_probe_command(const pk_command *command);

/*
 * Good as long as the file at that path is touched (its time of modification changes) at least so often; 0 is invalid.
 * Only changes count, and the time between them by the monotonic clock: it does not matter what the clock on the wall
 * does, or how old the file was in the beginning.
 */
PK_API pk_probe *pk_probe_heartbeat(const char *path, pk_duration most);

/* 1: good. 0: not. A negative errno: not, and never will be. Must not wait. Called on the thread of the loop. */
typedef int (*pk_probe_callback)(void *data);
PK_API pk_probe *pk_probe_call(pk_probe_callback callback, void *data);

/* For one that was not given away. Takes NULL; returns NULL. */
PK_API pk_probe *pk_probe_free(pk_probe *probe);

PK_DEFINE_CLEANUP(pk_probe);

PK_END_DECLS

#endif
