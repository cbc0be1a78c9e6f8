/*
 * Limits in a scope: what a service manager, the spawner in the scope and the guardian that is born there do together.
 *
 * The manager is a fake one, whose scopes are real cgroups; as in test-delegation, hugetlb stands for all controllers.
 */
#include "cast.h"
#include "contain/delegation.h"
#include "contain/group.h"
#include "contain/outpost.h"
#include "contain/owner.h"
#include "fake-manager.h"
#include "hierarchy.h"
#include "sys/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const controllers[] = {"hugetlb"};

/* ---- A home in a scope ------------------------------------------------------------------------------------------ */

static void start_manager(struct fake_manager *manager)
{
    char place[PATH_MAX];
    assert_true(hierarchy_own(place));
    if (!hierarchy_enable(place, controllers[0]))
        skip_test("a cgroup that may enable the controller %s", controllers[0]);
    fake_manager_start(manager, "good", true);
    assert_true(hierarchy_enable(manager->cgroup, controllers[0]));
}

static void settle(struct fake_manager *manager)
{
    pk_error error;
    enum site_kind site;
    start_manager(manager);
    assert_ok(delegation_choose(PK_DELEGATION_SCOPE, controllers, 1, &site, &error), error);
    assert_int_equal(site, SITE_SCOPE);
}

/* What a group with limits is where its limits can be had; these it asks for in vain on this machine. */
static pk_group *make_group(void)
{
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_CGROUP2;
    assert_ok(pk_group_create(&options, &group, &error), error);
    group->site = SITE_SCOPE;
    while (group->dirs) { /* the one in the own cgroup */
        struct cgroup_dir *dir = group->dirs;
        group->dirs = dir->next;
        owner_remove_entry(&dir->entry);
        close(dir->entry.fd);
        free(dir);
    }
    return group;
}

static void end_all(struct fake_manager *manager)
{
    pk_leave();
    fake_manager_end(manager);
}

static pk_result run_true(pk_group *group)
{
    pk_error error;
    pk_process *process;
    pk_result result;
    pk_auto(pk_command) command = pk_command_new("/bin/true", NULL);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    pk_process_free(process);
    return result;
}

/* The processes of a cgroup, and whether it is there at all. */
static int count_processes(const char *directory)
{
    char file[PATH_MAX + 64], line[64];
    int count = 0;
    snprintf(file, sizeof(file), "%s/cgroup.procs", directory);
    FILE *procs = fopen(file, "re");
    if (!procs)
        return -1;
    while (fgets(line, sizeof(line), procs))
        count++;
    fclose(procs);
    return count;
}

/* ---- All is well ------------------------------------------------------------------------------------------------ */

static void a_home_in_a_scope(void **state)
{
    (void)state;
    struct fake_manager manager;
    char own[PATH_MAX], after[PATH_MAX], leaf[2 * PATH_MAX], path[PATH_MAX];
    pk_error error;
    struct owner_entry entry;
    assert_true(hierarchy_own(own));
    settle(&manager);
    assert_true(hierarchy_own(after));
    assert_string_equal(own, after); /* the owner was not moved */

    assert_ok(owner_make_entry(SITE_SCOPE, &entry, &error), error);
    owner_format_path(&entry, path, sizeof(path));
    assert_memory_equal(path, manager.cgroup, strlen(manager.cgroup));
    assert_int_equal(faccessat(entry.fd, "hugetlb.2MB.max", F_OK, 0), 0);
    assert_true(owner_is_guarded(SITE_SCOPE));

    /* Above the entry and the owner directory is the scope, and there the leaf, with spawner and guardian. */
    for (int i = 0; i < 2; i++)
        *strrchr(path, '/') = '\0';
    snprintf(leaf, sizeof(leaf), "%s/processkit-spawner", path);
    assert_int_equal(count_processes(leaf), 2);
    assert_int_equal(count_processes(path), 0);

    assert_int_equal(owner_remove_entry(&entry), 0);
    close(entry.fd);
    end_all(&manager);
}

static void commands_run_in_it(void **state)
{
    (void)state;
    struct fake_manager manager;
    settle(&manager);
    pk_auto(pk_group) group = make_group();
    for (int i = 0; i < 5; i++) {
        pk_result result = run_true(group);
        assert_true(pk_result_is_success(&result));
        assert_true(result.guarantees & PK_GUARANTEE_OWNER_DEATH);
    }
    pk_group_free(group);
    group = NULL;
    end_all(&manager);
}

static void a_scope_is_made_once(void **state)
{
    (void)state;
    struct fake_manager manager;
    pk_error error;
    enum site_kind site;
    settle(&manager);
    pid_t guardian = pk_guardian_pid();
    assert_ok(delegation_choose(PK_DELEGATION_SCOPE, controllers, 1, &site, &error), error);
    assert_ok(delegation_choose(PK_DELEGATION_DEFAULT, controllers, 1, &site, &error), error);
    assert_int_equal(site, SITE_SCOPE);
    assert_int_equal(pk_guardian_pid(), guardian);
    fake_manager_says(&manager, "asked ");
    for (int i = 0; i < 6; i++)
        fake_manager_says(&manager, "property ");
    fake_manager_says(&manager, "gone");
    end_all(&manager);
}

/* ---- The owner ends --------------------------------------------------------------------------------------------- */

static void be_owner(struct witness *witness, int ready)
{
    pk_error error;
    enum site_kind site;
    if (delegation_choose(PK_DELEGATION_SCOPE, controllers, 1, &site, &error) < 0)
        _exit(1);
    pk_group *group = make_group();
    pk_auto(pk_command) command = cast_command(witness, "wide 3");
    pk_process *process;
    if (pk_group_spawn(group, command, &process, &error) < 0)
        _exit(2);
    close(ready);
    for (;;)
        pause();
}

static void what_runs_in_it_dies_with_a_killed_owner(void **state)
{
    (void)state;
    struct fake_manager manager;
    int ready[2];
    start_manager(&manager);
    struct witness *witness = witness_new();
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t owner = fork();
    if (owner == 0)
        be_owner(witness, ready[1]);
    close(ready[1]);
    witness_ready(witness);
    assert_int_equal(kill(owner, SIGKILL), 0);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    witness_assert_dead(witness, 5000);
    witness_free(witness);
    close(ready[0]);
    fake_manager_end(&manager);
}

/* ---- The spawner is lost ---------------------------------------------------------------------------------------- */

/* Of a spawner and its guardian, the spawner came first. */
static pid_t find_spawner(const char *scopes)
{
    char file[2 * PATH_MAX];
    int pid = 0;
    DIR *directory = opendir(scopes);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (strncmp(entry->d_name, "run-processkit-", 15) != 0)
            continue;
        snprintf(file, sizeof(file), "%s/%s/processkit-spawner/cgroup.procs", scopes, entry->d_name);
        FILE *procs = fopen(file, "re");
        if (procs && fscanf(procs, "%d", &pid) != 1)
            pid = 0;
        if (procs)
            fclose(procs);
    }
    closedir(directory);
    assert_true(pid > 0);
    return pid;
}

static void kill_spawner(const struct fake_manager *manager)
{
    pid_t pid = find_spawner(manager->cgroup);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    assert_true(pidfd >= 0);
    assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    close(pidfd);
}

/* Whoever stops the scope takes everything that is in it: members, spawner and guardian. */
static void a_scope_that_was_ended_from_outside_is_replaced(void **state)
{
    (void)state;
    struct fake_manager manager;
    pk_error error;
    pk_process *process;
    pk_result result;
    settle(&manager);
    pk_group *group = make_group();
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = cast_command(witness, "wide 3");
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    witness_ready(witness);

    fake_manager_end(&manager);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_int_equal(result.verdict, PK_VERDICT_SIGNALLED);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    witness_free(witness);

    start_manager(&manager);
    result = run_true(group);
    assert_true(pk_result_is_success(&result));
    pk_group_free(group);
    end_all(&manager);
}

static void members_outlive_their_spawner(void **state)
{
    (void)state;
    struct fake_manager manager;
    pk_error error;
    pk_process *process;
    settle(&manager);
    pk_group *group = make_group();
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = cast_command(witness, "wide 3");
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    witness_ready(witness);
    kill_spawner(&manager);
    assert_int_equal(pk_group_is_empty(group, &error), 0);
    assert_true(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_dead(witness, 0);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
    end_all(&manager);
}

/* ---- Forks ------------------------------------------------------------------------------------------------------ */

static void a_forked_child_leaves_it_alone(void **state)
{
    (void)state;
    struct fake_manager manager;
    int status;
    settle(&manager);
    pk_auto(pk_group) group = make_group();
    pid_t child = fork();
    if (child == 0)
        exit(pk_group_kill(group, NULL) == -EPERM ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pk_result result = run_true(group);
    assert_true(pk_result_is_success(&result));
    pk_group_free(group);
    group = NULL;
    end_all(&manager);
}

static const struct test tests[] = {
    PK_TEST_WITH(a_home_in_a_scope, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(commands_run_in_it, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_scope_is_made_once, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(what_runs_in_it_dies_with_a_killed_owner, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_scope_that_was_ended_from_outside_is_replaced, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(members_outlive_their_spawner, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_forked_child_leaves_it_alone, .needs = NEEDS_CGROUP2),
};
PK_TEST_MAIN(tests)
