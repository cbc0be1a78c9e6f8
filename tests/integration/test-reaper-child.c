/*
 * The helper as a reaper, driven without the library: what it tells, what it ends, and what it leaves alone.
 */
#include "contain/reaper-protocol.h"
#include "harness.h"
#include "kin.h"
#include "lines.h"
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, STRANGER = 65534 };

/* ---- A reaper, as the library starts one ------------------------------------------------------------------------ */

/* How it is made, other than usual. */
struct making {
    void (*leader)(int report);       /* instead of an adversary; `report` is the writing end of rig.report */
    void (*surroundings)(pid_t self); /* made by the reaper for itself, after it has started the leader */
    uid_t user;                       /* who both are; 0: as the test is */
    int send_buffer;                  /* 0: as usual */
};

struct rig {
    pid_t reaper;
    pid_t owner; /* somebody whose end is the owner's */
    pid_t leader;
    int control;
    int report; /* the reading end */
};

static void become(uid_t user)
{
    if (user != 0 && (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0))
        _exit(119);
}

static _Noreturn void be_leader(const struct making *making, struct witness *witness, const char *words, int report)
{
    char text[256], *arguments[64] = {(char *)"adversary"}, *rest = NULL;
    size_t count = 1;
    setpgid(0, getppid()); /* not the reaper's, which is to make a session of its own */
    if (making->leader) {
        making->leader(report);
        _exit(0);
    }
    become(making->user);
    if (witness) {
        arguments[count++] = (char *)"--report";
        arguments[count++] = (char *)witness_path(witness);
    }
    snprintf(text, sizeof(text), "%s", words);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        arguments[count++] = word;
    execv(adversary_path(), arguments);
    _exit(119);
}

static _Noreturn void be_reaper(const struct making *making, struct rig *rig, int helper, int control, int owner)
{
    char leader[16];
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    if (making->surroundings)
        making->surroundings(getpid());
    become(making->user);
    snprintf(leader, sizeof(leader), "%d", rig->leader);
    dup2(control, 0);
    dup2(owner, 1);
    char *arguments[] = {(char *)"processkit-reaper", (char *)"reap", leader, NULL}, *environment[] = {NULL};
    syscall(SYS_execveat, helper, "", arguments, environment, AT_EMPTY_PATH);
    _exit(118);
}

static _Noreturn void begin(const struct making *making, struct rig *rig, struct witness *witness, const char *words,
                            const int fds[4])
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    rig->leader = fork();
    if (rig->leader == 0) {
        for (int i = 0; i < 3; i++)
            close(fds[i]);
        be_leader(making, witness, words, fds[3]);
    }
    be_reaper(making, rig, fds[0], fds[1], fds[2]);
}

static int open_helper(void)
{
    const char *path = getenv("PK_HELPER");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1; /* an ordinary user may not be able to reach it */
    if (fd < 0)
        skip_test("the helper at $PK_HELPER (%s)", path ? path : "not set");
    return fd;
}

/* Before there is anything that a skipped test would leave behind. */
static struct witness *new_witness(void)
{
    close(open_helper());
    adversary_path();
    return witness_new();
}

static struct rig start_as(struct making making, struct witness *witness, const char *words)
{
    int sockets[2], report[2], helper = open_helper();
    struct rig rig = {.owner = fork()};
    if (rig.owner == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    int owner = (int)syscall(SYS_pidfd_open, rig.owner, 0);
    assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), errno);
    assert_return_code(pipe2(report, O_CLOEXEC), errno);
    if (making.send_buffer)
        setsockopt(sockets[1], SOL_SOCKET, SO_SNDBUF, &making.send_buffer, sizeof(making.send_buffer));
    rig.reaper = fork();
    assert_return_code(rig.reaper, errno);
    if (rig.reaper == 0) {
        close(sockets[0]);
        begin(&making, &rig, witness, words, (int[]){helper, sockets[1], owner, report[1]});
    }
    close(helper);
    close(owner);
    close(sockets[1]);
    close(report[1]);
    rig.control = sockets[0];
    rig.report = report[0];
    if (witness && words)
        witness_count(witness, 1);
    return rig;
}

static struct rig start(struct witness *witness, const char *words)
{
    return start_as((struct making){0}, witness, words);
}

static char state_of(pid_t pid)
{
    char path[64], stat[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_true(read(fd, stat, sizeof(stat) - 1) > 0);
    close(fd);
    return strrchr(stat, ')')[2];
}

/* It has done what there was to do, and waits for more. */
static void settle(struct rig *rig)
{
    for (int asleep = 0; asleep < 3; asleep = state_of(rig->reaper) == 'S' ? asleep + 1 : 0)
        sched_yield();
}

static void end_owner(struct rig *rig)
{
    if (rig->owner > 0) {
        kill(rig->owner, SIGKILL);
        assert_int_equal(waitpid(rig->owner, NULL, 0), rig->owner);
    }
    rig->owner = 0;
}

/* It ends by itself, soon, and content. */
static void finish(struct rig *rig)
{
    int status, pidfd = (int)syscall(SYS_pidfd_open, rig->reaper, 0);
    assert_true(pidfd_is_dead(pidfd, PATIENCE_MS));
    close(pidfd);
    assert_int_equal(waitpid(rig->reaper, &status, 0), rig->reaper);
    assert_int_equal(status, 0);
    end_owner(rig);
    if (rig->control >= 0)
        close(rig->control);
    close(rig->report);
}

/* ---- The protocol ----------------------------------------------------------------------------------------------- */

static void say(struct rig *rig, enum reaper_kind kind, int number)
{
    struct reaper_message message = {
        .magic = REAPER_MAGIC, .version = REAPER_VERSION, .kind = (uint16_t)kind, .number = number};
    assert_int_equal(send(rig->control, &message, sizeof(message), MSG_NOSIGNAL), sizeof(message));
}

static long receive(struct rig *rig, struct reaper_message *message)
{
    struct pollfd fd = {.fd = rig->control, .events = POLLIN};
    if (poll(&fd, 1, PATIENCE_MS * (int)test_slowness()) <= 0)
        fail_msg("the reaper says nothing");
    ssize_t size = recv(rig->control, message, sizeof(*message), 0);
    return size < 0 ? -errno : size;
}

static struct reaper_message hear(struct rig *rig, enum reaper_kind kind)
{
    struct reaper_message message = {0};
    assert_int_equal(receive(rig, &message), sizeof(message));
    assert_true(reaper_message_is_valid(&message, sizeof(message), false));
    assert_int_equal(message.kind, kind);
    return message;
}

static void hear_end(struct rig *rig)
{
    struct reaper_message message;
    assert_int_equal(receive(rig, &message), 0);
}

/* Only one that waits for its children answers so. */
static void assert_waiting(struct rig *rig)
{
    say(rig, REAPER_QUERY, 0);
    hear(rig, REAPER_USAGE);
}

/* Ends the tree, and returns after how many milliseconds that was proved. */
static long end_all(struct rig *rig)
{
    long start = clock_ms();
    say(rig, REAPER_KILL, 0);
    hear(rig, REAPER_LEADER);
    hear(rig, REAPER_EMPTY);
    long end = clock_ms();
    hear_end(rig);
    finish(rig);
    return end - start;
}

/* ---- What the leader has come to -------------------------------------------------------------------------------- */

static void usage_and_status_of_the_leader_are_told(void **state)
{
    struct rig rig = start(NULL, "cpu 100 -- exit 37");
    struct reaper_message leader = hear(&rig, REAPER_LEADER), all = hear(&rig, REAPER_EMPTY);
    assert_int_equal(WEXITSTATUS(leader.number), 37);
    assert_true(WIFEXITED(leader.number));
    assert_in_range(leader.cpu_user + leader.cpu_system, 80 * 1000000, 2000 * 1000000L);
    assert_in_range(leader.memory_peak, 100 * 1024, 200 * 1024 * 1024);
    assert_int_equal(all.cpu_user, leader.cpu_user);
    assert_int_equal(all.cpu_system, leader.cpu_system);
    assert_int_equal(all.memory_peak, leader.memory_peak);
    hear_end(&rig);
    finish(&rig);
}

static void usage_of_orphans_counts(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "leave 0 -- wait-ready -- cpu 100 -- exit 0");
    struct reaper_message leader = hear(&rig, REAPER_LEADER), all = hear(&rig, REAPER_EMPTY);
    assert_true(all.cpu_user + all.cpu_system >= leader.cpu_user + leader.cpu_system + 80 * 1000000);
    finish(&rig);
    witness_free(witness);
}

static void a_signal_that_ended_the_leader_is_told(void **state)
{
    struct rig rig = start(NULL, "die USR2");
    int status = hear(&rig, REAPER_LEADER).number;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGUSR2);
    hear(&rig, REAPER_EMPTY);
    finish(&rig);
}

static void dump_core(int report)
{
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    signal(SIGABRT, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    abort();
}

/* Whether there is a core is the machine's choice; whether it is told must not be. */
static void a_core_of_the_leader_is_told(void **state)
{
    int expected;
    pid_t pid = fork();
    if (pid == 0)
        dump_core(-1);
    waitpid(pid, &expected, 0);
    struct rig rig = start_as((struct making){.leader = dump_core}, NULL, NULL);
    assert_int_equal(hear(&rig, REAPER_LEADER).number, expected);
    assert_int_equal(WTERMSIG(expected), SIGABRT);
    printf("core: %s\n", WCOREDUMP(expected) ? "yes" : "no");
    hear(&rig, REAPER_EMPTY);
    finish(&rig);
}

static void kill_one(struct witness *witness, size_t index)
{
    syscall(SYS_pidfd_send_signal, witness_pidfd(witness, index), SIGKILL, NULL, 0);
    assert_true(pidfd_is_dead(witness_pidfd(witness, index), PATIENCE_MS));
}

static void the_tree_is_empty_after_the_last_orphan(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "leave 5 -- setsid -- double-fork -- setsid -- hold");
    assert_int_equal(WEXITSTATUS(hear(&rig, REAPER_LEADER).number), 5);
    witness_ready(witness);
    assert_waiting(&rig);
    kill_one(witness, witness_find(witness, "left"));
    assert_waiting(&rig);
    kill_one(witness, witness_find(witness, "double-fork"));
    hear(&rig, REAPER_EMPTY);
    hear_end(&rig);
    finish(&rig);
    witness_free(witness);
}

static void ignore_children(pid_t self)
{
    signal(SIGCHLD, SIG_IGN);
}

static void an_owner_that_ignores_its_children_loses_no_status(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start_as((struct making){.surroundings = ignore_children}, witness, "hold");
    assert_waiting(&rig);
    kill_one(witness, 0);
    assert_int_equal(WTERMSIG(hear(&rig, REAPER_LEADER).number), SIGKILL);
    hear(&rig, REAPER_EMPTY);
    finish(&rig);
    witness_free(witness);
}

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

static void kill_each_shape(struct making making)
{
    for (size_t i = 0; i < SHAPES; i++) {
        struct witness *witness = new_witness();
        struct rig rig = start_as(making, witness, shapes[i]);
        witness_ready(witness);
        size_t alive = witness_alive(witness);
        long took = end_all(&rig);
        witness_assert_dead(witness, 0);
        printf("%zu members in %ld ms: %s\n", alive, took, shapes[i]);
        witness_free(witness);
    }
}

static void kill_ends_trees_of_all_shapes(void **state)
{
    kill_each_shape((struct making){0});
}

static void kill_ends_an_ordinary_users_trees(void **state)
{
    kill_each_shape((struct making){.user = STRANGER});
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
    kill_each_shape((struct making){.surroundings = hide_lists});
}

static void kill_needs_no_proc(void **state)
{
    need_hiding();
    kill_each_shape((struct making){.surroundings = hide_proc});
}

/* Not waited for until all are there: they are not to stand, but to fork. */
static const struct {
    const char *words;
    size_t enough;
} storms[] = {
    {"storm 300 20000", 60},      {"setsid -- storm 300 20000", 10}, {"hop 20000", 20},
    {"wide 8 -- hop 20000", 100}, {"ignore CHLD -- churn 20000", 1}, {"wide 8 -- ignore CHLD -- churn 20000", 8},
};

static void end_storms(struct making making)
{
    for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++) {
        struct witness *witness = new_witness();
        struct rig rig = start_as(making, witness, storms[i].words);
        witness_count(witness, storms[i].enough);
        long took = end_all(&rig);
        witness_assert_dead(witness, 0);
        printf("%zu members, in all, in %ld ms: %s\n", witness_total(witness), took, storms[i].words);
        witness_free(witness);
    }
}

static void kill_outruns_forks(void **state)
{
    end_storms((struct making){0});
}

static void kill_outruns_an_ordinary_users_forks(void **state)
{
    end_storms((struct making){.user = STRANGER});
}

static void kill_outruns_forks_without_lists_of_children(void **state)
{
    need_hiding();
    end_storms((struct making){.surroundings = hide_lists});
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
        pid_t pid = vfork();
        if (pid == 0) {
            dprintf(report, "stands\n");
            for (;;)
                pause();
        }
    }
    pause();
}

static void kill_strange_leader(void (*leader)(int report), size_t members)
{
    char line[64];
    struct rig rig = start_as((struct making){.leader = leader}, NULL, NULL);
    struct line_reader reader = {.fd = rig.report};
    assert_true(lines_next(&reader, line, sizeof(line), PATIENCE_MS));
    assert_string_equal(line, "stands");
    struct kin_list kin = kin_below(rig.reaper);
    assert_int_equal(kin.count, members);
    int pidfds[8];
    for (size_t i = 0; i < members; i++)
        pidfds[i] = (int)syscall(SYS_pidfd_open, kin.items[i].pid, 0);
    kin_free(&kin);
    end_all(&rig);
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
    struct witness *witness = new_witness();
    struct rig rig = start_as((struct making){.surroundings = few_descriptors}, witness, "deep 6 -- tree 40");
    witness_ready(witness);
    printf("%ld ms\n", end_all(&rig));
    witness_assert_dead(witness, 0);
    witness_free(witness);
}

static void a_hundred_members_end_at_once(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "tree 100");
    witness_ready(witness);
    long took = end_all(&rig);
    witness_assert_dead(witness, 0);
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
    become(STRANGER);
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
    struct rig rig = start_as((struct making){.leader = keep_a_stranger, .user = STRANGER}, NULL, NULL);
    struct line_reader reader = {.fd = rig.report};
    assert_true(lines_next(&reader, line, sizeof(line), PATIENCE_MS));
    pid_t stranger = (pid_t)strtol(line, NULL, 10);
    int pidfd = (int)syscall(SYS_pidfd_open, stranger, 0);
    say(&rig, REAPER_KILL, 0);
    hear(&rig, REAPER_LEADER);
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
    assert_waiting(&rig);
    assert_return_code(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), errno);
    close(pidfd);
    hear(&rig, REAPER_EMPTY);
    finish(&rig);
}

/* ---- The owner -------------------------------------------------------------------------------------------------- */

static void the_end_of_the_socket_ends_the_tree(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "tree 23");
    witness_ready(witness);
    close(rig.control);
    rig.control = -1;
    finish(&rig);
    witness_assert_dead(witness, 0);
    witness_free(witness);
}

/* Somebody else may hold the socket. */
static void the_end_of_the_owner_ends_the_tree(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "tree 23");
    witness_ready(witness);
    end_owner(&rig);
    hear_end(&rig);
    finish(&rig);
    witness_assert_dead(witness, 0);
    witness_free(witness);
}

static void signal_leader(struct witness *witness, int signal)
{
    assert_return_code(syscall(SYS_pidfd_send_signal, witness_pidfd(witness, 0), signal, NULL, 0), errno);
}

static void a_spared_tree_survives_the_owner(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "catch-exit USR1 0 -- hold");
    witness_ready(witness);
    say(&rig, REAPER_SPARE, 1);
    end_owner(&rig);
    hear_end(&rig); /* it has seen that */
    settle(&rig);
    witness_assert_alive(witness);
    signal_leader(witness, SIGUSR1);
    witness_remark(witness, "got USR1");
    finish(&rig);
    witness_free(witness);
}

static void a_spared_tree_survives_the_socket(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "catch-exit USR1 0 -- hold");
    witness_ready(witness);
    say(&rig, REAPER_SPARE, 1);
    shutdown(rig.control, SHUT_WR);
    hear_end(&rig); /* it has seen that */
    settle(&rig);
    witness_assert_alive(witness);
    signal_leader(witness, SIGUSR1);
    witness_remark(witness, "got USR1");
    finish(&rig);
    witness_free(witness);
}

static void sparing_can_be_taken_back(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "wide 3");
    witness_ready(witness);
    say(&rig, REAPER_SPARE, 1);
    say(&rig, REAPER_SPARE, 0);
    end_owner(&rig);
    finish(&rig);
    witness_assert_dead(witness, 0);
    witness_free(witness);
}

static void a_spared_tree_can_be_killed(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "wide 3");
    witness_ready(witness);
    say(&rig, REAPER_SPARE, 1);
    end_all(&rig);
    witness_assert_dead(witness, 0);
    witness_free(witness);
}

/* ---- Messages --------------------------------------------------------------------------------------------------- */

static void send_garbage(struct rig *rig)
{
    struct {
        struct reaper_message message;
        char more[36];
    } kill = {.message = {.magic = REAPER_MAGIC, .version = REAPER_VERSION, .kind = REAPER_KILL}}, bad;
    for (size_t size = 0; size <= sizeof(kill); size++)
        if (size != sizeof(kill.message))
            assert_int_equal(send(rig->control, &kill, size, MSG_NOSIGNAL), size);
    bad = kill;
    bad.message.magic++;
    send(rig->control, &bad, sizeof(bad.message), MSG_NOSIGNAL);
    bad = kill;
    bad.message.version++;
    send(rig->control, &bad, sizeof(bad.message), MSG_NOSIGNAL);
    bad = kill;
    for (int kind = 0; kind < 70000; kind += kind < 20 ? 1 : 997) {
        bad.message.kind = (uint16_t)kind;
        if (bad.message.kind != REAPER_KILL && bad.message.kind != REAPER_SPARE && bad.message.kind != REAPER_QUERY)
            send(rig->control, &bad, sizeof(bad.message), MSG_NOSIGNAL);
    }
}

static void what_is_no_message_changes_nothing(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "wide 3");
    witness_ready(witness);
    send_garbage(&rig);
    assert_waiting(&rig);
    witness_assert_alive(witness);
    end_all(&rig);
    witness_assert_dead(witness, 0);
    witness_free(witness);
}

/* Messages that do not fit are kept, and the order as well. */
static void a_full_socket_loses_nothing(void **state)
{
    enum { QUERIES = 200 };
    struct witness *witness = new_witness();
    struct rig rig = start_as((struct making){.send_buffer = 1}, witness, "hold");
    for (int i = 0; i < QUERIES; i++)
        say(&rig, REAPER_QUERY, 0);
    say(&rig, REAPER_KILL, 0);
    witness_assert_dead(witness, PATIENCE_MS);
    int answers = 0, leaders = 0;
    for (struct reaper_message message = {0}; message.kind != REAPER_EMPTY;) {
        assert_int_equal(receive(&rig, &message), sizeof(message));
        answers += message.kind == REAPER_USAGE;
        leaders += message.kind == REAPER_LEADER;
    }
    assert_int_equal(answers, QUERIES);
    assert_int_equal(leaders, 1);
    hear_end(&rig);
    finish(&rig);
    witness_free(witness);
}

/* Unread messages make an error of the end of a socket, and it would come first. */
static void messages_that_come_too_late_do_no_harm(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "hold");
    assert_waiting(&rig);
    kill(rig.reaper, SIGSTOP);
    assert_int_equal(waitpid(rig.reaper, NULL, WUNTRACED), rig.reaper);
    kill_one(witness, 0);
    for (int i = 0; i < 150; i++) /* more than are read at once */
        say(&rig, REAPER_KILL, 0);
    kill(rig.reaper, SIGCONT);
    hear(&rig, REAPER_LEADER);
    hear(&rig, REAPER_EMPTY);
    hear_end(&rig);
    finish(&rig);
    witness_free(witness);
}

/* ---- A quiet guest ---------------------------------------------------------------------------------------------- */

static long status_number(pid_t pid, const char *key)
{
    char path[64], line[256];
    long number = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtol(line + strlen(key), NULL, 10);
    fclose(file);
    return number;
}

static void it_sleeps_while_nothing_happens(void **state)
{
    struct witness *witness = new_witness();
    struct rig rig = start(witness, "wide 3 -- stop");
    witness_ready(witness);
    assert_waiting(&rig);
    struct pollfd fd = {.fd = rig.control, .events = POLLIN};
    settle(&rig);
    long before = status_number(rig.reaper, "voluntary_ctxt_switches:");
    assert_int_equal(poll(&fd, 1, 700), 0);
    assert_int_equal(status_number(rig.reaper, "voluntary_ctxt_switches:"), before);
    long resident = status_number(rig.reaper, "VmRSS:");
    printf("%ld KiB resident\n", resident);
    assert_in_range(resident, 0, 64);
    end_all(&rig);
    witness_free(witness);
}

static const struct test tests[] = {
    PK_TEST(usage_and_status_of_the_leader_are_told),
    PK_TEST(usage_of_orphans_counts),
    PK_TEST(a_signal_that_ended_the_leader_is_told),
    PK_TEST(a_core_of_the_leader_is_told),
    PK_TEST(the_tree_is_empty_after_the_last_orphan),
    PK_TEST(an_owner_that_ignores_its_children_loses_no_status),
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
    PK_TEST(the_end_of_the_socket_ends_the_tree),
    PK_TEST(the_end_of_the_owner_ends_the_tree),
    PK_TEST(a_spared_tree_survives_the_owner),
    PK_TEST(a_spared_tree_survives_the_socket),
    PK_TEST(sparing_can_be_taken_back),
    PK_TEST(a_spared_tree_can_be_killed),
    PK_TEST(what_is_no_message_changes_nothing),
    PK_TEST(a_full_socket_loses_nothing),
    PK_TEST(messages_that_come_too_late_do_no_harm),
    PK_TEST(it_sleeps_while_nothing_happens),
};

PK_TEST_MAIN(tests)
