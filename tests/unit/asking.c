/*
 * Probes and who answers them, both played by one thread.
 */
#include "asking.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- Whoever is asked ------------------------------------------------------------------------------------------- */

struct server take_port(int family)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address = family == AF_INET6 ? (void *)&v6 : (void *)&v4;
    socklen_t length = family == AF_INET6 ? sizeof(v6) : sizeof(v4);
    struct server server = {.fd = socket(family, SOCK_STREAM, 0)};
    if (server.fd < 0 || bind(server.fd, address, length) < 0)
        skip_test("an address of %s", family == AF_INET6 ? "IPv6" : "IPv4");
    assert_return_code(getsockname(server.fd, address, &length), errno);
    server.port = ntohs(family == AF_INET6 ? v6.sin6_port : v4.sin_port);
    return server;
}

void begin_to_listen(struct server *server)
{
    assert_return_code(listen(server->fd, 5), errno);
}

int take_connection(struct server *server)
{
    int connection = accept(server->fd, NULL, NULL);
    assert_return_code(connection, errno);
    return connection;
}

void take_path(struct server *server, int type, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    server->fd = socket(AF_UNIX, type, 0);
    assert_return_code(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), errno);
}

void let_go(struct server *server)
{
    close(server->fd);
}

/* ---- Whoever asks ----------------------------------------------------------------------------------------------- */

int carry_through(struct probe *probe, pk_time now)
{
    int r;
    do {
        struct pollfd fd;
        probe_interest(probe, &fd);
        if (fd.fd >= 0)
            assert_int_equal(poll(&fd, 1, 10000), 1);
        r = probe_advance(probe, now);
    } while (r == 0 && probe->fd >= 0);
    return r;
}

pk_time next_time(const struct probe *probe)
{
    struct pollfd fd;
    pk_time wake = probe_interest(probe, &fd);
    assert_int_equal(fd.fd, -1);
    return wake;
}

void must_say(const struct probe *probe, const char *format, ...)
{
    char text[PROBE_REFUSAL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_string_equal(probe_refusal(probe), text);
}

void must_be_refused(struct probe *probe, pk_time now)
{
    assert_int_equal(carry_through(probe, now), 0);
    assert_true(next_time(probe) > now);
}

void expect_invalid(int r, int number, const pk_error *error, const char *message)
{
    assert_int_equal(r, number);
    assert_int_equal(error->number, number);
    assert_int_equal(error->kind, PK_ERROR_INVALID);
    assert_int_equal(error->step, PK_STEP_ARGUMENTS);
    assert_string_equal(error->message, message);
}
