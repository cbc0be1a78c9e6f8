/*
 * pk prune.
 */
#include "prune.h"

#include "message.h"
#include "options.h"

#include <processkit.h>

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct prune_request {
    bool json;
    bool dry_run;
    char below[PATH_MAX];
};

static int apply_json(void *target, const char *value)
{
    (void)value;
    ((struct prune_request *)target)->json = true;
    return 0;
}

static int apply_dry_run(void *target, const char *value)
{
    (void)value;
    ((struct prune_request *)target)->dry_run = true;
    return 0;
}

static int apply_below(void *target, const char *value)
{
    struct prune_request *request = target;
    if (value[0] != '\0' && strlen(value) < sizeof(request->below)) {
        strcpy(request->below, value);
        return 0;
    }
    say("--below: not the path of a directory");
    return -1;
}

static const struct option_row prune_options[] = {
    {"dry-run", 'n', NULL, apply_dry_run, "change nothing; tell what would be done"},
    {"json", 0, NULL, apply_json, "print JSON"},
    {"below", 0, "DIR", apply_below, "look only below this directory of the cgroup hierarchy"},
    {NULL, 0, NULL, NULL, NULL},
};

/* Paths are bytes; what is not UTF-8, or could harm a terminal, is escaped. */
static const char *safe(const char *text)
{
    static char buffer[PATH_MAX];
    return pk_format_text(text, buffer, sizeof(buffer));
}

/* ---- For people ------------------------------------------------------------------------------------------------- */

static void print_count(const char *before, int count, const char *one, const char *many)
{
    if (count > 0)
        printf("%s%d %s", before, count, count == 1 ? one : many);
}

static void print_line(const pk_pruned *pruned, void *data)
{
    const struct prune_request *request = data;
    printf("%-14s %s", pk_prune_action_name(pruned->action), safe(pruned->path));
    if (pruned->owner > 0)
        printf(", owner %d", pruned->owner);
    print_count(request->dry_run ? ", would kill " : ", killed ", pruned->killed, "process", "processes");
    print_count(", spared ", pruned->spared, "group", "groups");
    putchar('\n');
}

static void print_sum(const struct prune_request *request, const pk_prune_report *report)
{
    const char *separator = "";
    for (int action = 0; action < PK_PRUNE_ACTIONS; action++) {
        if (report->count[action] == 0)
            continue;
        printf("%s%d %s", separator, report->count[action], pk_prune_action_name((pk_prune_action)action));
        separator = ", ";
    }
    if (*separator == '\0')
        printf("nothing found");
    print_count(request->dry_run ? "; would kill " : "; killed ", report->killed, "process", "processes");
    print_count("; may not look into ", report->unreadable, "directory", "directories");
    putchar('\n');
}

static int prune_for_people(const struct prune_request *request, const pk_prune_options *options, pk_error *error)
{
    pk_prune_report report;
    int r = pk_prune(options, print_line, (void *)request, &report, error);
    if (r == 0 || (r != -EINVAL && report.count[PK_PRUNE_FAILED] > 0))
        print_sum(request, &report);
    return r;
}

/* ---- For programs ----------------------------------------------------------------------------------------------- */

static void append(const pk_pruned *pruned, void *data)
{
    json_t *owner = pruned->owner > 0 ? json_integer(pruned->owner) : json_null();
    json_t *failure = pruned->number < 0 ? json_string(strerror(-pruned->number)) : json_null();
    json_array_append_new(data,
                          json_pack("{s:s, s:s, s:o, s:i, s:i, s:i, s:o}", "path", safe(pruned->path), "action",
                                    pk_prune_action_name(pruned->action), "owner", owner, "groups", pruned->groups,
                                    "spared", pruned->spared, "killed", pruned->killed, "error", failure));
}

static json_t *counts_to_json(const pk_prune_report *report)
{
    json_t *counts = json_object();
    for (int action = 0; action <= PK_PRUNE_FAILED; action++)
        json_object_set_new(counts, pk_prune_action_name((pk_prune_action)action), json_integer(report->count[action]));
    return counts;
}

static int prune_for_programs(const struct prune_request *request, const pk_prune_options *options, pk_error *error)
{
    pk_prune_report report;
    json_t *directories = json_array();
    int r = pk_prune(options, append, directories, &report, error);
    if (r == -EINVAL) {
        json_decref(directories);
        return r;
    }
    json_t *json = json_pack("{s:i, s:b, s:o, s:o, s:i, s:i}", "schema_version", 1, "dry_run", request->dry_run,
                             "directories", directories, "counts", counts_to_json(&report), "killed", report.killed,
                             "unreadable", report.unreadable);
    if (!json) {
        snprintf(error->message, sizeof(error->message), "cannot print JSON: %s", strerror(ENOMEM));
        return -ENOMEM;
    }
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
    return r;
}

/* ---- The verb --------------------------------------------------------------------------------------------------- */

static int prune(const struct prune_request *request)
{
    pk_prune_options options = PK_PRUNE_OPTIONS_INIT;
    pk_error error;
    options.dry_run = request->dry_run;
    options.below = request->below[0] ? request->below : NULL;
    int r = (request->json ? prune_for_programs : prune_for_people)(request, &options, &error);
    int status = finish_output();
    if (r < 0) {
        say("%s", error.message);
        status = STATUS_FAILED;
    }
    return status;
}

int prune_main(int argc, char **argv)
{
    struct prune_request request = {0};
    struct given given;
    int status;
    if (options_parse(argc, argv, prune_options, "[OPTION...]", &given, &status) == 0) {
        status = STATUS_FAILED;
        if (given.rest && given.rest[0])
            say("prune takes no argument such as '%s' (see pk prune --help)", given.rest[0]);
        else if (options_apply(&given, &request) == 0)
            status = prune(&request);
    }
    options_free(&given);
    return status;
}
