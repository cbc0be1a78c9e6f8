/*
 * Asking a service manager for a scope: one that is well, and all the ways in which one may be ill.
 */
#include "contain/scope.h"
#include "every-call.h"
#include "fake-manager.h"
#include "hierarchy.h"
#include "sys/fault.h"
#include "sys/sys.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* For a manager that is well, and for one that never comes to an end. */
#define LONG  PK_SECONDS(30)
#define SHORT PK_MILLISECONDS(300)

/* ---- Who is to be moved ----------------------------------------------------------------------------------------- */

static pid_t start_child(void)
{
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    return child;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void expect_file(const char *directory, const char *name, const char *text)
{
    char path[PATH_MAX + 32], found[256] = "";
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    if (!fgets(found, sizeof(found), file))
        found[0] = '\0';
    fclose(file);
    found[strcspn(found, "\n")] = '\0';
    assert_string_equal(found, text);
}

/* ---- A manager that is well ------------------------------------------------------------------------------------- */

static void a_scope_is_made(void **state)
{
    struct fake_manager manager;
    struct scope scope;
    pk_error error = {0};
    char expected[PATH_MAX + 128], pid[32];
    fake_manager_start(&manager, *state, true);
    pid_t child = start_child();
    if (scope_make_within(child, LONG, &scope, &error) < 0)
        fail_msg("%s", error.message);

    snprintf(expected, sizeof(expected), "asked %s %d", scope.unit, child);
    fake_manager_says(&manager, expected);
    snprintf(expected, sizeof(expected), "%s/%s", manager.cgroup, scope.unit);
    assert_string_equal(scope.path, expected);
    snprintf(expected, sizeof(expected), "run-processkit-%d-", child);
    expect_words(scope.unit, expected);
    assert_int_equal(scope.of_system, geteuid() == 0);
    snprintf(pid, sizeof(pid), "%d", child);
    expect_file(scope.path, "cgroup.procs", pid);

    fake_manager_end(&manager);
    end_child(child);
}

static void the_right_things_are_asked_for(void **state)
{
    (void)state;
    struct fake_manager manager;
    struct scope scope;
    pk_error error = {0};
    char expected[64];
    fake_manager_start(&manager, "good", true);
    pid_t child = start_child();
    assert_int_equal(scope_make_within(child, LONG, &scope, &error), 0);

    fake_manager_says(&manager, "asked ");
    snprintf(expected, sizeof(expected), "property Description What process %d ", getpid());
    fake_manager_says(&manager, expected);
    snprintf(expected, sizeof(expected), "property PIDs [%d]", child);
    fake_manager_says(&manager, expected);
    fake_manager_says(&manager, "property Delegate 1");
    fake_manager_says(&manager, "property TasksMax 18446744073709551615");
    fake_manager_says(&manager, "property CollectMode inactive-or-failed");
    fake_manager_says(&manager, "property TimeoutStopUSec 2000000");
    fake_manager_says(&manager, "gone"); /* nothing more, and the connection is closed */

    fake_manager_end(&manager);
    end_child(child);
}

static void many_scopes_have_many_names(void **state)
{
    (void)state;
    struct scope first, second;
    pk_error error = {0};
    struct fake_manager manager;
    fake_manager_start(&manager, "good", true);
    pid_t child = start_child();
    assert_int_equal(scope_make_within(child, LONG, &first, &error), 0);
    fake_manager_end(&manager);
    end_child(child);
    child = start_child();
    fake_manager_start(&manager, "good", true);
    assert_int_equal(scope_make_within(child, LONG, &second, &error), 0);
    fake_manager_end(&manager);
    end_child(child);
    assert_string_not_equal(first.unit, second.unit);
}

/* ---- A good guest ----------------------------------------------------------------------------------------------- */

enum { SIGNALS = 64 };

struct manners {
    void *handlers[SIGNALS];
    int flags[SIGNALS];
    sigset_t mask;
    mode_t umask;
    char environment[8192];
};

static void note_manners(struct manners *manners)
{
    memset(manners, 0, sizeof(*manners));
    for (int i = 1; i < SIGNALS; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) == 0) {
            manners->handlers[i] = (void *)action.sa_handler;
            manners->flags[i] = action.sa_flags;
        }
    }
    sigprocmask(SIG_SETMASK, NULL, &manners->mask);
    manners->umask = umask(0);
    umask(manners->umask);
    size_t used = 0;
    for (char **at = environ; *at && used < sizeof(manners->environment); at++)
        used += (size_t)snprintf(manners->environment + used, sizeof(manners->environment) - used, "%s\n", *at);
}

/* Threads, children and descriptors are counted after each test anyway. */
static void nothing_of_the_process_changes(void **state)
{
    struct manners before, after;
    struct fake_manager manager;
    struct scope scope;
    pk_error error = {0};
    fake_manager_start(&manager, *state, strcmp(*state, "good") == 0);
    pid_t child = start_child();
    note_manners(&before);
    scope_make_within(child, PK_SECONDS(3), &scope, &error);
    note_manners(&after);
    assert_memory_equal(&before, &after, sizeof(before));
    fake_manager_end(&manager);
    end_child(child);
}

/* ---- Managers that are ill -------------------------------------------------------------------------------------- */

struct illness {
    const char *behaviour;
    const char *words; /* of the refusal */
    bool is_slow;      /* it takes all the time there is */
    bool is_told;      /* it hears that the unit is not wanted */
    bool makes_scope;
};

#define BROKEN "the conversation with the service manager broke off: "

static const struct illness illnesses[] = {
    {.behaviour = "crowded", .words = "nobody answers at the message bus /"},
    {.behaviour = "asleep", .words = "did not answer within 300ms (", .is_slow = true},
    {.behaviour = "mute-greeting", .words = "did not answer within 300ms (", .is_slow = true},
    {.behaviour = "mute-hello", .words = "did not answer within 300ms (", .is_slow = true},
    {.behaviour = "mute-match", .words = "did not answer within 300ms (", .is_slow = true},
    {.behaviour = "mute-call", .words = "did not answer within 300ms (", .is_slow = true},
    {.behaviour = "unanswering", .words = "did not answer within 300ms (", .is_slow = true, .is_told = true},
    {.behaviour = "mute-job", .words = "did not make a scope within 300ms (", .is_slow = true},
    {.behaviour = "unending", .words = "did not make a scope within 300ms (", .is_slow = true, .is_told = true},
    {.behaviour = "chatty", .words = "did not make a scope within 300ms (", .is_slow = true},
    {.behaviour = "stranger", .words = BROKEN},
    {.behaviour = "babble-greeting", .words = BROKEN},
    {.behaviour = "babble-hello", .words = BROKEN},
    {.behaviour = "babble-call", .words = BROKEN},
    {.behaviour = "babble-job", .words = BROKEN},
    {.behaviour = "dead-greeting", .words = BROKEN},
    {.behaviour = "dead-hello", .words = BROKEN},
    {.behaviour = "dead-call", .words = BROKEN},
    {.behaviour = "dead-job", .words = BROKEN},
    {.behaviour = "lonely", .words = "refused a scope: org.freedesktop.DBus.Error.ServiceUnknown: The name is"},
    {.behaviour = "refusing", .words = "org.freedesktop.DBus.Error.AccessDenied: not\\x1b[31m today\\n"},
    {.behaviour = "failing", .words = "its job ended with 'failed' (journalctl -u run-processkit-", .is_told = true},
    {.behaviour = "good", .words = ", but process ", .is_told = true}, /* which it has not moved */
    {.behaviour = "elsewhere", .words = ", but process ", .is_told = true, .makes_scope = true},
};

#define WITHOUT(name)                                                                                           \
    {                                                                                                           \
        .behaviour = "good-without-" name, .words = "but it is not delegated to this process", .is_told = true, \
        .makes_scope = true                                                                                     \
    }
static const struct illness without_control = WITHOUT("subtree_control"), without_procs = WITHOUT("procs");

static void expect_refusal(const struct illness *illness, pid_t child)
{
    struct scope scope = {.unit = "untouched"};
    pk_error error = {0};
    pk_time begin = sys_now();
    int r = scope_make_within(child, illness->is_slow ? SHORT : LONG, &scope, &error);
    pk_duration took = sys_now() - begin;

    expect_words(error.message, illness->words);
    expect_words(error.message, "cannot enforce limits: ");
    assert_int_equal(r, -EOPNOTSUPP);
    assert_int_equal(error.number, r);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_string_equal(scope.unit, "untouched");
    if (illness->is_slow)
        assert_in_range(took, SHORT, SHORT + SCOPE_FAREWELL + PK_SECONDS(2) * test_slowness());
    else
        assert_in_range(took, 0, LONG / 2);
}

static void an_ill_manager_is_a_reason(void **state)
{
    const struct illness *illness = *state;
    struct fake_manager manager;
    fake_manager_start(&manager, illness->behaviour, illness->makes_scope);
    pid_t child = start_child();
    expect_refusal(illness, child);
    if (illness->is_told) {
        fake_manager_says(&manager, "asked ");
        for (int i = 0; i < 6; i++)
            fake_manager_says(&manager, "property ");
        fake_manager_says(&manager, "stopped run-processkit-");
    }
    fake_manager_end(&manager);
    end_child(child);
}

static void a_user_manager_without_the_system_bus_is_named(void **state)
{
    static const struct illness alone = {
        .behaviour = "failing", .words = "it has to ask the system's, which has no message bus (install dbus)"};
    (void)state;
    sys_fault_redirect("/run/dbus/system_bus_socket", scratch("nothing"));
    an_ill_manager_is_a_reason((void *[]){(void *)&alone});
}

/* ---- Failing calls ---------------------------------------------------------------------------------------------- */

static void runs_out_of_descriptors_cleanly(void **state)
{
    (void)state;
    struct fake_manager manager;
    struct rlimit old, limit;
    pk_error error = {0};
    struct scope scope;
    int r = -EMFILE;
    getrlimit(RLIMIT_NOFILE, &old);
    for (rlim_t most = 3; most < 16 && r < 0; most++) {
        fake_manager_start(&manager, "good", true);
        pid_t child = start_child();
        limit = (struct rlimit){most, old.rlim_max};
        setrlimit(RLIMIT_NOFILE, &limit);
        r = scope_make_within(child, LONG, &scope, &error);
        setrlimit(RLIMIT_NOFILE, &old);
        fake_manager_end(&manager);
        end_child(child);
        if (r < 0 && (r != -EMFILE || error.number != r || error.kind != PK_ERROR_NO_MEMORY))
            fail_msg("with %u descriptors: %d: %s", (unsigned)most, r, error.message);
    }
    assert_int_equal(r, 0);
}

struct asking {
    struct fake_manager manager;
    pid_t child;
};

static void prepare(void *data)
{
    struct asking *asking = data;
    fake_manager_start(&asking->manager, "good", true);
    asking->child = start_child();
}

static int ask(void *data, pk_error *error)
{
    struct asking *asking = data;
    struct scope scope;
    return scope_make_within(asking->child, LONG, &scope, error);
}

static void clean_up(void *data, int result)
{
    struct asking *asking = data;
    (void)result;
    fake_manager_end(&asking->manager);
    end_child(asking->child);
}

static void every_call_may_fail(void **state)
{
    (void)state;
    struct asking asking;
    every_call_fails(&(struct every_call){.prepare = prepare, .run = ask, .check = clean_up, .data = &asking});
}

#define ILL(text, index, ...)                                                                                \
    PK_TEST_NAMED("an_ill_manager_is_a_reason/" text, an_ill_manager_is_a_reason, .data = &illnesses[index], \
                  __VA_ARGS__)

static const struct test tests[] = {
    PK_TEST_NAMED("a_scope_is_made", a_scope_is_made, .data = "good", .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("a_scope_is_made/hasty", a_scope_is_made, .data = "hasty", .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("a_scope_is_made@delegated", a_scope_is_made, .data = "good", .as = TEST_AS_DELEGATED_USER),
    PK_TEST_WITH(the_right_things_are_asked_for, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(many_scopes_have_many_names, .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("nothing_of_the_process_changes/good", nothing_of_the_process_changes, .data = "good",
                  .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("nothing_of_the_process_changes/dead", nothing_of_the_process_changes, .data = "dead-greeting"),
    PK_TEST_NAMED("nothing_of_the_process_changes/dead-later", nothing_of_the_process_changes, .data = "dead-call"),
    ILL("crowded", 0, .needs = 0),
    ILL("asleep", 1, .needs = 0),
    ILL("mute-greeting", 2, .needs = 0),
    ILL("mute-hello", 3, .needs = 0),
    ILL("mute-match", 4, .needs = 0),
    ILL("mute-call", 5, .needs = 0),
    ILL("unanswering", 6, .needs = 0),
    ILL("mute-job", 7, .needs = 0),
    ILL("unending", 8, .needs = 0),
    ILL("chatty", 9, .needs = 0),
    ILL("stranger", 10, .needs = 0),
    ILL("babble-greeting", 11, .needs = 0),
    ILL("babble-hello", 12, .needs = 0),
    ILL("babble-call", 13, .needs = 0),
    ILL("babble-job", 14, .needs = 0),
    ILL("dead-greeting", 15, .needs = 0),
    ILL("dead-hello", 16, .needs = 0),
    ILL("dead-call", 17, .needs = 0),
    ILL("dead-job", 18, .needs = 0),
    ILL("lonely", 19, .needs = 0),
    ILL("refusing", 20, .needs = 0),
    ILL("failing", 21, .needs = 0),
    ILL("good", 22, .needs = 0),
    ILL("elsewhere", 23, .needs = NEEDS_CGROUP2),
    ILL("asleep@user", 1, .as = TEST_AS_USER),
    ILL("unanswering@user", 6, .as = TEST_AS_USER),
    ILL("refusing@user", 20, .as = TEST_AS_USER),
    ILL("elsewhere@delegated", 23, .as = TEST_AS_DELEGATED_USER),
    PK_TEST_NAMED("an_ill_manager_is_a_reason/without_control@delegated", an_ill_manager_is_a_reason,
                  .data = &without_control, .as = TEST_AS_DELEGATED_USER),
    PK_TEST_NAMED("an_ill_manager_is_a_reason/without_procs@delegated", an_ill_manager_is_a_reason,
                  .data = &without_procs, .as = TEST_AS_DELEGATED_USER),
    PK_TEST_AS_USER(a_user_manager_without_the_system_bus_is_named),
    PK_TEST_WITH(runs_out_of_descriptors_cleanly, .needs = NEEDS_CGROUP2, .deadline_s = 60),
    PK_TEST_WITH(every_call_may_fail, .needs = NEEDS_CGROUP2, .deadline_s = 180),
    PK_TEST_AS_DELEGATED_USER(every_call_may_fail, .deadline_s = 180),
};

PK_TEST_MAIN(tests)
