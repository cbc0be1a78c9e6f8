/*
 * Reading a file of services.
 */
#include "service-file.h"

#include "faults.h"
#include "message.h"
#include "nearest.h"
#include "service-order.h"
#include "service-reading.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- One service ------------------------------------------------------------------------------------------------- */

static size_t length_of_key(const char *line)
{
    return (size_t)(strstr(line, " = ") - line);
}

static bool have_one_key(const char *a, const char *b)
{
    return length_of_key(a) == length_of_key(b) && strncmp(a, b, length_of_key(a)) == 0;
}

/* The last one in a file is what the variable is. */
static bool is_of_env_file(const char *line)
{
    return strncmp(line, "env-file.", 9) == 0;
}

/* Where the second of one key may change what the first has said, they stay in the order in which they were written,
 * which is that of their addresses. */
static int compare_lines(const void *a, const void *b)
{
    const char *first = *(char *const *)a, *second = *(char *const *)b;
    bool in_order = is_of_env_file(first) || strncmp(first, "limits.io-max ", 14) == 0;
    if (in_order && have_one_key(first, second))
        return first < second ? -1 : 1;
    return strcmp(first, second);
}

/* In an order of their own, so that it makes no difference in which they were written. */
static char *sort_lines(char *text)
{
    size_t count = 0, length = strlen(text);
    for (const char *next = text; (next = strchr(next, '\n')); next++)
        count++;
    char **lines = calloc(count + 1, sizeof(*lines)), *sorted = malloc(length + 1), *end = sorted;
    for (size_t i = 0; lines && i < count; i++)
        lines[i] = strsep(&text, "\n");
    if (lines)
        qsort(lines, count, sizeof(*lines), compare_lines);
    for (size_t i = 0; lines && sorted && i < count; i++)
        if (i + 1 == count || !is_of_env_file(lines[i]) || !have_one_key(lines[i], lines[i + 1]))
            end = stpcpy(stpcpy(end, lines[i]), "\n");
    if (sorted)
        *end = '\0';
    if (!lines)
        free(sorted);
    free(lines);
    return lines ? sorted : NULL;
}

/* What is about its runs, when all of it is known. */
static void complete(struct service_plan *plan)
{
    pk_command_contain(plan->command, &plan->request.group);
    if (plan->request.timeout)
        pk_command_timeout(plan->command, plan->request.timeout);
    if (plan->log == LOG_TO_NOWHERE) {
        pk_command_null(plan->command, STDOUT_FILENO);
        pk_command_null(plan->command, STDERR_FILENO);
    }
}

static void refuse_part(struct faults *faults, const struct toml_node *table, const char *name, const char *key,
                        const char *takes)
{
    const struct toml_node *item = toml_find(toml_find(table, name), key);
    if (item && !item->told)
        fault_add(faults, item->place, "%s.%s: it takes %s", name, key, takes);
}

/* Only what it says itself: defaults are for those whom they concern. */
static void look_for_idle_parts(const struct service_plan *plan, struct faults *faults, const struct toml_node *table)
{
    const struct toml_node *path = toml_find(toml_find(table, "log"), "path");
    if (plan->restart.burst == 0 && !toml_find(toml_find(table, "restart"), "burst"))
        refuse_part(faults, table, "restart", "burst-time", "a burst as well");
    if (path && path->told)
        return;
    if (plan->log != LOG_TO_FILE) {
        refuse_part(faults, table, "log", "most-bytes", "a log that is a file");
        refuse_part(faults, table, "log", "keep", "a log that is a file");
    }
    if (plan->log == LOG_TO_NOWHERE || plan->log == LOG_INHERITED)
        refuse_part(faults, table, "log", "times", "a log that is a file or stderr");
}

static struct toml_place place_of(const struct service_plan *plan, const struct toml_node *table, const char *key)
{
    const struct toml_node *item = toml_find(table, key);
    return item ? item->place : plan->place;
}

static void check_service(const struct service_plan *plan, struct faults *faults, const struct toml_node *table)
{
    if (!toml_find(table, "command"))
        fault_add(faults, plan->place, "service '%.64s' has no command", plan->name);
    if (plan->ready.asks == ASKS_LINE && (plan->log == LOG_TO_NOWHERE || plan->log == LOG_INHERITED))
        fault_add(faults, plan->place, "service '%.64s' is ready by a line, which takes a log that is a file or stderr",
                  plan->name);
    if (plan->ready.asks == ASKS_END && plan->restart.when == PK_RESTART_ALWAYS)
        fault_add(faults, place_of(plan, table, "ready"),
                  "service '%.64s' is ready when it has ended, and is always restarted then", plan->name);
    look_for_idle_parts(plan, faults, table);
}

static void read_service(struct reading *reading, const struct source *source)
{
    struct service_plan *plan = reading->plan;
    size_t size;
    char *text = NULL;
    reading->initial = *plan;
    reading->env_files = 0;
    reading->settings = open_memstream(&text, &size);
    if (reading->settings) {
        read_settings(reading, service_settings, source);
        if (fclose(reading->settings) == 0)
            plan->settings = sort_lines(text);
    }
    if (!plan->settings)
        fault_add(reading->faults, plan->place, "out of memory");
    free(text);
    complete(plan);
}

/* ---- The tables of a file ---------------------------------------------------------------------------------------- */

static void add_service(struct reading *reading, struct toml_node *entry, struct toml_node *defaults,
                        struct service_plans *plans)
{
    char name[96];
    if (!service_plan_is_name(entry->key)) {
        fault_add(reading->faults, entry->key_place,
                  "'%.64s' is no name for a service: 1 to 64 letters, digits and .-_@ are", entry->key);
        return;
    }
    if (entry->kind != TOML_TABLE) {
        fault_add(reading->faults, entry->place, "service '%s': a table is expected, [service.%s], and this is %s",
                  entry->key, entry->key, toml_kind_name(entry->kind));
        return;
    }
    snprintf(name, sizeof(name), "service '%s'", entry->key);
    reading->plan = plans->items[plans->count] = service_plan_new(entry->key, entry->key_place);
    if (!reading->plan) {
        fault_add(reading->faults, entry->key_place, "out of memory");
        return;
    }
    plans->count++;
    read_service(reading, &(struct source){entry, defaults, name, NULL});
    check_service(reading->plan, reading->faults, entry);
}

/* Once by themselves: what is wrong with them is so whether or not a service takes it from there. */
static void read_defaults(struct reading *reading, struct toml_node *defaults)
{
    reading->plan = service_plan_new("defaults", defaults->key_place);
    if (reading->plan) {
        reading->defaults = true;
        read_service(reading, &(struct source){defaults, NULL, "[defaults]", NULL});
        reading->defaults = false;
    }
    reading->plan = service_plan_free(reading->plan);
}

static void look_for_unknown_tables(struct reading *reading, const struct toml_node *root)
{
    for (size_t i = 0; i < root->count; i++) {
        const struct toml_node *item = &root->items[i];
        struct nearest nearest = {.to = item->key};
        bool is_service = strcmp(item->key, "service") == 0, is_defaults = strcmp(item->key, "defaults") == 0;
        if ((is_service || is_defaults) && item->kind != TOML_TABLE)
            fault_add(reading->faults, item->place, "%s: a table is expected, [%s], and this is %s", item->key,
                      is_service ? "service.NAME" : "defaults", toml_kind_name(item->kind));
        if (is_service || is_defaults)
            continue;
        nearest_try(&nearest, "service");
        nearest_try(&nearest, "defaults");
        fault_add(reading->faults, item->key_place, "unknown key '%.64s' outside of services%s%s%s", item->key,
                  nearest.word ? " (did you mean '" : "", nearest.word ? nearest.word : "", nearest.word ? "'?)" : "");
    }
}

static void read_root(struct reading *reading, struct toml_node *root, struct service_plans *plans)
{
    struct toml_node *services = toml_find(root, "service"), *defaults = toml_find(root, "defaults");
    look_for_unknown_tables(reading, root);
    if (services && services->kind != TOML_TABLE)
        return;
    if (defaults && defaults->kind == TOML_TABLE)
        read_defaults(reading, defaults);
    else
        defaults = NULL;
    size_t count = services ? services->count : 0;
    plans->items = calloc(count + 1, sizeof(struct service_plan *));
    for (size_t i = 0; plans->items && i < count; i++)
        add_service(reading, &services->items[i], defaults, plans);
    if (count == 0)
        fault_add(reading->faults, services ? services->key_place : root->place,
                  "there is no service in it: [service.NAME]");
    if (plans->items)
        check_services(plans, reading->faults);
    else
        fault_add(reading->faults, root->place, "out of memory");
}

int service_file_parse(const char *name, const char *directory, const char *bytes, size_t length,
                       struct service_plans *plans)
{
    static struct faults none;
    struct faults faults = none;
    struct toml_fault fault;
    *plans = (struct service_plans){0};
    struct reading reading = {.faults = &faults, .directory = directory};
    struct toml_node *root = toml_read(bytes, length, &fault);
    if (root)
        read_root(&reading, root, plans);
    else
        fault_add(&faults, fault.place, "%s", fault.text);
    toml_free(root);
    if (faults.count == 0)
        return 0;
    faults_tell(&faults, name);
    service_plans_free(plans);
    return -1;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* One byte more than there may be, so that too many are seen. NULL after a message. */
static char *read_bytes(const char *path, size_t *length)
{
    char *bytes = NULL;
    ssize_t r = 1;
    *length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && r > 0 && *length <= TOML_MOST_BYTES) {
        size_t room = 64 * 1024;
        char *larger = realloc(bytes, *length + room);
        if (!larger)
            errno = ENOMEM;
        r = larger ? read(fd, larger + *length, room) : -1;
        bytes = larger ? larger : bytes;
        *length += r > 0 ? (size_t)r : 0;
        if (r < 0 && errno == EINTR)
            r = 1;
    }
    int number = fd < 0 || r < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (number == 0)
        return bytes;
    say("cannot read %s: %s", path, strerror(number));
    free(bytes);
    return NULL;
}

/* Where a file is, as a path from the root. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    char *absolute = parent ? realpath(parent, NULL) : NULL;
    if (!absolute)
        say("cannot find the directory of %s: %s", path, strerror(errno));
    free(parent);
    return absolute;
}

int service_file_read(const char *path, struct service_plans *plans)
{
    size_t length;
    char *bytes = read_bytes(path, &length);
    char *directory = bytes ? directory_of(path) : NULL;
    int r = directory ? service_file_parse(path, directory, bytes, length, plans) : -1;
    if (!directory)
        *plans = (struct service_plans){0};
    free(directory);
    free(bytes);
    return r;
}
