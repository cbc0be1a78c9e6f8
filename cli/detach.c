/*
 * Starting, listing and stopping detached commands.
 */
#include "detach.h"

#include "ending.h"
#include "message.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- pk run --detach -------------------------------------------------------------------------------------------- */

/* What a detached command is born with; everything else is about the time after, when pk is gone. */
static bool is_for_birth(const char *option)
{
    static const char *const names[] = {"detach", "chdir",  "env",   "unset-env",    "clear-env", "env-file", "uid",
                                        "gid",    "groups", "umask", "nice",         "rlimit",    "setsid",   "stdin",
                                        "stdout", "stderr", "quiet", "cpu-affinity", "verbose"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], option) == 0)
            return true;
    return false;
}

int detach_check(const struct given *given)
{
    for (size_t i = 0; i < given->count; i++) {
        const char *name = given->options[i].row->name;
        if (is_for_birth(name))
            continue;
        say("--%s cannot be had with --detach: pk does not stay for it", name);
        return -1;
    }
    return 0;
}

int detach_run(const struct run_request *request)
{
    pk_detached detached;
    pk_error error;
    if (pk_command_detach(request->command, request->detach, &detached, &error) < 0) {
        say("%s", error.message);
        return status_of_error(&error);
    }
    if (request->common.verbose)
        say("pid %d, detached as %s in %s", detached.pid, detached.name, detached.path);
    return 0;
}

/* ---- pk list ---------------------------------------------------------------------------------------------------- */

static int apply_json(void *target, const char *value)
{
    (void)value;
    *(bool *)target = true;
    return 0;
}

static const struct option_row list_options[] = {
    {"json", 0, NULL, apply_json, "print JSON"},
    {NULL, 0, NULL, NULL, NULL},
};

static const char *format_time(const pk_detached *detached, char buffer[32])
{
    time_t seconds = (time_t)detached->started;
    struct tm local;
    if (detached->started == 0 || !localtime_r(&seconds, &local) ||
        strftime(buffer, 32, "%Y-%m-%d %H:%M:%S", &local) == 0)
        strcpy(buffer, "unknown");
    return buffer;
}

/* Paths are bytes; what is not UTF-8, or could harm a terminal, is escaped. */
static const char *safe(const char *text)
{
    static char buffer[PK_DETACHED_PATH_SIZE];
    return pk_format_text(text, buffer, sizeof(buffer));
}

static int print_line(const pk_detached *detached, void *data)
{
    char pid[16] = "-", started[32];
    bool *headed = data;
    if (!*headed)
        printf("%-24s %8s %8s  %-19s  %s\n", "NAME", "LEADER", "MEMBERS", "STARTED", "DIRECTORY");
    *headed = true;
    if (detached->pid > 0)
        snprintf(pid, sizeof(pid), "%d", detached->pid);
    printf("%-24s %8s %8d  %-19s  %s\n", detached->name, pid, detached->members, format_time(detached, started),
           safe(detached->path));
    return 0;
}

static json_t *known_or_null(uint64_t number)
{
    return number ? json_integer((json_int_t)number) : json_null();
}

static int append(const pk_detached *detached, void *data)
{
    json_array_append_new(data, json_pack("{s:s, s:o, s:i, s:o, s:s}", "name", detached->name, "leader",
                                          known_or_null((uint64_t)detached->pid), "members", detached->members,
                                          "started", known_or_null(detached->started), "path", safe(detached->path)));
    return 0;
}

static int list_json(pk_error *error)
{
    json_t *list = json_array();
    int r = pk_detached_each(append, list, error);
    json_t *json = json_pack("{s:i, s:o}", "schema_version", 1, "detached", list);
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
    return r;
}

static int list(bool json)
{
    pk_error error;
    bool headed = false;
    int r = json ? list_json(&error) : pk_detached_each(print_line, &headed, &error);
    int status = finish_output();
    if (r < 0) {
        say("%s", error.message);
        status = STATUS_FAILED;
    }
    return status;
}

int list_main(int argc, char **argv)
{
    struct given given;
    bool json = false;
    int status;
    if (options_parse(argc, argv, list_options, "[OPTION...]", &given, &status) == 0) {
        status = STATUS_FAILED;
        if (given.rest && given.rest[0])
            say("list takes no argument such as '%s' (see pk list --help)", given.rest[0]);
        else if (options_apply(&given, &json) == 0)
            status = list(json);
    }
    options_free(&given);
    return status;
}

/* ---- pk stop ---------------------------------------------------------------------------------------------------- */

static int apply_signal(void *target, const char *value)
{
    pk_error error;
    if (pk_parse_signal(value, &((pk_stop_options *)target)->signal_number, &error) == 0)
        return 0;
    say("--signal: %s", error.message);
    return -1;
}

static int apply_grace(void *target, const char *value)
{
    pk_error error;
    if (pk_parse_duration(value, &((pk_stop_options *)target)->grace, &error) == 0)
        return 0;
    say("--grace: %s", error.message);
    return -1;
}

static const struct option_row stop_options[] = {
    {"signal", 's', "SIG", apply_signal, "the soft signal (default TERM)"},
    {"grace", 'k', "DUR", apply_grace, "from the soft signal to the hard kill (default 2s; 0: kill at once)"},
    {NULL, 0, NULL, NULL, NULL},
};

static int stop(const char *name, const pk_stop_options *options)
{
    pk_error error;
    if (pk_detached_stop(name, options, NULL, &error) == 0)
        return 0;
    say("%s", error.message);
    return STATUS_FAILED;
}

int stop_main(int argc, char **argv)
{
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    struct given given;
    int status;
    if (options_parse(argc, argv, stop_options, "[OPTION...] NAME", &given, &status) == 0) {
        status = STATUS_FAILED;
        if (!given.rest || !given.rest[0] || given.rest[1])
            say("one name is expected (see pk stop --help)");
        else if (options_apply(&given, &options) == 0)
            status = stop(given.rest[0], &options);
    }
    options_free(&given);
    return status;
}
