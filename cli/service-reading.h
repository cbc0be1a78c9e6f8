/*
 * Reading a service by the rows of its schema.
 */
#ifndef PK_CLI_SERVICE_READING_H
#define PK_CLI_SERVICE_READING_H

#include "faults.h"
#include "service-setting.h"

#include <stdio.h>

struct reading {
    struct faults *faults;
    const char *directory; /* where relative paths begin */
    struct service_plan *plan;
    struct service_plan initial; /* the same before anything was read */
    bool defaults;               /* they are read, and no service */
    FILE *settings;              /* the text of all that is said, one line for each */
    unsigned env_files;
    char prefix[64]; /* of keys in tables: "restart." */
};

/* A table and, where that says nothing, another one; either may be NULL. */
struct source {
    struct toml_node *own, *otherwise;
    const char *name;    /* of the first: "service 'web'" */
    const char *shortly; /* what a string means that is in its place */
};

/* Reads all settings of a table; what is wrong is among the faults. */
void read_settings(struct reading *reading, const struct setting *settings, const struct source *source);

/* ---- For functions that read a value ----------------------------------------------------------------------------- */

/* "KEY: what is wrong", at the place of the value, whose own complaint it is: there is one for each. -1. */
int complain(struct reading *reading, const struct setting *setting, struct toml_node *value, const char *format, ...)
    __attribute__((__format__(__printf__, 4, 5)));

/* Complains that a value is none of its setting's kind. -1. */
int complain_of_kind(struct reading *reading, const struct setting *setting, struct toml_node *value);

/* Adds `key = "text"` to the settings, after the prefix, or all texts to the NULL. */
void note_setting(struct reading *reading, const char *key, const char *text);
void note_vector(struct reading *reading, const char *key, const char *const *texts);

/* free() it. NULL: memory ran out. */
char *absolute_path(const struct reading *reading, const char *path);

/* A string or a number as text, which may be in the buffer; NULL: it is neither. */
enum { NUMBER_SIZE = 40 };
const char *value_text(const struct toml_node *value, char buffer[NUMBER_SIZE]);

/* The strings of an array, one at least, and then NULL. free() the vector, which lasts as long as the array. NULL, and
 * a complaint, if it is none. */
const char **read_vector(struct reading *reading, const struct setting *setting, struct toml_node *value);

/* What functions of other commands say on stderr is a complaint about this value from here on, and until `listen_end`.
 */
struct ear {
    struct reading *reading;
    const struct setting *setting;
    struct toml_node *value;
};
void listen_begin(struct ear *ear, struct reading *reading, const struct setting *setting, struct toml_node *value);
void listen_end(void);

/* Applies the option of a setting to the plan. */
int apply_option(struct reading *reading, const struct setting *setting, struct toml_node *value, const char *text);

#endif
