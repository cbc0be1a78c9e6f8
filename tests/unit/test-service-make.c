/*
 * Plans become services: what is asked of the library, in what order. Its functions are played by this file.
 */
#include "harness.h"
#include "reading.h"
#include "service-make.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The library, played -------------------------------------------------------------------------------------------
 */

static char calls[4096];
static pk_match_callback match;
static void *match_data;

static void note(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

static void note(const char *format, ...)
{
    size_t length = strlen(calls);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(calls + length, sizeof(calls) - length, format, arguments);
    va_end(arguments);
}

#define PLAYED(type, name, ...)      \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

static char thing; /* all handles */

PLAYED(pk_service *, pk_supervisor_add, pk_supervisor *supervisor, const char *name, const pk_command *command)
{
    note("add %s %s\n", name, pk_command_program(command));
    return (pk_service *)(void *)&thing;
}

PLAYED(void, pk_service_restarts, pk_service *service, const pk_restart_options *options)
{
    if (options->when != PK_RESTART_ON_FAILURE || options->most != UINT_MAX)
        note("restarts %d %u\n", (int)options->when, options->most);
}

static pk_probe *a_probe(void)
{
    return (pk_probe *)(void *)&thing;
}

PLAYED(pk_probe *, pk_probe_port, const char *host, unsigned port)
{
    note("port %s %u\n", host, port);
    return a_probe();
}

PLAYED(pk_probe *, pk_probe_socket, const char *path)
{
    note("socket %s\n", path);
    return a_probe();
}

PLAYED(pk_probe *, pk_probe_path, const char *path)
{
    note("path %s\n", path);
    return a_probe();
}

PLAYED(pk_probe *, pk_probe_http, const char *url, unsigned first, unsigned last)
{
    note("http %s %u %u\n", url, first, last);
    return a_probe();
}

PLAYED(pk_probe *, pk_probe_command, const pk_command *command)
{
    note("command %s\n", pk_command_program(command));
    return a_probe();
}

PLAYED(pk_probe *, pk_probe_heartbeat, const char *path, pk_duration most)
{
    note("heartbeat %s %llu\n", path, (unsigned long long)(most / PK_SECONDS(1)));
    return a_probe();
}

PLAYED(void, pk_service_ready_take, pk_service *service, pk_probe *probe)
{
    note("ready probe\n");
}

PLAYED(void, pk_service_ready_line, pk_service *service, int fd, pk_match_callback callback, void *data)
{
    note("ready line %d\n", fd);
    match = callback;
    match_data = data;
}

PLAYED(void, pk_service_ready_fd, pk_service *service, int fd)
{
    note("ready fd %d\n", fd);
}

PLAYED(void, pk_service_ready_notify, pk_service *service)
{
    note("ready notify\n");
}

PLAYED(void, pk_service_ready_end, pk_service *service)
{
    note("ready end\n");
}

PLAYED(void, pk_service_ready_timeout, pk_service *service, pk_duration timeout)
{
    note("ready timeout %llu\n", (unsigned long long)(timeout / PK_SECONDS(1)));
}

PLAYED(void, pk_service_alive_take, pk_service *service, pk_probe *probe, const pk_alive_options *options)
{
    note("alive probe %u\n", options->failures);
}

PLAYED(void, pk_service_notify, pk_service *service)
{
    note("notify\n");
}

PLAYED(void, pk_service_watchdog, pk_service *service, pk_duration most)
{
    note("watchdog %llu\n", (unsigned long long)(most / PK_SECONDS(1)));
}

PLAYED(void, pk_service_needs, pk_service *service, const char *name)
{
    note("needs %s\n", name);
}

PLAYED(void, pk_service_log, pk_service *service, const pk_log_options *options)
{
    note("log %s %u %s\n", options->path ? options->path : "stderr", options->keep,
         options->times ? "times" : "no times");
}

PLAYED(void, pk_service_reload_signal, pk_service *service, int number)
{
    if (number != 1)
        note("reload %d\n", number);
}

/* ---- The tests -----------------------------------------------------------------------------------------------------
 */

/* What is called for one service with these settings; its plan is freed with `plans`. */
static const char *make(const char *settings, struct service_plans *plans)
{
    char text[1024];
    snprintf(text, sizeof(text), "[service.a]\ncommand = [\"program\"]\n%s\n[service.b]\ncommand = [\"b\"]\n",
             settings);
    take_services(text, plans);
    calls[0] = '\0';
    assert_ptr_equal(service_plan_make(plans->items[0], NULL), &thing);
    return calls;
}

static void settings_reach_the_library(void **state)
{
    static const struct {
        const char *settings, *calls;
    } cases[] = {
        {"", "log stderr 5 no times\n"},
        {"log = \"inherit\"", ""},
        {"log = \"none\"", ""},
        {"log = \"a.log\"", "log /etc/a.log 5 times\n"},
        {"log = { path = \"/a\", keep = 2, times = false }", "log /a 2 no times\n"},
        {"log = { times = true }", "log stderr 5 times\n"},
        {"log = \"none\"\nrestart = { policy = \"never\", most = 3 }", "restarts 2 3\n"},
        {"log = \"none\"\nready.port = 80", "port localhost 80\nready probe\nready timeout 90\n"},
        {"log = \"none\"\nready.socket = \"/s\"", "socket /s\nready probe\nready timeout 90\n"},
        {"log = \"none\"\nready.path = \"/s\"", "path /s\nready probe\nready timeout 90\n"},
        {"log = \"none\"\nready.http = \"http://[::1]/\"",
         "http http://[::1]/ 200 299\nready probe\nready timeout 90\n"},
        {"log = \"none\"\nready.command = [\"ask\"]", "command ask\nready probe\nready timeout 90\n"},
        {"log = \"none\"\nready = { fd = 3, timeout = 5 }", "ready fd 3\nready timeout 5\n"},
        {"log = \"none\"\nready = { notify = true }", "ready notify\nready timeout 90\nnotify\n"},
        {"log = \"none\"\nready = { end = true }", "ready end\n"},
        {"log = \"none\"\nalive = { heartbeat = \"/b\", most = 7, failures = 2 }", "heartbeat /b 7\nalive probe 2\n"},
        {"log = \"none\"\nalive.command = [\"ask\"]", "command ask\nalive probe 3\n"},
        {"log = \"none\"\nnotify = true", "notify\n"},
        {"log = \"none\"\nwatchdog = 9", "notify\nwatchdog 9\n"},
        {"log = \"none\"\nneeds = [\"b\"]", "needs b\n"},
        {"log = \"none\"\nreload-signal = \"USR1\"", "reload 10\n"},
        {"log = \"none\"\nreload-signal = \"none\"", "reload 0\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[512];
        struct service_plans plans;
        snprintf(expected, sizeof(expected), "add a program\n%s", cases[i].calls);
        const char *found = make(cases[i].settings, &plans);
        if (strcmp(found, expected) != 0)
            fail_msg("%s\n%sinstead of\n%s", cases[i].settings, found, expected);
        service_plans_free(&plans);
    }
}

static void a_line_is_taken_by_what_it_contains(void **state)
{
    struct service_plans plans;
    (void)state;
    make("ready = { line = \"ready now\", from = \"stderr\" }", &plans);
    assert_non_null(strstr(calls, "ready line 2\n"));
    assert_true(match(&(pk_line){.text = "I am ready now.", .length = 15}, match_data));
    assert_false(match(&(pk_line){.text = "I am ready now.", .length = 13}, match_data));
    assert_false(match(&(pk_line){.text = "", .length = 0}, match_data));
    service_plans_free(&plans);
}

static const struct test tests[] = {
    PK_TEST(settings_reach_the_library),
    PK_TEST(a_line_is_taken_by_what_it_contains),
};
PK_TEST_MAIN(tests)
