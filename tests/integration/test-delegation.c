/*
 * Finding a site for limits: the ways that need no service manager, with a controller that this machine has.
 *
 * "hugetlb" stands for all controllers: the kernel treats it as it treats memory, and unlike that it is not given to
 * the old hierarchies on most machines.
 */
#include "cast.h"
#include "contain/delegation.h"
#include "contain/home.h"
#include "contain/owner.h"
#include "contain/place.h"
#include "hierarchy.h"
#include "sys/fault.h"

#include <processkit/guardian.h>
#include <processkit/host.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *const controllers[] = {"hugetlb"};

#define EVERY_WAY (PK_DELEGATION_DEFAULT | PK_DELEGATION_LEAF)

/* ---- A cgroup to be in ------------------------------------------------------------------------------------------ */

static void need_controller(const char *place)
{
    char file[PATH_MAX + 32], line[512] = "";
    snprintf(file, sizeof(file), "%s/cgroup.controllers", place);
    FILE *list = fopen(file, "re");
    if (list && !fgets(line, sizeof(line), list))
        line[0] = '\0';
    if (list)
        fclose(list);
    if (!strstr(line, controllers[0]))
        skip_test("the controller %s in %s", controllers[0], place);
}

/* A cgroup like a unit's, with this process in it and the mark of a manager on it, if it is delegated. */
static void enter_unit(char unit[PATH_MAX], bool delegated)
{
    char place[PATH_MAX];
    assert_true(hierarchy_own(place));
    need_controller(place);
    if (!hierarchy_enable(place, controllers[0]))
        skip_test("a cgroup that may enable controllers");
    assert_true(hierarchy_delegate(place, geteuid(), unit));
    if (delegated)
        assert_int_equal(setxattr(unit, "user.delegate", "1", 1, 0), 0);
    assert_true(hierarchy_enter(unit));
}

/* What another owner, or DelegateSubgroup= of a service manager, has prepared. */
static void enter_leaf_of_unit(char unit[PATH_MAX], char leaf[PATH_MAX + 32])
{
    enter_unit(unit, true);
    snprintf(leaf, PATH_MAX + 32, "%s/main", unit);
    assert_int_equal(mkdir(leaf, 0755), 0);
    assert_true(hierarchy_enter(leaf));
}

static void leave_unit(const char *unit)
{
    char above[PATH_MAX];
    snprintf(above, sizeof(above), "%.*s", (int)(strrchr(unit, '/') - unit), unit);
    assert_true(hierarchy_enter(above));
    hierarchy_remove(unit);
}

static void assert_is_in(const char *directory)
{
    char own[PATH_MAX];
    assert_true(hierarchy_own(own));
    assert_string_equal(own, directory);
}

/* ---- One way after the other ------------------------------------------------------------------------------------ */

static void the_root_needs_nothing(void **state)
{
    (void)state;
    char place[PATH_MAX], type[PATH_MAX + 32];
    pk_error error;
    enum site_kind site = SITES;
    assert_true(hierarchy_own(place));
    snprintf(type, sizeof(type), "%s/cgroup.type", place);
    if (access(type, F_OK) == 0)
        skip_test("a place in the root of the hierarchy");
    need_controller(place);
    assert_ok(delegation_choose(PK_DELEGATION_DEFAULT, controllers, 1, &site, &error), error);
    assert_int_equal(site, SITE_ROOT);
    assert_is_in(place);
    owner_leave();
}

static void a_plain_unit_is_left_alone(void **state)
{
    (void)state;
    char unit[PATH_MAX];
    pk_error error;
    enum site_kind site;
    enter_unit(unit, false);
    assert_int_equal(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "is not delegated to this process (set Delegate=yes in its unit)"));
    assert_int_equal(delegation_choose(PK_DELEGATION_PRESENT | PK_DELEGATION_ROOT, controllers, 1, &site, &error),
                     -EOPNOTSUPP);
    assert_string_equal(error.message, "cannot enforce limits: root: this process is not in the root of the cgroup "
                                       "hierarchy; present: this process is not in a leaf of a cgroup that was "
                                       "delegated to it");
    assert_is_in(unit);
    leave_unit(unit);
}

static void a_delegated_unit_is_divided_on_request(void **state)
{
    (void)state;
    char unit[PATH_MAX], leaf[PATH_MAX + 32], group[PATH_MAX + 128];
    pk_error error;
    enum site_kind site;
    enter_unit(unit, true);
    snprintf(leaf, sizeof(leaf), "%s/processkit-leaf", unit);

    assert_int_equal(delegation_choose(PK_DELEGATION_ROOT | PK_DELEGATION_PRESENT, controllers, 1, &site, &error),
                     -EOPNOTSUPP);
    assert_is_in(unit);
    assert_ok(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), error);
    assert_int_equal(site, SITE_LEAF);
    assert_is_in(leaf);

    struct owner_entry entry;
    assert_ok(owner_make_entry(site, &entry, &error), error);
    owner_format_path(&entry, group, sizeof(group));
    assert_memory_equal(group, unit, strlen(unit));
    assert_int_equal(faccessat(entry.fd, "hugetlb.2MB.max", W_OK, 0), 0);
    assert_int_equal(owner_remove_entry(&entry), 0);
    close(entry.fd);
    owner_leave();
    leave_unit(unit);
}

static void in_a_leaf_groups_stand_beside_it(void **state)
{
    (void)state;
    char unit[PATH_MAX], leaf[PATH_MAX + 32];
    pk_error error;
    enum site_kind site;
    enter_leaf_of_unit(unit, leaf);
    assert_ok(delegation_choose(PK_DELEGATION_ROOT | PK_DELEGATION_PRESENT, controllers, 1, &site, &error), error);
    assert_int_equal(site, SITE_PRESENT);
    assert_is_in(leaf);
    owner_leave();
    leave_unit(unit);
}

static void what_is_there_comes_first(void **state)
{
    (void)state;
    char unit[PATH_MAX];
    pk_error error;
    enum site_kind site;
    enter_unit(unit, true);
    assert_ok(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), error);
    assert_int_equal(site, SITE_LEAF);
    /* `present` would do as well by now, and stands above it. */
    assert_ok(delegation_choose(EVERY_WAY, controllers, 1, &site, &error), error);
    assert_int_equal(site, SITE_LEAF);
    owner_leave();
    leave_unit(unit);
}

/* ---- The guardian of groups without limits ---------------------------------------------------------------------- */

/* An owner with a group in the unit itself; returns the guardian. */
static pid_t have_a_plain_group(struct owner_entry *entry)
{
    pk_error error;
    assert_ok(owner_make_entry(SITE_OWN, entry, &error), error);
    assert_true(pk_guardian_pid() > 0);
    return pk_guardian_pid();
}

static void end_plain_group(struct owner_entry *entry)
{
    assert_int_equal(owner_remove_entry(entry), 0);
    close(entry->fd);
    owner_leave();
}

static void assert_process_is_in(pid_t pid, const char *directory)
{
    struct place place;
    pk_error error;
    assert_ok(place_find_of(pid, &place, &error), error);
    assert_string_equal(place.own, directory);
}

static void the_own_guardian_is_nobody_else(void **state)
{
    (void)state;
    char unit[PATH_MAX], leaf[PATH_MAX + 32];
    pk_error error;
    enum site_kind site;
    struct owner_entry entry;
    enter_unit(unit, true);
    pid_t guardian = have_a_plain_group(&entry);
    assert_process_is_in(guardian, unit);
    assert_ok(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), error);
    snprintf(leaf, sizeof(leaf), "%s/processkit-leaf", unit);
    assert_is_in(leaf);
    assert_process_is_in(guardian, leaf);
    end_plain_group(&entry);
    leave_unit(unit);
}

static void the_own_guardian_comes_back_as_well(void **state)
{
    (void)state;
    static const char *const missing[] = {"gravity"};
    char unit[PATH_MAX], leaf[PATH_MAX + 32];
    pk_error error;
    enum site_kind site;
    struct owner_entry entry;
    enter_unit(unit, true);
    pid_t guardian = have_a_plain_group(&entry);
    assert_int_equal(delegation_choose(PK_DELEGATION_LEAF, missing, 1, &site, &error), -EOPNOTSUPP);
    assert_is_in(unit);
    assert_process_is_in(guardian, unit);
    snprintf(leaf, sizeof(leaf), "%s/processkit-leaf", unit);
    assert_int_equal(access(leaf, F_OK), -1);
    end_plain_group(&entry);
    leave_unit(unit);
}

static void who_cannot_be_moved_keeps_everybody_there(void **state)
{
    (void)state;
    char unit[PATH_MAX];
    pk_error error;
    enum site_kind site;
    struct owner_entry entry;
    enter_unit(unit, true);
    pid_t guardian = have_a_plain_group(&entry);
    for (unsigned call = 1; call <= 2; call++) { /* its own move, and that of the guardian */
        sys_fault_clear();
        sys_fault_set("write", call, EACCES);
        assert_int_equal(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), -EOPNOTSUPP);
        sys_fault_clear();
        assert_non_null(strstr(error.message, "cannot move this process to a leaf of"));
        assert_is_in(unit);
        assert_process_is_in(guardian, unit);
    }
    end_plain_group(&entry);
    leave_unit(unit);
}

static const pk_way *find_way(const pk_host *host, pk_delegation delegation)
{
    for (size_t i = 0; i < host->way_count; i++)
        if (host->ways[i].delegation == delegation)
            return &host->ways[i];
    fail_msg("no way %s", pk_delegation_name(delegation));
    return NULL;
}

/* Whoever looks has groups of all kinds at that moment. */
static void a_look_at_the_leaf_finds_nobody_else(void **state)
{
    (void)state;
    char unit[PATH_MAX];
    pk_error error;
    pk_host host;
    enter_unit(unit, true);
    assert_ok(pk_host_examine(&host, &error), error);
    const pk_way *leaf = find_way(&host, PK_DELEGATION_LEAF);
    if (!leaf->available)
        assert_non_null(strstr(leaf->reason, "the controller 'memory' is not available in"));
    assert_is_in(unit);
    owner_leave();
    leave_unit(unit);
}

static void in_a_leaf_no_other_is_recommended(void **state)
{
    (void)state;
    char unit[PATH_MAX], leaf[PATH_MAX + 32];
    pk_error error;
    enum site_kind site;
    enter_leaf_of_unit(unit, leaf);
    assert_int_equal(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "the own cgroup is a leaf of "));
    assert_non_null(strstr(error.message, " already (allow the way present)"));
    leave_unit(unit);
}

/* ---- What is in the way ----------------------------------------------------------------------------------------- */

static void a_unit_with_others_in_it_is_not_divided(void **state)
{
    (void)state;
    char unit[PATH_MAX], who[32];
    pk_error error;
    enum site_kind site;
    enter_unit(unit, true);
    pid_t other = fork();
    if (other == 0)
        for (;;)
            pause();
    snprintf(who, sizeof(who), "such as %d,", other);
    assert_int_equal(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, who));
    assert_is_in(unit);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    leave_unit(unit);
}

static void a_missing_controller_moves_nobody(void **state)
{
    (void)state;
    static const char *const missing[] = {"gravity"};
    char unit[PATH_MAX], leaf[PATH_MAX + 32];
    pk_error error;
    enum site_kind site;
    enter_unit(unit, true);
    assert_int_equal(delegation_choose(PK_DELEGATION_LEAF, missing, 1, &site, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "the controller 'gravity' is not available in"));
    assert_is_in(unit);
    snprintf(leaf, sizeof(leaf), "%s/processkit-leaf", unit);
    assert_int_equal(access(leaf, F_OK), -1);
    leave_unit(unit);
}

/* Neither may end up with half of the cgroup: both are refused, or one of them wins and the other finds a leaf. */
static int race(int go)
{
    char byte;
    pk_error error;
    enum site_kind site;
    if (read(go, &byte, 1) != 0) /* the end of the pipe starts both */
        return 2;
    int r = delegation_choose(EVERY_WAY & ~(unsigned)PK_DELEGATION_SCOPE, controllers, 1, &site, &error);
    owner_leave();
    return r == 0 ? 0 : r == -EOPNOTSUPP ? 1 : 2;
}

static void two_owners_race_for_one_leaf(void **state)
{
    (void)state;
    char unit[PATH_MAX], above[PATH_MAX];
    int go[2], status;
    enter_unit(unit, true);
    snprintf(above, sizeof(above), "%.*s", (int)(strrchr(unit, '/') - unit), unit);
    assert_int_equal(pipe(go), 0);
    pid_t owners[2];
    for (int i = 0; i < 2; i++) {
        owners[i] = fork();
        if (owners[i] == 0) {
            close(go[1]);
            _exit(race(go[0]));
        }
    }
    assert_true(hierarchy_enter(above));
    close(go[0]);
    close(go[1]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(owners[i], &status, 0), owners[i]);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), 0, 1);
    }
    hierarchy_remove(unit);
}

/* ---- An ordinary user ------------------------------------------------------------------------------------------- */

/* A service with User= and Delegate=yes: the directory is the user's, the one above is not. */
static void what_was_given_to_a_user_is_divided(void **state)
{
    (void)state;
    char own[PATH_MAX], leaf[PATH_MAX + 32];
    pk_error error;
    enum site_kind site;
    assert_true(hierarchy_own(own));
    need_controller(own);
    assert_ok(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), error);
    snprintf(leaf, sizeof(leaf), "%s/processkit-leaf", own);
    assert_is_in(leaf);
    owner_leave();
}

static void nothing_of_others_is_divided(void **state)
{
    (void)state;
    pk_error error;
    enum site_kind site;
    assert_int_equal(delegation_choose(PK_DELEGATION_LEAF, controllers, 1, &site, &error), -EOPNOTSUPP);
    assert_int_equal(delegation_choose(PK_DELEGATION_PRESENT, controllers, 1, &site, &error), -EOPNOTSUPP);
    assert_int_equal(delegation_choose(PK_DELEGATION_ROOT, controllers, 1, &site, &error), -EOPNOTSUPP);
}

/* ---- Groups ----------------------------------------------------------------------------------------------------- */

static void nothing_but_the_ways_that_are_allowed(void **state)
{
    (void)state;
    char unit[PATH_MAX];
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    enter_unit(unit, true);
    options.limits.pids_max = 5;
    options.delegations = PK_DELEGATION_PRESENT;
    assert_int_equal(pk_group_create(&options, &group, &error), -EOPNOTSUPP);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_is_in(unit);
    options.delegations = 1 << 9;
    assert_int_equal(pk_group_create(&options, &group, &error), -EINVAL);
    leave_unit(unit);
}

static const struct test tests[] = {
    PK_TEST_WITH(the_root_needs_nothing, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_plain_unit_is_left_alone, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(a_delegated_unit_is_divided_on_request, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(in_a_leaf_groups_stand_beside_it, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(what_is_there_comes_first, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(the_own_guardian_is_nobody_else, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(the_own_guardian_comes_back_as_well, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(who_cannot_be_moved_keeps_everybody_there, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(a_look_at_the_leaf_finds_nobody_else, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(in_a_leaf_no_other_is_recommended, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(a_unit_with_others_in_it_is_not_divided, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(a_missing_controller_moves_nobody, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(two_owners_race_for_one_leaf, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_AS_DELEGATED_USER(what_was_given_to_a_user_is_divided),
    PK_TEST_AS_USER(nothing_of_others_is_divided),
    PK_TEST_WITH(nothing_but_the_ways_that_are_allowed, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
};
PK_TEST_MAIN(tests)
