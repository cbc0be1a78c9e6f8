/*
 * Service files: what becomes of them, and when two say the same.
 */
#include "harness.h"
#include "reading.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* One service for everything that can be said. */
static const char good[] =
    "# Everything\n"
    "[defaults]\n"
    "grace = \"10s\"\n"
    "environment = { LANG = \"C\", PORT = 1 }\n"
    "restart = \"always\"\n"
    "[defaults.log]\n"
    "keep = 3\n"
    "[defaults.limits]\n"
    "memory-max = \"1G\"\n"
    "\n"
    "[service.web]\n"
    "command = [\"web\", \"--port\", \"8080\"]\n"
    "directory = \"web\"\n"
    "clear-environment = true\n"
    "unset-environment = \"HOME\"\n"
    "environment.PORT = 8080\n"
    "user = \"root\"\n"
    "group = 0\n"
    "groups = [\"root\", 1]\n"
    "umask = \"022\"\n"
    "nice = 5\n"
    "rlimit = { nofile = 1024, core = \"unlimited\", cpu = \"10:20\" }\n"
    "cpu-affinity = \"0\"\n"
    "ready = { http = \"http://localhost:8080/x\", status = [200, 204], timeout = \"forever\" }\n"
    "alive = { heartbeat = \"/run/beat\", most = \"10s\", failures = 2, interval = 1, timeout = \"500ms\" }\n"
    "notify = true\n"
    "watchdog = \"30s\"\n"
    "timeout = \"1d\"\n"
    "stop-signal = \"INT\"\n"
    "reload-signal = \"none\"\n"
    "leftovers = \"wait\"\n"
    "mechanism = \"reaper\"\n"
    "require = [\"whole-tree\", \"usage\"]\n"
    "limits = { pids-max = 100, cpu-max = 1.5, cpu-weight = 10, oom = \"one\" }\n"
    "needs = [\"database\", \"cache\"]\n"
    "[service.web.restart]\n"
    "most = 5\n"
    "burst = 3\n"
    "burst-time = \"1m\"\n"
    "first-pause = \"100ms\"\n"
    "most-pause = \"1m30s\"\n"
    "factor = 3\n"
    "jitter = false\n"
    "healthy = 10\n"
    "storm-failures = 4\n"
    "storm-time = \"5s\"\n"
    "storm-pause = \"2m\"\n"
    "[service.web.log]\n"
    "path = \"web.log\"\n"
    "most-bytes = \"1M\"\n"
    "times = false\n"
    "[service.database]\n"
    "command = [\"postgres\"]\n"
    "ready.port = \"127.0.0.1:5432\"\n"
    "[service.cache]\n"
    "command = [\"cache\"]\n"
    "log = \"none\"\n";

/* ---- What becomes of it -------------------------------------------------------------------------------------------
 */

static void all_settings_are_in_the_plan(void **state)
{
    struct service_plans plans;
    (void)state;
    take_services(good, &plans);
    assert_int_equal(plans.count, 3);
    const struct service_plan *plan = plans.items[0];
    assert_string_equal(plan->name, "web");
    assert_string_equal(pk_command_argv(plan->command)[2], "8080");
    assert_string_equal(pk_command_directory(plan->command), "/etc/web");
    assert_string_equal(pk_command_getenv(plan->command, "PORT"), "8080");
    assert_string_equal(pk_command_getenv(plan->command, "LANG"), "C");
    assert_true(plan->request.group.limits.memory_max == PK_GIBIBYTES(1));
    assert_int_equal(plan->request.group.limits.pids_max, 100);
    assert_true(plan->request.group.limits.cpu_max == 1.5);
    assert_int_equal(plan->request.group.limits.cpu_weight, 10);
    assert_int_equal(plan->request.group.limits.oom, PK_OOM_KILL_ONE);
    assert_int_equal(plan->request.group.mechanism, PK_MECHANISM_REAPER);
    assert_int_equal(plan->request.group.require, PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_USAGE);
    assert_true(plan->request.timeout == PK_SECONDS(86400));
    assert_int_equal(plan->ready.asks, ASKS_HTTP);
    assert_string_equal(plan->ready.text, "http://localhost:8080/x");
    assert_int_equal(plan->ready.first, 200);
    assert_int_equal(plan->ready.last, 204);
    assert_true(plan->ready_timeout == PK_FOREVER);
    assert_int_equal(plan->alive.asks, ASKS_HEARTBEAT);
    assert_string_equal(plan->alive.text, "/run/beat");
    assert_true(plan->alive.most == PK_SECONDS(10));
    assert_int_equal(plan->alive_options.failures, 2);
    assert_true(plan->alive_options.interval == PK_SECONDS(1));
    assert_true(plan->alive_options.timeout == PK_MILLISECONDS(500));
    assert_true(plan->notify);
    assert_true(plan->watchdog == PK_SECONDS(30));
    assert_int_equal(plan->reload_signal, 0);
    assert_int_equal(plan->need_count, 2);
    assert_string_equal(plan->needs[1].name, "cache");
    service_plans_free(&plans);
}

static void how_it_is_restarted_is_in_the_plan(void **state)
{
    struct service_plans plans;
    (void)state;
    take_services(good, &plans);
    const pk_restart_options *options = &plans.items[0]->restart;
    assert_int_equal(options->when, PK_RESTART_ALWAYS);
    assert_int_equal(options->most, 5);
    assert_int_equal(options->burst, 3);
    assert_true(options->burst_time == PK_MINUTES(1));
    assert_true(options->first_pause == PK_MILLISECONDS(100));
    assert_true(options->most_pause == PK_SECONDS(90));
    assert_int_equal(options->factor, 3);
    assert_false(options->jitter);
    assert_true(options->healthy == PK_SECONDS(10));
    assert_int_equal(options->storm_failures, 4);
    assert_true(options->storm_time == PK_SECONDS(5));
    assert_true(options->storm_pause == PK_MINUTES(2));
    assert_int_equal(plans.items[1]->restart.most, UINT_MAX);
    service_plans_free(&plans);
}

static void where_output_goes_is_in_the_plan(void **state)
{
    struct service_plans plans;
    (void)state;
    take_services(good, &plans);
    const struct service_plan *web = plans.items[0], *database = plans.items[1], *cache = plans.items[2];
    assert_int_equal(web->log, LOG_TO_FILE);
    assert_string_equal(web->log_path, "/etc/web.log");
    assert_true(web->log_options.most_bytes == 1 << 20);
    assert_int_equal(web->log_options.keep, 3);
    assert_false(web->log_options.times);
    assert_int_equal(database->log, LOG_TO_STDERR);
    assert_null(database->log_path);
    assert_int_equal(cache->log, LOG_TO_NOWHERE);
    service_plans_free(&plans);
}

static void each_way_of_being_ready_is_in_the_plan(void **state)
{
    static const struct {
        const char *text;
        const char *kept;
        enum asks asks;
        unsigned number;
    } ways[] = {
        {"port = 80", "localhost", ASKS_PORT, 80},
        {"port = \"80\"", "localhost", ASKS_PORT, 80},
        {"port = \"[::1]:80\"", "::1", ASKS_PORT, 80},
        {"socket = \"a\"", "/etc/a", ASKS_SOCKET, 1},
        {"path = \"/a\"", "/a", ASKS_PATH, 1},
        {"http = \"http://[::1]\"", "http://[::1]", ASKS_HTTP, 1},
        {"line = \"listening\"", "listening", ASKS_LINE, 1},
        {"line = \"listening\", from = \"stderr\"", "listening", ASKS_LINE, 2},
        {"fd = 3", NULL, ASKS_FD, 3},
        {"notify = true", NULL, ASKS_NOTIFY, 1},
        {"end = true", NULL, ASKS_END, 1},
        {"command = [\"true\"]", NULL, ASKS_COMMAND, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        char text[256];
        struct service_plans plans;
        snprintf(text, sizeof(text), "[service.a]\ncommand = [\"a\"]\nready = { %s }\n", ways[i].text);
        take_services(text, &plans);
        const struct question *ready = &plans.items[0]->ready;
        assert_int_equal(ready->asks, ways[i].asks);
        assert_int_equal(ready->number, ways[i].number);
        if (ways[i].kept)
            assert_string_equal(ready->text, ways[i].kept);
        service_plans_free(&plans);
    }
}

/* What asks is where the service is, and who it is; it has no part in how long that may run. */
static void commands_that_ask_are_born_as_the_service_is(void **state)
{
    struct service_plans plans;
    char shown[256];
    (void)state;
    take_services("[service.a]\nalive.command = [\"check\", \"-q\"]\ntimeout = 5\ncommand = [\"a\"]\n"
                  "directory = \"d\"\nenvironment.A = \"1\"\n",
                  &plans);
    const pk_command *command = plans.items[0]->alive.command;
    assert_string_equal(pk_command_directory(command), "/etc/d");
    assert_string_equal(pk_command_getenv(command, "A"), "1");
    assert_string_equal(pk_command_argv(command)[1], "-q");
    assert_null(strstr(pk_command_describe(command, shown, sizeof(shown)), "timeout"));
    assert_non_null(strstr(pk_command_describe(plans.items[0]->command, shown, sizeof(shown)), "timeout"));
    service_plans_free(&plans);
}

/* ---- The same -----------------------------------------------------------------------------------------------------
 */

/* Whether two services are the same, each of which has a command already. */
static bool are_same(const char *a, const char *b)
{
    struct service_plans plans[2];
    const char *texts[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof(text), "[service.a]\ncommand = [\"a\"]\n%s\n[service.b]\ncommand = [\"b\"]\n", texts[i]);
        take_services(text, &plans[i]);
    }
    bool same = service_plan_same(plans[0].items[0], plans[1].items[0]);
    assert_true(service_plan_same(plans[0].items[1], plans[1].items[1]));
    service_plans_free(&plans[0]);
    service_plans_free(&plans[1]);
    return same;
}

static void the_same_in_other_words_is_the_same(void **state)
{
    static const char *const same[][2] = {
        {"", "# nothing"},
        {"grace = 90", "grace = \"1m30s\""},
        {"grace = 1.5", "grace = \"1500ms\""},
        {"timeout = 1000000.0", "timeout = 1000000"},
        {"watchdog = 0.00001", "watchdog = \"10us\""},
        {"grace = \"3s\"\nnice = 1", "nice = 1\n\n  grace='3s' # long"},
        {"", "grace = \"2s\""},
        {"", "stop-signal = 15"},
        {"stop-signal = \"HUP\"", "stop-signal = \"sighup\""},
        {"", "restart = \"on-failure\""},
        {"restart = \"always\"", "restart.policy = \"always\""},
        {"", "restart.most-pause = \"30s\""},
        {"", "log = \"stderr\""},
        {"", "reload-signal = \"HUP\""},
        {"", "notify = false"},
        {"limits.memory-max = \"1G\"", "limits = { memory-max = 1073741824 }"},
        {"limits.cpu-max = 2", "limits.cpu-max = \"2.0\""},
        {"environment = { A = \"1\", B = 2 }", "environment.B = \"2\"\nenvironment.A = 1"},
        {"require = [\"usage\", \"cgroup\"]", "require = \"usage,cgroup\""},
        {"directory = \"/etc/x\"", "directory = \"x\""},
        {"ready.port = 80", "ready = { port = \"localhost:80\" }"},
        {"ready = { port = 80, timeout = 90 }", "ready = { port = \"80\" }"},
        {"log = \"x\"", "log = { path = \"/etc/x\", times = true }"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        if (!are_same(same[i][0], same[i][1]))
            fail_msg("%s\nis not\n%s", same[i][0], same[i][1]);
}

static void something_else_is_not_the_same(void **state)
{
    static const char *const other[][2] = {
        {"", "grace = \"3s\""},
        {"", "environment.A = \"\""},
        {"environment.A = \"1\"", "environment.A = \"2\""},
        {"environment.\"A\\nB\" = \"1\"", "environment.\"A\\\\nB\" = \"1\""},
        {"environment.A = \"1\\nB = 2\"", "environment.A = \"1\"\nenvironment.B = 2"},
        {"ready.port = 80", "ready.port = 81"},
        {"ready.path = \"/x\"", "ready.socket = \"/x\""},
        {"ready.line = \"x\"", "ready = { line = \"x\", from = \"stderr\" }"},
        {"alive.command = [\"a\", \"b\"]", "alive.command = [\"a b\"]"},
        {"alive.command = [\"a\", \"b\"]", "alive.command = [\"a\\\" \\\"b\"]"},
        {"", "log = \"none\""},
        {"log = \"x\"", "log = { path = \"x\", times = false }"},
        {"", "log.times = true"},
        {"", "reload-signal = \"none\""},
        {"", "restart.jitter = false"},
        {"", "needs = [\"b\"]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (are_same(other[i][0], other[i][1]))
            fail_msg("%s\nis\n%s", other[i][0], other[i][1]);
}

/* Of a service with this env-file. */
static void take_with_variables(const char *variables, struct service_plans *plans)
{
    char text[512];
    FILE *file = fopen(scratch("variables"), "w");
    fputs(variables, file);
    fclose(file);
    snprintf(text, sizeof(text), "[service.a]\ncommand = [\"a\"]\nenv-file = \"%s\"\n", scratch("variables"));
    take_services(text, plans);
}

/* The service file has not changed then, but the service would have other variables. */
static void what_is_in_an_env_file_is_a_setting(void **state)
{
    static const struct {
        const char *first, *second;
        bool same;
    } rows[] = {
        {"# one\nA=1\n", "A=2\n", false},   {"A=1\nA=2\n", "A=2\nA=1\n", false},         {"A=1\nA=2\n", "A=2\n", true},
        {"B=1\nA=2\n", "A=2\nB=1\n", true}, {"A=1\nA B=1\nA=2\n", "A=2\nA B=1\n", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct service_plans plans[2];
        take_with_variables(rows[i].first, &plans[0]);
        take_with_variables(rows[i].second, &plans[1]);
        assert_string_equal(pk_command_getenv(plans[1].items[0]->command, "A"), i == 1 ? "1" : "2");
        if (service_plan_same(plans[0].items[0], plans[1].items[0]) != rows[i].same)
            fail_msg("%s and %s", rows[i].first, rows[i].second);
        service_plans_free(&plans[0]);
        service_plans_free(&plans[1]);
    }
}

/* ---- Defaults -----------------------------------------------------------------------------------------------------
 */

static void defaults_fill_gaps(void **state)
{
    struct service_plans plans;
    (void)state;
    take_services("[defaults]\nready.path = \"/x\"\nrestart = { policy = \"never\", most = 3 }\nlog.keep = 9\n"
                  "environment = { A = 1, B = 1 }\n"
                  "[service.a]\ncommand = [\"a\"]\n"
                  "[service.b]\ncommand = [\"b\"]\nready.port = 80\nrestart = \"always\"\nlog = \"b.log\"\n"
                  "environment.B = 2\n",
                  &plans);
    const struct service_plan *a = plans.items[0], *b = plans.items[1];
    assert_int_equal(a->ready.asks, ASKS_PATH);
    assert_int_equal(a->restart.when, PK_RESTART_NEVER);
    assert_int_equal(a->log_options.keep, 9);
    assert_int_equal(b->ready.asks, ASKS_PORT);
    assert_int_equal(b->restart.when, PK_RESTART_ALWAYS);
    assert_int_equal(b->restart.most, 3);
    assert_string_equal(b->log_path, "/etc/b.log");
    assert_int_equal(b->log_options.keep, 9);
    assert_string_equal(pk_command_getenv(b->command, "A"), "1");
    assert_string_equal(pk_command_getenv(b->command, "B"), "2");
    service_plans_free(&plans);
}

/* ---- Whole files --------------------------------------------------------------------------------------------------
 */

/* Valid, or one line or more, each of which says where. */
static void a_file_may_be_cut_short_anywhere(void **state)
{
    size_t valid = 0;
    (void)state;
    for (size_t length = 0; length < sizeof(good) - 1; length++) {
        struct service_plans plans;
        char *exact = malloc(length ? length : 1); /* so that a byte more is seen */
        memcpy(exact, good, length);
        const char *said = read_services(exact, length, &plans);
        for (const char *line = said; *line; line = strchrnul(line, '\n') + (strchr(line, '\n') != NULL)) {
            unsigned at, column;
            if (sscanf(line, "%u:%u: %*c", &at, &column) != 2 || at == 0 || column == 0)
                fail_msg("%s", line);
        }
        valid += *said == '\0';
        service_plans_free(&plans);
        free(exact);
    }
    assert_in_range(valid, 1, 200); /* at the ends of the last lines */
}

static void any_byte_may_be_another(void **state)
{
    static const char others[] = {'\0', '\n', '"', '\'', '[', ']', '{', '=', '.', ',', '#', '\\', '\xc3', '\xff', '9'};
    char *text = strdup(good);
    (void)state;
    for (size_t at = 0; at < sizeof(good) - 1; at++) {
        struct service_plans plans;
        text[at] = others[(at * 7) % sizeof(others)];
        read_services(text, sizeof(good) - 1, &plans);
        service_plans_free(&plans);
        text[at] = good[at];
    }
    free(text);
}

static void ten_thousand_services_can_be_read(void **state)
{
    enum { COUNT = 10000 };
    struct service_plans plans;
    char *text = malloc(COUNT * 96), *end = text;
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        end += sprintf(end, "[service.s%d]\ncommand = [\"sleep\", \"%d\"]\n", i, i);
        if (i > 0)
            end += sprintf(end, "needs = [\"s%d\"]\n", i - 1);
    }
    take_services(text, &plans);
    assert_int_equal(plans.count, COUNT);
    assert_string_equal(plans.items[COUNT - 1]->needs[0].name, "s9998");
    assert_ptr_equal(service_plans_find(&plans, "s5000"), plans.items[5000]);
    assert_null(service_plans_find(&plans, "s10000"));
    service_plans_free(&plans);
    free(text);
}

static void long_circles_are_told_shortly(void **state)
{
    struct service_plans plans;
    char text[4096], *end = text;
    (void)state;
    for (int i = 0; i < 20; i++)
        end += sprintf(end, "[service.s%d]\ncommand = [\"a\"]\nneeds = [\"s%d\"]\n", i, (i + 1) % 20);
    assert_string_equal(read_services(text, strlen(text), &plans),
                        "60:10: services need each other in a circle: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> "
                        "... -> s0");
}

/* ---- Files --------------------------------------------------------------------------------------------------------
 */

static void relative_paths_begin_where_the_file_is(void **state)
{
    struct service_plans plans;
    char expected[512];
    (void)state;
    FILE *file = fopen("services.toml", "w");
    fputs("[service.a]\ncommand = [\"./a\"]\nlog = \"a.log\"\n", file);
    fclose(file);
    assert_int_equal(service_file_read("services.toml", &plans), 0);
    char *here = realpath(".", NULL);
    snprintf(expected, sizeof(expected), "%s/a.log", here);
    assert_string_equal(plans.items[0]->log_path, expected);
    assert_string_equal(pk_command_program(plans.items[0]->command), "./a");
    service_plans_free(&plans);
    free(here);
}

static void files_that_cannot_be_read_are_told(void **state)
{
    struct service_plans plans;
    (void)state;
    assert_int_equal(service_file_read("no-such-file", &plans), -1);
    assert_null(plans.items);
    assert_int_equal(service_file_read("/", &plans), -1);
    assert_int_equal(service_file_read("/dev/zero", &plans), -1);
}

static void secrets_are_not_shown(void **state)
{
    struct service_plans plans;
    char *shown = NULL;
    size_t size;
    (void)state;
    take_services(
        "[service.a]\ncommand = [\"a\", \"tops3cret\", \"x \\\" y\"]\nenvironment.KEY = \"tops3cret\"\n"
        "[service.b]\ncommand = [\"b\"]\nlog = \"none\"\n"
        "[service.c]\ncommand = [\"c\"]\nready.command = [\"ask\", \"tops3cret\"]\n"
        "alive.command = [\"ask\"]\nenvironment = { \"A\\nB\" = \"tops3cret\", \"C\\\" \\\\D\" = \"tops3cret\" }\n",
        &plans);
    FILE *out = open_memstream(&shown, &size);
    service_plans_show(&plans, out);
    fclose(out);
    assert_string_equal(shown, "a:\n  command = \"a\", 2 arguments\n  environment.KEY\n"
                               "b:\n  command = \"b\", 0 arguments\n  log.path = \"none\"\n"
                               "c:\n  alive.command = \"ask\", 0 arguments\n  command = \"c\", 0 arguments\n"
                               "  environment.A\\nB\n  environment.C\\\" \\\\D\n"
                               "  ready.command = \"ask\", 1 argument\n");
    free(shown);
    service_plans_free(&plans);
}

static const struct test tests[] = {
    PK_TEST(all_settings_are_in_the_plan),
    PK_TEST(how_it_is_restarted_is_in_the_plan),
    PK_TEST(where_output_goes_is_in_the_plan),
    PK_TEST(each_way_of_being_ready_is_in_the_plan),
    PK_TEST(commands_that_ask_are_born_as_the_service_is),
    PK_TEST(the_same_in_other_words_is_the_same),
    PK_TEST(something_else_is_not_the_same),
    PK_TEST(what_is_in_an_env_file_is_a_setting),
    PK_TEST(defaults_fill_gaps),
    PK_TEST(a_file_may_be_cut_short_anywhere),
    PK_TEST(any_byte_may_be_another),
    PK_TEST(ten_thousand_services_can_be_read),
    PK_TEST(long_circles_are_told_shortly),
    PK_TEST(relative_paths_begin_where_the_file_is),
    PK_TEST(files_that_cannot_be_read_are_told),
    PK_TEST(secrets_are_not_shown),
};
PK_TEST_MAIN(tests)
