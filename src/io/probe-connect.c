/*
 * Asking a port or a socket: whether a connection can be made.
 */
#include "base/error.h"
#include "io/probe-kind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Refusals --------------------------------------------------------------------------------------------------- */

/* What another process, the network or time can change. What is short in this process or on this machine is not: nobody
 * would be told. */
static bool may_change(int number)
{
    switch (number) {
    case -ENOENT: /* sockets with a path */
    case -ENOTDIR:
    case -ELOOP:
    case -EACCES: /* rights to it are often given only when it is there */
    case -EPROTOTYPE:
    case -EAGAIN:
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -ECONNABORTED:
    case -EPIPE:
    case -ETIMEDOUT:
    case -EPERM: /* a packet filter */
    case -ENETUNREACH:
    case -ENETDOWN:
    case -EHOSTUNREACH:
    case -EHOSTDOWN:
    case -EADDRNOTAVAIL:
        return true;
    default:
        return false;
    }
}

int probe_refuse_errno(struct probe *probe, int number)
{
    if (!may_change(number))
        return number;
    if (number == -ECONNREFUSED)
        return probe_refuse(probe, "the connection to %s was refused", probe->place);
    return probe_refuse(probe, "the connection to %s failed: %s", probe->place, error_text(number));
}

/* ---- Connecting ------------------------------------------------------------------------------------------------- */

/*
 * Connected, but to whom? A port that nobody listens at may be one of those that the kernel gives to whoever connects,
 * to us then as well: and two ends that meet while both are connecting are connected. It must leave nothing behind, or
 * the one that we wait for could not have its port for a minute.
 */
static int check_peer(struct probe *probe)
{
    int r = probe->addresses[probe->address].storage.ss_family == AF_UNIX ? 0 : sys_is_own_peer(probe->fd);
    if (r > 0) {
        r = sys_reset_on_close(probe->fd);
        return r < 0 ? r : probe_refuse_errno(probe, -ECONNREFUSED);
    }
    if (r == -ENOTCONN) /* it was, and has been reset meanwhile */
        return probe_refuse_errno(probe, -ECONNRESET);
    probe->connected = true;
    return r < 0 ? r : PROBE_READY;
}

/* What has become of it. */
static int hear(struct probe *probe)
{
    struct pollfd writable = {.fd = probe->fd, .events = POLLOUT};
    int r = sys_ppoll(&writable, 1, &(struct timespec){0});
    if (r == 0 || r == -EINTR)
        return PROBE_WAITS;
    if (r > 0) /* without that, no error would mean nothing: it may be connecting still */
        r = sys_socket_error(probe->fd);
    return r < 0 ? probe_refuse_errno(probe, r) : check_peer(probe);
}

/* On the machine itself the answer is there at once. */
static int try_address(struct probe *probe)
{
    const struct sys_address *address = &probe->addresses[probe->address];
    probe->events = POLLOUT;
    int fd = sys_keep(sys_stream_socket(address));
    if (fd < 0)
        return fd;
    probe->fd = fd;
    int r = sys_connect_to(fd, address);
    if (r == -EINPROGRESS)
        return hear(probe);
    return r < 0 ? probe_refuse_errno(probe, r) : check_peer(probe);
}

/* Goes on to the next address as long as one is refused. */
static int try_all(struct probe *probe, int r)
{
    while (r == PROBE_REFUSED && probe->address + 1 < probe->address_count) {
        char first[PROBE_REFUSAL_SIZE];
        memcpy(first, probe->refusal, sizeof(first));
        probe->fd = sys_close_safe(probe->fd);
        probe->address++;
        r = try_address(probe);
        /* Where there is no IPv6, what the other said is all there is to say. */
        if (r == -EAFNOSUPPORT || r == PROBE_REFUSED) {
            memcpy(probe->refusal, first, sizeof(first));
            r = PROBE_REFUSED;
        }
    }
    return r;
}

int probe_connect(struct probe *probe)
{
    probe->address = 0;
    return try_all(probe, try_address(probe));
}

int probe_go_on_connecting(struct probe *probe)
{
    return try_all(probe, hear(probe));
}

static const struct probe_kind connecting = {.attempt = probe_connect, .proceed = probe_go_on_connecting};

/* ---- Where to --------------------------------------------------------------------------------------------------- */

static int refuse_host(const char *host, pk_error *error)
{
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "invalid host '%s': neither a numeric address nor localhost (names are not looked up)",
                     host ? host : "");
}

int probe_set_host(struct probe *probe, const char *host, unsigned port, pk_error *error)
{
    enum { LAST_PORT = 65535 };
    static const char *const local[PROBE_ADDRESSES] = {"127.0.0.1", "::1"};
    if (port == 0 || port > LAST_PORT)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid port %u: ports are 1 to %d", port, LAST_PORT);
    bool named = host && strcmp(host, "localhost") == 0;
    probe->address_count = named ? PROBE_ADDRESSES : 1;
    for (unsigned i = 0; i < probe->address_count; i++)
        if (!host || sys_address_of_host(&probe->addresses[i], named ? local[i] : host, port) < 0)
            return refuse_host(host, error);
    bool brackets = strchr(host, ':') != NULL;
    snprintf(probe->place, sizeof(probe->place), brackets ? "[%s]:%u" : "%s:%u", host, port);
    return 0;
}

int probe_begin_port(struct probe *probe, const char *host, unsigned port, pk_error *error)
{
    probe_init(probe, &connecting);
    return probe_set_host(probe, host, port, error);
}

int probe_begin_socket(struct probe *probe, const char *path, pk_error *error)
{
    int r = probe_check_path(path, error);
    if (r < 0)
        return r;
    probe_init(probe, &connecting);
    r = sys_address_of_path(&probe->addresses[0], path);
    if (r < 0)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, path,
                         "invalid path of a socket: longer than the kernel takes (%zu bytes, at most 107)",
                         strlen(path));
    probe->address_count = 1;
    snprintf(probe->place, sizeof(probe->place), "%s", path);
    return 0;
}
