/*
 * How one service is kept alive, from the words of the command line.
 */
#include "apply-service.h"

#include "address.h"
#include "message.h"
#include "values.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct service_plan *plan_of(void *target)
{
    return ((struct supervise_request *)target)->plan;
}

static int read_count(const char *option, const char *value, uint64_t least, uint64_t most, unsigned *count)
{
    uint64_t number;
    if (value_number(option, value, least, most, &number) < 0)
        return -1;
    *count = (unsigned)number;
    return 0;
}

static int copy_text(const char *option, const char *value, char **text)
{
    if (*value == '\0') {
        say("%s: there is nothing in it", option);
        return -1;
    }
    free(*text);
    *text = strdup(value);
    if (!*text)
        say("out of memory");
    return *text ? 0 : -1;
}

/* ---- Again ------------------------------------------------------------------------------------------------------ */

/* With a file it is an errand, and the word a name: that is seen when all is read. */
static int apply_restart(void *target, const char *value)
{
    ((struct supervise_request *)target)->policy = value;
    return 0;
}

static int apply_max_restarts(void *target, const char *value)
{
    return read_count("--max-restarts", value, 0, UINT_MAX - 1, &plan_of(target)->restart.most);
}

static int apply_burst(void *target, const char *value)
{
    pk_restart_options *restart = &plan_of(target)->restart;
    return value_rate("--burst", value, PK_RESTART_WINDOW, &restart->burst, &restart->burst_time);
}

static int read_pause(const char *option, const char *value, pk_duration *pause)
{
    pk_error error;
    return pk_parse_duration(value, pause, &error) < 0 ? say_refused(option, &error) : 0;
}

static int apply_first_pause(void *target, const char *value)
{
    return read_pause("--first-pause", value, &plan_of(target)->restart.first_pause);
}

static int apply_most_pause(void *target, const char *value)
{
    return read_pause("--most-pause", value, &plan_of(target)->restart.most_pause);
}

static int apply_healthy(void *target, const char *value)
{
    return read_pause("--healthy", value, &plan_of(target)->restart.healthy);
}

/* "5/30s/2m" */
static int apply_storm(void *target, const char *value)
{
    char rate[64];
    pk_restart_options *restart = &plan_of(target)->restart;
    const char *last = strrchr(value, '/');
    if (!last || strchr(value, '/') == last || last - value >= (long)sizeof(rate)) {
        say("--storm '%s': N/DUR/PAUSE is expected, such as 5/30s/2m", value);
        return -1;
    }
    snprintf(rate, sizeof(rate), "%.*s", (int)(last - value), value);
    if (value_rate("--storm", rate, PK_RESTART_WINDOW, &restart->storm_failures, &restart->storm_time) < 0)
        return -1;
    return read_pause("--storm", last + 1, &restart->storm_pause);
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

/* Each question is asked in one way only. */
static int choose(const char **chosen, const char *option, struct question *question, enum asks asks)
{
    if (*chosen) {
        say("%s: there is %s already, and only one of them can be", option, *chosen);
        return -1;
    }
    *chosen = option;
    question->asks = asks;
    return 0;
}

/* "8080", "127.0.0.1:8080", "[::1]:8080" */
static int read_port(const char *option, const char *value, struct question *question)
{
    char address[128];
    snprintf(address, sizeof(address), "%s", value);
    const char *host = address_split(address, &question->number);
    if (host)
        return copy_text(option, host, &question->text);
    say("%s '%s': a port from 1 to 65535 is expected, or ADDRESS:PORT, where the address is a number or localhost",
        option, value);
    return -1;
}

/* ---- Ready ------------------------------------------------------------------------------------------------------ */

static struct question *choose_ready(void *target, const char *option, enum asks asks)
{
    struct supervise_request *request = target;
    struct question *question = &request->plan->ready;
    return choose(&request->ready_option, option, question, asks) < 0 ? NULL : question;
}

static int apply_ready_port(void *target, const char *value)
{
    struct question *question = choose_ready(target, "--ready-port", ASKS_PORT);
    return question ? read_port("--ready-port", value, question) : -1;
}

static int apply_ready_socket(void *target, const char *value)
{
    struct question *question = choose_ready(target, "--ready-socket", ASKS_SOCKET);
    return question ? copy_text("--ready-socket", value, &question->text) : -1;
}

static int apply_ready_path(void *target, const char *value)
{
    struct question *question = choose_ready(target, "--ready-path", ASKS_PATH);
    return question ? copy_text("--ready-path", value, &question->text) : -1;
}

static int apply_ready_http(void *target, const char *value)
{
    struct question *question = choose_ready(target, "--ready-http", ASKS_HTTP);
    return question ? copy_text("--ready-http", value, &question->text) : -1;
}

static int apply_ready_command(void *target, const char *value)
{
    struct question *question = choose_ready(target, "--ready-command", ASKS_COMMAND);
    return question ? copy_text("--ready-command", value, &question->text) : -1;
}

static int read_line(void *target, const char *option, const char *value, unsigned fd)
{
    struct question *question = choose_ready(target, option, ASKS_LINE);
    if (!question)
        return -1;
    question->number = fd;
    return copy_text(option, value, &question->text);
}

static int apply_ready_line(void *target, const char *value)
{
    return read_line(target, "--ready-line", value, 1);
}

static int apply_ready_stderr_line(void *target, const char *value)
{
    return read_line(target, "--ready-stderr-line", value, 2);
}

static int apply_ready_fd(void *target, const char *value)
{
    struct question *question = choose_ready(target, "--ready-fd", ASKS_FD);
    return question ? read_count("--ready-fd", value, 3, 65535, &question->number) : -1;
}

static int apply_ready_notify(void *target, const char *value)
{
    (void)value;
    return choose_ready(target, "--ready-notify", ASKS_NOTIFY) ? 0 : -1;
}

static int apply_ready_timeout(void *target, const char *value)
{
    if (strcmp(value, "forever") == 0) {
        plan_of(target)->ready_timeout = PK_FOREVER;
        return 0;
    }
    return value_duration("--ready-timeout", value, &plan_of(target)->ready_timeout);
}

/* ---- Well ------------------------------------------------------------------------------------------------------- */

static struct question *choose_alive(void *target, const char *option, enum asks asks)
{
    struct supervise_request *request = target;
    struct question *question = &request->plan->alive;
    return choose(&request->alive_option, option, question, asks) < 0 ? NULL : question;
}

static int apply_alive_port(void *target, const char *value)
{
    struct question *question = choose_alive(target, "--alive-port", ASKS_PORT);
    return question ? read_port("--alive-port", value, question) : -1;
}

static int apply_alive_socket(void *target, const char *value)
{
    struct question *question = choose_alive(target, "--alive-socket", ASKS_SOCKET);
    return question ? copy_text("--alive-socket", value, &question->text) : -1;
}

static int apply_alive_http(void *target, const char *value)
{
    struct question *question = choose_alive(target, "--alive-http", ASKS_HTTP);
    return question ? copy_text("--alive-http", value, &question->text) : -1;
}

static int apply_alive_command(void *target, const char *value)
{
    struct question *question = choose_alive(target, "--alive-command", ASKS_COMMAND);
    return question ? copy_text("--alive-command", value, &question->text) : -1;
}

/* "30s:/run/beat" */
static int apply_alive_heartbeat(void *target, const char *value)
{
    char time[64];
    struct question *question = choose_alive(target, "--alive-heartbeat", ASKS_HEARTBEAT);
    const char *colon = strchr(value, ':');
    if (!question)
        return -1;
    if (!colon || colon - value >= (long)sizeof(time)) {
        say("--alive-heartbeat '%s': DUR:FILE is expected, such as 30s:/run/beat", value);
        return -1;
    }
    snprintf(time, sizeof(time), "%.*s", (int)(colon - value), value);
    if (value_duration("--alive-heartbeat", time, &question->most) < 0)
        return -1;
    return copy_text("--alive-heartbeat", colon + 1, &question->text);
}

static int apply_alive_interval(void *target, const char *value)
{
    return value_duration("--alive-interval", value, &plan_of(target)->alive_options.interval);
}

static int apply_alive_timeout(void *target, const char *value)
{
    return value_duration("--alive-timeout", value, &plan_of(target)->alive_options.timeout);
}

static int apply_alive_failures(void *target, const char *value)
{
    return read_count("--alive-failures", value, 1, UINT_MAX, &plan_of(target)->alive_options.failures);
}

static int apply_watchdog(void *target, const char *value)
{
    plan_of(target)->notify = true;
    return value_duration("--watchdog", value, &plan_of(target)->watchdog);
}

/* ---- Reloading and logs ----------------------------------------------------------------------------------------- */

static int apply_name(void *target, const char *value)
{
    return copy_text("--name", value, &plan_of(target)->name);
}

static int apply_reload_signal(void *target, const char *value)
{
    struct service_plan *plan = plan_of(target);
    pk_error error;
    if (strcmp(value, "none") == 0) {
        plan->reload_signal = 0;
        return 0;
    }
    return pk_parse_signal(value, &plan->reload_signal, &error) < 0 ? say_refused("--reload-signal", &error) : 0;
}

static int apply_log(void *target, const char *value)
{
    struct service_plan *plan = plan_of(target);
    plan->log = LOG_TO_FILE;
    plan->log_options.times = true;
    return copy_text("--log", value, &plan->log_path);
}

static int apply_log_max(void *target, const char *value)
{
    pk_error error;
    if (pk_parse_size(value, &plan_of(target)->log_options.most_bytes, &error) < 0)
        return say_refused("--log-max", &error);
    return 0;
}

static int apply_log_keep(void *target, const char *value)
{
    enum { MOST_LOGS = 1000 };
    return read_count("--log-keep", value, 0, MOST_LOGS, &plan_of(target)->log_options.keep);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

/* What makes no sense without any of those options. */
static int check_detail(const struct given *given, const char *detail, bool has_master, const char *masters)
{
    if (has_master || !options_have(given, detail))
        return 0;
    say("--%s is about %s, which was not given", detail, masters);
    return -1;
}

static int check_log(const struct supervise_request *request)
{
    const struct given *given = &request->given;
    const char *other = options_have(given, "stdout") ? "stdout" : options_have(given, "stderr") ? "stderr" : NULL;
    if (request->plan->log == LOG_TO_FILE && other) {
        say("--log and --%s: what it writes goes to one of them", other);
        return -1;
    }
    if (check_detail(given, "log-max", request->plan->log == LOG_TO_FILE, "--log") < 0)
        return -1;
    return check_detail(given, "log-keep", request->plan->log == LOG_TO_FILE, "--log");
}

static int check_alive(const struct supervise_request *request)
{
    static const char *const details[] = {"alive-interval", "alive-timeout", "alive-failures"};
    for (unsigned i = 0; i < sizeof(details) / sizeof(details[0]); i++)
        if (check_detail(&request->given, details[i], request->alive_option, "--alive-port and its like") < 0)
            return -1;
    return 0;
}

/* The words of a shell: there is no other way to give a command within one word. It is run as the service is, and what
 * it says is not for those who read what that says. */
static int make_asking_command(struct question *question, const pk_command *command)
{
    if (question->asks != ASKS_COMMAND)
        return 0;
    question->command = pk_command_copy(command);
    if (!question->command) {
        say("out of memory");
        return -1;
    }
    pk_command_set_argv(question->command, (const char *const[]){"/bin/sh", "-c", question->text, NULL});
    for (int fd = 0; fd <= 2; fd++)
        pk_command_null(question->command, fd);
    pk_command_leftovers(question->command, PK_LEFTOVERS_KILL);
    return 0;
}

int service_options_finish(const struct supervise_request *request)
{
    static const char *const words[] = {
        [PK_RESTART_ON_FAILURE] = "on-failure", [PK_RESTART_ALWAYS] = "always", [PK_RESTART_NEVER] = "never", NULL};
    unsigned which;
    if (request->policy) {
        if (value_word("--restart", request->policy, words, "on-failure, always or never", &which) < 0)
            return -1;
        request->plan->restart.when = (pk_restart)which;
    }
    if (check_alive(request) < 0 || check_log(request) < 0)
        return -1;
    struct service_plan *plan = request->plan;
    if (make_asking_command(&plan->ready, plan->command) < 0)
        return -1;
    return make_asking_command(&plan->alive, plan->command);
}

const struct option_row restart_options[] = {
    {"restart", 0, "WHEN", apply_restart,
     "start it again on-failure (default), always or never; with --file see above"},
    {"max-restarts", 0, "N", apply_max_restarts, "at most so often (default: any number)"},
    {"burst", 0, "N/DUR", apply_burst, "at most so often in that time, such as 5/1m"},
    {"first-pause", 0, "DUR", apply_first_pause, "before the first restart (default 200ms); each is twice as long"},
    {"most-pause", 0, "DUR", apply_most_pause, "but never longer than this (default 30s)"},
    {"healthy", 0, "DUR", apply_healthy, "a run of that time begins anew with the pauses (default 30s)"},
    {"storm", 0, "N/DUR/PAUSE", apply_storm, "after so many failures in that time the pause is this long: 5/30s/2m"},
    {.name = NULL},
};

const struct option_row ready_options[] = {
    {"ready-port", 0, "[HOST:]PORT", apply_ready_port, "it is ready when a TCP connection can be made"},
    {"ready-socket", 0, "PATH", apply_ready_socket, "or one to this Unix socket"},
    {"ready-path", 0, "PATH", apply_ready_path, "or when this is there"},
    {"ready-http", 0, "URL", apply_ready_http, "or when a GET is answered with 200 to 299"},
    {"ready-command", 0, "TEXT", apply_ready_command, "or when sh -c TEXT succeeds"},
    {"ready-line", 0, "TEXT", apply_ready_line, "or when a line with this is written to stdout"},
    {"ready-stderr-line", 0, "TEXT", apply_ready_stderr_line, "or to stderr"},
    {"ready-fd", 0, "N", apply_ready_fd, "or when a line feed is written to this descriptor, from 3 on"},
    {"ready-notify", 0, NULL, apply_ready_notify, "or when it says READY=1 to $NOTIFY_SOCKET"},
    {"ready-timeout", 0, "DUR", apply_ready_timeout,
     "otherwise it has failed after this time (default 90s), or forever"},
    {.name = NULL},
};

const struct option_row alive_options[] = {
    {"alive-port", 0, "[HOST:]PORT", apply_alive_port, "it is well while a TCP connection can be made"},
    {"alive-socket", 0, "PATH", apply_alive_socket, "or one to this Unix socket"},
    {"alive-http", 0, "URL", apply_alive_http, "or while a GET is answered with 200 to 299"},
    {"alive-command", 0, "TEXT", apply_alive_command, "or while sh -c TEXT succeeds"},
    {"alive-heartbeat", 0, "DUR:FILE", apply_alive_heartbeat, "or while this file is touched so often"},
    {"alive-interval", 0, "DUR", apply_alive_interval, "from one question to the next (default 10s)"},
    {"alive-timeout", 0, "DUR", apply_alive_timeout, "for an answer (default 5s)"},
    {"alive-failures", 0, "N", apply_alive_failures, "in a row, until it is not well (default 3)"},
    {"watchdog", 0, "DUR", apply_watchdog, "it says WATCHDOG=1 to $NOTIFY_SOCKET so often, or is not well"},
    {.name = NULL},
};

const struct option_row service_options[] = {
    {"name", 0, "NAME", apply_name, "what it is called (default: as its program)"},
    {"reload-signal", 0, "SIG", apply_reload_signal, "to reload it (default HUP); none: it is restarted"},
    {"log", 0, "FILE", apply_log, "write what it says to this file, which is rotated"},
    {"log-max", 0, "SIZE", apply_log_max, "so much at a time (default 10M; 0: any)"},
    {"log-keep", 0, "N", apply_log_keep, "and so many files before it (default 5)"},
    {.name = NULL},
};
