/*
 * The helper as a reaper, driven without the library: what it tells, and what it makes of its owner.
 */
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- What the leader has come to -------------------------------------------------------------------------------- */

static void usage_and_status_of_the_leader_are_told(void **state)
{
    struct rig rig = rig_start(NULL, "cpu 100 -- exit 37");
    struct reaper_message leader = rig_hear(&rig, REAPER_LEADER), all = rig_hear(&rig, REAPER_EMPTY);
    assert_int_equal(WEXITSTATUS(leader.number), 37);
    assert_true(WIFEXITED(leader.number));
    assert_in_range(leader.cpu_user + leader.cpu_system, 80 * 1000000, 2000 * 1000000L);
    assert_in_range(leader.memory_peak, 100 * 1024, 200 * 1024 * 1024);
    assert_int_equal(all.cpu_user, leader.cpu_user);
    assert_int_equal(all.cpu_system, leader.cpu_system);
    assert_int_equal(all.memory_peak, leader.memory_peak);
    rig_hear_end(&rig);
    rig_finish(&rig);
}

static void usage_of_orphans_counts(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "leave 0 -- wait-ready -- cpu 100 -- exit 0");
    struct reaper_message leader = rig_hear(&rig, REAPER_LEADER), all = rig_hear(&rig, REAPER_EMPTY);
    assert_true(all.cpu_user + all.cpu_system >= leader.cpu_user + leader.cpu_system + 80 * 1000000);
    rig_finish(&rig);
    witness_free(witness);
}

static void a_signal_that_ended_the_leader_is_told(void **state)
{
    struct rig rig = rig_start(NULL, "die USR2");
    int status = rig_hear(&rig, REAPER_LEADER).number;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGUSR2);
    rig_hear(&rig, REAPER_EMPTY);
    rig_finish(&rig);
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
    struct rig rig = rig_start_as((struct rigging){.leader = dump_core}, NULL, NULL);
    assert_int_equal(rig_hear(&rig, REAPER_LEADER).number, expected);
    assert_int_equal(WTERMSIG(expected), SIGABRT);
    printf("core: %s\n", WCOREDUMP(expected) ? "yes" : "no");
    rig_hear(&rig, REAPER_EMPTY);
    rig_finish(&rig);
}

static void kill_one(struct witness *witness, size_t index)
{
    syscall(SYS_pidfd_send_signal, witness_pidfd(witness, index), SIGKILL, NULL, 0);
    assert_true(pidfd_is_dead(witness_pidfd(witness, index), PATIENCE_MS));
}

static void the_tree_is_empty_after_the_last_orphan(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "leave 5 -- setsid -- double-fork -- setsid -- hold");
    assert_int_equal(WEXITSTATUS(rig_hear(&rig, REAPER_LEADER).number), 5);
    witness_ready(witness);
    rig_assert_waiting(&rig);
    kill_one(witness, witness_find(witness, "left"));
    rig_assert_waiting(&rig);
    kill_one(witness, witness_find(witness, "double-fork"));
    rig_hear(&rig, REAPER_EMPTY);
    rig_hear_end(&rig);
    rig_finish(&rig);
    witness_free(witness);
}

static void ignore_children(pid_t self)
{
    signal(SIGCHLD, SIG_IGN);
}

static void an_owner_that_ignores_its_children_loses_no_status(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start_as((struct rigging){.surroundings = ignore_children}, witness, "hold");
    rig_assert_waiting(&rig);
    kill_one(witness, 0);
    assert_int_equal(WTERMSIG(rig_hear(&rig, REAPER_LEADER).number), SIGKILL);
    rig_hear(&rig, REAPER_EMPTY);
    rig_finish(&rig);
    witness_free(witness);
}

/* ---- The owner -------------------------------------------------------------------------------------------------- */

static void the_end_of_the_socket_ends_the_tree(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "tree 23");
    witness_ready(witness);
    close(rig.control);
    rig.control = -1;
    rig_finish(&rig);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* Somebody else may hold the socket. */
static void the_end_of_the_owner_ends_the_tree(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "tree 23");
    witness_ready(witness);
    rig_end_owner(&rig);
    rig_hear_end(&rig);
    rig_finish(&rig);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void signal_leader(struct witness *witness, int signal)
{
    assert_return_code(syscall(SYS_pidfd_send_signal, witness_pidfd(witness, 0), signal, NULL, 0), errno);
}

static void a_spared_tree_survives_the_owner(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "catch-exit USR1 0 -- hold");
    witness_ready(witness);
    rig_say(&rig, REAPER_SPARE, 1);
    rig_end_owner(&rig);
    rig_hear_end(&rig); /* it has seen that */
    rig_settle(&rig);
    witness_assert_alive(witness);
    signal_leader(witness, SIGUSR1);
    witness_remark(witness, "got USR1");
    rig_finish(&rig);
    witness_free(witness);
}

static void a_spared_tree_survives_the_socket(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "catch-exit USR1 0 -- hold");
    witness_ready(witness);
    rig_say(&rig, REAPER_SPARE, 1);
    shutdown(rig.control, SHUT_WR);
    rig_hear_end(&rig); /* it has seen that */
    rig_settle(&rig);
    witness_assert_alive(witness);
    signal_leader(witness, SIGUSR1);
    witness_remark(witness, "got USR1");
    rig_finish(&rig);
    witness_free(witness);
}

/* An answer that nobody has read makes the kernel report a reset, before what was said last. */
static void a_spared_tree_survives_an_owner_that_does_not_listen(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "catch-exit USR1 0 -- hold");
    struct pollfd answer = {.fd = rig.control, .events = POLLIN};
    witness_ready(witness);
    rig_say(&rig, REAPER_QUERY, 0);
    assert_int_equal(poll(&answer, 1, PATIENCE_MS), 1);
    kill(rig.reaper, SIGSTOP); /* so that it finds all of it at once */
    rig_say(&rig, REAPER_SPARE, 1);
    close(rig.control);
    kill(rig.reaper, SIGCONT);
    rig.control = -1;
    rig_settle(&rig);
    witness_assert_alive(witness);
    signal_leader(witness, SIGUSR1);
    witness_remark(witness, "got USR1");
    rig_finish(&rig);
    witness_free(witness);
}

static void sparing_can_be_taken_back(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "wide 3");
    witness_ready(witness);
    rig_say(&rig, REAPER_SPARE, 1);
    rig_say(&rig, REAPER_SPARE, 0);
    rig_end_owner(&rig);
    rig_finish(&rig);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void a_spared_tree_can_be_killed(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "wide 3");
    witness_ready(witness);
    rig_say(&rig, REAPER_SPARE, 1);
    rig_end_all(&rig);
    witness_assert_dead(witness, GONE_MS);
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
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "wide 3");
    witness_ready(witness);
    send_garbage(&rig);
    rig_assert_waiting(&rig);
    witness_assert_alive(witness);
    rig_end_all(&rig);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* Messages that do not fit are kept, and the order as well. */
static void a_full_socket_loses_nothing(void **state)
{
    enum { QUERIES = 200 };
    struct witness *witness = rig_witness();
    struct rig rig = rig_start_as((struct rigging){.send_buffer = 1}, witness, "hold");
    for (int i = 0; i < QUERIES; i++)
        rig_say(&rig, REAPER_QUERY, 0);
    rig_say(&rig, REAPER_KILL, 0);
    witness_assert_dead(witness, PATIENCE_MS);
    int answers = 0, leaders = 0;
    for (struct reaper_message message = {0}; message.kind != REAPER_EMPTY;) {
        assert_int_equal(rig_receive(&rig, &message), sizeof(message));
        answers += message.kind == REAPER_USAGE;
        leaders += message.kind == REAPER_LEADER;
    }
    assert_int_equal(answers, QUERIES);
    assert_int_equal(leaders, 1);
    rig_hear_end(&rig);
    rig_finish(&rig);
    witness_free(witness);
}

/* Unread messages make an error of the end of a socket, and it would come first. */
static void messages_that_come_too_late_do_no_harm(void **state)
{
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "hold");
    rig_assert_waiting(&rig);
    kill(rig.reaper, SIGSTOP);
    assert_int_equal(waitpid(rig.reaper, NULL, WUNTRACED), rig.reaper);
    kill_one(witness, 0);
    for (int i = 0; i < 150; i++) /* more than are read at once */
        rig_say(&rig, REAPER_KILL, 0);
    kill(rig.reaper, SIGCONT);
    rig_hear(&rig, REAPER_LEADER);
    rig_hear(&rig, REAPER_EMPTY);
    rig_hear_end(&rig);
    rig_finish(&rig);
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
    struct witness *witness = rig_witness();
    struct rig rig = rig_start(witness, "wide 3 -- stop");
    witness_ready(witness);
    rig_assert_waiting(&rig);
    struct pollfd fd = {.fd = rig.control, .events = POLLIN};
    rig_settle(&rig);
    long before = status_number(rig.reaper, "voluntary_ctxt_switches:");
    assert_int_equal(poll(&fd, 1, 700), 0);
    assert_int_equal(status_number(rig.reaper, "voluntary_ctxt_switches:"), before);
    long resident = status_number(rig.reaper, "VmRSS:");
    printf("%ld KiB resident\n", resident);
    assert_in_range(resident, 0, 64);
    rig_end_all(&rig);
    witness_free(witness);
}

static const struct test tests[] = {
    PK_TEST(usage_and_status_of_the_leader_are_told),
    PK_TEST(usage_of_orphans_counts),
    PK_TEST(a_signal_that_ended_the_leader_is_told),
    PK_TEST(a_core_of_the_leader_is_told),
    PK_TEST(the_tree_is_empty_after_the_last_orphan),
    PK_TEST(an_owner_that_ignores_its_children_loses_no_status),
    PK_TEST(the_end_of_the_socket_ends_the_tree),
    PK_TEST(the_end_of_the_owner_ends_the_tree),
    PK_TEST(a_spared_tree_survives_the_owner),
    PK_TEST(a_spared_tree_survives_the_socket),
    PK_TEST(a_spared_tree_survives_an_owner_that_does_not_listen),
    PK_TEST(sparing_can_be_taken_back),
    PK_TEST(a_spared_tree_can_be_killed),
    PK_TEST(what_is_no_message_changes_nothing),
    PK_TEST(a_full_socket_loses_nothing),
    PK_TEST(messages_that_come_too_late_do_no_harm),
    PK_TEST(it_sleeps_while_nothing_happens),
};

PK_TEST_MAIN(tests)
