/*
 * Probes of ports and sockets.
 */
#include "asking.h"
#include "sys/fault.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Ports ------------------------------------------------------------------------------------------------------ */

static void a_port_is_ready_when_somebody_listens(void **state)
{
    const int *family = *state;
    const char *host = *family == AF_INET6 ? "::1" : "127.0.0.1";
    const char *shown = *family == AF_INET6 ? "[::1]" : host;
    struct server server = take_port(*family);
    struct probe probe;
    assert_int_equal(probe_begin_port(&probe, host, server.port, NULL), 0);
    must_be_refused(&probe, 0);
    must_say(&probe, "the connection to %s:%u was refused", shown, server.port);
    begin_to_listen(&server);
    assert_int_equal(probe_advance(&probe, 0), 0);
    pk_time now = next_time(&probe);
    assert_int_equal(carry_through(&probe, now), 1);
    assert_int_equal(carry_through(&probe, now), 1); /* asked anew, at once */
    assert_int_equal(probe.fd, -1);
    probe_end(&probe);
    let_go(&server);
}

static void localhost_has_two_addresses(void **state)
{
    const int *family = *state;
    struct server server = take_port(*family);
    struct probe probe;
    assert_int_equal(probe_begin_port(&probe, "localhost", server.port, NULL), 0);
    must_be_refused(&probe, 0);
    must_say(&probe, "the connection to localhost:%u was refused", server.port);
    begin_to_listen(&server);
    assert_int_equal(carry_through(&probe, PK_SECONDS(1)), 1);
    probe_end(&probe);
    let_go(&server);
}

static void without_ipv6_localhost_has_one(void **state)
{
    (void)state;
    struct server server = take_port(AF_INET);
    struct probe probe;
    assert_int_equal(probe_begin_port(&probe, "localhost", server.port, NULL), 0);
    sys_fault_clear();
    sys_fault_set("socket", 2, EAFNOSUPPORT);
    must_be_refused(&probe, 0);
    must_say(&probe, "the connection to localhost:%u was refused", server.port);
    assert_int_equal(sys_fault_count("socket"), 2);
    sys_fault_clear();
    begin_to_listen(&server);
    assert_int_equal(carry_through(&probe, PK_SECONDS(1)), 1);
    probe_end(&probe);
    let_go(&server);
}

/* Its queue is full, so the kernel answers nothing at all. */
static void a_port_that_does_not_answer_is_asked_again(void **state)
{
    (void)state;
    struct server server = take_port(AF_INET);
    assert_return_code(listen(server.fd, 0), errno);
    struct probe probe, first;
    assert_int_equal(probe_begin_port(&first, "127.0.0.1", server.port, NULL), 0);
    assert_int_equal(carry_through(&first, 0), 1); /* and stands in the queue */
    assert_int_equal(probe_begin_port(&probe, "127.0.0.1", server.port, NULL), 0);
    assert_int_equal(probe_advance(&probe, 0), 0);
    must_say(&probe, "127.0.0.1:%u has not answered", server.port);
    struct pollfd fd;
    assert_int_equal(probe_interest(&probe, &fd), PK_SECONDS(1));
    assert_int_equal(fd.fd, probe.fd);
    assert_int_equal(fd.events, POLLOUT);
    assert_int_equal(probe_advance(&probe, PK_SECONDS(1) - 1), 0); /* for no reason */
    assert_int_equal(probe.fd, fd.fd);
    assert_int_equal(probe_advance(&probe, PK_SECONDS(1)), 0);
    must_say(&probe, "127.0.0.1:%u did not answer", server.port);
    assert_int_equal(next_time(&probe), PK_SECONDS(1) + PK_MILLISECONDS(10));
    close(take_connection(&server));
    assert_int_equal(carry_through(&probe, PK_SECONDS(2)), 1);
    probe_end(&probe);
    probe_end(&first);
    let_go(&server);
}

/* Gives the test a network of its own in which every connection comes from one of two ports. */
static void be_alone_with_two_ports(void)
{
    if (unshare(CLONE_NEWNET) < 0)
        skip_test("network namespaces");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    assert_return_code(ioctl(fd, SIOCSIFFLAGS, &loopback), errno);
    close(fd);
    fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY);
    if (fd < 0 || write(fd, "40000 40001", 11) != 11)
        skip_test("a range of ports that can be set");
    close(fd);
}

/* Where nobody listens, connecting can meet itself. That is no server, and must not stand in the way of one. */
static void a_port_does_not_answer_for_itself(void **state)
{
    (void)state;
    be_alone_with_two_ports();
    sys_fault_clear();
    for (int i = 0; i < 20; i++) {
        struct probe probe;
        assert_int_equal(probe_begin_port(&probe, "127.0.0.1", 40000, NULL), 0);
        must_be_refused(&probe, 0);
        must_say(&probe, "the connection to 127.0.0.1:40000 was refused");
        probe_end(&probe);
        struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons(40000), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
        close(fd);
    }
    assert_true(sys_fault_count("setsockopt") > 0); /* it did happen */
}

/* An interrupted look is none. */
static void interruptions_change_nothing(void **state)
{
    (void)state;
    struct server server = take_port(AF_INET);
    struct probe probe;
    assert_int_equal(probe_begin_port(&probe, "127.0.0.1", server.port, NULL), 0);
    sys_fault_clear();
    sys_fault_set("ppoll", 0, EINTR);
    assert_int_equal(probe_advance(&probe, 0), 0);
    assert_true(probe.fd >= 0);
    assert_int_equal(probe_advance(&probe, 0), 0);
    assert_true(probe.fd >= 0);
    sys_fault_clear();
    must_be_refused(&probe, 0);
    must_say(&probe, "the connection to 127.0.0.1:%u was refused", server.port);
    probe_end(&probe);
    let_go(&server);
}

static void ports_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"",      "example.org", "Localhost", "127.1", "127.0.0.1 ", "127.0.0.1:80",
                                        "[::1]", "fe80::1%lo",  "1.2.3.4.5", "/run/s"};
    char message[256];
    struct probe probe;
    pk_error error;
    expect_invalid(probe_begin_port(&probe, "127.0.0.1", 0, &error), -EINVAL, &error,
                   "invalid port 0: ports are 1 to 65535");
    expect_invalid(probe_begin_port(&probe, "127.0.0.1", 65536, &error), -EINVAL, &error,
                   "invalid port 65536: ports are 1 to 65535");
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        snprintf(message, sizeof(message),
                 "invalid host '%s': neither a numeric address nor localhost (names are not looked up)", hosts[i]);
        expect_invalid(probe_begin_port(&probe, hosts[i], 80, &error), -EINVAL, &error, message);
    }
    assert_int_equal(probe_begin_port(&probe, NULL, 80, NULL), -EINVAL);
}

/* ---- Sockets ---------------------------------------------------------------------------------------------------- */

static void a_socket_is_ready_when_somebody_listens(void **state)
{
    (void)state;
    struct server server, other;
    struct probe probe;
    assert_int_equal(probe_begin_socket(&probe, "s", NULL), 0);
    must_be_refused(&probe, 0);
    must_say(&probe, "the connection to s failed: No such file or directory");
    close(creat("s", 0600));
    must_be_refused(&probe, PK_SECONDS(1));
    must_say(&probe, "the connection to s was refused");
    assert_int_equal(unlink("s"), 0);
    take_path(&other, SOCK_DGRAM, "s");
    must_be_refused(&probe, PK_SECONDS(2));
    must_say(&probe, "the connection to s failed: Protocol wrong type for socket");
    let_go(&other); /* the file stays */
    must_be_refused(&probe, PK_SECONDS(3));
    must_say(&probe, "the connection to s was refused");
    assert_int_equal(unlink("s"), 0);
    take_path(&server, SOCK_STREAM, "s");
    must_be_refused(&probe, PK_SECONDS(4));
    must_say(&probe, "the connection to s was refused");
    assert_return_code(listen(server.fd, 0), errno);
    assert_int_equal(carry_through(&probe, PK_SECONDS(5)), 1);
    /* That one stands in the queue, which is full. */
    must_be_refused(&probe, PK_SECONDS(6));
    must_say(&probe, "the connection to s failed: Resource temporarily unavailable");
    close(take_connection(&server));
    assert_int_equal(carry_through(&probe, PK_SECONDS(7)), 1);
    probe_end(&probe);
    let_go(&server);
}

static void rights_to_a_socket_may_be_given_later(void **state)
{
    (void)state;
    struct server server;
    struct probe probe;
    take_path(&server, SOCK_STREAM, "s");
    begin_to_listen(&server);
    assert_return_code(chmod("s", 0), errno);
    assert_int_equal(probe_begin_socket(&probe, "s", NULL), 0);
    must_be_refused(&probe, 0);
    must_say(&probe, "the connection to s failed: Permission denied");
    assert_return_code(chmod("s", 0600), errno);
    assert_int_equal(carry_through(&probe, PK_SECONDS(1)), 1);
    probe_end(&probe);
    let_go(&server);
}

static void socket_paths_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    char path[109];
    struct probe probe;
    pk_error error;
    expect_invalid(probe_begin_socket(&probe, "", &error), -EINVAL, &error, "invalid path: it is empty");
    expect_invalid(probe_begin_socket(&probe, NULL, &error), -EINVAL, &error, "invalid path: it is empty");
    memset(path, 'x', sizeof(path));
    path[107] = '\0';
    assert_int_equal(probe_begin_socket(&probe, path, &error), 0);
    must_be_refused(&probe, 0);
    probe_end(&probe);
    path[107] = 'x';
    path[108] = '\0';
    expect_invalid(probe_begin_socket(&probe, path, &error), -ENAMETOOLONG, &error,
                   "invalid path of a socket: longer than the kernel takes (108 bytes, at most 107)");
    assert_string_equal(error.path, path);
}

static const int v4 = AF_INET, v6 = AF_INET6;

static const struct test tests[] = {
    PK_TEST_NAMED("a_port_is_ready_when_somebody_listens", a_port_is_ready_when_somebody_listens, .data = &v4),
    PK_TEST_NAMED("a_port_is_ready_when_somebody_listens/ipv6", a_port_is_ready_when_somebody_listens, .data = &v6),
    PK_TEST_NAMED("localhost_has_two_addresses", localhost_has_two_addresses, .data = &v4),
    PK_TEST_NAMED("localhost_has_two_addresses/ipv6", localhost_has_two_addresses, .data = &v6),
    PK_TEST(without_ipv6_localhost_has_one),
    PK_TEST(a_port_that_does_not_answer_is_asked_again),
    PK_TEST_WITH(a_port_does_not_answer_for_itself, .needs = NEEDS_ROOT),
    PK_TEST(interruptions_change_nothing),
    PK_TEST(ports_that_make_no_sense_are_refused),
    PK_TEST(a_socket_is_ready_when_somebody_listens),
    PK_TEST_AS_USER(rights_to_a_socket_may_be_given_later),
    PK_TEST(socket_paths_that_make_no_sense_are_refused),
};

PK_TEST_MAIN(tests)
