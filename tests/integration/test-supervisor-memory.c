/*
 * Memory that runs out while services are supervised: it says nothing of them.
 */
#include "unit/scarce.h"
#include "vigil.h"

#include <stdio.h>
#include <string.h>

/* What is made next is what it takes to ask; whether it is well is known only if that is tried again. */
static void run_out_when_ready(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_IS_READY)
        scarce_begin(1);
    if (event->kind == PK_SERVICE_NOT_WELL)
        snprintf(vigil->text, sizeof(vigil->text), "%s", event->text);
    if (event->kind == PK_SERVICE_NOT_WELL)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void who_cannot_be_asked_for_want_of_memory_is_asked_later(void **state)
{
    struct vigil vigil;
    pk_alive_options options = PK_ALIVE_OPTIONS_INIT;
    (void)state;
    options.interval = PK_MILLISECONDS(5);
    options.failures = 2;
    vigil_init(&vigil);
    vigil.react = run_out_when_ready;
    pk_service *web = vigil_add(&vigil, "web", "hold");
    pk_service_alive_take(web, pk_probe_http("http://127.0.0.1:1/", 200, 299), &options);
    vigil_run(&vigil);
    assert_true(scarce_end() > 1);
    assert_string_equal(vigil.diary, "web started, web ready, web not-well, web stops, web ended, web rests");
    assert_string_equal(vigil.text, "the connection to 127.0.0.1:1 was refused");
    vigil_free(&vigil);
}

static const struct test tests[] = {
    PK_TEST(who_cannot_be_asked_for_want_of_memory_is_asked_later),
};

PK_TEST_MAIN(tests)
