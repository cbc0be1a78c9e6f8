/*
 * Each way to run the program, once, with the same arguments and environment.
 *
 * What does not depend on the single run is prepared outside: attributes, the pk_command, the group of the contained
 * runs, the event loop of libuv.
 */
#include "ways.h"

#include "floor.h"

#include <processkit/command.h>
#include <processkit/group.h>
#include <processkit/process.h>
#include <processkit/run.h>

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

static struct {
    char *argv[2];
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t clean;
    pk_command *command;
    pk_command *inheriting;
    pk_group *group;
    bool have_cgroup;
    struct floor_place place;
    int cgroup;
    uv_loop_t loop;
} kit;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "cannot prepare %s: %s\n", what, why);
    exit(1);
}

/* ---- posix_spawn and fork --------------------------------------------------------------------------------------- */

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status == 0 ? 0 : -ECHILD;
}

static int spawn_with(const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes)
{
    pid_t pid;
    int r = posix_spawn(&pid, kit.argv[0], actions, attributes, kit.argv, environ);
    return r != 0 ? -r : wait_for(pid);
}

static int run_posix_spawn(void)
{
    return spawn_with(NULL, NULL);
}

static int run_posix_spawn_careful(void)
{
    return spawn_with(NULL, &kit.attributes);
}

static int run_posix_spawn_clean(void)
{
    return spawn_with(&kit.clean, &kit.attributes);
}

static int run_fork(void)
{
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        execve(kit.argv[0], kit.argv, environ);
        _exit(127);
    }
    return wait_for(pid);
}

/* What programs that think of it set: no blocked and no ignored signals in the child. */
static void prepare_attributes(void)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_init(&kit.attributes);
    posix_spawnattr_setsigdefault(&kit.attributes, &all);
    posix_spawnattr_setsigmask(&kit.attributes, &none);
    posix_spawnattr_setflags(&kit.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

    posix_spawn_file_actions_init(&kit.clean);
    posix_spawn_file_actions_addopen(&kit.clean, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&kit.clean, 3);
}

/* ---- The floor -------------------------------------------------------------------------------------------------- */

static int run_floor(void)
{
    struct floor_child child;
    int r = floor_spawn(kit.cgroup, kit.argv, environ, &child);
    return r < 0 ? r : floor_wait(&child);
}

static int run_floor_cycle(void)
{
    struct floor_child child;
    int cgroup = floor_cgroup_open(&kit.place, "cycle");
    if (cgroup < 0)
        return cgroup;
    int r = floor_spawn(cgroup, kit.argv, environ, &child);
    if (r == 0)
        r = floor_wait(&child);
    int removed = floor_cgroup_remove(&kit.place, "cycle", cgroup);
    return r < 0 ? r : removed;
}

static void prepare_floor(void)
{
    int r = floor_place_open(pk_group_path(kit.group), &kit.place);
    if (r < 0)
        fail("a cgroup for the floor", strerror(-r));
    kit.cgroup = floor_cgroup_open(&kit.place, "kept");
    if (kit.cgroup < 0)
        fail("a cgroup for the floor", strerror(-kit.cgroup));
}

/* ---- The library ------------------------------------------------------------------------------------------------ */

static int run_in_group(const pk_command *command)
{
    pk_process *process;
    pk_result result;
    int r = pk_group_spawn(kit.group, command, &process, NULL);
    if (r < 0)
        return r;
    r = pk_process_wait(process, PK_FOREVER, &result, NULL);
    pk_process_free(process);
    return r < 0 ? r : pk_result_is_success(&result) ? 0 : -ECHILD;
}

static int run_contained(void)
{
    return run_in_group(kit.command);
}

static int run_contained_inherit(void)
{
    return run_in_group(kit.inheriting);
}

static int run_private(void)
{
    pk_result result;
    int r = pk_command_status(kit.command, &result, NULL);
    return r < 0 ? r : pk_result_is_success(&result) ? 0 : -ECHILD;
}

static void prepare_library(void)
{
    pk_error error;
    if (pk_group_create(NULL, &kit.group, &error) < 0)
        fail("a group", error.message);
    kit.have_cgroup = pk_group_mechanism(kit.group) == PK_MECHANISM_CGROUP2;
    kit.command = pk_command_new(kit.argv[0], NULL);
    kit.inheriting = pk_command_new(kit.argv[0], NULL);
    pk_command_inherit(kit.inheriting, 0);
}

/* ---- libuv and GLib --------------------------------------------------------------------------------------------- */

static int64_t uv_status;

static void on_uv_exit(uv_process_t *process, int64_t status, int signal_number)
{
    uv_status = signal_number != 0 ? -1 : status;
    uv_close((uv_handle_t *)process, NULL);
}

static int run_libuv(void)
{
    uv_process_t process;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = 1},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .exit_cb = on_uv_exit,
        .file = kit.argv[0],
        .args = kit.argv,
        .stdio_count = 3,
        .stdio = stdio,
    };
    int r = uv_spawn(&kit.loop, &process, &options);
    if (r < 0)
        uv_close((uv_handle_t *)&process, NULL);
    uv_run(&kit.loop, UV_RUN_DEFAULT);
    return r < 0 ? r : uv_status == 0 ? 0 : -ECHILD;
}

static int run_glib(void)
{
    int status;
    if (!g_spawn_sync(NULL, kit.argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL))
        return -EIO;
    return status == 0 ? 0 : -ECHILD;
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

const struct way_description ways[WAYS] = {
    [WAY_POSIX_SPAWN] = {"posix_spawn", "no attributes, no file actions", .once = run_posix_spawn},
    [WAY_POSIX_SPAWN_CAREFUL] = {"posix_spawn, careful", "SETSIGDEF (all), SETSIGMASK (none)",
                                 .once = run_posix_spawn_careful},
    [WAY_POSIX_SPAWN_CLEAN] = {"posix_spawn, clean child", "careful, 0 from /dev/null, closefrom 3",
                               .once = run_posix_spawn_clean},
    [WAY_FLOOR] = {"floor, contained", "clone3 into an existing cgroup, by hand", .once = run_floor,
                   .needs_cgroup = true},
    [WAY_FLOOR_CYCLE] = {"floor, private", "mkdir, open, clone3 into, wait, rmdir, by hand", .once = run_floor_cycle,
                         .needs_cgroup = true},
    [WAY_CONTAINED] = {"contained", "pk_group_spawn into an existing group, wait, free", .once = run_contained},
    [WAY_CONTAINED_INHERIT] = {"contained, stdin inherited", "the same with descriptor 0 inherited",
                               .once = run_contained_inherit},
    [WAY_PRIVATE] = {"private", "pk_command_status: group made, spawn, wait, freed", .once = run_private},
    [WAY_FORK] = {"fork + exec", "waitpid", .copies = true, .once = run_fork},
    [WAY_LIBUV] = {"libuv", "uv_spawn and uv_run in a kept loop", .copies = true, .once = run_libuv},
    [WAY_GLIB] = {"GLib", "g_spawn_sync, default flags", .copies = true, .once = run_glib},
};

void ways_prepare(const char *program)
{
    kit.argv[0] = strdup(program);
    prepare_attributes();
    prepare_library();
    if (kit.have_cgroup)
        prepare_floor();
    if (uv_loop_init(&kit.loop) < 0)
        fail("libuv", "no loop");
}

bool ways_have_cgroup(void)
{
    return kit.have_cgroup;
}

void ways_finish(void)
{
    uv_loop_close(&kit.loop);
    if (kit.have_cgroup) {
        floor_cgroup_remove(&kit.place, "kept", kit.cgroup);
        floor_place_close(&kit.place);
    }
    pk_group_free(kit.group);
    pk_command_free(kit.command);
    pk_command_free(kit.inheriting);
    posix_spawn_file_actions_destroy(&kit.clean);
    posix_spawnattr_destroy(&kit.attributes);
    free(kit.argv[0]);
}
