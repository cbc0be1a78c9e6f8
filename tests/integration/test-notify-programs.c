/*
 * systemd's own program at the socket of a service, in groups of each mechanism.
 */
#include "cast.h"
#include "contain/group.h"
#include "supervise/notify.h"

#include <stdlib.h>
#include <string.h>

/* A service as far as its socket goes, in one group of its own. */
struct service {
    pk_loop *loop;
    pk_group *group;
    struct notify notify;
    unsigned ready, well, statuses;
    char status[NOTIFY_STATUS_SIZE];
    pid_t pid;
};

static void on_word(const struct notify_word *word, void *data)
{
    struct service *service = data;
    service->pid = word->pid;
    service->ready += word->ready;
    service->well += word->watchdog;
    service->statuses += word->has_status;
    if (word->has_status)
        memcpy(service->status, word->status, sizeof(service->status));
}

static int is_member(pid_t pid, void *data)
{
    const struct service *service = data;
    return group_has_member(service->group, pid);
}

static struct service *make_service(pk_mechanism mechanism)
{
    pk_error error;
    char *path = NULL;
    if (pk_find_program("systemd-notify", &path, NULL) < 0)
        skip_test("systemd-notify");
    free(path);
    struct service *service = calloc(1, sizeof(*service));
    service->group = cast_group(mechanism);
    assert_ok(pk_loop_create(&service->loop, &error), error);
    assert_ok(notify_open(&service->notify, service->loop, on_word, is_member, service, &error), error);
    return service;
}

static void free_service(struct service *service)
{
    notify_close(&service->notify);
    pk_group_free(service->group);
    pk_loop_free(service->loop);
    free(service);
}

static void on_event(pk_process *process, pk_event event, void *data)
{
    (void)process;
    if (event == PK_EVENT_ENDED)
        *(bool *)data = true;
}

/* Runs it in that group, while the service is heard: it must succeed, which it does not if nobody answers its barrier.
 */
static void run_in(pk_group *group, struct service *service, pk_command *command)
{
    pk_error error;
    pk_process *process = NULL;
    bool ended = false;
    pk_command_setenv(command, "NOTIFY_SOCKET", service->notify.address);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_ok(pk_process_watch(process, service->loop, on_event, &ended, &error), error);
    while (!ended)
        assert_ok(pk_loop_dispatch(service->loop, PK_FOREVER, &error), error);
    assert_int_equal(pk_process_result(process)->verdict, PK_VERDICT_EXITED);
    assert_int_equal(pk_process_result(process)->exit_code, 0);
    pk_process_free(process);
    notify_read(&service->notify);
}

static void run_shell(pk_group *group, struct service *service, const char *script)
{
    pk_auto(pk_command) command = pk_command_new("sh", "-c", script, NULL);
    run_in(group, service, command);
}

/* ---- Heard ------------------------------------------------------------------------------------------------------ */

static void a_script_says_that_it_is_ready(void **state)
{
    struct service *service = make_service(cast_mechanism(state));
    run_shell(service->group, service, "systemd-notify --ready --status='all is well'; exit $?");
    assert_int_equal(service->ready, 1);
    assert_string_equal(service->status, "all is well");
    run_shell(service->group, service, "systemd-notify WATCHDOG=1 && systemd-notify --status='still well' && exit 0");
    assert_int_equal(service->well, 1);
    assert_string_equal(service->status, "still well");
    assert_int_equal(service->notify.heard, 3);
    assert_int_equal(service->notify.refused + service->notify.dropped, 0);
    free_service(service);
}

/* Where it may, it speaks in the name of its parent: that is not a member of what it leads itself. */
static void it_is_heard_as_the_service_itself(void **state)
{
    struct service *service = make_service(cast_mechanism(state));
    pk_auto(pk_command) command = pk_command_new("systemd-notify", "--ready", "--status=x", NULL);
    run_in(service->group, service, command);
    assert_int_equal(service->ready, 1);
    assert_string_equal(service->status, "x");
    assert_int_equal(service->notify.refused + service->notify.dropped, 0);
    free_service(service);
}

/* It ends at once, and has perhaps been waited for when it is heard: by then only its user is known. */
static void it_is_heard_when_it_has_not_waited(void **state)
{
    struct service *service = make_service(cast_mechanism(state));
    for (int i = 0; i < 10; i++)
        run_shell(service->group, service, "sh -c 'systemd-notify --no-block WATCHDOG=1; exit $?'");
    assert_int_equal(service->well, 10);
    free_service(service);
}

/* What a service with a user of its own says comes from that. */
static void a_service_with_its_own_user_is_heard(void **state)
{
    enum { USER = 54321 };
    struct service *service = make_service(cast_mechanism(state));
    pk_auto(pk_command) command =
        pk_command_new("sh", "-c", "systemd-notify --ready && systemd-notify --no-block WATCHDOG=1 & wait $!", NULL);
    pk_command_uid(command, USER);
    service->notify.user = USER;
    run_in(service->group, service, command);
    assert_int_equal(service->ready, 1);
    assert_int_equal(service->well, 1);
    free_service(service);
}

/* ---- Not heard -------------------------------------------------------------------------------------------------- */

/* Its barrier is answered all the same. */
static void a_member_of_another_group_is_not(void **state)
{
    struct service *service = make_service(cast_mechanism(state));
    pk_group *other = cast_group(cast_mechanism(state));
    run_shell(other, service, "systemd-notify --ready --status=x; exit $?");
    assert_int_equal(service->ready, 0);
    assert_int_equal(service->statuses, 0);
    assert_int_equal(service->notify.refused, 1);
    pk_group_free(other);
    free_service(service);
}

static const struct test tests[] = {
    EACH(a_script_says_that_it_is_ready),
    AS_USER(a_script_says_that_it_is_ready),
    DELEGATED(a_script_says_that_it_is_ready),
    EACH(it_is_heard_as_the_service_itself),
    AS_USER(it_is_heard_as_the_service_itself),
    EACH(it_is_heard_when_it_has_not_waited),
    AS_USER(it_is_heard_when_it_has_not_waited),
    PK_TEST_NAMED("a_service_with_its_own_user_is_heard/cgroup2", a_service_with_its_own_user_is_heard,
                  .data = &cast_cgroup2, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_NAMED("a_service_with_its_own_user_is_heard/reaper", a_service_with_its_own_user_is_heard,
                  .data = &cast_reaper, .needs = NEEDS_ROOT),
    PK_TEST_NAMED("a_service_with_its_own_user_is_heard/process_group", a_service_with_its_own_user_is_heard,
                  .data = &cast_process_group, .needs = NEEDS_ROOT),
    EACH(a_member_of_another_group_is_not),
    AS_USER(a_member_of_another_group_is_not),
};

PK_TEST_MAIN(tests)
