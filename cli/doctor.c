/*
 * pk doctor.
 */
#include "doctor.h"

#include "lists.h"
#include "message.h"
#include "options.h"
#include "stats.h"

#include <processkit.h>

#include <jansson.h>
#include <stdio.h>

struct doctor_request {
    bool json;
    unsigned require;
};

static int apply_json(void *target, const char *value)
{
    (void)value;
    ((struct doctor_request *)target)->json = true;
    return 0;
}

static int apply_require(void *target, const char *value)
{
    return read_guarantees(value, &((struct doctor_request *)target)->require);
}

static const struct option_row doctor_options[] = {
    {"json", 0, NULL, apply_json, "print JSON"},
    {"require", 0, "BITS", apply_require, "exit with 125 unless this host gives these guarantees"},
    {NULL, 0, NULL, NULL, NULL},
};

/* ---- For people ------------------------------------------------------------------------------------------------- */

static const char *safe(const char *text)
{
    static char buffer[PK_HOST_TEXT_SIZE * 2];
    return pk_format_text(text, buffer, sizeof(buffer));
}

static void print_rung(const pk_rung *rung)
{
    char bits[128];
    printf("  %-4s %s\n", rung->available ? "yes" : "no", rung->name);
    if (rung->available)
        printf("         guarantees: %s\n", format_guarantees(rung->guarantees, bits, sizeof(bits)));
    if (rung->reason[0])
        printf("         %s\n", safe(rung->reason));
    if (rung->remedy[0])
        printf("         remedy: %s\n", safe(rung->remedy));
}

static void print_way(const pk_way *way)
{
    printf("  %-4s %s%s\n", way->available ? "yes" : "no", pk_delegation_name(way->delegation),
           way->delegation & PK_DELEGATION_DEFAULT ? "" : " (only if asked for, by --limits-by)");
    if (way->controllers[0])
        printf("         controllers: %s\n", safe(way->controllers));
    if (way->reason[0])
        printf("         %s\n", safe(way->reason));
    if (way->remedy[0])
        printf("         remedy: %s\n", safe(way->remedy));
}

static void print_host(const pk_host *host)
{
    char bits[128];
    printf("mechanism    %s\n", pk_mechanism_name(host->mechanism));
    printf("guarantees   %s\n", format_guarantees(host->guarantees, bits, sizeof(bits)));
    printf("limits by    %s\n", pk_delegation_name(host->delegation));
    printf("cgroup2      %s\n", host->cgroup_mount[0] ? safe(host->cgroup_mount) : "not to be seen");
    if (host->cgroup_own[0])
        printf("own cgroup   %s\n", safe(host->cgroup_own));
    printf("controllers  %s\n", host->controllers[0] ? safe(host->controllers) : "none");

    printf("\nWhat can be had here, best first:\n");
    for (size_t i = 0; i < host->rung_count; i++)
        print_rung(&host->rungs[i]);

    printf("\nWays to have controllers for limits, in this order:\n");
    for (size_t i = 0; i < host->way_count; i++)
        print_way(&host->ways[i]);

    printf("\nWhat the kernel has:\n");
    for (size_t i = 0; i < host->feature_count; i++) {
        const pk_feature *feature = &host->features[i];
        printf("  %-4s %s%s%s\n", feature->available ? "yes" : "no", feature->name, feature->available ? "" : ": ",
               feature->available ? "" : feature->without);
    }
}

/* ---- For programs ----------------------------------------------------------------------------------------------- */

static json_t *guarantees_to_json(unsigned bits)
{
    json_t *list = json_array();
    for (unsigned bit = 1; bit <= PK_GUARANTEE_USAGE; bit <<= 1)
        if (bits & bit)
            json_array_append_new(list, json_string(pk_guarantee_name((pk_guarantee)bit)));
    return list;
}

/* Paths are bytes; what is not UTF-8 is escaped as it is for people. */
static json_t *text_to_json(const char *text)
{
    return text[0] ? json_string(safe(text)) : json_null();
}

static json_t *way_to_json(const pk_way *way)
{
    return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o}", "name", pk_delegation_name(way->delegation), "available",
                     way->available, "default", (way->delegation & PK_DELEGATION_DEFAULT) != 0, "controllers",
                     text_to_json(way->controllers), "reason", text_to_json(way->reason), "remedy",
                     text_to_json(way->remedy));
}

static json_t *host_to_json(const pk_host *host)
{
    json_t *rungs = json_array(), *ways = json_array(), *features = json_array();
    for (size_t i = 0; i < host->rung_count; i++) {
        const pk_rung *rung = &host->rungs[i];
        json_array_append_new(rungs,
                              json_pack("{s:s, s:b, s:o, s:o, s:o}", "name", rung->name, "available", rung->available,
                                        "guarantees", guarantees_to_json(rung->guarantees), "reason",
                                        text_to_json(rung->reason), "remedy", text_to_json(rung->remedy)));
    }
    for (size_t i = 0; i < host->way_count; i++)
        json_array_append_new(ways, way_to_json(&host->ways[i]));
    for (size_t i = 0; i < host->feature_count; i++) {
        const pk_feature *feature = &host->features[i];
        json_array_append_new(features, json_pack("{s:s, s:b, s:s}", "name", feature->name, "available",
                                                  feature->available, "without", feature->without));
    }
    return json_pack("{s:i, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "schema_version", 1, "version",
                     pk_version(), "mechanism", pk_mechanism_name(host->mechanism), "guarantees",
                     guarantees_to_json(host->guarantees), "delegation", pk_delegation_name(host->delegation),
                     "cgroup_mount", text_to_json(host->cgroup_mount), "cgroup_own", text_to_json(host->cgroup_own),
                     "controllers", text_to_json(host->controllers), "rungs", rungs, "ways", ways, "features",
                     features);
}

static int print_json(const pk_host *host)
{
    json_t *json = host_to_json(host);
    if (!json) {
        say("out of memory");
        return STATUS_FAILED;
    }
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
    return 0;
}

/* ---- The verb --------------------------------------------------------------------------------------------------- */

static int examine(const struct doctor_request *request)
{
    char names[128];
    pk_host host;
    pk_error error;
    if (pk_host_examine(&host, &error) < 0) {
        say("%s", error.message);
        return STATUS_FAILED;
    }
    int status = 0;
    if (request->json)
        status = print_json(&host);
    else
        print_host(&host);
    if (status == 0)
        status = finish_output();

    unsigned given = host.guarantees | host.rungs[0].guarantees;
    unsigned missing = request->require & ~given;
    if (status == 0 && missing) {
        say("this host does not give: %s", format_guarantees(missing, names, sizeof(names)));
        status = STATUS_FAILED;
    }
    return status;
}

int doctor_main(int argc, char **argv)
{
    struct doctor_request request = {0};
    struct given given;
    int status;
    if (options_parse(argc, argv, doctor_options, "[OPTION...]", &given, &status) == 0) {
        status = STATUS_FAILED;
        if (given.rest && given.rest[0])
            say("doctor takes no argument such as '%s' (see pk doctor --help)", given.rest[0]);
        else if (options_apply(&given, &request) == 0)
            status = examine(&request);
    }
    options_free(&given);
    return status;
}
