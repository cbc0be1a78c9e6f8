/*
 * Fault injection: each system call of supervision fails once, wherever it is made, from its start to its end. What
 * could not be started is started again, and in the end everything has been done, or there is an error that says why
 * not.
 */
#include "every-call.h"
#include "vigil.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Or given up, for an error that looks as if it would not pass. */
static void stop_when_ready(struct vigil *vigil, const pk_service_event *event)
{
    bool is_web = strcmp(event->name, "web") == 0;
    if (is_web && (event->kind == PK_SERVICE_IS_READY || event->kind == PK_SERVICE_IS_OVER))
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void add_services(struct vigil *vigil)
{
    pk_service *migration = vigil_add(vigil, "migration", "touch here");
    pk_service_ready_end(migration);
    pk_service *database = vigil_add(vigil, "database", "print up -- hold");
    pk_service_needs(database, "migration");
    pk_service_ready_line(database, 1, NULL, NULL);
    pk_service_ready_timeout(database, PK_SECONDS(1)); /* a line that could not be read never comes */
    pk_service_watchdog(database, PK_SECONDS(60));
    pk_service *web = vigil_add(vigil, "web", "hold");
    pk_service_needs(web, "database");
    pk_service_ready_take(web, pk_probe_path("here"));
    pk_service_alive_take(web, pk_probe_heartbeat("here", PK_SECONDS(60)), NULL);
}

static bool is_done(const pk_service *service)
{
    pk_service_status status;
    pk_service_look(service, &status);
    return status.pid == 0 && (status.state == PK_SERVICE_RESTING || status.state == PK_SERVICE_OVER);
}

static int run(void *data, pk_error *error)
{
    struct vigil vigil;
    (void)data;
    vigil_init(&vigil);
    if (!vigil.supervisor)
        fail_msg("no memory");
    vigil.react = stop_when_ready;
    add_services(&vigil);
    int r = pk_supervisor_run(vigil.supervisor, error);
    for (pk_service *service = NULL; r == 0 && (service = pk_supervisor_next(vigil.supervisor, service));)
        assert_true(is_done(service));
    vigil_free(&vigil);
    return r;
}

static void prepare(void *data)
{
    (void)data;
    unlink("here");
}

static void every_call_may_fail(void **state)
{
    pk_error error;
    struct every_call every = {.prepare = prepare, .run = run};
    (void)state;
    assert_ok(run(NULL, &error), error); /* what is made once is there from now on */
    assert_true(every_call_fails(&every) > 100);
    prepare(NULL);
    assert_ok(run(NULL, &error), error);
    prepare(NULL);
}

static const struct test tests[] = {
    PK_TEST_WITH(every_call_may_fail, .deadline_s = 240),
};

PK_TEST_MAIN(tests)
