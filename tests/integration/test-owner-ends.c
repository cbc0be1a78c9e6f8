/*
 * The owner ends, in every way there is and with every mechanism: what becomes of the members.
 *
 * With the mechanisms that promise it, they end with their owner, whatever the way. With process groups only a clean
 * exit ends them, and these tests prove that as well: a weakness that was mended has to be taken out of the
 * documentation.
 */
#include "hierarchy.h"
#include "threat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- An owner in a process of its own --------------------------------------------------------------------------- */

/* What the owner lets the test know, in memory of both. */
struct will {
    pid_t helper; /* its guardian, or the reaper of its leader; 0: none */
    char path[PATH_MAX];
};

struct owner;

struct way {
    const char *name;
    void (*end)(struct owner *owner); /* once the gate is open; returns if the test is to end it by a signal */
    bool cleanly;                     /* process groups die as well */
    bool by_thread;                   /* the group is made and filled by a thread that has ended */
    bool spares;                      /* the members are to live on */
};

struct owner {
    const struct way *way;
    const char *mechanism;
    struct witness *witness;
    struct will *will;
    pid_t pid;
    int ready[2], gate[2];
    int helper; /* a pidfd, in the test; -1: none */
};

static pid_t helper_of(pk_process *process)
{
    pid_t parent = threat_parent_of(pk_process_pid(process));
    return parent != getpid() ? parent : pk_guardian_pid();
}

static void *start(void *data)
{
    pk_error error;
    struct owner *owner = data;
    pk_process *process = NULL;
    pk_group *group = cast_group(threat_mechanism(owner->mechanism));
    pk_command *command = cast_command(owner->witness, "wide 2 -- ignore TERM -- hold");
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    if (owner->way->spares)
        pk_group_spare(group);
    owner->will->helper = helper_of(process);
    return NULL;
}

static void wait_at_gate(struct owner *owner)
{
    char byte = 0;
    if (write(owner->ready[1], &byte, 1) != 1 || read(owner->gate[0], &byte, 1) < 0)
        _exit(1);
}

static _Noreturn void be_owner(struct owner *owner)
{
    const struct rlimit none = {0, 0};
    pthread_t thread;
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    close(owner->gate[1]);
    if (!owner->way->by_thread)
        start(owner);
    else if (pthread_create(&thread, NULL, start, owner) != 0 || pthread_join(thread, NULL) != 0)
        _exit(1);
    if (owner->way->end)
        owner->way->end(owner);
    wait_at_gate(owner);
    for (;;)
        pause();
}

static void begin(struct owner *owner)
{
    char byte;
    owner->witness = witness_new();
    owner->will = mmap(NULL, sizeof(*owner->will), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(owner->will, MAP_FAILED);
    assert_int_equal(pipe2(owner->ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(owner->gate, O_CLOEXEC), 0);
    owner->pid = fork();
    if (owner->pid == 0)
        be_owner(owner);
    witness_ready(owner->witness);
    assert_int_equal(read(owner->ready[0], &byte, 1), 1);
    owner->helper = owner->will->helper > 0 ? (int)syscall(SYS_pidfd_open, owner->will->helper, 0) : -1;
    assert_int_equal(owner->helper < 0, strcmp(owner->mechanism, "process_group") == 0);
    witness_assert_alive(owner->witness);
}

static void open_gate(struct owner *owner)
{
    close(owner->gate[1]);
    owner->gate[1] = -1;
}

static void signal_pidfd(int pidfd, int signal_number)
{
    assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0), 0);
}

/* Whoever helps must have ended by the time nothing is left to do. */
static void finish(struct owner *owner)
{
    witness_free(owner->witness);
    if (owner->helper >= 0) {
        assert_true(pidfd_is_dead(owner->helper, 5000));
        close(owner->helper);
    }
    close(owner->ready[0]);
    close(owner->ready[1]);
    close(owner->gate[0]);
    if (owner->gate[1] >= 0)
        close(owner->gate[1]);
    munmap(owner->will, sizeof(*owner->will));
}

/* ---- Ways to end ------------------------------------------------------------------------------------------------ */

static void exit_normally(struct owner *owner)
{
    wait_at_gate(owner);
    exit(0);
}

static void exit_at_once(struct owner *owner)
{
    wait_at_gate(owner);
    _exit(0);
}

static void abort_itself(struct owner *owner)
{
    wait_at_gate(owner);
    abort();
}

static void touch_nothing(struct owner *owner)
{
    static volatile int *volatile nowhere;
    wait_at_gate(owner);
    *nowhere = 1;
}

static void become_another_program(struct owner *owner)
{
    wait_at_gate(owner);
    execl(adversary_path(), "adversary", "hold", NULL);
}

static void *go_on_alone(void *data)
{
    exit_at_once(data);
    return NULL;
}

static void end_the_main_thread(struct owner *owner)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, go_on_alone, owner) == 0)
        pthread_exit(NULL);
}

static const struct way ways[] = {
    {"exit", exit_normally, .cleanly = true},
    {"_exit", exit_at_once},
    {"abort", abort_itself},
    {"segfault", touch_nothing},
    {"SIGKILL", NULL},
    {"exec", become_another_program},
    {"SIGKILL-after-the-spawning-thread", NULL, .by_thread = true},
    {"_exit-after-the-main-thread", end_the_main_thread},
    {"SIGKILL-with-spared-members", NULL, .spares = true},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]), MECHANISMS = 3 };

static const char *const mechanisms[MECHANISMS] = {"cgroup2", "reaper", "process_group"};

static void end_owner(struct owner *owner)
{
    bool goes_on = owner->way->end == become_another_program;
    if (!owner->way->end)
        assert_int_equal(kill(owner->pid, SIGKILL), 0);
    open_gate(owner);
    if (!goes_on)
        assert_int_equal(waitpid(owner->pid, NULL, 0), owner->pid);
}

/* Nothing tells of what does not happen: a helper that is about to kill is given the time that it never takes. */
static void assert_members_stay(struct owner *owner)
{
    poll(NULL, 0, 100);
    witness_assert_alive(owner->witness);
}

static void owner_ends(void **state)
{
    const struct owner *given = *state;
    struct owner owner = *given;
    threat_mechanism(owner.mechanism);
    bool escape = owner.way->spares || (strcmp(owner.mechanism, "process_group") == 0 && !owner.way->cleanly);
    begin(&owner);
    end_owner(&owner);
    if (escape)
        assert_members_stay(&owner);
    else
        witness_assert_dead(owner.witness, GONE_MS);
    if (owner.way->end == become_another_program) {
        assert_int_equal(kill(owner.pid, SIGKILL), 0);
        assert_int_equal(waitpid(owner.pid, NULL, 0), owner.pid);
    }
    finish(&owner);
}

/* ---- The helper ------------------------------------------------------------------------------------------------- */

/* Nobody is left who could do anything. Only cgroups keep a list of the members, for pk prune. */
static void owner_and_helper_are_killed_together(void **state)
{
    pk_error error;
    pk_prune_report report;
    pk_prune_options prune = PK_PRUNE_OPTIONS_INIT;
    char own[PATH_MAX];
    struct owner owner = {.way = &ways[4], .mechanism = *state};
    threat_mechanism(owner.mechanism);
    begin(&owner);
    if (owner.helper >= 0)
        signal_pidfd(owner.helper, SIGKILL);
    assert_int_equal(kill(owner.pid, SIGKILL), 0);
    assert_int_equal(waitpid(owner.pid, NULL, 0), owner.pid);
    assert_members_stay(&owner);
    if (threat_is_against(state, "cgroup2")) {
        assert_true(hierarchy_own(own));
        prune.below = own;
        assert_ok(pk_prune(&prune, NULL, NULL, &report, &error), error);
        witness_assert_dead(owner.witness, GONE_MS);
    }
    finish(&owner);
}

/* ---- The first process of a pid namespace ----------------------------------------------------------------------- */

/* All members keep the pipe open that they report to. */
static _Noreturn void live_as_init(const char *mechanism, struct will *will, int pipe)
{
    pk_error error;
    pk_process *process = NULL;
    if (getpid() != 1 || mount("proc", "/proc", "proc", 0, NULL) < 0)
        _exit(1);
    pk_group *group = cast_group(threat_mechanism(mechanism));
    pk_command *command = pk_command_new(adversary_path(), "--report", "3", "wide", "3", "--", "double-fork", "--",
                                         "setsid", "--", "hold", NULL);
    pk_command_fd(command, 3, pipe);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    if (pk_group_path(group))
        snprintf(will->path, sizeof(will->path), "%s", pk_group_path(group));
    for (;;)
        pause();
}

static _Noreturn void found_a_namespace(const char *mechanism, struct will *will, int pipe)
{
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(99);
    pid_t pid = fork();
    if (pid == 0)
        live_as_init(mechanism, will, pipe);
    will->helper = pid;
    close(pipe);
    waitpid(pid, NULL, 0);
    _exit(0);
}

static void explain_silence(pid_t outer)
{
    int status;
    assert_int_equal(waitpid(outer, &status, 0), outer);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
        skip_test("a pid namespace of our own");
    fail_msg("no members");
}

/* Its guardian was in the namespace, too. */
static void remove_directories(char *path)
{
    for (int level = 0; *path && level < 2; level++) {
        assert_true(rmdir(path) == 0 || errno == ENOENT);
        *strrchr(path, '/') = '\0';
    }
}

static void init_of_a_namespace_is_killed(void **state)
{
    char line[256] = "";
    int ends[2];
    threat_mechanism(*state);
    struct will *will = mmap(NULL, sizeof(*will), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t outer = fork();
    if (outer == 0)
        found_a_namespace(*state, will, ends[1]);
    close(ends[1]);
    struct line_reader reader = {.fd = ends[0]};
    while (strcmp(line, "ready") != 0)
        if (!lines_next(&reader, line, sizeof(line), 10000))
            explain_silence(outer);
    assert_int_equal(kill(will->helper, SIGKILL), 0);
    while (lines_next(&reader, line, sizeof(line), 5000 * (int)test_slowness()))
        ;
    assert_int_equal(read(reader.fd, line, 1), 0); /* the end: nobody has the pipe any more */
    assert_int_equal(waitpid(outer, NULL, 0), outer);
    remove_directories(will->path);
    close(ends[0]);
    munmap(will, sizeof(*will));
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

static const struct test others[] = {
    THREAT(owner_and_helper_are_killed_together),
    THREAT_BY_ROOT(init_of_a_namespace_is_killed),
};

enum { OTHERS = sizeof(others) / sizeof(others[0]) };

int main(int argc, char **argv)
{
    static struct owner owners[WAYS * MECHANISMS];
    static char names[WAYS * MECHANISMS][96];
    static struct test tests[WAYS * MECHANISMS + OTHERS];
    for (size_t i = 0; i < WAYS * MECHANISMS; i++) {
        owners[i] = (struct owner){.way = &ways[i / MECHANISMS], .mechanism = mechanisms[i % MECHANISMS]};
        snprintf(names[i], sizeof(names[i]), "owner_ends/%s/%s", owners[i].way->name, owners[i].mechanism);
        tests[i] = (struct test){
            .name = names[i], .body = owner_ends, .data = &owners[i], .needs = i % MECHANISMS == 0 ? NEEDS_CGROUP2 : 0};
    }
    memcpy(&tests[WAYS * MECHANISMS], others, sizeof(others));
    return test_main(argc, argv, tests, WAYS * MECHANISMS + OTHERS);
}
