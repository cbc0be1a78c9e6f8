/*
 * Connecting to the bus of a service manager.
 *
 * The places are fixed: nothing else than what systemd itself listens at. The address of a session's bus, which many
 * programs take from the environment, may be that of a bus of some terminal or test, where no manager is.
 */
#include "contain/manager.h"

#include "base/error.h"
#include "contain/proc.h"
#include "contain/refusal.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_BUS "/run/dbus/system_bus_socket"

static bool is_there(const char *path)
{
    return sys_faccessat(AT_FDCWD, path, 0) == 0;
}

/* ---- Whom it takes a pid for ------------------------------------------------------------------------------------ */

static int check_numbers(int bus, const char *path, pk_error *error)
{
    pid_t listener;
    char name[32], status[8192];
    int r = sys_peer_pid(bus, &listener);
    if (r < 0)
        return error_errno(error, r, PK_STEP_ENABLE_LIMITS, path, "cannot see who listens at %s", path);
    if (listener > 0) {
        snprintf(name, sizeof(name), "/proc/%d/status", listener);
        ssize_t length = sys_read_file(AT_FDCWD, name, status, sizeof(status));
        if (length < 0 && error_kind_of((int)length) == PK_ERROR_NO_MEMORY)
            return error_errno(error, (int)length, PK_STEP_ENABLE_LIMITS, name, "cannot read %s", name);
        if (length >= 0 && proc_has_one_number(status))
            return 0;
    }
    return refuse_limits(error, path,
                         "the service manager is in another pid namespace, where this process has another number "
                         "(let the container have a cgroup of its own that it may write to)");
}

static int take(int bus, const char *path, pk_error *error)
{
    int r = check_numbers(bus, path, error);
    if (r == 0)
        return bus;
    sys_close(bus);
    return r;
}

/* ---- Whose it is ------------------------------------------------------------------------------------------------ */

static int explain(int number, const char *path, const char *whose, pk_error *error)
{
    if (number == -EAGAIN)
        return refuse_limits(error, path, "nobody answers at the message bus %s", path);
    if (error_kind_of(number) == PK_ERROR_NO_MEMORY)
        return error_errno(error, number, PK_STEP_ENABLE_LIMITS, path, "cannot connect to the message bus %s", path);
    return refuse_limits(error, path, "cannot connect to the message bus %s: %s (systemctl %sstart dbus.socket)", path,
                         error_text(number), whose);
}

static int connect_system(pk_error *error)
{
    int bus = sys_keep(sys_connect(SYSTEM_BUS));
    if (bus >= 0)
        return take(bus, SYSTEM_BUS, error);
    if (bus != -ENOENT)
        return explain(bus, SYSTEM_BUS, "", error);
    if (!is_there("/run/systemd/system"))
        return refuse_limits(error, SYSTEM_BUS,
                             "no service manager runs here that could be asked for a scope (run where "
                             "systemd runs, or at the root of the cgroup hierarchy)");
    return refuse_limits(error, SYSTEM_BUS, "the service manager has no message bus (install dbus)");
}

/* A user's places: where the environment says, and the usual one. A service of the system has no variable to say it,
 * nor has what sudo started, but the place is the same. */
enum { PLACES = 2 };

struct places {
    const char *directories[PLACES];
    char usual[64];
};

static void find_places(struct places *places)
{
    const char *told = secure_getenv("XDG_RUNTIME_DIR");
    snprintf(places->usual, sizeof(places->usual), "/run/user/%u", (unsigned)sys_geteuid());
    places->directories[0] = told && told[0] == '/' ? told : places->usual;
    places->directories[1] = places->usual;
}

static int explain_absence(const struct places *places, pk_error *error)
{
    char path[PATH_MAX], why[128];
    unsigned uid = sys_geteuid();
    bool runs = false;
    for (size_t i = 0; i < PLACES && !runs; i++) {
        snprintf(path, sizeof(path), "%s/systemd/private", places->directories[i]);
        runs = is_there(path);
    }
    if (runs)
        snprintf(why, sizeof(why), "the user manager of uid %u has no message bus (install dbus-user-session)", uid);
    else
        snprintf(why, sizeof(why), "no user manager runs for uid %u (loginctl enable-linger %u, or log in)", uid, uid);
    return refuse_limits(error, places->usual, "%s", why);
}

static int connect_user(pk_error *error)
{
    struct places places;
    char path[PATH_MAX];
    int r = -ENOENT;
    find_places(&places);
    for (size_t i = 0; i < PLACES && r < 0 && error_kind_of(r) != PK_ERROR_NO_MEMORY; i++) {
        snprintf(path, sizeof(path), "%s/bus", places.directories[i]);
        r = sys_keep(sys_connect(path));
    }
    if (r >= 0)
        return take(r, path, error);
    return r == -ENOENT ? explain_absence(&places, error) : explain(r, path, "--user ", error);
}

int manager_connect(bool *of_system, pk_error *error)
{
    *of_system = sys_geteuid() == 0;
    return *of_system ? connect_system(error) : connect_user(error);
}

bool manager_is_alone(void)
{
    int bus = sys_connect(SYSTEM_BUS);
    sys_close_safe(bus);
    return bus == -ENOENT || bus == -ECONNREFUSED;
}
