/*
 * The gate: nothing is started again before the tree of the one before is gone, whatever that does to stay.
 */
#include "vigil.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As many as the issue says; fewer where everything is slow. */
static unsigned rounds(void)
{
    const char *slowness = getenv("PK_TEST_SLOWNESS");
    unsigned slow = slowness ? (unsigned)atoi(slowness) : 1;
    return 500 / (slow ? slow : 1);
}

/* One that nobody has just now. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(probe, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_return_code(getsockname(probe, (struct sockaddr *)&address, &length), 0);
    close(probe);
    return ntohs(address.sin_port);
}

/* The words around the port that it holds. */
static pk_service *add_holder(struct vigil *vigil, void **state, const char *after)
{
    char words[256];
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = cast_mechanism(state);
    snprintf(words, sizeof(words), "ignore TERM,INT,HUP -- bind %u -- %s", free_port(), after);
    pk_auto(pk_command) command = cast_command(NULL, words);
    pk_command_contain(command, &options);
    pk_command_grace(command, PK_MILLISECONDS(1));
    pk_service *service = pk_supervisor_add(vigil->supervisor, "holder", command);
    vigil_restarts(service, PK_RESTART_ON_FAILURE, rounds());
    return service;
}

/* Whoever finds the port in use exits with something else. */
static void check_code(struct vigil *vigil, const pk_service_event *event)
{
    (void)vigil;
    if (event->kind == PK_SERVICE_ENDED)
        assert_int_equal(event->result->exit_code, 3);
    vigil->diary[0] = '\0';
}

/* The leader exits, and leaves somebody with its port who does not listen to signals. */
static void what_a_leader_leaves_is_gone(void **state)
{
    struct vigil vigil;
    vigil_init(&vigil);
    vigil.react = check_code;
    add_holder(&vigil, state, "leave 3");
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, rounds() + 1);
    assert_int_equal(vigil.end, PK_SERVICE_EXHAUSTED);
    vigil_free(&vigil);
}

static void restart_when_ready(struct vigil *vigil, const pk_service_event *event)
{
    pk_error error;
    vigil->diary[0] = '\0';
    assert_int_not_equal(event->kind, PK_SERVICE_IS_OVER);
    if (event->kind != PK_SERVICE_IS_READY)
        return;
    if (event->incarnation > rounds())
        pk_supervisor_stop(vigil->supervisor, NULL);
    else
        assert_ok(pk_service_restart(event->service, &error), error);
}

/* It is told to end, and does not, and nor does its grandchild. It says that it is ready when it has the port. */
static void what_does_not_obey_is_gone(void **state)
{
    struct vigil vigil;
    vigil_init(&vigil);
    vigil.react = restart_when_ready;
    pk_service *holder = add_holder(&vigil, state, "double-fork -- print up -- hold");
    vigil_restarts(holder, PK_RESTART_NEVER, 0);
    pk_service_ready_line(holder, 1, NULL, NULL);
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, rounds() + 1);
    vigil_free(&vigil);
}

static const struct test tests[] = {
    PK_TEST_NAMED("what_a_leader_leaves_is_gone/cgroup2", what_a_leader_leaves_is_gone, .data = &cast_cgroup2,
                  .needs = NEEDS_CGROUP2, .deadline_s = 120),
    PK_TEST_NAMED("what_a_leader_leaves_is_gone/reaper", what_a_leader_leaves_is_gone, .data = &cast_reaper,
                  .deadline_s = 120),
    PK_TEST_NAMED("what_does_not_obey_is_gone/cgroup2", what_does_not_obey_is_gone, .data = &cast_cgroup2,
                  .needs = NEEDS_CGROUP2, .deadline_s = 120),
    PK_TEST_NAMED("what_does_not_obey_is_gone/reaper", what_does_not_obey_is_gone, .data = &cast_reaper,
                  .deadline_s = 120),
};

PK_TEST_MAIN(tests)
