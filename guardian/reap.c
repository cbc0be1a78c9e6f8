/*
 * The reaper: the parent of last resort for everything that one command started.
 *
 * It is a subreaper, so that whatever loses its parent below it becomes its own child, however it tried to get away;
 * and when its own wait says that it has no child, the tree is gone, which is proof and no observation. While nothing
 * happens it sleeps in one poll. When it is told to, or the owner is gone and has not spared the tree, it ends the
 * tree.
 */
#include "contain/reaper-protocol.h"
#include "reap-proc.h"
#include "reap-tree.h"
#include "roles.h"

#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/wait.h>

enum { CONTROL, OWNER }; /* the descriptors it is given */

/* What is still to be told; in this order. */
enum { TELL_LEADER = 1, TELL_EMPTY = 2 };

/* Pauses between sweeps that do not get on double. Each is also four times as long as its sweep took, so that looking
 * costs little even where it takes long. */
enum { SHORTEST = 2 * 1000 * 1000, LONGEST = 500 * 1000 * 1000, RESTS = 4 };

struct usage {
    uint64_t user, system; /* nanoseconds */
    uint64_t memory;       /* bytes */
};

static struct {
    int leader;
    int children; /* readable when a child has ended */
    int leader_status;
    struct usage leader_usage, usage;
    unsigned unsent, queries;
    bool spared;
    bool owner_gone;
    bool ending; /* the tree is to be killed, for good */
    bool empty;  /* there is no child left, and there will be none */
    int64_t pause, due;
} reaper;

/* ---- Time ------------------------------------------------------------------------------------------------------- */

static int64_t now(void)
{
    enum { MONOTONIC = 1 };
    struct __kernel_timespec time = {0, 0};
    CALL2(clock_gettime, MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ---- Reaping ---------------------------------------------------------------------------------------------------- */

static uint64_t nanoseconds(const struct __kernel_old_timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_usec * 1000;
}

/* Of a process and all it waited for. The kernel counts the memory before exec as well, the one it shared included. */
static struct usage usage_of(const struct rusage *usage)
{
    return (struct usage){nanoseconds(&usage->ru_utime), nanoseconds(&usage->ru_stime),
                          (uint64_t)usage->ru_maxrss * 1024};
}

static void add_usage(const struct usage *usage)
{
    reaper.usage.user += usage->user;
    reaper.usage.system += usage->system;
    if (usage->memory > reaper.usage.memory)
        reaper.usage.memory = usage->memory;
}

static void take_child(int pid, int status, const struct usage *usage)
{
    add_usage(usage);
    if (pid == reaper.leader) {
        reaper.leader = 0; /* the number is anybody's now */
        reaper.leader_status = status;
        reaper.leader_usage = *usage;
        reaper.unsent |= TELL_LEADER;
    }
    if (tree_forget(pid)) {
        reaper.pause = SHORTEST;
        if (tree_dying() == 0)
            reaper.due = 0;
    }
}

/* True if there may be more. Not all at once: orphans can come faster than they are reaped. */
static bool reap_some(void)
{
    enum { AT_ONCE = 256 };
    for (int i = 0; i < AT_ONCE; i++) {
        struct rusage rusage = {0};
        int status = 0;
        long pid = CALL4(wait4, -1, &status, WNOHANG | __WALL, &rusage);
        if (pid == ERROR_NO_CHILD) {
            reaper.empty = true;
            reaper.unsent |= reaper.leader == 0 ? TELL_EMPTY : 0; /* nothing is proved by one that was never ours */
        }
        if (pid <= 0)
            return false;
        struct usage usage = usage_of(&rusage);
        take_child((int)pid, status, &usage);
    }
    return true;
}

/* ---- Ending the tree -------------------------------------------------------------------------------------------- */

static void end_tree(void)
{
    reaper.ending = true;
    reaper.pause = SHORTEST;
    reaper.due = 0;
}

static void sweep_if_due(void)
{
    if (!reaper.ending || reaper.empty)
        return;
    int64_t start = now();
    if (start < reaper.due)
        return;
    tree_kill();
    int64_t end = now();
    reaper.due = end + reaper.pause + RESTS * (end - start);
    if (reaper.pause < LONGEST)
        reaper.pause *= 2;
}

/* ---- What the owner hears --------------------------------------------------------------------------------------- */

/* False if it is to be tried again. An owner that is gone needs no message. */
static bool tell(enum reaper_kind kind, int number, const struct usage *usage)
{
    enum { DO_NOT_WAIT = 0x40, NO_SIGNAL = 0x4000 };
    struct reaper_message message = {
        .magic = REAPER_MAGIC,
        .version = REAPER_VERSION,
        .kind = (uint16_t)kind,
        .number = number,
        .cpu_user = usage->user,
        .cpu_system = usage->system,
        .memory_peak = usage->memory,
    };
    long r = CALL6(sendto, CONTROL, &message, sizeof(message), DO_NOT_WAIT | NO_SIGNAL, NULL, 0);
    return r != ERROR_AGAIN && r != ERROR_INTERRUPTED;
}

static bool has_news(void)
{
    return reaper.unsent || reaper.queries > 0;
}

/* Ends early when the socket is full: poll says when it takes more. */
static void tell_news(void)
{
    if (reaper.owner_gone) {
        reaper.unsent = reaper.queries = 0;
        return;
    }
    if (reaper.unsent & TELL_LEADER) {
        if (!tell(REAPER_LEADER, reaper.leader_status, &reaper.leader_usage))
            return;
        reaper.unsent &= ~TELL_LEADER;
    }
    for (; reaper.queries > 0; reaper.queries--)
        if (!tell(REAPER_USAGE, 0, &reaper.usage))
            return;
    if (reaper.unsent & TELL_EMPTY && tell(REAPER_EMPTY, 0, &reaper.usage))
        reaper.unsent &= ~TELL_EMPTY;
}

/* ---- What the owner says ---------------------------------------------------------------------------------------- */

static void take_message(const struct reaper_message *message)
{
    switch (message->kind) {
    case REAPER_KILL:
        end_tree();
        break;
    case REAPER_SPARE:
        reaper.spared = message->number != 0;
        break;
    case REAPER_QUERY:
        reaper.queries++;
        break;
    }
}

/* An empty message looks like the end, and what comes like the end may be a moment ahead of the last message: only what
 * is read after this was true is the end for certain. */
static bool is_closed(void)
{
    struct pollfd fd = {.fd = CONTROL, .events = POLLRDHUP};
    return poll_fds(&fd, 1, 0) > 0;
}

enum { SOME = 64, ALL = 1 << 30 };

/* Not all at once while there is other work. False once the owner has closed its end. What is no message is passed
 * over: there is nobody to tell. If the owner went without having read all that it was told, the kernel reports that
 * first, once, and what the owner has said only afterwards. */
static bool read_messages(int most)
{
    enum { DO_NOT_WAIT = 0x40 };
    bool reset = false, closed = false;
    while (most-- > 0) {
        char bytes[sizeof(struct reaper_message) + 1]; /* one more: a longer one does not pass for a message */
        struct reaper_message message;
        long size = CALL6(recvfrom, CONTROL, bytes, sizeof(bytes), DO_NOT_WAIT, NULL, NULL);
        if (size == ERROR_AGAIN || size == ERROR_INTERRUPTED)
            return true;
        if (size == ERROR_RESET && !reset) {
            reset = true;
            continue;
        }
        if (size < 0 || (size == 0 && closed))
            return false;
        if (size == 0) {
            closed = is_closed();
            continue;
        }
        memcpy(&message, bytes, sizeof(message));
        if (reaper_message_is_valid(&message, (size_t)size, true))
            take_message(&message);
    }
    return true;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

static int64_t time_left(void)
{
    if (reaper.ending && !reaper.empty) {
        int64_t left = reaper.due - now();
        return left > 0 ? left : 0;
    }
    return reaper.children < 0 ? LONGEST : -1; /* without a signalfd there is nothing that would wake it */
}

static void clear_signal(void)
{
    char info[128];
    CALL3(read, reaper.children, info, sizeof(info));
}

static void lose_owner(void)
{
    reaper.owner_gone = true;
    if (!reaper.spared)
        end_tree();
    close_fd(CONTROL);
    close_fd(OWNER);
}

static void wait_for_news(bool more)
{
    short control = has_news() ? POLLIN | POLLOUT : POLLIN;
    struct pollfd fds[] = {
        {.fd = reaper.owner_gone ? -1 : CONTROL, .events = control},
        {.fd = reaper.owner_gone ? -1 : OWNER, .events = POLLIN},
        {.fd = reaper.children, .events = POLLIN},
    };
    poll_fds(fds, sizeof(fds) / sizeof(fds[0]), more ? 0 : time_left());
    if (fds[2].revents)
        clear_signal();
    bool gone = fds[1].revents != 0;
    if (gone || fds[0].revents & ~POLLOUT)
        gone = !read_messages(gone ? ALL : SOME) || gone; /* its last words count */
    if (gone)
        lose_owner();
}

/* ---- The role --------------------------------------------------------------------------------------------------- */

/* Whatever the owner does about SIGCHLD, ignored it would be for good: nothing would be left to wait for. Children
 * that only stop are of no interest. And all signals are blocked, whoever started this. */
static void take_over_signals(void)
{
    enum { SIGNAL_CHILD = 17, NOT_WHEN_STOPPED = 1, SET_MASK = 2, DO_NOT_WAIT = O_NONBLOCK };
    unsigned long action[4] = {0, NOT_WHEN_STOPPED, 0, 0}; /* handler, flags, restorer, mask */
    uint64_t all = ~UINT64_C(0), child = UINT64_C(1) << (SIGNAL_CHILD - 1);
    CALL4(rt_sigaction, SIGNAL_CHILD, action, NULL, sizeof(all));
    CALL4(rt_sigprocmask, SET_MASK, &all, NULL, sizeof(all));
    reaper.children = (int)CALL4(signalfd4, -1, &child, sizeof(child), O_CLOEXEC | DO_NOT_WAIT);
}

/* Nothing of the owner is kept: no descriptor, no working directory; and no session, which it left before. */
static void let_go_of_owner(void)
{
    close_from(OWNER + 1);
    CALL1(chdir, "/");
    CALL2(prctl, PR_SET_NAME, "pk-reaper");
}

/* A message that is left unread would reach the owner as an error, ahead of what was told it. */
static void say_goodbye(void)
{
    enum { NO_MORE_INPUT = 0 };
    if (reaper.owner_gone)
        return;
    CALL2(shutdown, CONTROL, NO_MORE_INPUT);
    read_messages(ALL);
}

int reap(const char *leader)
{
    reaper.leader = proc_number(leader);
    CALL2(prctl, PR_SET_CHILD_SUBREAPER, 1);
    let_go_of_owner();
    take_over_signals();
    tree_open();
    for (;;) {
        bool more = !reaper.empty && reap_some();
        sweep_if_due();
        tell_news();
        if (reaper.empty && !has_news())
            break;
        wait_for_news(more);
    }
    say_goodbye();
    return reaper.leader == 0 ? 0 : 1;
}
