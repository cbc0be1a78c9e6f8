/*
 * Loading the bus library of systemd.
 */
#include "contain/sd-bus.h"

#include "base/error.h"
#include "contain/fork-lock.h"
#include "contain/refusal.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define LIBRARY "libsystemd.so.0"

#define SYMBOL(member)                                         \
    {                                                          \
        "sd_bus_" #member, offsetof(struct sd_bus_api, member) \
    }

static const struct sys_symbol symbols[] = {
    SYMBOL(new),
    SYMBOL(set_fd),
    SYMBOL(set_bus_client),
    SYMBOL(start),
    SYMBOL(close),
    SYMBOL(unref),
    SYMBOL(get_events),
    SYMBOL(get_timeout),
    SYMBOL(process),
    SYMBOL(add_match_async),
    SYMBOL(call_async),
    SYMBOL(message_new_method_call),
    SYMBOL(message_append),
    SYMBOL(message_read),
    SYMBOL(message_get_error),
    SYMBOL(message_unref),
};

enum { SYMBOLS = sizeof(symbols) / sizeof(symbols[0]) };

/* A forked child has what its parent had loaded. */
static void keep(void)
{
}

static struct {
    struct fork_lock lock;
    bool loaded;
    struct sd_bus_api api;
} the = {.lock = FORK_LOCK_INIT(keep, false)};

static int refuse(int number, const char *why, pk_error *error)
{
    if (number != -ELIBACC)
        return error_errno(error, number, PK_STEP_ENABLE_LIMITS, LIBRARY, "cannot load the systemd bus library");
    return refuse_limits(error, LIBRARY, "the systemd bus library cannot be loaded: %s (install libsystemd0)", why);
}

static int load(pk_error *error)
{
    void *library;
    char why[256];
    int r = sys_load_library(LIBRARY, &library, why, sizeof(why));
    if (r < 0)
        return refuse(r, why, error);
    const char *missing = sys_library_fill(library, symbols, SYMBOLS, &the.api);
    if (missing)
        return refuse_limits(
            error, LIBRARY, "the systemd bus library " LIBRARY " does not know %s (update libsystemd0 to 237 or later)",
            missing);
    the.loaded = true;
    return 0;
}

/* What failed is tried again the next time: somebody may have installed it meanwhile. */
int sd_bus_load(const struct sd_bus_api **api, pk_error *error)
{
    fork_lock_take(&the.lock);
    int r = the.loaded ? 0 : load(error);
    fork_lock_release(&the.lock);
    if (r == 0)
        *api = &the.api;
    return r;
}
