/*
 * Loading the JSON library.
 */
#include "testing/json.h"

#include "base/error.h"
#include "contain/fork-lock.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdint.h>

#define LIBRARY "libjansson.so.4"

#define SYMBOL(member)                                     \
    {                                                      \
        "json_" #member, offsetof(struct json_api, member) \
    }

static const struct sys_symbol symbols[] = {
    SYMBOL(loadb),      SYMBOL(dump_callback), SYMBOL(delete),           SYMBOL(object),
    SYMBOL(array),      SYMBOL(stringn),       SYMBOL(integer),          SYMBOL(object_set_new),
    SYMBOL(object_get), SYMBOL(object_size),   SYMBOL(array_append_new), SYMBOL(array_get),
    SYMBOL(array_size), SYMBOL(string_value),  SYMBOL(string_length),    SYMBOL(integer_value),
};

enum { SYMBOLS = sizeof(symbols) / sizeof(symbols[0]) };

/* A forked child has what its parent had loaded. */
static void keep(void)
{
}

static struct {
    struct fork_lock lock;
    bool loaded;
    struct json_api api;
} the = {.lock = FORK_LOCK_INIT(keep, false)};

static int load(pk_error *error)
{
    void *library;
    char why[256];
    int r = sys_load_library(LIBRARY, &library, why, sizeof(why));
    if (r == -ELIBACC)
        return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_ARGUMENTS, LIBRARY,
                         "cassettes need a JSON library, which cannot be loaded: %s (install libjansson4)", why);
    if (r < 0)
        return error_errno(error, r, PK_STEP_ARGUMENTS, LIBRARY, "cannot load the JSON library for cassettes");
    const char *missing = sys_library_fill(library, symbols, SYMBOLS, &the.api);
    if (missing)
        return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_ARGUMENTS, LIBRARY,
                         "the JSON library " LIBRARY " does not know %s (update libjansson4 to 2.7 or later)", missing);
    the.loaded = true;
    return 0;
}

/* What failed is tried again the next time: somebody may have installed it meanwhile. */
int json_load(const struct json_api **api, pk_error *error)
{
    fork_lock_take(&the.lock);
    int r = the.loaded ? 0 : load(error);
    fork_lock_release(&the.lock);
    if (r == 0)
        *api = &the.api;
    return r;
}

/* As the library's own header does it: its constants have no number of references. */
void json_unref(const struct json_api *api, json_t *value)
{
    if (value && value->references != SIZE_MAX && --value->references == 0)
        api->delete (value);
}
