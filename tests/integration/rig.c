/*
 * Making a reaper by hand, and talking with it.
 */
#include "rig.h"

#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- A reaper, as the library starts one ------------------------------------------------------------------------ */

void rig_become(uid_t user)
{
    if (user != 0 && (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0))
        _exit(119);
}

static _Noreturn void be_leader(const struct rigging *making, struct witness *witness, const char *words, int report)
{
    char text[256], *arguments[64] = {(char *)"adversary"}, *rest = NULL;
    size_t count = 1;
    setpgid(0, getppid()); /* not the reaper's, which is to make a session of its own */
    if (making->leader) {
        making->leader(report);
        _exit(0);
    }
    rig_become(making->user);
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

static _Noreturn void be_reaper(const struct rigging *making, struct rig *rig, int helper, int control, int owner)
{
    char leader[16];
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    if (making->surroundings)
        making->surroundings(getpid());
    rig_become(making->user);
    snprintf(leader, sizeof(leader), "%d", rig->leader);
    dup2(control, 0);
    dup2(owner, 1);
    char *arguments[] = {(char *)"processkit-reaper", (char *)"reap", leader, NULL}, *environment[] = {NULL};
    syscall(SYS_execveat, helper, "", arguments, environment, AT_EMPTY_PATH);
    _exit(118);
}

static _Noreturn void begin(const struct rigging *making, struct rig *rig, struct witness *witness, const char *words,
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

struct witness *rig_witness(void)
{
    close(open_helper());
    adversary_path();
    return witness_new();
}

struct rig rig_start_as(struct rigging making, struct witness *witness, const char *words)
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

struct rig rig_start(struct witness *witness, const char *words)
{
    return rig_start_as((struct rigging){0}, witness, words);
}

char rig_state_of(pid_t pid)
{
    char path[64], stat[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_true(read(fd, stat, sizeof(stat) - 1) > 0);
    close(fd);
    return strrchr(stat, ')')[2];
}

void rig_settle(struct rig *rig)
{
    for (int asleep = 0; asleep < 3; asleep = rig_state_of(rig->reaper) == 'S' ? asleep + 1 : 0)
        sched_yield();
}

void rig_end_owner(struct rig *rig)
{
    if (rig->owner > 0) {
        kill(rig->owner, SIGKILL);
        assert_int_equal(waitpid(rig->owner, NULL, 0), rig->owner);
    }
    rig->owner = 0;
}

void rig_finish(struct rig *rig)
{
    int status, pidfd = (int)syscall(SYS_pidfd_open, rig->reaper, 0);
    assert_true(pidfd_is_dead(pidfd, PATIENCE_MS));
    close(pidfd);
    assert_int_equal(waitpid(rig->reaper, &status, 0), rig->reaper);
    assert_int_equal(status, 0);
    rig_end_owner(rig);
    if (rig->control >= 0)
        close(rig->control);
    close(rig->report);
}

/* ---- The protocol ----------------------------------------------------------------------------------------------- */

void rig_say(struct rig *rig, enum reaper_kind kind, int number)
{
    struct reaper_message message = {
        .magic = REAPER_MAGIC, .version = REAPER_VERSION, .kind = (uint16_t)kind, .number = number};
    assert_int_equal(send(rig->control, &message, sizeof(message), MSG_NOSIGNAL), sizeof(message));
}

long rig_receive(struct rig *rig, struct reaper_message *message)
{
    struct pollfd fd = {.fd = rig->control, .events = POLLIN};
    if (poll(&fd, 1, PATIENCE_MS * (int)test_slowness()) <= 0)
        fail_msg("the reaper says nothing");
    ssize_t size = recv(rig->control, message, sizeof(*message), 0);
    return size < 0 ? -errno : size;
}

struct reaper_message rig_hear(struct rig *rig, enum reaper_kind kind)
{
    struct reaper_message message = {0};
    assert_int_equal(rig_receive(rig, &message), sizeof(message));
    assert_true(reaper_message_is_valid(&message, sizeof(message), false));
    assert_int_equal(message.kind, kind);
    return message;
}

void rig_hear_end(struct rig *rig)
{
    struct reaper_message message;
    assert_int_equal(rig_receive(rig, &message), 0);
}

void rig_assert_waiting(struct rig *rig)
{
    rig_say(rig, REAPER_QUERY, 0);
    rig_hear(rig, REAPER_USAGE);
}

long rig_end_all(struct rig *rig)
{
    long start = clock_ms();
    rig_say(rig, REAPER_KILL, 0);
    rig_hear(rig, REAPER_LEADER);
    rig_hear(rig, REAPER_EMPTY);
    long end = clock_ms();
    rig_hear_end(rig);
    rig_finish(rig);
    return end - start;
}
