/*
 * Fault injection: every system call of a spawn and a teardown fails once, at each place where it is made. Each time
 * the outcome is a clean success or a clean error, nothing is leaked, and the library works afterwards as if nothing
 * had been.
 */
#include "cast.h"
#include "every-call.h"
#include "sys/fault.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const pk_mechanism cgroup2 = PK_MECHANISM_CGROUP2;
static const pk_mechanism reaper = PK_MECHANISM_REAPER;
static const pk_mechanism process_group = PK_MECHANISM_PROCESS_GROUP;

/* ---- What must not be left -------------------------------------------------------------------------------------- */

struct holdings {
    int descriptors;
    int directories;
    bool children;
};

static struct holdings take_stock(void)
{
    siginfo_t info;
    return (struct holdings){
        .descriptors = cast_count_descriptors(),
        .directories = cast_count_directories(),
        .children = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0,
    };
}

static void assert_same(struct holdings before, const char *call, unsigned nth, int error_number)
{
    struct holdings now = take_stock();
    if (now.descriptors > before.descriptors || now.directories > before.directories || now.children)
        fail_msg("%s #%u with errno %d leaked: descriptors %d -> %d, directories %d -> %d, children: %s", call, nth,
                 error_number, before.descriptors, now.descriptors, before.directories, now.directories,
                 now.children ? "yes" : "no");
}

/* On a loaded machine the killed may take longer than the end of their group waits: then children are taken away later,
 * and the guardian removes the directory. What nobody takes away is told by the comparison that follows. */
static void wait_for_the_late(struct holdings before)
{
    siginfo_t info;
    long deadline = clock_ms() + 5000L * test_slowness();
    while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0 && clock_ms() < deadline)
        pk_leave();
    while (cast_count_directories() > before.directories && pk_guardian_pid() != 0 && clock_ms() < deadline)
        sched_yield();
}

/* ---- Scenarios: each cleans up after itself, whatever failed ---------------------------------------------------- */

struct scenario {
    const pk_mechanism *mechanism;
    const char *words; /* of the adversary */
    bool everything;   /* every option of a command that makes a system call */
    bool terminal;     /* with a terminal of its own */
    bool shared;       /* in a group of its own making, stopped by the ladder */
};

static pk_command *make_command(const struct scenario *scenario)
{
    pk_command *command = cast_command(NULL, scenario->words);
    pk_command_null(command, 1);
    pk_command_grace(command, PK_MILLISECONDS(20));
    pk_command_timeout(command, PK_SECONDS(20));
    if (scenario->terminal)
        pk_command_pty(command, NULL);
    if (!scenario->everything)
        return command;
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 1);
    pk_command_file(command, 2, scratch("err"), PK_FILE_TRUNCATE);
    pk_command_fd(command, 5, STDERR_FILENO);
    pk_command_chdir(command, "/");
    pk_command_umask(command, 022);
    pk_command_nice(command, 1);
    pk_command_io_priority(command, PK_IO_BEST_EFFORT, 4);
    pk_command_cpu_affinity(command, (const unsigned[]){0}, 1);
    pk_command_rlimit(command, RLIMIT_NOFILE, 256, 256);
    pk_command_kill_on_parent_death(command);
    if (geteuid() == 0) {
        pk_command_groups(command, (const gid_t[]){65534}, 1);
        pk_command_gid(command, 65534);
        pk_command_uid(command, 65534);
    }
    if (*scenario->mechanism != PK_MECHANISM_PROCESS_GROUP)
        pk_command_setsid(command);
    return command;
}

static int run_private(const struct scenario *scenario, pk_error *error)
{
    pk_auto(pk_command) command = make_command(scenario);
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = *scenario->mechanism;
    pk_auto(pk_process) process = NULL; /* by a verb that leaves its pipes alone */
    pk_command_contain(command, &options);
    int r = pk_command_start(command, &process, error);
    return r < 0 ? r : pk_process_wait(process, PK_FOREVER, NULL, error);
}

static int run_shared(const struct scenario *scenario, pk_error *error)
{
    pk_auto(pk_command) command = make_command(scenario);
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = *scenario->mechanism;
    pk_stop_options stop = PK_STOP_OPTIONS_INIT;
    stop.grace = PK_MILLISECONDS(20);
    pk_auto(pk_group) group = NULL;
    int r = pk_group_create(&options, &group, error);
    if (r < 0)
        return r;
    pk_auto(pk_process) process = NULL;
    r = pk_group_spawn(group, command, &process, error);
    if (r == 0)
        r = pk_group_suspend(group, error);
    if (r == 0)
        r = pk_group_stop(group, &stop, NULL, error);
    return r;
}

static int run_scenario(const struct scenario *scenario, pk_error *error)
{
    return scenario->shared ? run_shared(scenario, error) : run_private(scenario, error);
}

/* ---- Every call, every place ------------------------------------------------------------------------------------ */

struct call {
    const char *name;
    unsigned count;
};

enum { MOST_CALLS = 64, MOST_PLACES = 40 };

struct calls {
    struct call items[MOST_CALLS];
    size_t count;
};

static void note_call(const char *call, unsigned count, void *data)
{
    struct calls *calls = data;
    if (calls->count < MOST_CALLS)
        calls->items[calls->count++] = (struct call){call, count};
}

static void fail_once(const struct scenario *scenario, const char *call, unsigned nth, int error_number)
{
    struct holdings before = take_stock();
    pk_error error = {0};

    sys_fault_clear();
    sys_fault_set(call, nth, error_number);
    int r = run_scenario(scenario, &error);
    sys_fault_clear();

    if (r < 0 && (error.number != r || error.message[0] == '\0' || error.kind == PK_ERROR_NONE))
        fail_msg("%s #%u with errno %d: returned %d without an explanation", call, nth, error_number, r);
    if (r > 0)
        fail_msg("%s #%u with errno %d: returned %d", call, nth, error_number, r);
    wait_for_the_late(before);
    assert_same(before, call, nth, error_number);
}

static void every_call_may_fail(void **state)
{
    static const int numbers[] = {EIO, EPERM, EMFILE, ENOMEM};
    const struct scenario *scenario = *state;
    struct calls calls = {0};
    pk_error error;
    unsigned faults = 0;

    assert_ok(run_scenario(scenario, &error), error); /* the owner directory is there from now on */
    sys_fault_clear();
    assert_ok(run_scenario(scenario, &error), error);
    sys_fault_each(note_call, &calls);
    assert_true(calls.count > 8);

    for (size_t i = 0; i < calls.count; i++) {
        for (unsigned nth = 1; nth <= calls.items[i].count && nth <= MOST_PLACES; nth = every_next_place(nth)) {
            fail_once(scenario, calls.items[i].name, nth, numbers[(i + nth) % 4]);
            fail_once(scenario, calls.items[i].name, nth, numbers[(i + nth + 1) % 4]);
            faults += 2;
        }
    }
    sys_fault_clear();
    assert_ok(run_scenario(scenario, &error), error);
    print_message("%u faults in %zu different calls\n", faults, calls.count);
}

/* ---- Few descriptors, no processes ------------------------------------------------------------------------------ */

static void runs_out_of_descriptors_cleanly(void **state)
{
    const struct scenario *scenario = *state;
    pk_error error;
    struct holdings before = take_stock();
    bool succeeded = false;

    /* From too few for anything to enough for everything. */
    for (unsigned most = 3; most < 24; most++) {
        struct rlimit limit = {most, 20000}, old;
        getrlimit(RLIMIT_NOFILE, &old);
        limit.rlim_max = old.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        int r = run_scenario(scenario, &error);
        setrlimit(RLIMIT_NOFILE, &old);
        if (r < 0 && r != -EMFILE)
            fail_msg("with %u descriptors: %d: %s", most, r, error.message);
        succeeded = r == 0;
        struct holdings now = take_stock();
        assert_true(now.directories <= before.directories + 1);
    }
    assert_true(succeeded);
}

static const struct scenario scenarios[] = {
    {&cgroup2, "exit 0", .everything = true},
    {&cgroup2, "wide 2 -- ignore TERM", .shared = true},
    {&cgroup2, "leave 0 -- hold"},
    {&process_group, "exit 0", .everything = true},
    {&process_group, "wide 2 -- ignore TERM", .shared = true},
    {&process_group, "leave 0 -- hold"},
    {&reaper, "exit 0", .everything = true},
    {&reaper, "wide 2 -- ignore TERM", .shared = true},
    {&reaper, "leave 0 -- hold"},
    {&cgroup2, "exit 0", .terminal = true},
    {&process_group, "exit 0", .terminal = true},
    {&reaper, "exit 0", .terminal = true},
};

#define EVERY(text, index, ...)                                                                                   \
    PK_TEST_NAMED("every_call_may_fail/" text, every_call_may_fail, .data = &scenarios[index], .deadline_s = 120, \
                  __VA_ARGS__)

static const struct test tests[] = {
    EVERY("run/cgroup2", 0, .needs = NEEDS_CGROUP2),
    EVERY("stop/cgroup2", 1, .needs = NEEDS_CGROUP2),
    EVERY("leftovers/cgroup2", 2, .needs = NEEDS_CGROUP2),
    EVERY("run/process_group", 3, .needs = 0),
    EVERY("stop/process_group", 4, .needs = 0),
    EVERY("leftovers/process_group", 5, .needs = 0),
    EVERY("run/reaper", 6, .needs = 0),
    EVERY("stop/reaper", 7, .needs = 0),
    EVERY("leftovers/reaper", 8, .needs = 0),
    EVERY("terminal/cgroup2", 9, .needs = NEEDS_CGROUP2),
    EVERY("terminal/process_group", 10, .needs = 0),
    EVERY("terminal/reaper", 11, .needs = 0),
    EVERY("run/cgroup2@delegated", 0, .as = TEST_AS_DELEGATED_USER),
    EVERY("run/process_group@user", 3, .as = TEST_AS_USER),
    EVERY("run/reaper@user", 6, .as = TEST_AS_USER),
    PK_TEST_NAMED("runs_out_of_descriptors_cleanly/cgroup2", runs_out_of_descriptors_cleanly, .data = &scenarios[0],
                  .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("runs_out_of_descriptors_cleanly/process_group", runs_out_of_descriptors_cleanly,
                  .data = &scenarios[3]),
    PK_TEST_NAMED("runs_out_of_descriptors_cleanly/reaper", runs_out_of_descriptors_cleanly, .data = &scenarios[6]),
    PK_TEST_NAMED("runs_out_of_descriptors_cleanly/reaper@user", runs_out_of_descriptors_cleanly, .data = &scenarios[6],
                  .as = TEST_AS_USER),
};

PK_TEST_MAIN(tests)
