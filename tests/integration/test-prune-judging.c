/*
 * Pruning: whose directory it is, whether that owner is dead, and whether the caller may touch it.
 */
#include "cast.h"
#include "contain/proc.h"
#include "hierarchy.h"
#include "pruning.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- Marks ------------------------------------------------------------------------------------------------------ */

static void make_older(struct mark *mark)
{
    mark->start--;
}

static void owner_whose_pid_another_process_has_is_dead(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    rewrite_mark(owner.path, make_older);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
    estate_kill(&owner);
    estate_free(&estate);
}

static pid_t somebody;

static void name_somebody(struct mark *mark)
{
    struct proc_stat stat;
    assert_int_equal(proc_stat_read(somebody, &stat), 0);
    mark->pid = somebody;
    mark->start = stat.start_ticks;
}

/* As an owner is that has become another program: the process lives, its lock is gone. */
static void owner_that_has_let_go_of_its_lock_is_dead(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    somebody = fork();
    if (somebody == 0) {
        pause();
        _exit(0);
    }
    rewrite_mark(owner.path, name_somebody);
    expect(&estate, PK_PRUNE_ALIVE);
    estate_kill(&owner);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(kill(somebody, SIGKILL), 0);
    assert_int_equal(waitpid(somebody, NULL, 0), somebody);
    witness_free(witness);
    estate_free(&estate);
}

/* A foreign directory, or that of an owner that is just beginning. */
static void directory_without_a_mark_is_refused(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    estate_kill(&owner);
    int dir = open_directory(owner.path);
    char text[MARK_TEXT_SIZE];
    ssize_t length = fgetxattr(dir, "user.processkit.owner", text, sizeof(text));
    assert_true(length > 0);

    assert_int_equal(fremovexattr(dir, "user.processkit.owner"), 0);
    struct seen seen = expect(&estate, PK_PRUNE_UNMARKED);
    assert_int_equal(seen.last.owner, 0);
    assert_int_equal(fsetxattr(dir, "user.processkit.owner", "nonsense", 8, 0), 0);
    expect(&estate, PK_PRUNE_UNMARKED);
    witness_assert_alive(witness);
    assert_int_equal(fsetxattr(dir, "user.processkit.owner", text, (size_t)length, 0), 0);

    sys_fault_clear();
    sys_fault_set("fgetxattr", 0, EOPNOTSUPP); /* a kernel without such attributes */
    expect(&estate, PK_PRUNE_UNMARKED);
    sys_fault_clear();
    close(dir);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_free(witness);
    estate_free(&estate);
}

/* ---- The caller ------------------------------------------------------------------------------------------------- */

/* What a process in the cgroup `path` makes of it; with `leaves`, its child outside does the asking. */
static pk_prune_action ask_from(const char *path, const struct estate *estate, bool leaves)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct seen seen;
        if (!hierarchy_enter(path))
            _exit(100);
        pid_t child = leaves ? fork() : 0;
        if (child == 0) {
            if (leaves && !hierarchy_enter(estate->path))
                _exit(101);
            _exit(prune(estate->path, false, &seen, NULL) == 0 ? (int)seen.last.action : 102);
        }
        int status;
        _exit(waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 103);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (pk_prune_action)WEXITSTATUS(status);
}

static void directory_that_holds_the_caller_is_refused(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    estate_kill(&owner);
    char group[PATH_MAX + 128];
    snprintf(group, sizeof(group), "%s/g0", owner.path);
    assert_int_equal(ask_from(group, &estate, false), PK_PRUNE_HOLDS_CALLER);
    assert_int_equal(ask_from(group, &estate, true), PK_PRUNE_HOLDS_CALLER);
    assert_int_equal(ask_from(owner.path, &estate, false), PK_PRUNE_HOLDS_CALLER);
    witness_assert_alive(witness);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_free(witness);
    estate_free(&estate);
}

/* ---- Locks and namespaces --------------------------------------------------------------------------------------- */

static void live_with_a_copy(void *data)
{
    int *fds = data;
    estate_group(NULL, "hold");
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
        char byte;
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
    }
}

/* Made behind the back of the C library, the copy has not let go of what was the owner's lock. */
static void lock_of_a_forked_copy_matters_only_where_the_mark_says_nothing(void **state)
{
    (void)state;
    for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
        struct estate estate = estate_make();
        int fds[2];
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        struct estate_owner owner = estate_owner(&estate, live_with_a_copy, fds);
        estate_kill(&owner);
        if (elsewhere) {
            rewrite_mark(owner.path, move_elsewhere);
            expect(&estate, PK_PRUNE_IN_USE);
        } else {
            expect(&estate, PK_PRUNE_REMOVED);
        }
        close(fds[1]);
        close(fds[0]);
        if (elsewhere)
            expect_after(&estate, PK_PRUNE_IN_USE, PK_PRUNE_REMOVED);
        while (rmdir(estate.path) < 0 && errno == EBUSY) /* until the copy has left: it is nobody's child here */
            sched_yield();
    }
}

static void owner_in_another_pid_namespace_is_known_by_its_lock(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    int ready[2];
    char byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t outer = fork();
    if (outer == 0) {
        if (unshare(CLONE_NEWPID) < 0 || !hierarchy_enter(estate.path))
            _exit(1);
        pid_t inner = fork();
        if (inner == 0) {
            live_with_one(witness);
            if (write(ready[1], "", 1) == 1)
                pause();
            _exit(1);
        }
        close(ready[1]);
        waitpid(inner, NULL, 0);
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    struct seen seen = expect(&estate, PK_PRUNE_IN_USE);
    assert_int_equal(seen.last.owner, 1);

    /* The first process of the namespace, and so all others; the directory is left. */
    char children[64], text[32] = "";
    snprintf(children, sizeof(children), "/proc/%d/task/%d/children", outer, outer);
    int fd = open(children, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_int_equal(kill((pid_t)atoi(text), SIGKILL), 0);
    assert_int_equal(waitpid(outer, NULL, 0), outer);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_free(witness);
    estate_free(&estate);
}

/* ---- Rights ----------------------------------------------------------------------------------------------------- */

static void what_is_not_permitted_is_passed_over(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    estate_kill(&owner);
    char hidden[PATH_MAX + 16];
    snprintf(hidden, sizeof(hidden), "%s/hidden", estate.path);
    assert_int_equal(mkdir(hidden, 0700), 0);

    pid_t pid = fork();
    if (pid == 0) {
        struct seen seen;
        if (setresuid(65534, 65534, 65534) < 0)
            _exit(1);
        bool clean = prune(estate.path, false, &seen, NULL) == 0 && prune(estate.path, true, &seen, NULL) == 0;
        _exit(clean && seen.report.count[PK_PRUNE_NOT_PERMITTED] == 1 && seen.report.unreadable == 1 &&
                      seen.report.killed == 0
                  ? 0
                  : 2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    witness_assert_alive(witness);
    assert_int_equal(rmdir(hidden), 0);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_free(witness);
    estate_free(&estate);
}

#define CGROUP(function, ...) PK_TEST_WITH(function, .needs = NEEDS_CGROUP2, __VA_ARGS__)

static const struct test tests[] = {
    CGROUP(owner_whose_pid_another_process_has_is_dead),
    CGROUP(owner_that_has_let_go_of_its_lock_is_dead),
    CGROUP(directory_without_a_mark_is_refused),
    CGROUP(directory_that_holds_the_caller_is_refused),
    CGROUP(lock_of_a_forked_copy_matters_only_where_the_mark_says_nothing),
    PK_TEST_WITH(owner_in_another_pid_namespace_is_known_by_its_lock, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(what_is_not_permitted_is_passed_over, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
};

PK_TEST_MAIN(tests)
