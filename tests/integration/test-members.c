/*
 * Telling whether a process is a member of a group, for each mechanism.
 */
#include "cast.h"
#include "contain/group.h"
#include "contain/reaper-link.h"
#include "kin.h"
#include "sys/fault.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Members and strangers -------------------------------------------------------------------------------------- */

static void must_have_all(pk_group *group, const struct witness *witness, int expected)
{
    for (size_t i = 0; i < witness_total(witness); i++) {
        int r = group_has_member(group, witness_pid(witness, i));
        if (r != expected)
            fail_msg("%s is %d", witness_name(witness, i), r);
    }
}

static void all_of_a_tree_are_members(void **state)
{
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, witness, "wide 3 -- deep 3");
    assert_true(witness_total(witness) >= 7);
    must_have_all(group, witness, 1);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* What has left its session and its parent is found where the whole tree is held. */
static void what_has_left_its_parent_is_a_member(void **state)
{
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state));
    bool holds = pk_group_guarantees(group) & PK_GUARANTEE_WHOLE_TREE;
    pk_process *process = cast_adversary(group, witness, "wide 1 -- daemonise");
    pid_t daemon = witness_pid(witness, witness_total(witness) - 1);
    assert_int_equal(group_has_member(group, daemon), holds);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void strangers_are_none(void **state)
{
    struct witness *witness = witness_new(), *others = witness_new();
    pk_group *group = cast_group(cast_mechanism(state)), *other = cast_group(cast_mechanism(state));
    assert_int_equal(group_has_member(group, getpid()), 0);
    pk_process *process = cast_adversary(group, witness, "wide 2"), *another = cast_adversary(other, others, "wide 2");
    must_have_all(other, witness, 0);
    must_have_all(group, others, 0);
    assert_int_equal(group_has_member(group, getpid()), 0);
    assert_int_equal(group_has_member(group, getppid()), 0);
    assert_int_equal(group_has_member(group, 1), 0);
    assert_int_equal(group_has_member(group, 0), 0);
    assert_int_equal(group_has_member(group, -1), 0);
    pk_process_free(process);
    pk_process_free(another);
    pk_group_free(group);
    pk_group_free(other);
    witness_free(witness);
    witness_free(others);
}

static void a_cgroup_below_is_a_part_of_it(void **state)
{
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, witness, "cgroup");
    must_have_all(group, witness, 1);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void members_of_a_branch_are_the_trunks_as_well(void **state)
{
    pk_error error;
    struct witness *witness = witness_new(), *others = witness_new();
    pk_group *trunk = cast_group(cast_mechanism(state)), *branch = NULL, *other = NULL;
    assert_ok(group_create_branch(trunk, &branch, &error), error);
    assert_ok(group_create_branch(trunk, &other, &error), error);
    pk_process *process = cast_adversary(branch, witness, "wide 1"), *another = cast_adversary(other, others, "wide 1");
    must_have_all(branch, witness, 1);
    must_have_all(trunk, witness, 1);
    must_have_all(trunk, others, 1);
    must_have_all(branch, others, 0);
    pk_process_free(process);
    pk_process_free(another);
    pk_group_free(branch);
    pk_group_free(other);
    pk_group_free(trunk);
    witness_free(witness);
    witness_free(others);
}

static void an_adopted_process_is_a_member(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_int_equal(group_has_member(group, pid), 0);
    assert_ok(pk_group_adopt(group, pid, -1, &error), error);
    assert_int_equal(group_has_member(group, pid), 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    assert_int_equal(group_has_member(group, pid), -ESRCH); /* and is waited for */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(group_has_member(group, pid), -ESRCH);
    pk_group_free(group);
}

/* It is adopted alone: what it had started before is nobody's. */
static void a_child_of_an_adopted_process_is_none(void **state)
{
    pk_error error;
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state)), *other = cast_group(PK_MECHANISM_PROCESS_GROUP);
    pk_process *process = cast_adversary(other, witness, "wide 1");
    assert_ok(pk_group_adopt(group, witness_pid(witness, 0), -1, &error), error);
    assert_int_equal(group_has_member(group, witness_pid(witness, 0)), 1);
    assert_int_equal(group_has_member(group, witness_pid(witness, 1)), 0);
    pk_process_free(process);
    pk_group_free(other);
    pk_group_free(group);
    witness_free(witness);
}

/* ---- Those that have ended -------------------------------------------------------------------------------------- */

static void who_has_ended_is_nobody_any_more(void **state)
{
    pk_group *group = cast_group(cast_mechanism(state));
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    assert_int_equal(group_has_member(group, pid), -ESRCH);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(group_has_member(group, pid), -ESRCH);
    pk_group_free(group);
}

static pid_t zombie_below(pid_t leader)
{
    for (;;) {
        struct kin_list kin = kin_below(leader);
        assert_int_equal(kin.count, 1);
        pid_t pid = kin.items[0].pid;
        char state = kin.items[0].state;
        kin_free(&kin);
        if (state == 'Z')
            return pid;
    }
}

/* Whoever is to wait for it does not. What it is known by it still has, but the kernel's lists of cgroups have
 * forgotten it. */
static void who_has_not_been_waited_for_is_remembered(void **state)
{
    struct witness *witness = witness_new();
    pk_mechanism mechanism = cast_mechanism(state);
    pk_group *group = cast_group(mechanism);
    pk_process *process = cast_adversary(group, witness, "zombie -- hold");
    pid_t zombie = zombie_below(pk_process_pid(process));
    assert_int_equal(group_has_member(group, zombie), mechanism == PK_MECHANISM_CGROUP2 ? -ESRCH : 1);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void members_of_a_killed_group_are_nobody(void **state)
{
    pk_error error;
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, witness, "wide 3");
    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_dead(witness, GONE_MS);
    for (size_t i = 1; i < witness_total(witness); i++)
        assert_int_equal(group_has_member(group, witness_pid(witness, i)), -ESRCH);
    assert_int_equal(group_has_member(group, getpid()), 0);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* ---- Where it is hard to tell ----------------------------------------------------------------------------------- */

static void a_forked_copy_does_not_ask(void **state)
{
    pk_group *group = cast_group(cast_mechanism(state));
    pid_t pid = fork();
    if (pid == 0)
        _exit(group_has_member(group, getpid()) == -EPERM ? 0 : 1);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    pk_group_free(group);
}

/* While everything that it can be told by fails, nobody is taken for a member, nor for one that has ended. */
static void what_cannot_be_told_is_no_yes(void **state)
{
    static const char *const calls[] = {"openat", "read"};
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, witness, "wide 1");
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        sys_fault_clear();
        sys_fault_set(calls[i], 0, EMFILE);
        int stranger = group_has_member(group, getpid()), member = group_has_member(group, witness_pid(witness, 1));
        sys_fault_clear();
        assert_int_equal(stranger, -EMFILE);
        assert_int_equal(member, -EMFILE);
        must_have_all(group, witness, 1);
    }
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* A process that /proc does not show has not ended for that. */
static void who_is_hidden_has_not_ended(void **state)
{
    pk_group *group = cast_group(cast_mechanism(state));
    sys_fault_clear();
    sys_fault_set("stat", 0, ENOENT);
    int r = group_has_member(group, getpid());
    sys_fault_clear();
    assert_int_equal(r, 0);
    pk_group_free(group);
}

/* Whoever is gone through on the way up may end meanwhile: then its children are somebody else's. */
static void an_ancestor_that_ends_meanwhile_does_not_matter(void **state)
{
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, witness, "deep 3");
    pid_t last = witness_pid(witness, witness_total(witness) - 1);
    sys_fault_clear();
    sys_fault_set("openat", 2, ESRCH);
    int r = group_has_member(group, last);
    unsigned asked = sys_fault_count("openat");
    sys_fault_clear();
    assert_int_equal(r, 1);
    assert_true(asked > 3);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void the_reaper_counts_as_one_of_its_tree(void **state)
{
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, witness, "hold");
    assert_int_equal(group_has_member(group, group->tracked->leader->reaper->pid), 1);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* What is below the leader can still be told then. It is ended soon after; so that it lasts, it is only said here. */
static void without_its_reaper_a_tree_has_its_leader(void **state)
{
    struct witness *witness = witness_new();
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, witness, "wide 2");
    struct reaper_link *reaper = group->tracked->leader->reaper;
    reaper->lost = true;
    must_have_all(group, witness, 1);
    assert_int_equal(group_has_member(group, reaper->pid), 0);
    assert_int_equal(group_has_member(group, getpid()), 0);
    reaper->lost = false;
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

#define ONLY(function, mechanism, ...) \
    PK_TEST_NAMED(#function "/" #mechanism, function, .data = &cast_##mechanism, __VA_ARGS__)

static const struct test tests[] = {
    EACH(all_of_a_tree_are_members),
    AS_USER(all_of_a_tree_are_members),
    DELEGATED(all_of_a_tree_are_members),
    EACH(what_has_left_its_parent_is_a_member),
    EACH(strangers_are_none),
    AS_USER(strangers_are_none),
    ONLY(a_cgroup_below_is_a_part_of_it, cgroup2, .needs = NEEDS_CGROUP2),
    EACH(members_of_a_branch_are_the_trunks_as_well),
    EACH(an_adopted_process_is_a_member),
    EACH(a_child_of_an_adopted_process_is_none),
    EACH(who_has_ended_is_nobody_any_more),
    EACH(who_has_not_been_waited_for_is_remembered),
    EACH(members_of_a_killed_group_are_nobody),
    EACH(a_forked_copy_does_not_ask),
    EACH(what_cannot_be_told_is_no_yes),
    EACH(who_is_hidden_has_not_ended),
    ONLY(an_ancestor_that_ends_meanwhile_does_not_matter, reaper),
    ONLY(the_reaper_counts_as_one_of_its_tree, reaper),
    ONLY(without_its_reaper_a_tree_has_its_leader, reaper),
};

PK_TEST_MAIN(tests)
