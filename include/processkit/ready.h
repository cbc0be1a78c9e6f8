/*
 * Readiness: waiting until a process can be used, not only until it runs.
 *
 *     if (pk_command_start(server, &process, &error) < 0 ||
 *         pk_process_wait_port(process, "127.0.0.1", 8080, pk_deadline(PK_SECONDS(10)), &error) < 0)
 *         return fail(error.message); // "pid 42 was not ready in time: the connection to 127.0.0.1:8080 was refused"
 *
 * All of them carry everything else of the process on meanwhile, as pk_process_wait does: what it writes is read, kept
 * and passed on, its own deadline kept. They never kill. 0: it is ready. Otherwise, with the kind PK_ERROR_NOT_READY:
 *
 *     -ETIMEDOUT  it was not ready before the deadline. If that has passed already, there is still one look
 *     -ECHILD     the run has ended first; for lines and texts also: the stream has
 *
 * and the message says why it was not ready when that was last looked at. -EINVAL, -ENAMETOOLONG: what is asked for
 * makes no sense. -EBUSY: a loop watches the process. -EDEADLK: from one of its own callbacks. -ECANCELED: a callback
 * has freed it. Any other errno: it cannot be found out, for want of descriptors or memory perhaps.
 *
 * What is asked for, over and over, is asked for after 10 ms, 20, 40, 80, and then every 100 ms. A try that has no
 * answer within 1 s is given up for the next. No threads, no name resolution, no signals (SIGPIPE).
 *
 * Nothing tells who it is that answers: a socket or a file left by an earlier run looks just as ready. Remove it before
 * the start.
 */
#ifndef PROCESSKIT_READY_H
#define PROCESSKIT_READY_H

#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/process.h>
#include <processkit/run.h>
#include <processkit/time.h>

PK_BEGIN_DECLS

/* ---- What can be seen from outside ------------------------------------------------------------------------------ */

/*
 * Until a TCP connection to that port can be made; it is closed at once. `host` is a numeric address of IPv4, or of
 * IPv6 without brackets and zone, or "localhost": 127.0.0.1 and, if that is no success, ::1. Other names are -EINVAL,
 * since to look them up would mean to wait for somebody else. Ports are 1 to 65535.
 */
PK_API PK_NODISCARD int pk_process_wait_port(pk_process *process, const char *host, unsigned port, pk_time deadline,
                                             pk_error *error);

/* Until a connection to the stream socket with that path can be made; it is closed at once. -ENAMETOOLONG: a path of
 * more than 107 bytes, which is what the kernel takes. */
PK_API PK_NODISCARD int pk_process_wait_socket(pk_process *process, const char *path, pk_time deadline,
                                               pk_error *error);

/* Until there is something at that path, whatever it is. Symbolic links are followed, and a relative path
 * is one from the working directory. */
PK_API PK_NODISCARD int pk_process_wait_path(pk_process *process, const char *path, pk_time deadline, pk_error *error);

/*
 * Until a GET of that URL is answered with a status from `first` to `last` (200 to 299 for a success; at least 200, at
 * most 999). "http://HOST[:PORT][/PATH]": the host as above, but an address of IPv6 in brackets; the port is 80 if none
 * is given; the path, with a query perhaps, must be encoded already: no spaces, control characters or bytes beyond
 * ASCII. At most 2000 bytes. HTTP/1.1 without TLS; redirects are not followed, the body is not read.
 */
PK_API PK_NODISCARD int pk_process_wait_http(pk_process *process, const char *url, unsigned first, unsigned last,
                                             pk_time deadline, pk_error *error);

/* 1: it is ready. 0: not yet. A negative errno: it never will be, and that is what is returned. Must not wait. */
typedef int (*pk_ready_callback)(pk_process *process, void *data);

/* Until the callback says so. */
PK_API PK_NODISCARD int pk_process_wait_until(pk_process *process, pk_ready_callback ready, void *data,
                                              pk_time deadline, pk_error *error);

/* ---- What it says itself ---------------------------------------------------------------------------------------- */

/*
 * Both take what the process writes to that descriptor as pk_process_next_line does, and from where that would go on:
 * what they have gone past is gone for it. The stream is read by them only, and not while one of the functions above
 * waits. -EBADF: it is no stream.
 */

/* Until a line comes that `match` takes (NULL: any); of any stream if `fd` is -1. `line`, if not NULL, gets a copy of
 * its text: free(*line). */
PK_API PK_NODISCARD int pk_process_wait_line(pk_process *process, int fd, pk_match_callback match, void *data,
                                             char **line, pk_time deadline, pk_error *error);

/*
 * Until that text comes, in a line that need not have ended: a prompt. The text is not empty and has no end of line.
 * What follows it on its line comes next, an empty rest too if the line has ended; so the same prompt can be waited for
 * again after each answer.
 */
PK_API PK_NODISCARD int pk_process_wait_text(pk_process *process, int fd, const char *text, pk_time deadline,
                                             pk_error *error);

PK_END_DECLS

#endif
