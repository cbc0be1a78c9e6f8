/*
 * What the program is born with, from the words of the command line.
 */
#include "apply-birth.h"

#include "env-file.h"
#include "lists.h"
#include "message.h"
#include "request.h"

#include <stdlib.h>
#include <string.h>

/* ---- Environment ------------------------------------------------------------------------------------------------ */

static int apply_chdir(void *target, const char *value)
{
    struct request *request = target;
    if (*value == '\0') {
        say("--chdir: the directory's name is empty");
        return -1;
    }
    for_each_command (command, request)
        pk_command_chdir(command, value);
    return 0;
}

/* Values may be secrets: only the name is ever shown. */
static int set_variable(const char *name, const char *value, void *data)
{
    struct request *request = data;
    for_each_command (command, request)
        pk_command_setenv(command, name, value);
    return 0;
}

static int apply_env(void *target, const char *value)
{
    return read_variable("--env", value, set_variable, target);
}

static int apply_unset_env(void *target, const char *value)
{
    struct request *request = target;
    if (*value == '\0' || strchr(value, '=')) {
        say("--unset-env: '%s' is no name for a variable", value);
        return -1;
    }
    for_each_command (command, request)
        pk_command_unsetenv(command, value);
    return 0;
}

static int apply_clear_env(void *target, const char *value)
{
    struct request *request = target;
    (void)value;
    for_each_command (command, request)
        pk_command_clearenv(command);
    return 0;
}

static int apply_env_file(void *target, const char *value)
{
    return read_env_file(value, set_variable, target);
}

/* ---- Identity and kernel attributes ----------------------------------------------------------------------------- */

static int apply_uid(void *target, const char *value)
{
    struct request *request = target;
    uid_t uid;
    if (read_user(value, &uid) < 0)
        return -1;
    for_each_command (command, request)
        pk_command_uid(command, uid);
    return 0;
}

static int apply_gid(void *target, const char *value)
{
    struct request *request = target;
    gid_t gid;
    if (read_group("--gid", value, &gid) < 0)
        return -1;
    for_each_command (command, request)
        pk_command_gid(command, gid);
    return 0;
}

enum { MOST_GROUPS = 1024 };

struct groups {
    gid_t items[MOST_GROUPS];
    size_t count;
};

static int add_group(const char *part, void *data)
{
    struct groups *groups = data;
    if (groups->count == MOST_GROUPS) {
        say("--groups: more than %d of them", MOST_GROUPS);
        return -1;
    }
    return read_group("--groups", part, &groups->items[groups->count++]);
}

static int apply_groups(void *target, const char *value)
{
    struct request *request = target;
    struct groups groups = {.count = 0};
    if (*value != '\0' && each_part("--groups", value, add_group, &groups) < 0) /* an empty list drops them all */
        return -1;
    for_each_command (command, request)
        pk_command_groups(command, groups.items, groups.count);
    return 0;
}

static int apply_umask(void *target, const char *value)
{
    struct request *request = target;
    char *end;
    unsigned long mask = strtoul(value, &end, 8);
    if (*value < '0' || *value > '7' || *end || mask > 0777) {
        say("--umask: '%s' is no octal mask from 0 to 777", value);
        return -1;
    }
    for_each_command (command, request)
        pk_command_umask(command, (mode_t)mask);
    return 0;
}

static int apply_nice(void *target, const char *value)
{
    struct request *request = target;
    uint64_t number;
    bool negative = *value == '-';
    if (pk_parse_number(value + negative, 0, negative ? 20 : 19, &number, NULL) < 0) {
        say("--nice: '%s' is no nice value from -20 to 19", value);
        return -1;
    }
    for_each_command (command, request)
        pk_command_nice(command, negative ? -(int)number : (int)number);
    return 0;
}

static int apply_rlimit(void *target, const char *value)
{
    struct request *request = target;
    int resource;
    uint64_t soft, hard;
    if (read_rlimit(value, &resource, &soft, &hard) < 0)
        return -1;
    for_each_command (command, request)
        pk_command_rlimit(command, resource, soft, hard);
    return 0;
}

static int apply_cpu_affinity(void *target, const char *value)
{
    struct request *request = target;
    unsigned processors[MOST_PROCESSORS];
    size_t count;
    if (read_processors(value, processors, &count) < 0)
        return -1;
    for_each_command (command, request)
        pk_command_cpu_affinity(command, processors, count);
    return 0;
}

const struct option_row birth_options[] = {
    {"chdir", 'C', "DIR", apply_chdir, "run in this directory"},
    {"env", 0, "K=V", apply_env, "set a variable"},
    {"unset-env", 0, "K", apply_unset_env, "remove a variable"},
    {"clear-env", 0, NULL, apply_clear_env, "start from an empty environment"},
    {"env-file", 0, "FILE", apply_env_file, "set variables from lines K=V"},
    {"uid", 0, "USER", apply_uid, "run as this user, by number or name"},
    {"gid", 0, "GROUP", apply_gid, "run as this group"},
    {"groups", 0, "LIST", apply_groups, "with these supplementary groups"},
    {"umask", 0, "MASK", apply_umask, "with this umask, in octal"},
    {"nice", 0, "N", apply_nice, "with this nice value, -20 to 19"},
    {"rlimit", 0, "R=S[:H]", apply_rlimit, "with this limit per process, such as nofile=64"},
    {"cpu-affinity", 0, "LIST", apply_cpu_affinity, "on these processors, such as 0-3,8"},
    {NULL, 0, NULL, NULL, NULL},
};
