/*
 * The reaper mechanism when the owner ends: however it does, nothing is left.
 */
#include "cast.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Owners, each a child of the test --------------------------------------------------------------------------- */

struct owner {
    struct witness *witness;
    pid_t pid;
    int go; /* closing it makes the owner end, in its own way */
};

static pk_process *start_member(const char *words, struct witness *witness)
{
    pk_error error;
    pk_process *process = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_REAPER;
    pk_auto(pk_command) command = cast_command(witness, words);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_command_contain(command, &options);
    if (pk_command_start(command, &process, &error) < 0)
        fprintf(stderr, "%s\n", error.message);
    return process;
}

static struct owner begin(const char *words, void (*end)(pk_process *process))
{
    struct owner owner = {.witness = witness_new()};
    int go[2];
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    owner.pid = fork();
    assert_true(owner.pid >= 0);
    if (owner.pid == 0) {
        char byte;
        close(go[1]);
        pk_process *process = start_member(words, owner.witness);
        if (!process || read(go[0], &byte, 1) != 0)
            _exit(99);
        end(process);
        _exit(98);
    }
    close(go[0]);
    owner.go = go[1];
    witness_ready(owner.witness);
    return owner;
}

static int finish(struct owner *owner)
{
    int status = 0;
    if (owner->go >= 0)
        close(owner->go);
    assert_int_equal(waitpid(owner->pid, &status, 0), owner->pid);
    return status;
}

static void assert_nothing_left(struct owner *owner)
{
    witness_update(owner->witness);
    witness_assert_dead(owner->witness, GONE_MS);
    witness_free(owner->witness);
}

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

static void by_exit(pk_process *process)
{
    (void)process;
    exit(0);
}

static void by_quick_exit(pk_process *process)
{
    (void)process;
    _exit(0);
}

static void by_crash(pk_process *process)
{
    struct rlimit none = {0, 0};
    (void)process;
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void by_abort(pk_process *process)
{
    struct rlimit none = {0, 0};
    (void)process;
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void by_freeing(pk_process *process)
{
    pk_process_free(process);
    _exit(0);
}

static void wait_for_it(pk_process *process)
{
    pk_result result;
    _exit(pk_process_wait(process, PK_FOREVER, &result, NULL) < 0);
}

struct end {
    const char *name;
    void (*end)(pk_process *process);
};

static const struct end ends[] = {
    {"exit", by_exit}, {"_exit", by_quick_exit}, {"crash", by_crash}, {"abort", by_abort}, {"freeing", by_freeing}};

static void tree_ends_with_its_owner(void **state)
{
    static const char *const trees[] = {"tree 40",
                                        "daemonise",
                                        "leave 0 -- daemonise",
                                        "subreaper -- wide 2 -- setsid",
                                        "ignore TERM,INT,HUP -- block-all -- wide 3",
                                        "child -- stop"};
    const struct end *end = *state;
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        struct owner owner = begin(trees[i], end->end);
        finish(&owner);
        assert_nothing_left(&owner);
    }
}

static void tree_ends_with_a_killed_owner(void **state)
{
    (void)state;
    static const char *const trees[] = {"tree 40", "daemonise", "wide 5 -- double-fork -- setsid", "child -- stop"};
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        struct owner owner = begin(trees[i], wait_for_it);
        kill(owner.pid, SIGKILL);
        finish(&owner);
        assert_nothing_left(&owner);
    }
}

/* Its process goes on, as somebody who knows nothing of the tree. */
static void become_sleep(pk_process *process)
{
    (void)process;
    execl("/bin/sleep", "sleep", "100", (char *)NULL);
}

static void tree_ends_when_the_owner_becomes_another_program(void **state)
{
    (void)state;
    struct owner owner = begin("tree 20", become_sleep);
    close(owner.go);
    owner.go = -1;
    witness_assert_dead(owner.witness, GONE_MS);
    kill(owner.pid, SIGKILL);
    finish(&owner);
    assert_nothing_left(&owner);
}

/* A forked copy has no part in it: it neither ends the tree nor keeps it alive. */
static void leave_a_copy_and_become_sleep(pk_process *process)
{
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    become_sleep(process);
}

static void forked_copy_keeps_nothing_alive(void **state)
{
    (void)state;
    struct owner owner = begin("tree 20", leave_a_copy_and_become_sleep);
    close(owner.go);
    owner.go = -1;
    witness_assert_dead(owner.witness, GONE_MS);
    kill(owner.pid, SIGKILL);
    finish(&owner);
    assert_nothing_left(&owner);
}

static void fork_and_wait(pk_process *process)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        pk_process_free(process);
        exit(0);
    }
    waitpid(child, &status, 0);
    wait_for_it(process);
}

static void forked_copy_ends_nothing(void **state)
{
    (void)state;
    struct owner owner = begin("leave 0 -- sleep 300", fork_and_wait);
    assert_int_equal(finish(&owner), 0);
    assert_nothing_left(&owner);
}

/* ---- Sparing ---------------------------------------------------------------------------------------------------- */

static void spare_and_exit(pk_process *process)
{
    pk_group_spare(pk_process_group(process));
    exit(0);
}

static void spare_and_free(pk_process *process)
{
    pk_group_spare(pk_process_group(process));
    pk_process_free(process);
    _exit(0);
}

static void spared_tree_outlives_its_owner(void **state)
{
    const struct end *end = *state;
    struct owner owner = begin("wide 2 -- setsid", end->end);
    assert_int_equal(finish(&owner), 0);
    witness_assert_alive(owner.witness);
    witness_free(owner.witness); /* kills them */
}

static const struct end spare_ends[] = {{"exit", spare_and_exit}, {"free", spare_and_free}};

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

static void *start_in_thread(void *witness)
{
    return start_member("wide 2", witness);
}

/* Trap 1: the thread is not the owner. */
static void tree_outlives_the_thread_that_started_it(void **state)
{
    (void)state;
    pk_error error;
    pthread_t thread;
    void *process;
    struct witness *witness = witness_new();
    assert_int_equal(pthread_create(&thread, NULL, start_in_thread, witness), 0);
    assert_int_equal(pthread_join(thread, &process), 0);
    assert_non_null(process);
    witness_ready(witness);
    witness_assert_alive(witness);
    assert_ok(pk_group_kill(pk_process_group(process), &error), error);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    witness_free(witness);
}

/* Owners that are killed while they start and end commands: at no moment is there a tree without somebody to end it. */
static void owner_may_be_killed_at_any_moment(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        struct witness *witness = witness_new();
        pid_t owner = fork();
        if (owner == 0) {
            for (;;)
                pk_process_free(start_member("double-fork -- setsid", witness));
        }
        usleep((unsigned)(round * 311 % 9000)); /* where it hits is left to chance */
        kill(owner, SIGKILL);
        assert_int_equal(waitpid(owner, NULL, 0), owner);
        witness_update(witness);
        witness_assert_dead(witness, GONE_MS);
        witness_free(witness);
    }
}

#define END(index) PK_TEST_NAMED("tree_ends_with_its_owner/" #index, tree_ends_with_its_owner, .data = &ends[index])

static const struct test tests[] = {
    END(0),
    END(1),
    END(2),
    END(3),
    END(4),
    PK_TEST(tree_ends_with_a_killed_owner),
    PK_TEST_AS_USER(tree_ends_with_a_killed_owner),
    PK_TEST(tree_ends_when_the_owner_becomes_another_program),
    PK_TEST_AS_USER(tree_ends_when_the_owner_becomes_another_program),
    PK_TEST(forked_copy_keeps_nothing_alive),
    PK_TEST(forked_copy_ends_nothing),
    PK_TEST_NAMED("spared_tree_outlives_its_owner/exit", spared_tree_outlives_its_owner, .data = &spare_ends[0]),
    PK_TEST_NAMED("spared_tree_outlives_its_owner/free", spared_tree_outlives_its_owner, .data = &spare_ends[1]),
    PK_TEST(tree_outlives_the_thread_that_started_it),
    PK_TEST_WITH(owner_may_be_killed_at_any_moment, .deadline_s = 60),
};

PK_TEST_MAIN(tests)
