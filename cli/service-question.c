/*
 * Reading what tells that a service is ready, or well: one of several keys, and what belongs to it.
 */
#include "service-question.h"

#include "address.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FD = 65535, MOST_SOCKET_PATH = 107, MOST_URL = 2000, LEAST_STATUS = 200, MOST_STATUS = 999 };

/* The rows of what can be asked have the question as their field, since both tables have them. */
static struct question *question_of(const struct reading *reading, const struct setting *setting)
{
    return (struct question *)(void *)((char *)reading->plan + setting->offset);
}

static int keep(struct reading *reading, const struct setting *setting, struct toml_node *value, enum asks asks,
                char *text)
{
    struct question *question = question_of(reading, setting);
    if (!text)
        return complain(reading, setting, value, "out of memory");
    free(question->text);
    question->text = text;
    question->asks = asks;
    note_setting(reading, setting->key, text);
    return 0;
}

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

static int read_port(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    struct question *question = question_of(reading, setting);
    char buffer[NUMBER_SIZE], address[128];
    const char *text = value_text(value, buffer);
    snprintf(address, sizeof(address), "%s", text ? text : "");
    const char *host = address_split(address, &question->number);
    if (!host)
        return complain(reading, setting, value,
                        "a port from 1 to 65535 is expected, or ADDRESS:PORT in a string, where the address is a "
                        "number or localhost");
    free(question->text);
    question->asks = ASKS_PORT;
    question->text = strdup(host);
    if (!question->text)
        return complain(reading, setting, value, "out of memory");
    snprintf(buffer, sizeof(buffer), "%u", question->number);
    note_vector(reading, setting->key, (const char *const[]){host, buffer, NULL});
    return 0;
}

static bool is_url(const char *url)
{
    static const char scheme[] = "http://";
    unsigned port;
    char host[128];
    size_t length = strlen(url);
    if (length > MOST_URL || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return false;
    for (size_t i = 0; i < length; i++)
        if (url[i] <= ' ' || url[i] >= 0x7f)
            return false;
    url += sizeof(scheme) - 1;
    length = strcspn(url, "/?#");
    if (length == 0 || length >= sizeof(host) - 3)
        return false;
    bool has_port = memchr(url, ':', length) && url[length - 1] != ']';
    snprintf(host, sizeof(host), "%.*s%s", (int)length, url, has_port ? "" : ":80");
    return address_split(host, &port) != NULL;
}

static int read_http(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    if (!is_url(value->text))
        return complain(reading, setting, value,
                        "http://ADDRESS[:PORT][/PATH] is expected, where the address is a number or localhost");
    return keep(reading, setting, value, ASKS_HTTP, strdup(value->text));
}

/* 204, or [200, 299]. */
static int read_status(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    struct question *question = question_of(reading, setting);
    char text[NUMBER_SIZE];
    const struct toml_node *first = value, *last = value;
    if (value->kind == TOML_ARRAY && value->count == 2) {
        first = &value->items[0];
        last = &value->items[1];
    }
    if (first->kind != TOML_INTEGER || last->kind != TOML_INTEGER || first->integer < LEAST_STATUS ||
        last->integer > MOST_STATUS || first->integer > last->integer)
        return complain(reading, setting, value, "a status from 200 to 999 is expected, or two: [200, 299]");
    question->first = (unsigned)first->integer;
    question->last = (unsigned)last->integer;
    snprintf(text, sizeof(text), "%u-%u", question->first, question->last);
    if (strcmp(text, "200-299") != 0)
        note_setting(reading, setting->key, text);
    return 0;
}

/* ---- Paths ------------------------------------------------------------------------------------------------------- */

static int read_path_as(struct reading *reading, const struct setting *setting, struct toml_node *value, enum asks asks)
{
    if (*value->text == '\0')
        return complain(reading, setting, value, "it is empty");
    return keep(reading, setting, value, asks, absolute_path(reading, value->text));
}

static int read_socket(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    int r = read_path_as(reading, setting, value, ASKS_SOCKET);
    if (r == 0 && strlen(question_of(reading, setting)->text) > MOST_SOCKET_PATH)
        return complain(reading, setting, value, "the path of a socket has at most %d bytes, from the root on",
                        MOST_SOCKET_PATH);
    return r;
}

static int read_path(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    return read_path_as(reading, setting, value, ASKS_PATH);
}

static int read_heartbeat(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    return read_path_as(reading, setting, value, ASKS_HEARTBEAT);
}

/* ---- What it says itself ----------------------------------------------------------------------------------------- */

static int read_line(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    if (*value->text == '\0' || strpbrk(value->text, "\r\n"))
        return complain(reading, setting, value, "a text is expected that can be in a line");
    return keep(reading, setting, value, ASKS_LINE, strdup(value->text));
}

static int read_from(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    bool is_stderr = strcmp(value->text, "stderr") == 0;
    if (!is_stderr && strcmp(value->text, "stdout") != 0)
        return complain(reading, setting, value, "\"stdout\" or \"stderr\" is expected");
    question_of(reading, setting)->number = is_stderr ? 2 : 1;
    if (is_stderr)
        note_setting(reading, setting->key, value->text);
    return 0;
}

static int read_fd(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    struct question *question = question_of(reading, setting);
    char buffer[NUMBER_SIZE];
    if (value->integer < 3 || value->integer > MOST_FD)
        return complain(reading, setting, value, "a descriptor from 3 to %d is expected", MOST_FD);
    question->asks = ASKS_FD;
    question->number = (unsigned)value->integer;
    note_setting(reading, setting->key, value_text(value, buffer));
    return 0;
}

static int read_mark(struct reading *reading, const struct setting *setting, struct toml_node *value, enum asks asks)
{
    if (!value->truth)
        return complain(reading, setting, value, "only true makes sense; leave it out");
    question_of(reading, setting)->asks = asks;
    note_setting(reading, setting->key, "true");
    return 0;
}

static int read_notify(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    return read_mark(reading, setting, value, ASKS_NOTIFY);
}

static int read_end(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    return read_mark(reading, setting, value, ASKS_END);
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

static int read_asking_command(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    struct question *question = question_of(reading, setting);
    const char **argv = read_vector(reading, setting, value);
    if (!argv)
        return -1;
    question->asks = ASKS_COMMAND;
    pk_command_free(question->command);
    question->command = pk_command_copy(reading->plan->command);
    if (question->command)
        pk_command_set_argv(question->command, argv);
    else
        complain(reading, setting, value, "out of memory");
    note_vector(reading, setting->key, argv);
    free(argv);
    return 0;
}

/* ---- The tables -------------------------------------------------------------------------------------------------- */

#define ROW(name, kind_, function, question)                                                                  \
    {                                                                                                         \
        .key = (name), .kind = (kind_), .read = (function), .offset = offsetof(struct service_plan, question) \
    }

const struct setting ready_settings[] = {
    ROW("port", VALUE_ANY, read_port, ready),
    ROW("socket", VALUE_PATH, read_socket, ready),
    ROW("path", VALUE_PATH, read_path, ready),
    ROW("http", VALUE_TEXT, read_http, ready),
    ROW("status", VALUE_ANY, read_status, ready),
    ROW("line", VALUE_TEXT, read_line, ready),
    ROW("from", VALUE_TEXT, read_from, ready),
    ROW("fd", VALUE_COUNT, read_fd, ready),
    ROW("notify", VALUE_FLAG, read_notify, ready),
    ROW("end", VALUE_FLAG, read_end, ready),
    ROW("command", VALUE_ANY, read_asking_command, ready),
    {.key = "timeout",
     .kind = VALUE_DURATION,
     .offset = offsetof(struct service_plan, ready_timeout),
     .least = 1,
     .most = PK_FOREVER},
    {.key = NULL},
};

const struct setting alive_settings[] = {
    ROW("port", VALUE_ANY, read_port, alive),
    ROW("socket", VALUE_PATH, read_socket, alive),
    ROW("path", VALUE_PATH, read_path, alive),
    ROW("http", VALUE_TEXT, read_http, alive),
    ROW("status", VALUE_ANY, read_status, alive),
    ROW("command", VALUE_ANY, read_asking_command, alive),
    ROW("heartbeat", VALUE_PATH, read_heartbeat, alive),
    {.key = "most", .kind = VALUE_DURATION, .offset = offsetof(struct service_plan, alive.most), .least = 1},
    {.key = "interval",
     .kind = VALUE_DURATION,
     .offset = offsetof(struct service_plan, alive_options.interval),
     .least = 1},
    {.key = "timeout",
     .kind = VALUE_DURATION,
     .offset = offsetof(struct service_plan, alive_options.timeout),
     .least = 1},
    {.key = "failures",
     .kind = VALUE_COUNT,
     .offset = offsetof(struct service_plan, alive_options.failures),
     .least = 1},
    {.key = NULL},
};

/* Each belongs to another, and makes no sense without it. */
static const struct {
    const char *key, *of;
} parts[] = {{"status", "http"}, {"from", "line"}, {"most", "heartbeat"}};

/* Exactly one of these words, with commas between them. */
static int check_question(struct reading *reading, const struct setting *setting, struct toml_node *table,
                          const char *const *keys, const char *words)
{
    unsigned count = 0;
    for (; *keys; keys++)
        count += toml_find(table, *keys) != NULL;
    if (count != 1)
        return complain(reading, setting, table, "exactly one of %s is expected, and there %s", words,
                        count == 0 ? "is none" : "are more");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (toml_find(table, parts[i].key) && !toml_find(table, parts[i].of))
            return complain(reading, setting, table, "%s is a part of %s, which is not there", parts[i].key,
                            parts[i].of);
    return 0;
}

int check_ready(struct reading *reading, const struct setting *setting, struct toml_node *table)
{
    static const char *const keys[] = {"port", "socket", "path",   "http",    "line",
                                       "fd",   "end",    "notify", "command", NULL};
    if (check_question(reading, setting, table, keys, "port, socket, path, http, line, fd, notify, end and command") <
        0)
        return -1;
    if (toml_find(table, "end") && toml_find(table, "timeout"))
        return complain(reading, setting, table, "end takes no timeout: there is the one of the service");
    return 0;
}

int check_alive(struct reading *reading, const struct setting *setting, struct toml_node *table)
{
    static const char *const keys[] = {"port", "socket", "path", "http", "command", "heartbeat", NULL};
    if (check_question(reading, setting, table, keys, "port, socket, path, http, command and heartbeat") < 0)
        return -1;
    if (toml_find(table, "heartbeat") && !toml_find(table, "most"))
        return complain(reading, setting, table, "heartbeat takes most as well: how often it is to be touched");
    return 0;
}
