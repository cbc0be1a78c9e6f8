/*
 * The JSON library, loaded when it is first needed.
 *
 * Only cassettes need it, and most programs have none: so nothing is linked with it, and its headers are not needed
 * either. What is used of it is declared here, as its manual and the ABI of libjansson.so.4 have it.
 */
#ifndef PK_TESTING_JSON_H
#define PK_TESTING_JSON_H

#include <processkit/error.h>

#include <stdbool.h>
#include <stddef.h>

enum json_type { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_INTEGER };

enum { JSON_REJECT_DUPLICATES = 0x1 };                   /* for loadb */
enum { JSON_INDENT_2 = 2, JSON_PRESERVE_ORDER = 0x100 }; /* for dump_callback */

typedef struct json_t {
    enum json_type type;
    size_t references;
} json_t;

struct json_error_t {
    int line;
    int column;
    int position;
    char source[80];
    char text[160];
};

/* Its functions, without the "json_" before their names. */
struct json_api {
    json_t *(*loadb)(const char *bytes, size_t length, size_t flags, struct json_error_t *error);
    int (*dump_callback)(const json_t *value, int (*take)(const char *bytes, size_t length, void *data), void *data,
                         size_t flags);
    void (*delete)(json_t *value); /* that has no references: see json_unref */
    json_t *(*object)(void);
    json_t *(*array)(void);
    json_t *(*stringn)(const char *bytes, size_t length);
    json_t *(*integer)(long long number);
    int (*object_set_new)(json_t *object, const char *name, json_t *value); /* takes the value; -1 also if it is NULL */
    int (*array_append_new)(json_t *array, json_t *value);                  /* likewise */
    json_t *(*object_get)(const json_t *object, const char *name);          /* NULL for what is no object, too */
    size_t (*object_size)(const json_t *object);
    json_t *(*array_get)(const json_t *array, size_t index);
    size_t (*array_size)(const json_t *array);
    const char *(*string_value)(const json_t *string);
    size_t (*string_length)(const json_t *string);
    long long (*integer_value)(const json_t *integer);
};

/* Loads it unless that is done already. -EOPNOTSUPP, with the reason, if it is not there or too old. Any thread. */
int json_load(const struct json_api **api, pk_error *error);

/* Takes NULL. */
void json_unref(const struct json_api *api, json_t *value);

static inline bool json_is(const json_t *value, enum json_type type)
{
    return value && value->type == type;
}

#endif
