/*
 * The schema of service files: tables of settings, one row for each key.
 */
#ifndef PK_CLI_SERVICE_SETTING_H
#define PK_CLI_SERVICE_SETTING_H

#include "service-plan.h"
#include "toml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a value is written, and what it is in a plan. */
enum value_kind {
    VALUE_DURATION,  /* pk_duration */
    VALUE_SIZE,      /* uint64_t */
    VALUE_COUNT,     /* unsigned */
    VALUE_FLAG,      /* bool */
    VALUE_TEXT,      /* char * */
    VALUE_PATH,      /* char *, from the root: what is relative begins at the directory of the file */
    VALUE_SIGNAL,    /* int */
    VALUE_NUMBER,    /* for options */
    VALUE_CORES,     /* for options */
    VALUE_ID,        /* of a user or a group, for options */
    VALUE_LIST,      /* with commas, or an array; for options */
    VALUE_STRINGS,   /* an array of strings */
    VALUE_SOME,      /* a string, or an array of strings: each by itself */
    VALUE_VARIABLES, /* a table of strings and whole numbers */
    VALUE_TABLE,     /* of fields */
    VALUE_ANY,       /* for its function to judge */
};

struct reading;

/*
 * One setting. What is done with a value is said by one of these: `option`, an option of pk run that is applied to the
 * plan; `apply`, the function of one that is in no table of options; `read`, a function; `fields`, the rows of a table;
 * `offset`, the field of the plan where it goes.
 *
 * They are read in the order of the table, whatever the order in the file. A row without a key ends it.
 */
struct setting {
    const char *key;
    enum value_kind kind;
    bool own;   /* not for defaults */
    bool whole; /* fields are not filled up from defaults */
    const char *option;
    int (*apply)(void *target, const char *value);
    int (*read)(struct reading *reading, const struct setting *setting, struct toml_node *value);
    const struct setting *fields;
    size_t offset;
    uint64_t least, most;  /* of a number or a duration in a field; most 0: any */
    const char *otherwise; /* what an option is without it, so that it makes no difference if that is said */
    const char *shortly;   /* a string in the place of a table is the value of that field */
};

/* What a file can say of a service. */
extern const struct setting service_settings[];

#endif
