/*
 * Reading values that are lists or names.
 */
#include "lists.h"

#include "message.h"

#include <processkit/command.h>
#include <processkit/group.h>
#include <processkit/parse.h>

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int each_part(const char *option, const char *text, int (*visit)(const char *part, void *data), void *data)
{
    char *copy = strdup(text);
    if (!copy) {
        say("out of memory");
        return -1;
    }
    int r = 0;
    char *rest = copy;
    for (char *part; r == 0 && (part = strsep(&rest, ","));) {
        if (*part == '\0') {
            say("%s '%s': an element of the list is empty", option, text);
            r = -1;
        } else {
            r = visit(part, data);
        }
    }
    free(copy);
    return r;
}

/* ---- Processors ------------------------------------------------------------------------------------------------- */

struct processors {
    unsigned *items;
    size_t *count;
};

static int read_range(const char *part, void *data)
{
    struct processors *list = data;
    char first_text[32];
    uint64_t first, last;
    pk_error error;

    const char *dash = strchr(part, '-');
    snprintf(first_text, sizeof(first_text), "%.*s", (int)(dash ? dash - part : (long)strlen(part)), part);
    if (pk_parse_number(first_text, 0, MOST_PROCESSORS - 1, &first, &error) < 0 ||
        pk_parse_number(dash ? dash + 1 : first_text, first, MOST_PROCESSORS - 1, &last, &error) < 0) {
        say("--cpu-affinity: '%s' is no processor from 0 to %d, nor a range of them", part, MOST_PROCESSORS - 1);
        return -1;
    }
    for (; first <= last && *list->count < MOST_PROCESSORS; first++)
        list->items[(*list->count)++] = (unsigned)first;
    return 0;
}

int read_processors(const char *text, unsigned processors[MOST_PROCESSORS], size_t *count)
{
    *count = 0;
    return each_part("--cpu-affinity", text, read_range, &(struct processors){processors, count});
}

/* ---- Users and groups ------------------------------------------------------------------------------------------- */

/* All digits: a number, whether or not somebody has it. */
static int read_id(const char *option, const char *text, uint32_t *id)
{
    uint64_t number;
    if (text[0] < '0' || text[0] > '9')
        return 1;
    if (pk_parse_number(text, 0, UINT32_MAX - 1, &number, NULL) < 0) {
        say("%s: '%s' is no id from 0 to %u", option, text, UINT32_MAX - 1);
        return -1;
    }
    *id = (uint32_t)number;
    return 0;
}

int read_user(const char *text, uid_t *uid)
{
    int r = read_id("--uid", text, uid);
    if (r <= 0)
        return r;
    const struct passwd *entry = getpwnam(text);
    if (!entry) {
        say("--uid: there is no user '%s'", text);
        return -1;
    }
    *uid = entry->pw_uid;
    return 0;
}

int read_group(const char *option, const char *text, gid_t *gid)
{
    int r = read_id(option, text, gid);
    if (r <= 0)
        return r;
    const struct group *entry = getgrnam(text);
    if (!entry) {
        say("%s: there is no group '%s'", option, text);
        return -1;
    }
    *gid = entry->gr_gid;
    return 0;
}

/* ---- Resource limits -------------------------------------------------------------------------------------------- */

static const struct resource {
    const char *name;
    int number;
    int (*parse)(const char *text, uint64_t *value, pk_error *error);
} resources[];

static int parse_count(const char *text, uint64_t *value, pk_error *error)
{
    return pk_parse_number(text, 0, UINT64_MAX - 1, value, error);
}

static int parse_seconds(const char *text, uint64_t *value, pk_error *error)
{
    pk_duration duration;
    int r = pk_parse_duration(text, &duration, error);
    if (r == 0)
        *value = (duration + PK_SECONDS(1) - 1) / PK_SECONDS(1);
    return r;
}

static int parse_microseconds(const char *text, uint64_t *value, pk_error *error)
{
    pk_duration duration;
    int r = pk_parse_duration(text, &duration, error);
    if (r == 0)
        *value = duration / 1000;
    return r;
}

static const struct resource resources[] = {
    {"as", RLIMIT_AS, pk_parse_size},
    {"core", RLIMIT_CORE, pk_parse_size},
    {"cpu", RLIMIT_CPU, parse_seconds},
    {"data", RLIMIT_DATA, pk_parse_size},
    {"fsize", RLIMIT_FSIZE, pk_parse_size},
    {"locks", RLIMIT_LOCKS, parse_count},
    {"memlock", RLIMIT_MEMLOCK, pk_parse_size},
    {"msgqueue", RLIMIT_MSGQUEUE, pk_parse_size},
    {"nice", RLIMIT_NICE, parse_count},
    {"nofile", RLIMIT_NOFILE, parse_count},
    {"nproc", RLIMIT_NPROC, parse_count},
    {"rss", RLIMIT_RSS, pk_parse_size},
    {"rtprio", RLIMIT_RTPRIO, parse_count},
    {"rttime", RLIMIT_RTTIME, parse_microseconds},
    {"sigpending", RLIMIT_SIGPENDING, parse_count},
    {"stack", RLIMIT_STACK, pk_parse_size},
};

static const struct resource *find_resource(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
        if (strlen(resources[i].name) == length && strncmp(resources[i].name, name, length) == 0)
            return &resources[i];
    return NULL;
}

static int read_value(const struct resource *resource, const char *text, uint64_t *value)
{
    pk_error error;
    if (strcmp(text, "unlimited") == 0) {
        *value = PK_RLIM_INFINITY;
        return 0;
    }
    if (resource->parse(text, value, &error) < 0) {
        say("--rlimit %s: %s", resource->name, error.message);
        return -1;
    }
    return 0;
}

int read_rlimit(const char *text, int *number, uint64_t *soft, uint64_t *hard)
{
    char soft_text[64];
    const char *equals = strchr(text, '=');
    const struct resource *resource = equals ? find_resource(text, (size_t)(equals - text)) : NULL;
    if (!resource) {
        say("--rlimit '%s': RESOURCE=SOFT[:HARD] is expected, such as nofile=64 (see pk-run(1) for the names)", text);
        return -1;
    }
    const char *values = equals + 1, *colon = strchr(values, ':');
    snprintf(soft_text, sizeof(soft_text), "%.*s", (int)(colon ? colon - values : (long)strlen(values)), values);
    *number = resource->number;
    if (read_value(resource, soft_text, soft) < 0)
        return -1;
    *hard = *soft;
    return colon ? read_value(resource, colon + 1, hard) : 0;
}

/* ---- Guarantees ------------------------------------------------------------------------------------------------- */

static int add_guarantee(const char *part, void *data)
{
    pk_guarantee bit;
    pk_error error;
    if (pk_guarantee_parse(part, &bit, &error) < 0) {
        say("--require: %s", error.message);
        return -1;
    }
    *(unsigned *)data |= bit;
    return 0;
}

int read_guarantees(const char *text, unsigned *bits)
{
    return each_part("--require", text, add_guarantee, bits);
}
