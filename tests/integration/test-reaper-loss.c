/*
 * Reapers that meet with an accident: what somebody else kills or stops, at any moment from its birth on.
 */
#include "cast.h"
#include "kin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512] = {0};
    int parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_int_equal(sscanf(strrchr(text, ')') + 1, " %*c %d", &parent), 1);
    return parent;
}

static pk_process *start_alone(struct witness *witness, const char *words)
{
    pk_error error;
    pk_process *process = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_REAPER;
    pk_auto(pk_command) command = cast_command(witness, words);
    pk_command_contain(command, &options);
    assert_ok(pk_command_start(command, &process, &error), error);
    witness_ready(witness);
    return process;
}

static void assert_lost(pk_process *process, struct witness *witness, const pk_result *result)
{
    assert_int_equal(result->guard_losses, 1);
    assert_int_equal(result->guarantees & (PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_OWNER_DEATH), 0);
    assert_true(result->verdict == PK_VERDICT_LOST ||
                (result->verdict == PK_VERDICT_SIGNALLED && result->signal_number == SIGKILL));
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    witness_free(witness);
}

/* Whatever is still connected with the leader is ended, and the run says that it was not guarded. */
static void lost_reaper_ends_the_run(void **state)
{
    (void)state;
    static const char *const trees[] = {"hold", "wide 50 -- setsid", "deep 40", "child -- stop", "wide 3 -- block-all"};
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        pk_error error;
        pk_result result;
        struct witness *witness = witness_new();
        pk_process *process = start_alone(witness, trees[i]);
        kill(parent_of(pk_process_pid(process)), SIGKILL);
        assert_ok(pk_process_wait(process, pk_deadline(PK_SECONDS(10)), &result, &error), error);
        assert_lost(process, witness, &result);
    }
}

static void note_event(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(unsigned *)data |= 1U << event;
}

static void lost_reaper_ends_a_watched_run(void **state)
{
    (void)state;
    pk_error error;
    pk_loop *loop = NULL;
    unsigned events = 0;
    struct witness *witness = witness_new();
    pk_process *process = start_alone(witness, "wide 4");
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, note_event, &events, &error), error);
    kill(parent_of(pk_process_pid(process)), SIGKILL);
    for (int i = 0; i < 1000 && !(events & 1U << PK_EVENT_ENDED); i++)
        assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(1)), &error), error);
    pk_result result = *pk_process_result(process);
    assert_lost(process, witness, &result);
    pk_loop_free(loop);
}

/* The end of the leader is known even if its reaper was lost at the same time as nobody looked. */
static void lost_reaper_is_found_by_a_kill(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_REAPER);
    struct witness *witness = witness_new(), *other = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 4"), *second = cast_adversary(group, other, "wide 4");
    kill(parent_of(pk_process_pid(process)), SIGKILL);
    assert_ok(pk_group_kill(group, &error), error);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    witness_assert_dead(witness, GONE_MS);
    witness_assert_dead(other, GONE_MS);
    assert_int_equal(pk_group_guarantees(group), 0);
    pk_process_free(process);
    pk_process_free(second);
    pk_group_free(group);
    witness_free(witness);
    witness_free(other);
}

static void stopped_reaper_kills_all_the_same(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_REAPER);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "tree 20");
    kill(parent_of(pk_process_pid(process)), SIGSTOP);
    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* Kills whatever this process has just started, reapers before and after they are the helper, and their children. */
static pid_t start_killer(void)
{
    pid_t victim = getpid(), killer = fork();
    if (killer != 0)
        return killer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == victim) {
        struct kin_list list = kin_below(victim);
        for (size_t i = 0; i < list.count; i++)
            if (list.items[i].pid != getpid())
                kill(list.items[i].pid, SIGKILL);
        kin_free(&list);
    }
    _exit(0);
}

/* Whoever is killed on the way, the owner never goes on while somebody still runs in its memory. */
static void anybody_may_be_killed_at_birth(void **state)
{
    (void)state;
    enum { ROUNDS = 400 };
    int started = 0;
    pid_t killer = start_killer();
    assert_true(killer > 0);
    for (int i = 0; i < ROUNDS; i++) {
        pk_error error = {0};
        pk_group_options options = PK_GROUP_OPTIONS_INIT;
        options.mechanism = PK_MECHANISM_REAPER;
        pk_result result;
        pk_auto(pk_command) command = cast_command(NULL, "hold");
        pk_command_timeout(command, PK_SECONDS(5));
        pk_command_contain(command, &options);
        int r = pk_command_status(command, &result, &error);
        if (r < 0 && r != -ECANCELED && r != -EOPNOTSUPP) /* the first: the probe was killed */
            fail_msg("%d: %s", r, error.message);
        started += r == 0;
        if (r == 0)
            assert_true(result.verdict == PK_VERDICT_SIGNALLED || result.verdict == PK_VERDICT_LOST);
    }
    kill(killer, SIGKILL);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    print_message("%d of %d could be started\n", started, ROUNDS);
}

static const struct test tests[] = {
    PK_TEST(lost_reaper_ends_the_run),
    PK_TEST_AS_USER(lost_reaper_ends_the_run),
    PK_TEST(lost_reaper_ends_a_watched_run),
    PK_TEST(lost_reaper_is_found_by_a_kill),
    PK_TEST(stopped_reaper_kills_all_the_same),
    PK_TEST_AS_USER(stopped_reaper_kills_all_the_same),
    PK_TEST_WITH(anybody_may_be_killed_at_birth, .deadline_s = 60),
};

PK_TEST_MAIN(tests)
