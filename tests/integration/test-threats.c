/*
 * What members, and others, may do to get away, and what each mechanism makes of it: the proofs behind
 * docs/guarantees.md that no other test is about. Where the answer is no, the test proves the no: a weakness that was
 * mended has to be taken out of the documentation.
 */
#include "files.h"
#include "freezer.h"
#include "hierarchy.h"
#include "threat.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STRANGER = 65533 }; /* an ordinary user */

static void assert_gone(struct witness *witness)
{
    witness_assert_dead(witness, GONE_MS);
}

static void finish(pk_group *group, pk_process *process, struct witness *witness)
{
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* ---- A pipe that is held open ----------------------------------------------------------------------------------- */

/* By a member that has left the session, and that a process group has lost. */
static void pipe_holder_delays_nothing(void **state)
{
    pk_error error;
    pk_result result;
    pk_process *process = NULL;
    struct report output = {0};
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = threat_mechanism(*state);
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = cast_command(witness, "print said -- leave 0 -- setsid -- hold");
    pk_command_pipe(command, 1);
    pk_command_contain(command, &options);
    assert_ok(pk_command_start(command, &process, &error), error);
    witness_ready(witness);
    assert_ok(pk_process_wait(process, pk_deadline(PK_SECONDS(10)), &result, &error), error);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    bool ended = read_to_end(pk_process_pipe(process, 1), &output, 500);
    assert_string_equal(output.bytes, "said\n");
    assert_int_equal(ended, !threat_is_against(state, "process_group"));
    report_free(&output);
    finish(NULL, process, witness);
}

/* ---- Other cgroups ---------------------------------------------------------------------------------------------- */

/* A cgroup of its own below the one that it is in. */
static void member_in_a_cgroup_of_its_own_dies(void **state)
{
    pk_error error;
    char own[PATH_MAX], prefix[64];
    if (!hierarchy_own(own) || !hierarchy_is_writable(own))
        skip_test("a cgroup2 directory that can be made");
    pk_group *group = threat_group(state);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "cgroup -- cgroup -- hold");
    assert_ok(pk_group_kill(group, &error), error);
    assert_gone(witness);
    finish(group, process, witness);
    /* What it made outside of the group's own directory is nobody's. */
    snprintf(prefix, sizeof(prefix), "adversary-%s-", getenv("PK_TEST_RUNNER"));
    hierarchy_sweep(own, prefix, NULL);
}

static const char move_out[] = "echo 0 >\"$PK_OUTSIDE/cgroup.procs\" && exec \"$@\"";

/* Where cgroup.procs may be written, a member is as free as its owner: no cgroup holds root, or the user that it was
 * delegated to. */
static void member_that_moves_itself_out(void **state)
{
    pk_error error;
    char own[PATH_MAX];
    if (!hierarchy_own(own) || !hierarchy_is_writable(own))
        skip_test("a cgroup2 directory that can be written");
    pk_group *group = threat_group(state);
    struct witness *witness = witness_new();
    setenv("PK_OUTSIDE", own, 1);
    pk_process *process = threat_scripted(group, witness, move_out, "wide 2");
    assert_ok(pk_group_kill(group, &error), error);
    if (threat_is_against(state, "cgroup2"))
        witness_assert_alive(witness);
    else
        assert_gone(witness);
    witness_free(witness);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    finish(group, process, NULL);
}

static void member_of_another_user_cannot_move_itself_out(void **state)
{
    pk_error error;
    pk_process *process = NULL;
    char own[PATH_MAX];
    pk_group *group = threat_group(state);
    struct witness *witness = witness_new();
    assert_true(hierarchy_own(own));
    assert_int_equal(chmod(witness_path(witness), 0666), 0);
    setenv("PK_OUTSIDE", own, 1);
    pk_auto(pk_command) command =
        pk_command_new("/bin/sh", "-c", "{ echo 0 >\"$PK_OUTSIDE/cgroup.procs\"; } 2>&- || exec \"$@\"", "sh",
                       adversary_path(), "--report", witness_path(witness), "hold", NULL);
    pk_command_uid(command, STRANGER);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    witness_ready(witness);
    assert_ok(pk_group_kill(group, &error), error);
    assert_gone(witness);
    finish(group, process, witness);
}

/* ---- Other users ------------------------------------------------------------------------------------------------ */

/* This program plays the member: a set-user-ID one that has become root for good, as su does. */
static int be_root(const char *report)
{
    if (setresuid(0, 0, 0) < 0)
        return 1;
    int fd = open(report, O_WRONLY | O_CLOEXEC);
    dprintf(fd, "%d root\nready\n", getpid());
    sleep(120);
    return 0;
}

static void become_ordinary(void)
{
    if (setgroups(0, NULL) < 0 || setresgid(STRANGER, STRANGER, STRANGER) < 0 ||
        setresuid(STRANGER, STRANGER, STRANGER) < 0)
        _exit(1);
}

/* An ordinary owner of whom the test knows whether its kill succeeded. */
static int kill_a_root_member(const char *mechanism, const char *place, const char *program, const char *report)
{
    pk_error error;
    char byte;
    pk_process *process = NULL;
    int go = STDIN_FILENO;
    if (*place && !hierarchy_enter(place))
        return 1;
    become_ordinary();
    pk_group *group = cast_group(threat_mechanism(mechanism));
    pk_auto(pk_command) command = pk_command_new(program, "be-root", report, NULL);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    if (read(go, &byte, 1) != 0)
        return 1;
    int r = pk_group_kill(group, &error);
    printf("%d: %s\n", r, r < 0 ? error.message : "killed");
    _exit(r < 0 ? 2 : 0); /* not by exit, which would try again */
}

static void root_member_of_an_ordinary_owner(void **state)
{
    char place[PATH_MAX] = "", own[PATH_MAX];
    int status, go[2];
    bool in_cgroup = threat_is_against(state, "cgroup2");
    const char *program = scratch("set-user-id");
    threat_mechanism(*state);
    assert_true(files_copy("/proc/self/exe", program, 0755) && chmod(program, 04755) == 0);
    assert_int_equal(chmod(scratch("."), 0755), 0);
    if (in_cgroup && (!hierarchy_own(own) || !hierarchy_delegate(own, STRANGER, place)))
        skip_test("a cgroup2 directory that can be delegated");
    struct witness *witness = witness_new();
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid_t owner = fork();
    if (owner == 0) {
        dup2(go[0], STDIN_FILENO);
        close(go[1]);
        _exit(kill_a_root_member(*state, place, program, witness_path(witness)));
    }
    close(go[0]);
    witness_ready(witness);
    close(go[1]);
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), in_cgroup ? 0 : 2);
    if (in_cgroup)
        assert_gone(witness);
    else
        witness_assert_alive(witness);
    witness_free(witness);
    if (in_cgroup)
        hierarchy_remove(place);
}

/* ---- Members that cannot be reached, or are held by others ------------------------------------------------------ */

static void uninterruptible_member_is_named_and_dies_later(void **state)
{
    pk_error error = {0};
    char pid[16];
    struct freezer freezer;
    threat_mechanism(*state);
    adversary_path(); /* skips without one, before there is anything to remove */
    freezer_find(&freezer);
    pk_group *group = threat_group(state);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "child -- hold");
    snprintf(pid, sizeof(pid), "%d", witness_pid(witness, 1));
    bool frozen = freezer_freeze(&freezer, witness_pid(witness, 1));
    long began = clock_ms();
    int r = frozen ? pk_group_kill(group, &error) : 0;
    long took = clock_ms() - began;
    bool alive = !pidfd_is_dead(witness_pidfd(witness, 1), 0);
    freezer_thaw(&freezer);
    printf("%d after %ld ms: %s\n", r, took, error.message);
    assert_true(frozen);
    assert_true(alive);
    assert_int_equal(r, -EBUSY);
    assert_non_null(strstr(error.message, pid));
    assert_true(took < 8000 * (long)test_slowness());
    assert_gone(witness);
    finish(group, process, witness);
    freezer_remove(&freezer);
}

/* A dead process stays its tracer's until that has waited for it, and so a reaper, which goes by its own wait, cannot
 * prove the end before. */
static void traced_member_dies(void **state)
{
    pk_error error;
    siginfo_t info;
    pk_group *group = threat_group(state);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 1");
    pid_t pid = witness_pid(witness, 1);
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
        finish(group, process, witness);
        skip_test("ptrace");
    }
    assert_return_code(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), errno);
    assert_return_code(waitid(P_PID, (id_t)pid, &info, WSTOPPED | __WALL), errno);
    int r = pk_group_kill(group, &error);
    assert_int_equal(r, threat_is_against(state, "reaper") ? -EBUSY : 0);
    assert_gone(witness);
    assert_return_code(waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL), errno);
    assert_ok(pk_group_kill(group, &error), error);
    finish(group, process, witness);
}

/* ---- Numbers that are given to others --------------------------------------------------------------------------- */

/* A child that lives under this number; -EEXIST while that is taken. */
static pid_t fork_as(pid_t number)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size;
    } args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1};
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0)
        for (;;)
            pause();
    return pid < 0 ? -errno : (pid_t)pid;
}

/* The leader has ended, and a stranger has got its number, if it can be had: a process group keeps it. */
static void recycled_pid_is_never_signalled(void **state)
{
    pk_error error;
    pk_group *group = threat_group(state);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "leave 0 -- hold");
    pid_t leader = pk_process_pid(process);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    pid_t stranger = fork_as(leader);
    if (stranger == -EPERM || stranger == -EINVAL || stranger == -ENOSYS) {
        finish(group, process, witness);
        skip_test("clone3 with a pid of choice");
    }
    printf("the number of the leader: %d\n", stranger);
    assert_int_equal(stranger, threat_is_against(state, "process_group") ? -EEXIST : leader);
    assert_int_equal(pk_process_signal(process, SIGKILL, &error), -ESRCH);
    assert_ok(pk_group_signal(group, SIGUSR1, &error), error);
    assert_ok(pk_group_kill(group, &error), error);
    assert_gone(witness);
    if (stranger > 0) {
        assert_int_equal(waitpid(stranger, NULL, WNOHANG), 0); /* nothing has reached it */
        assert_int_equal(kill(stranger, SIGKILL), 0);
        assert_int_equal(waitpid(stranger, NULL, 0), stranger);
    }
    finish(group, process, witness);
}

/* ---- Work that others do for a member --------------------------------------------------------------------------- */

/* As systemd-run, D-Bus activation, at and cron: a daemon that starts what a member asks it to. */
static void be_daemon(int requests, const struct witness *witness)
{
    char byte;
    if (read(requests, &byte, 1) != 1)
        _exit(1);
    pid_t pid = fork();
    if (pid == 0)
        execl(adversary_path(), "adversary", "--report", witness_path(witness), "hold", NULL);
    _exit(pid < 0);
}

static void work_handed_to_a_daemon_is_not_contained(void **state)
{
    pk_error error;
    int requests[2], status;
    pk_process *process = NULL;
    pk_group *group = threat_group(state);
    struct witness *witness = witness_new();
    assert_int_equal(pipe2(requests, O_CLOEXEC), 0);
    pid_t daemon = fork();
    if (daemon == 0)
        be_daemon(requests[0], witness);
    pk_auto(pk_command) command = cast_command(NULL, "print-to 3 x -- hold");
    pk_command_fd(command, 3, requests[1]);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    witness_ready(witness);
    assert_int_equal(waitpid(daemon, &status, 0), daemon);
    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_alive(witness);
    close(requests[0]);
    close(requests[1]);
    finish(group, process, witness);
}

/* ---- Limits ----------------------------------------------------------------------------------------------------- */

static void limit_of_processes_holds(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    pk_process *processes[3] = {NULL};
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_CGROUP2;
    options.limits.pids_max = 2;
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    assert_ok(pk_group_create(&options, &group, &error), error);
    assert_ok(pk_group_spawn(group, command, &processes[0], &error), error);
    assert_ok(pk_group_spawn(group, command, &processes[1], &error), error);
    assert_int_equal(pk_group_spawn(group, command, &processes[2], &error), -EAGAIN);
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 2);
    for (int i = 0; i < 3; i++)
        pk_process_free(processes[i]);
    pk_group_free(group);
}

/* Asked for pids alone the kernel would not refuse, as it does for memory, but make the cgroup a threaded one. */
static void occupied_cgroup_is_left_as_it_was(void **state)
{
    (void)state;
    char path[PATH_MAX], type[PATH_MAX + 16], line[32] = "";
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_CGROUP2;
    options.limits.pids_max = 2;
    assert_int_equal(pk_group_create(&options, &group, &error), -EOPNOTSUPP);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_true(hierarchy_own(path));
    snprintf(type, sizeof(type), "%s/cgroup.type", path);
    FILE *file = fopen(type, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    assert_string_equal(line, "domain\n");
}

static const struct test tests[] = {
    THREAT(pipe_holder_delays_nothing),
    THREAT(member_in_a_cgroup_of_its_own_dies),
    THREAT_BY_ROOT(member_that_moves_itself_out),
    PK_TEST_NAMED("member_that_moves_itself_out/cgroup2@delegated", member_that_moves_itself_out, .data = "cgroup2",
                  .as = TEST_AS_DELEGATED_USER),
    THREAT_BY_ROOT(member_of_another_user_cannot_move_itself_out),
    THREAT_BY_ROOT(root_member_of_an_ordinary_owner),
    THREAT_BY_ROOT(uninterruptible_member_is_named_and_dies_later),
    THREAT(traced_member_dies),
    THREAT_BY_ROOT(recycled_pid_is_never_signalled),
    THREAT(work_handed_to_a_daemon_is_not_contained),
    PK_TEST_WITH(limit_of_processes_holds, .needs = NEEDS_CGROUP2 | NEEDS_CONTROLLERS),
    PK_TEST_AS_DELEGATED_USER(occupied_cgroup_is_left_as_it_was, .needs = NEEDS_CONTROLLERS),
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "be-root") == 0)
        return be_root(argv[2]);
    return test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
