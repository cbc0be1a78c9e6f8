/*
 * The helper as a reaper, driven without the library: what it ends, how, and what it leaves alone.
 */
#include "kin.h"
#include "lines.h"
#include "rig.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STRANGER = 65534 };

/* ---- Ending the tree -------------------------------------------------------------------------------------------- */

static const char *const shapes[] = {
    "hold",
    "stop",
    "wide 5 -- stop",
    "ignore TERM,INT,HUP -- block-all -- setsid",
    "leave 0 -- setsid -- double-fork -- daemonise",
    "deep 12",
    "wide 3 -- subreaper -- double-fork -- tree 12",
    "wide 3 -- zombie",
    "wide 2 -- lose-main-thread",
    "threads 3",
    "tree 109",
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static void kill_each_shape(struct rigging making)
{
    for (size_t i = 0; i < SHAPES; i++) {
        struct witness *witness = rig_witness();
        struct rig rig = rig_start_as(making, witness, shapes[i]);
        witness_ready(witness);
        size_t alive = witness_alive(witness);
        long took = rig_end_all(&rig);
        witness_assert_dead(witness, GONE_MS);
        printf("%zu members in %ld ms: %s\n", alive, took, shapes[i]);
        witness_free(witness);
    }
}

static void kill_ends_trees_of_all_shapes(void **state)
{
    kill_each_shape((struct rigging){0});
}

static void kill_ends_an_ordinary_users_trees(void **state)
{
    kill_each_shape((struct rigging){.user = STRANGER});
}

static bool hide(const char *place)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", place, "tmpfs", 0, NULL) == 0;
}

static void need_hiding(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(hide("/proc") ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        skip_test("mounts of one's own");
}

static void hide_proc(pid_t self)
{
    if (!hide("/proc"))
        _exit(117);
}

/* As if the kernel had no lists of children. */
static void hide_lists(pid_t self)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task", self);
    if (!hide(path))
        _exit(117);
}

static void kill_needs_no_lists_of_children(void **state)
{
    need_hiding();
    kill_each_shape((struct rigging){.surroundings = hide_lists});
}

static void kill_needs_no_proc(void **state)
{
    need_hiding();
    kill_each_shape((struct rigging){.surroundings = hide_proc});
}

/* Not waited for until all are there: they are not to stand, but to fork. */
static const struct {
    const char *words;
    size_t enough;
} storms[] = {
    {"storm 300 20000", 60},      {"setsid -- storm 300 20000", 10}, {"hop 20000", 20},
    {"wide 8 -- hop 20000", 100}, {"ignore CHLD -- churn 20000", 1}, {"wide 8 -- ignore CHLD -- churn 20000", 8},
};

static void end_storms(struct rigging making)
{
    for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++) {
        struct witness *witness = rig_witness();
        struct rig rig = rig_start_as(making, witness, storms[i].words);
        witness_count(witness, storms[i].enough);
        long took = rig_end_all(&rig);
        witness_assert_dead(witness, GONE_MS);
        printf("%zu members, in all, in %ld ms: %s\n", witness_total(witness), took, storms[i].words);
        witness_free(witness);
    }
}

static void kill_outruns_forks(void **state)
{
    end_storms((struct rigging){0});
}

static void kill_outruns_an_ordinary_users_forks(void **state)
{
    end_storms((struct rigging){.user = STRANGER});
}

static void kill_outruns_forks_without_lists_of_children(void **state)
{
    need_hiding();
    end_storms((struct rigging){.surroundings = hide_lists});
}

static void trace_a_child(int report)
{
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    waitpid(pid, &status, __WALL);
    dprintf(report, WIFSTOPPED(status) ? "stands\n" : "failed\n");
    pause();
}

static void suspend_in_vfork(int report)
{
    if (fork() == 0) {
        pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): it is the point here */
        if (pid == 0) {
            dprintf(report, "stands\n"); /* NOLINT(clang-analyzer-unix.Vfork) */
            for (;;)
                pause(); /* NOLINT(clang-analyzer-unix.Vfork) */
        }
    }
    pause();
}

static void kill_strange_leader(void (*leader)(int report), size_t members)
{
    char line[64];
    struct rig rig = rig_start_as((struct rigging){.leader = leader}, NULL, NULL);
    struct line_reader reader = {.fd = rig.report};
    assert_true(lines_next(&reader, line, sizeof(line), PATIENCE_MS));
    assert_string_equal(line, "stands");
    struct kin_list kin = kin_below(rig.reaper);
    assert_int_equal(kin.count, members);
    int pidfds[8];
    for (size_t i = 0; i < members; i++)
        pidfds[i] = (int)syscall(SYS_pidfd_open, kin.items[i].pid, 0);
    kin_free(&kin);
    rig_end_all(&rig);
    for (size_t i = 0; i < members; i++) {
        assert_true(pidfd_is_dead(pidfds[i], 0));
        close(pidfds[i]);
    }
}

static void kill_ends_traced_and_suspended_processes(void **state)
{
    kill_strange_leader(trace_a_child, 2);
    kill_strange_leader(suspend_in_vfork, 3);
}

/* More members than descriptors, and than the helper has room for at first. */
static void few_descriptors(pid_t self)
{
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){16, 16});
}

static void kill_needs_few_descriptors(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start_as((struct rigging){.surroundings = few_descriptors}, witness, "deep 6 -- tree 40");
    witness_ready(witness);
    printf("%ld ms\n", rig_end_all(&rig));
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void a_hundred_members_end_at_once(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "tree 100");
    witness_ready(witness);
    long took = rig_end_all(&rig);
    witness_assert_dead(witness, GONE_MS);
    printf("100 members: %ld ms\n", took);
    assert_in_range(took, 0, 999 * test_slowness());
    witness_free(witness);
}

/* ---- Whom it may not kill --------------------------------------------------------------------------------------- */

/* Has a child of root, is an ordinary user itself, and has children that are. */
static void keep_a_stranger(int report)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    rig_become(STRANGER);
    for (int i = 0; i < 3; i++)
        if (fork() == 0)
            for (;;)
                pause();
    dprintf(report, "%d\n", pid);
    pause();
}

static long cpu_ms(pid_t pid)
{
    clockid_t clock;
    struct timespec time;
    assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
    assert_return_code(clock_gettime(clock, &time), errno);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void who_cannot_be_killed_is_waited_for(void **state)
{
    char line[64];
    struct rig rig = rig_start_as((struct rigging){.leader = keep_a_stranger, .user = STRANGER}, NULL, NULL);
    struct line_reader reader = {.fd = rig.report};
    assert_true(lines_next(&reader, line, sizeof(line), PATIENCE_MS));
    pid_t stranger = (pid_t)strtol(line, NULL, 10);
    int pidfd = (int)syscall(SYS_pidfd_open, stranger, 0);
    rig_say(&rig, REAPER_KILL, 0);
    rig_hear(&rig, REAPER_LEADER);
    struct kin_list kin;
    while ((kin = kin_below(rig.reaper)).count > 1) /* the others end */
        kin_free(&kin);
    assert_int_equal(kin.items[0].pid, stranger);
    kin_free(&kin);
    long before = cpu_ms(rig.reaper);
    assert_false(pidfd_is_dead(pidfd, 1500));
    long burnt = cpu_ms(rig.reaper) - before;
    printf("%ld ms of processor time in 1500 ms\n", burnt);
    assert_in_range(burnt, 0, 30 * test_slowness());
    rig_assert_waiting(&rig);
    assert_return_code(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), errno);
    close(pidfd);
    rig_hear(&rig, REAPER_EMPTY);
    rig_finish(&rig);
}

static const struct test tests[] = {
    PK_TEST_WITH(kill_ends_trees_of_all_shapes, .deadline_s = 60),
    PK_TEST_WITH(kill_ends_an_ordinary_users_trees, .needs = NEEDS_ROOT, .deadline_s = 60),
    PK_TEST_WITH(kill_needs_no_lists_of_children, .needs = NEEDS_ROOT, .deadline_s = 60),
    PK_TEST_WITH(kill_needs_no_proc, .needs = NEEDS_ROOT, .deadline_s = 60),
    PK_TEST_WITH(kill_outruns_forks, .deadline_s = 60),
    PK_TEST_WITH(kill_outruns_an_ordinary_users_forks, .needs = NEEDS_ROOT, .deadline_s = 60),
    PK_TEST_WITH(kill_outruns_forks_without_lists_of_children, .needs = NEEDS_ROOT, .deadline_s = 60),
    PK_TEST(kill_ends_traced_and_suspended_processes),
    PK_TEST(kill_needs_few_descriptors),
    PK_TEST(a_hundred_members_end_at_once),
    PK_TEST_WITH(who_cannot_be_killed_is_waited_for, .needs = NEEDS_ROOT),
};

PK_TEST_MAIN(tests)
