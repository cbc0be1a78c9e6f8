/*
 * Guardians that cannot be started: an error that says what ran out, or a group without one that says why. Nothing is
 * left behind either way.
 */
#include "contain/helper-image.h"
#include "sys/fault.h"
#include "testator.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Each call fails once --------------------------------------------------------------------------------------- */

enum outcome { ERROR, REFUSAL, NO_MATTER };

struct failing {
    const char *call;
    unsigned nth;
    struct {
        int number;
        enum outcome outcome;
    } with[2];
};

/* What ran out is an error of this moment; what is forbidden, or not there, is a group without a guardian. One failing
 * way to do it where there is another does not matter. */
/* clang-format off */
static const struct failing failings[] = {
    {"mmap", 0, {{ENOMEM, ERROR}, {ENOMEM, ERROR}}}, /* first: afterwards there are stacks that were kept */
    {"memfd_create", 1, {{EMFILE, ERROR}, {EPERM, REFUSAL}}},
    {"memfd_create", 1, {{ENOMEM, ERROR}, {ENOSYS, REFUSAL}}},
    {"write", 1, {{ENOSPC, REFUSAL}, {ENOMEM, ERROR}}},
    {"socketpair", 1, {{EMFILE, ERROR}, {EPERM, REFUSAL}}},
    {"socketpair", 1, {{ENOBUFS, ERROR}, {EACCES, REFUSAL}}},
    {"pidfd_open", 1, {{EMFILE, ERROR}, {ENOSYS, REFUSAL}}},
    {"pidfd_open", 1, {{ENOMEM, ERROR}, {EPERM, REFUSAL}}},
    {"clone3", 1, {{EAGAIN, ERROR}, {ENOMEM, ERROR}}},
    {"setsid", 1, {{EPERM, REFUSAL}, {ENOMEM, ERROR}}},
    {"dup3", 1, {{EMFILE, ERROR}, {EBUSY, ERROR}}},
    {"dup3", 3, {{EBADF, ERROR}, {EPERM, REFUSAL}}},
    {"execveat", 1, {{EACCES, REFUSAL}, {ENOSYS, REFUSAL}}},
    {"mkdirat", 1, {{ENOSPC, ERROR}, {EAGAIN, ERROR}}},
    {"mkdirat", 1, {{EEXIST, NO_MATTER}, {ENOMEM, ERROR}}},
    {"clone3", 2, {{EAGAIN, ERROR}, {EPERM, NO_MATTER}}}, /* last: the old call is used from then on */
};
/* clang-format on */

static void fail_once(const struct failing *failing, int number, enum outcome outcome)
{
    char what[128];
    pk_group *group;
    pk_error error;
    int descriptors = cast_count_descriptors();
    snprintf(what, sizeof(what), "%s #%u: %s", failing->call, failing->nth, strerror(number));
    sys_fault_clear();
    sys_fault_set(failing->call, failing->nth, number);
    int r = testator_try_group(&group, &error);
    assert_true(sys_fault_count(failing->call) >= failing->nth);
    sys_fault_clear();

    if (outcome == ERROR && (r != -number || error.number != r || !strstr(error.message, strerror(number))))
        fail_msg("%s: returned %d: %s", what, r, error.message);
    if (outcome != ERROR && r < 0)
        fail_msg("%s: returned %d: %s", what, r, error.message);
    const char *refusal = r == 0 ? pk_group_refusal(group) : NULL;
    bool guarded = r == 0 && pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH;
    if (outcome == NO_MATTER && (!guarded || refusal))
        fail_msg("%s: not guarded, %s", what, refusal ? refusal : "(no refusal)");
    /* Why, and after that in brackets what would help. */
    if (outcome == REFUSAL &&
        (guarded || !refusal || !strstr(refusal, strerror(number)) || refusal[strlen(refusal) - 1] != ')'))
        fail_msg("%s: guarded %d, %s", what, guarded, refusal ? refusal : "(no refusal)");
    if (r < 0)
        assert_int_equal(cast_count_directories(), 0);
    testator_leave_and_compare(group, descriptors, what);
}

static void every_call_of_a_start_may_fail(void **state)
{
    (void)state;
    pk_guardian_pid(); /* what is made once in a process is there */
    sys_fault_redirect(helper_path(), "/no/such/helper");
    for (size_t i = 0; i < sizeof(failings) / sizeof(failings[0]); i++)
        for (int k = 0; k < 2; k++)
            fail_once(&failings[i], failings[i].with[k].number, failings[i].with[k].outcome);
    sys_fault_redirect(NULL, NULL);
}

static void the_old_call_does(void **state)
{
    (void)state;
    pk_group *group;
    pk_error error;
    int descriptors = cast_count_descriptors();
    sys_fault_clear();
    sys_fault_set("clone3", 0, EPERM);
    sys_fault_set("clone", 0, EPERM);
    assert_ok(testator_try_group(&group, &error), error);
    assert_non_null(pk_group_refusal(group));
    assert_non_null(strstr(pk_group_refusal(group), "clone: "));
    testator_leave_and_compare(group, descriptors, "no clone");
    sys_fault_clear();
    sys_fault_set("clone3", 0, ENOSYS);
    assert_ok(testator_try_group(&group, &error), error);
    assert_true(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_int_equal(sys_fault_count("clone"), 2);
    pk_group_free(group);
    guardian_is_asked();
    testator_leave_and_compare(NULL, descriptors, "no clone3");
}

/* The numbers 0 to 2 are free, so that each descriptor is moved; in a process of its own, which needs no output. */
static void fail_to_move(struct testator *testator, const void *data)
{
    pk_group *group;
    pk_error error;
    (void)data;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    int descriptors = cast_count_descriptors();
    bool clean = true, succeeded = false;
    unsigned nth = 0;
    while (clean && !succeeded) {
        sys_fault_clear();
        sys_fault_set("fcntl", ++nth, EMFILE);
        int r = testator_try_group(&group, &error);
        succeeded = r == 0 && sys_fault_count("fcntl") < nth;
        sys_fault_clear();
        clean = (r == -EMFILE && cast_count_directories() <= 1) || succeeded; /* the owner's own may be there */
        pk_group_free(group);
        pk_leave();
        clean = clean && cast_count_directories() == 0 && cast_count_descriptors() == descriptors;
    }
    testator->testament->values[0] = clean;
    testator->testament->values[1] = nth;
    testator_say(testator);
    _exit(0);
}

static void every_move_of_a_descriptor_may_fail(void **state)
{
    (void)state;
    struct testator *testator = testator_begin(fail_to_move, NULL);
    testator_hear_of_no_guardian(testator);
    if (!testator->testament->values[0])
        fail_msg("failed at number %ld", testator->testament->values[1]);
    assert_true(testator->testament->values[1] > 5); /* five descriptors for a guardian alone */
    testator_await_end(testator);
    testator_close(testator);
}

/* ---- The program ------------------------------------------------------------------------------------------------ */

static void neither_memory_nor_file(void **state)
{
    (void)state;
    pk_group *group;
    pk_error error;
    int descriptors = cast_count_descriptors();
    sys_fault_clear();
    sys_fault_set("execveat", 0, EACCES);
    sys_fault_set("execve", 0, EPERM);
    assert_ok(testator_try_group(&group, &error), error);
    sys_fault_clear();
    const char *refusal = pk_group_refusal(group);
    assert_non_null(refusal);
    print_message("%s\n", refusal);
    assert_non_null(strstr(refusal, strerror(EACCES)));
    assert_non_null(strstr(refusal, strerror(EPERM)));
    assert_non_null(strstr(refusal, helper_path()));
    assert_non_null(strstr(refusal, "memfd_noexec"));
    assert_true(strlen(refusal) < PK_ERROR_MESSAGE_SIZE - 1);
    testator_leave_and_compare(group, descriptors, "neither");
}

/* The installed file does where memory does not, in whatever step that shows. */
static void the_installed_file_is_used(void **state)
{
    (void)state;
    static const char *const calls[] = {"memfd_create", "execveat"};
    const char *helper = getenv("PK_HELPER");
    char program[PATH_MAX + 16], path[64];
    if (!helper || access(helper, X_OK) < 0)
        skip_test("a helper at $PK_HELPER");
    sys_fault_redirect(helper_path(), helper);
    for (size_t i = 0; i < 2; i++) {
        int descriptors = cast_count_descriptors();
        pk_group *group;
        pk_error error;
        sys_fault_clear();
        sys_fault_set(calls[i], 0, EACCES);
        assert_ok(testator_try_group(&group, &error), error);
        sys_fault_clear();
        assert_null(pk_group_refusal(group));
        guardian_is_asked();
        snprintf(path, sizeof(path), "/proc/%d/exe", pk_guardian_pid());
        ssize_t length = readlink(path, program, sizeof(program) - 1);
        assert_return_code(length, errno);
        program[length] = '\0';
        char real[PATH_MAX];
        assert_non_null(realpath(helper, real));
        assert_string_equal(program, real);
        testator_leave_and_compare(group, descriptors, calls[i]);
    }
    sys_fault_redirect(NULL, NULL);
}

/* ---- Little of everything --------------------------------------------------------------------------------------- */

static void few_descriptors_are_enough_or_an_error(void **state)
{
    (void)state;
    struct rlimit limit, old;
    bool succeeded = false;
    int descriptors = cast_count_descriptors();
    getrlimit(RLIMIT_NOFILE, &old);
    for (unsigned most = 3; most <= 20; most++) {
        char what[32];
        pk_group *group;
        pk_error error;
        snprintf(what, sizeof(what), "%u descriptors", most);
        limit = (struct rlimit){most, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        int r = testator_try_group(&group, &error);
        bool guarded = r == 0 && pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH;
        setrlimit(RLIMIT_NOFILE, &old);
        if (r < 0 ? r != -EMFILE : !guarded)
            fail_msg("%s: %d, %s", what, r, r < 0 ? error.message : pk_group_refusal(group));
        assert_true(r == 0 || !succeeded);
        succeeded = r == 0;
        testator_leave_and_compare(group, descriptors, what);
    }
    assert_true(succeeded);
}

static void no_process_may_be_made(void **state)
{
    (void)state;
    pk_group *group;
    pk_error error;
    struct rlimit none, old;
    int descriptors = cast_count_descriptors();
    getrlimit(RLIMIT_NPROC, &old);
    none = (struct rlimit){0, old.rlim_max};
    assert_return_code(setrlimit(RLIMIT_NPROC, &none), errno);
    assert_int_equal(testator_try_group(&group, &error), -EAGAIN);
    setrlimit(RLIMIT_NPROC, &old);
    assert_int_equal(error.step, PK_STEP_GUARDIAN);
    assert_non_null(strstr(error.message, strerror(EAGAIN)));
    testator_leave_and_compare(group, descriptors, "no processes");
}

static void ignored_children_do_not_matter(void **state)
{
    (void)state;
    pk_error error;
    int descriptors = cast_count_descriptors();
    signal(SIGCHLD, SIG_IGN);
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 2");
    guardian_is_asked();
    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    witness_free(witness);
    testator_leave_and_compare(group, descriptors, "SIGCHLD ignored");
}

static const struct test tests[] = {
    PK_TEST_WITH(every_call_of_a_start_may_fail, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(the_old_call_does, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(every_move_of_a_descriptor_may_fail, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(neither_memory_nor_file, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(the_installed_file_is_used, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(few_descriptors_are_enough_or_an_error, .needs = NEEDS_CGROUP2),
    PK_TEST_AS_DELEGATED_USER(no_process_may_be_made),
    PK_TEST_WITH(ignored_children_do_not_matter, .needs = NEEDS_CGROUP2),
};

PK_TEST_MAIN(tests)
