/*
 * Finding, stopping and killing everything below the reaper.
 *
 * Nobody below can get away from it: whatever loses its parent comes to the nearest subreaper above, which is the
 * reaper or one of its descendants. So a sweep need not be complete, only the sweeps together: each takes its toll, and
 * the reaper's own wait says when nobody is left. What a sweep must do is outrun processes that fork. Hence all are
 * stopped first, and looked for again until nobody new is found; a stopped one holds its place below any limit, and its
 * children where they are. Then all are killed, children before parents: an exiting parent would otherwise wake a
 * stopped child's process group with SIGHUP and SIGCONT.
 *
 * No stranger is ever signalled, though numbers of processes are reused. A child of the reaper keeps its number until
 * the reaper reaps it. Of any other process a pidfd is opened, and *after* that
 *   1. its parent's number is read, which must be the one of a member;
 *   2. neither that member nor the process must have been reaped: both numbers were their own when they were read.
 * From then on signals go by pidfd.
 */
#include "reap-tree.h"

#include "reap-proc.h"

#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/wait.h>

enum { SIGNAL_CHILD = 17, SIGNAL_STOP = 19, ERROR_NO_PERMISSION = -1, ERROR_NO_MEMORY = -12 };
enum { ERROR_TOO_MANY_IN_SYSTEM = -23, ERROR_TOO_MANY = -24 };

enum { SELF = -1, NO_FD = -1 };

struct member {
    int pid;    /* 0: it was reaped, or could not be killed */
    int parent; /* index of the member below which it was found, or SELF */
    int fd;     /* its pidfd; children of the reaper need none */
    bool dead;  /* it has ended and is not reaped; remembered so that it is news only once */
};

enum { FEW = 128 };

static struct {
    struct member few[FEW]; /* so that a sweep gets on without any memory to be had */
    struct member *members; /* parents before their children */
    size_t count, capacity;
    size_t dying;
    size_t likely; /* where to look for a number first */
    bool full;     /* no room or no descriptor for another one: the next sweep goes on */
    int highest;   /* up to which number children are guessed, where they cannot be seen */
} tree;

/* ---- Who is known ----------------------------------------------------------------------------------------------- */

static bool make_room(void)
{
    if (tree.count < tree.capacity)
        return true;
    size_t size = tree.capacity * sizeof(*tree.members);
    struct member *members =
        (void *)CALL6(mmap, NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((unsigned long)members > -4096UL)
        return false;
    memcpy(members, tree.members, size);
    if (tree.members != tree.few)
        CALL2(munmap, tree.members, size);
    tree.members = members;
    tree.capacity *= 2;
    return true;
}

/* The index, or -1. Lists are read again and again and seldom change, so that the one after the last is a good guess.
 */
static long find(int pid)
{
    for (size_t tries = 0; tries < tree.count; tries++) {
        size_t i = tree.likely < tree.count ? tree.likely : 0;
        tree.likely = i + 1;
        if (tree.members[i].pid == pid)
            return (long)i;
    }
    return -1;
}

/* ---- One process ------------------------------------------------------------------------------------------------ */

enum state { GONE, DEAD, ALIVE };

/* GONE: this is no child of the reaper. The one question about processes that needs no /proc. */
static enum state ask_about_child(int pid)
{
    int info[32] = {0}; /* the kernel's siginfo_t; its first number is the signal, 0 if there is nothing to report */
    if (CALL5(waitid, P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT | __WALL, NULL) < 0)
        return GONE;
    return info[0] == SIGNAL_CHILD ? DEAD : ALIVE;
}

static long send_signal(const struct member *member, int signal)
{
    if (member->fd != NO_FD)
        return CALL4(pidfd_send_signal, member->fd, signal, NULL, 0);
    return CALL2(kill, member->pid, signal);
}

static bool is_reaped(const struct member *member)
{
    return send_signal(member, 0) == ERROR_NO_PROCESS;
}

static bool has_ended(int pidfd)
{
    struct pollfd fd = {.fd = pidfd, .events = POLLIN};
    return poll_fds(&fd, 1, 0) > 0;
}

static enum state open_descendant(struct member *member)
{
    const struct member *parent = &tree.members[member->parent];
    long fd = CALL2(pidfd_open, member->pid, 0);
    if (fd < 0) {
        tree.full |= fd == ERROR_TOO_MANY || fd == ERROR_TOO_MANY_IN_SYSTEM || fd == ERROR_NO_MEMORY;
        return GONE;
    }
    member->fd = (int)fd;
    if (proc_parent(member->pid) == parent->pid && !is_reaped(parent) && !is_reaped(member))
        return has_ended(member->fd) ? DEAD : ALIVE;
    close_fd(member->fd);
    return GONE;
}

/* Its forks fail from now on, and those of children that are just being born; root's do not. There is no way to do that
 * by pidfd. Should the number have become a stranger's since it was looked at, the stranger gets its limit back. */
static void stop(const struct member *member)
{
    struct rlimit64 before, none;
    bool limited = CALL4(prlimit64, member->pid, RLIMIT_NPROC, NULL, &before) == 0;
    none = (struct rlimit64){0, before.rlim_max}; /* an ordinary user could not undo a lower maximum */
    limited = limited && CALL4(prlimit64, member->pid, RLIMIT_NPROC, &none, NULL) == 0;
    if (send_signal(member, SIGNAL_STOP) == ERROR_NO_PROCESS && limited)
        CALL4(prlimit64, member->pid, RLIMIT_NPROC, &before, NULL);
}

/* `pid` was found below `parent`. */
static void consider(int pid, int parent)
{
    struct member member = {.pid = pid, .parent = parent, .fd = NO_FD};
    if (tree.full || find(pid) >= 0)
        return;
    if (!make_room()) {
        tree.full = true;
        return;
    }
    enum state state = parent == SELF ? ask_about_child(pid) : open_descendant(&member);
    if (state == GONE)
        return;
    member.dead = state == DEAD;
    if (member.dead && member.fd != NO_FD) {
        close_fd(member.fd);
        member.fd = NO_FD;
    }
    tree.members[tree.count++] = member;
    if (!member.dead)
        stop(&member);
}

/* ---- All -------------------------------------------------------------------------------------------------------- */

static void found_child(int pid, void *data)
{
    consider(pid, *(int *)data);
}

static void found_process(int pid, void *data)
{
    const bool *only_children = data;
    if (ask_about_child(pid) != GONE) {
        consider(pid, SELF);
    } else if (!*only_children) {
        long parent = find(proc_parent(pid));
        if (parent >= 0 && !tree.members[parent].dead)
            consider(pid, (int)parent);
    }
}

/* Asking everybody for the parent takes long; whose processes replace each other all the time are found faster. */
static void look_at_everybody(void)
{
    size_t before = tree.count;
    bool only_children = true;
    proc_each_process(found_process, &only_children);
    only_children = tree.count > before;
    if (!only_children)
        proc_each_process(found_process, &only_children);
}

/* Looks below every member, those found just now included. True if there was anybody new. */
static bool look_for_more(void)
{
    size_t before = tree.count;
    if (proc_has_children()) {
        int parent = SELF;
        proc_each_child(proc_self(), found_child, &parent);
        for (parent = 0; (size_t)parent < tree.count && !tree.full; parent++)
            if (!tree.members[parent].dead)
                proc_each_child(tree.members[parent].pid, found_child, &parent);
    } else {
        look_at_everybody();
    }
    return tree.count > before && !tree.full;
}

/*
 * Without /proc, or where it hides our children: tries which numbers are those of children. Grandchildren are not
 * found so, they come up when their parents have died. What remains is that an endlessly forking tree may outrun the
 * sweeps, if its processes are root's, whose forks cannot be forbidden.
 */
static void guess_children(void)
{
    enum { COMMON = 1 << 16, HIGHEST = 1 << 22, FASTER = 8 };
    if (tree.highest == 0)
        tree.highest = COMMON;
    for (int pid = 2; pid <= tree.highest && !tree.full; pid++)
        if (ask_about_child(pid) != GONE)
            consider(pid, SELF);
    if (tree.count == 0 && tree.highest < HIGHEST)
        tree.highest *= FASTER;
}

/* One that cannot be killed, because it is another user's, is left where it is. */
static void kill_found(void)
{
    for (size_t i = tree.count; i-- > 0;) {
        struct member *member = &tree.members[i];
        if (!member->dead && send_signal(member, DEFAULT_SIGNAL_KILL) == 0)
            tree.dying++;
        else
            member->pid = 0;
        if (member->fd != NO_FD)
            close_fd(member->fd);
    }
}

void tree_kill(void)
{
    enum { ROUNDS = 16 }; /* two or three are usual; another user's processes cannot be stopped, and fork on */
    tree.count = tree.dying = 0;
    tree.full = false;
    for (int round = 0; round < ROUNDS && look_for_more(); round++)
        ;
    if (tree.count == 0)
        guess_children();
    kill_found();
}

bool tree_forget(int pid)
{
    long i = tree.dying > 0 ? find(pid) : -1;
    if (i < 0)
        return false;
    tree.members[i].pid = 0;
    tree.dying--;
    return true;
}

size_t tree_dying(void)
{
    return tree.dying;
}

void tree_open(void)
{
    struct rlimit64 limit = {0};
    tree.members = tree.few;
    tree.capacity = FEW;
    proc_open();
    if (CALL4(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    CALL4(prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
}
