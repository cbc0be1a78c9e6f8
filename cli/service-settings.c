/*
 * What a file can say of a service.
 */
#include "apply-common.h"
#include "env-file.h"
#include "message.h"
#include "service-question.h"
#include "service-reading.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(name) offsetof(struct service_plan, name)

/* ---- What it runs ------------------------------------------------------------------------------------------------ */

static int read_command(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    if (value->kind == TOML_STRING)
        return complain(reading, setting, value,
                        "an array of strings is expected, such as [\"sleep\", \"60\"]: there is no shell");
    const char **argv = read_vector(reading, setting, value);
    if (!argv)
        return -1;
    if (*argv[0] == '\0')
        complain(reading, setting, value, "the program's name is empty");
    pk_command_set_argv(reading->plan->command, argv);
    note_vector(reading, setting->key, argv);
    free(argv);
    return 0;
}

/* ---- Variables --------------------------------------------------------------------------------------------------- */

static int read_variable_of_table(struct reading *reading, const struct setting *setting, struct toml_node *item)
{
    char buffer[NUMBER_SIZE];
    const char *text = value_text(item, buffer);
    if (!text || item->kind == TOML_FLOAT)
        return complain(reading, setting, item, "the value of %.64s must be a string or a whole number, and this is %s",
                        item->key, toml_kind_name(item->kind));
    if (*item->key == '\0' || strchr(item->key, '='))
        return complain(reading, setting, item, "'%.64s' is no name for a variable", item->key);
    pk_command_setenv(reading->plan->command, item->key, text);
    snprintf(reading->prefix, sizeof(reading->prefix), "environment.");
    note_setting(reading, item->key, text);
    reading->prefix[0] = '\0';
    return 0;
}

/* What was in the file is what the service has: if that changes it is another one. */
static int take_variable(const char *name, const char *text, void *data)
{
    struct reading *reading = data;
    pk_command_setenv(reading->plan->command, name, text);
    snprintf(reading->prefix, sizeof(reading->prefix), "env-file.%u.", reading->env_files);
    note_setting(reading, name, text);
    reading->prefix[0] = '\0';
    return 0;
}

static int read_variables_of_file(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    struct ear ear;
    char *path = absolute_path(reading, value->text);
    if (!path)
        return complain(reading, setting, value, "out of memory");
    reading->env_files++;
    listen_begin(&ear, reading, setting, value);
    int r = read_env_file(path, take_variable, reading);
    listen_end();
    free(path);
    return r;
}

static int read_env_files(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    if (value->kind == TOML_STRING)
        return read_variables_of_file(reading, setting, value);
    const char **vector = read_vector(reading, setting, value);
    for (size_t i = 0; vector && i < value->count; i++)
        read_variables_of_file(reading, setting, &value->items[i]);
    free(vector);
    return 0;
}

/* ---- Limits of each process -------------------------------------------------------------------------------------- */

static int read_rlimit_of_table(struct reading *reading, const struct setting *setting, struct toml_node *item)
{
    char buffer[NUMBER_SIZE], *pair = NULL;
    const char *text = value_text(item, buffer);
    if (!text)
        return complain(reading, setting, item, "SOFT or \"SOFT:HARD\" is expected, and this is %s",
                        toml_kind_name(item->kind));
    if (asprintf(&pair, "%s=%s", item->key, text) < 0)
        return complain(reading, setting, item, "out of memory");
    int r = apply_option(reading, setting, item, pair);
    if (r == 0)
        note_setting(reading, setting->key, pair);
    free(pair);
    return r;
}

/* ---- What it leaves ---------------------------------------------------------------------------------------------- */

static int apply_service_leftovers(void *target, const char *value)
{
    if (strcmp(value, "allow") != 0)
        return apply_leftovers(target, value);
    say("--leftovers: what a service leaves behind cannot live on: it is never started again before its tree is empty "
        "(kill, wait or fail)");
    return -1;
}

/* ---- Again ------------------------------------------------------------------------------------------------------- */

static int read_policy(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    static const char *const names[] = {
        [PK_RESTART_ON_FAILURE] = "on-failure",
        [PK_RESTART_ALWAYS] = "always",
        [PK_RESTART_NEVER] = "never",
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(value->text, names[i]) == 0) {
            reading->plan->restart.when = (pk_restart)i;
            if (i != PK_RESTART_ON_FAILURE)
                note_setting(reading, setting->key, names[i]);
            return 0;
        }
    return complain(reading, setting, value, "\"on-failure\", \"always\" or \"never\" is expected");
}

static int check_restart(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    const pk_restart_options *options = &reading->plan->restart;
    if (options->burst > 0 && options->burst_time == 0)
        return complain(reading, setting, value, "burst takes a burst-time as well");
    if (options->first_pause > options->most_pause)
        return complain(reading, setting, value, "first-pause is longer than most-pause");
    return 0;
}

static const struct setting restart_settings[] = {
    {.key = "policy", .kind = VALUE_TEXT, .read = read_policy},
    {.key = "most", .kind = VALUE_COUNT, .offset = FIELD(restart.most)},
    {.key = "burst", .kind = VALUE_COUNT, .offset = FIELD(restart.burst), .most = PK_RESTART_WINDOW},
    {.key = "burst-time", .kind = VALUE_DURATION, .offset = FIELD(restart.burst_time), .least = 1},
    {.key = "first-pause", .kind = VALUE_DURATION, .offset = FIELD(restart.first_pause)},
    {.key = "most-pause", .kind = VALUE_DURATION, .offset = FIELD(restart.most_pause)},
    {.key = "factor", .kind = VALUE_COUNT, .offset = FIELD(restart.factor), .least = 1, .most = 1000},
    {.key = "jitter", .kind = VALUE_FLAG, .offset = FIELD(restart.jitter)},
    {.key = "healthy", .kind = VALUE_DURATION, .offset = FIELD(restart.healthy), .most = PK_FOREVER},
    {.key = "storm-failures", .kind = VALUE_COUNT, .offset = FIELD(restart.storm_failures), .most = PK_RESTART_WINDOW},
    {.key = "storm-time", .kind = VALUE_DURATION, .offset = FIELD(restart.storm_time), .least = 1},
    {.key = "storm-pause", .kind = VALUE_DURATION, .offset = FIELD(restart.storm_pause)},
    {.key = NULL},
};

/* ---- Order ------------------------------------------------------------------------------------------------------- */

static int add_need(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    struct service_plan *plan = reading->plan;
    for (size_t i = 0; i < plan->need_count; i++)
        if (strcmp(plan->needs[i].name, value->text) == 0)
            return complain(reading, setting, value, "'%.64s' is named twice", value->text);
    struct need *needs = reallocarray(plan->needs, plan->need_count + 1, sizeof(*needs));
    if (!needs)
        return complain(reading, setting, value, "out of memory");
    plan->needs = needs;
    needs[plan->need_count] = (struct need){strdup(value->text), value->place};
    if (!needs[plan->need_count].name)
        return complain(reading, setting, value, "out of memory");
    plan->need_count++;
    note_setting(reading, setting->key, value->text);
    return 0;
}

static int read_needs(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    if (value->count == 0)
        return 0;
    const char **vector = read_vector(reading, setting, value);
    for (size_t i = 0; vector && i < value->count; i++)
        add_need(reading, setting, &value->items[i]);
    free(vector);
    return 0;
}

/* ---- Logs -------------------------------------------------------------------------------------------------------- */

static int read_log_path(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    static const char *const words[] = {
        [LOG_TO_STDERR] = "stderr",
        [LOG_TO_NOWHERE] = "none",
        [LOG_INHERITED] = "inherit",
    };
    struct service_plan *plan = reading->plan;
    plan->log_place = value->place;
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i] && strcmp(value->text, words[i]) == 0) {
            plan->log = (enum log_target)i;
            if (i != LOG_TO_STDERR)
                note_setting(reading, setting->key, value->text);
            return 0;
        }
    if (*value->text == '\0')
        return complain(reading, setting, value, "it is empty");
    plan->log = LOG_TO_FILE;
    plan->log_path = absolute_path(reading, value->text);
    if (!plan->log_path)
        return complain(reading, setting, value, "out of memory");
    plan->log_options.times = reading->initial.log_options.times = true;
    note_setting(reading, setting->key, plan->log_path);
    return 0;
}

static const struct setting log_settings[] = {
    {.key = "path", .kind = VALUE_TEXT, .read = read_log_path},
    {.key = "most-bytes", .kind = VALUE_SIZE, .offset = FIELD(log_options.most_bytes)},
    {.key = "keep", .kind = VALUE_COUNT, .offset = FIELD(log_options.keep), .most = 9999},
    {.key = "times", .kind = VALUE_FLAG, .offset = FIELD(log_options.times)},
    {.key = NULL},
};

/* ---- Limits for the whole tree ----------------------------------------------------------------------------------- */

static const struct setting limit_settings[] = {
    {.key = "memory-max", .kind = VALUE_SIZE, .option = "memory-max"},
    {.key = "swap-max", .kind = VALUE_SIZE, .option = "swap-max"},
    {.key = "memory-high", .kind = VALUE_SIZE, .option = "memory-high"},
    {.key = "oom", .kind = VALUE_TEXT, .option = "oom", .otherwise = "group"},
    {.key = "pids-max", .kind = VALUE_NUMBER, .option = "pids-max"},
    {.key = "cpu-max", .kind = VALUE_CORES, .option = "cpu-max"},
    {.key = "cpu-weight", .kind = VALUE_NUMBER, .option = "cpu-weight"},
    {.key = "cpus", .kind = VALUE_LIST, .option = "cpus"},
    {.key = "memory-nodes", .kind = VALUE_LIST, .option = "memory-nodes"},
    {.key = "io-weight", .kind = VALUE_NUMBER, .option = "io-weight"},
    {.key = "io-max", .kind = VALUE_SOME, .option = "io-max"},
    {.key = "limits-by", .kind = VALUE_LIST, .option = "limits-by"},
    {.key = NULL},
};

/* ---- All of them ------------------------------------------------------------------------------------------------- */

/*
 * What a program is born with comes first: commands that ask are copies of what there is of the command by then, so
 * that they have its environment and its user, and not its deadline.
 */
const struct setting service_settings[] = {
    {.key = "command", .kind = VALUE_ANY, .read = read_command, .own = true},
    {.key = "directory", .kind = VALUE_PATH, .option = "chdir"},
    {.key = "clear-environment", .kind = VALUE_FLAG, .option = "clear-env"},
    {.key = "unset-environment", .kind = VALUE_SOME, .option = "unset-env"},
    {.key = "env-file", .kind = VALUE_SOME, .read = read_env_files},
    {.key = "environment", .kind = VALUE_VARIABLES, .read = read_variable_of_table},
    {.key = "user", .kind = VALUE_ID, .option = "uid"},
    {.key = "group", .kind = VALUE_ID, .option = "gid"},
    {.key = "groups", .kind = VALUE_LIST, .option = "groups"},
    {.key = "umask", .kind = VALUE_TEXT, .option = "umask"},
    {.key = "nice", .kind = VALUE_NUMBER, .option = "nice"},
    {.key = "rlimit", .kind = VALUE_VARIABLES, .option = "rlimit", .read = read_rlimit_of_table},
    {.key = "cpu-affinity", .kind = VALUE_LIST, .option = "cpu-affinity"},

    {.key = "ready",
     .kind = VALUE_TABLE,
     .fields = ready_settings,
     .read = check_ready,
     .whole = true,
     .offset = FIELD(ready)},
    {.key = "alive",
     .kind = VALUE_TABLE,
     .fields = alive_settings,
     .read = check_alive,
     .whole = true,
     .offset = FIELD(alive)},
    {.key = "notify", .kind = VALUE_FLAG, .offset = FIELD(notify)},
    {.key = "watchdog", .kind = VALUE_DURATION, .offset = FIELD(watchdog), .least = 1},

    {.key = "timeout", .kind = VALUE_DURATION, .apply = apply_timeout},
    {.key = "stop-signal", .kind = VALUE_SIGNAL, .option = "signal", .otherwise = "TERM"},
    {.key = "grace", .kind = VALUE_DURATION, .option = "grace", .otherwise = "2s"},
    {.key = "reload-signal", .kind = VALUE_SIGNAL, .offset = FIELD(reload_signal)},
    {.key = "leftovers", .kind = VALUE_TEXT, .apply = apply_service_leftovers, .otherwise = "kill"},
    {.key = "mechanism", .kind = VALUE_TEXT, .option = "mechanism", .otherwise = "auto"},
    {.key = "require", .kind = VALUE_LIST, .option = "require"},
    {.key = "limits", .kind = VALUE_TABLE, .fields = limit_settings},

    {.key = "restart", .kind = VALUE_TABLE, .fields = restart_settings, .read = check_restart, .shortly = "policy"},
    {.key = "needs", .kind = VALUE_STRINGS, .read = read_needs, .own = true},
    {.key = "log", .kind = VALUE_TABLE, .fields = log_settings, .shortly = "path"},
    {.key = NULL},
};
