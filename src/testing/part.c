/*
 * What a process has, without one.
 */
#include "testing/part.h"

#include "contain/fork-lock.h"
#include "sys/sys.h"
#include "testing/script.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The first number that no process can have, on any kernel: who signals it by mistake reaches nobody. */
enum { PID_LIMIT = 4 << 20 };

static pid_t next_pid(void)
{
    static _Atomic int last = PID_LIMIT;
    return ++last;
}

/* ---- All parts of this process ---------------------------------------------------------------------------------- */

static void let_go(void);

static struct {
    struct fork_lock lock; /* also what descriptors they have */
    struct part *first;
} parts = {.lock = FORK_LOCK_INIT(let_go, true)};

static void close_all(struct part *part)
{
    for (size_t i = 0; i < part->count; i++)
        part->descriptors[i].fd = sys_close_safe(part->descriptors[i].fd);
}

/* In a forked child, whose copies of the ends of pipes would keep their readers waiting. */
static void let_go(void)
{
    for (struct part *part = parts.first; part; part = part->next)
        close_all(part);
    parts.first = NULL;
}

static void enlist(struct part *part)
{
    part->next = parts.first;
    part->link = &parts.first;
    if (part->next)
        part->next->link = &part->next;
    parts.first = part;
}

static void strike(struct part *part)
{
    if (!part->link)
        return;
    *part->link = part->next;
    if (part->next)
        part->next->link = part->link;
    part->link = NULL;
}

/* ---- Beginning and ending --------------------------------------------------------------------------------------- */

static int copy_descriptor(struct part *part, int target, int source, bool owned)
{
    int copy = sys_fcntl(source, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return copy;
    part->descriptors[part->count++] = (struct part_descriptor){target, copy, owned};
    return owned ? sys_set_non_blocking(copy) : 0;
}

static bool is_opened(const struct plan *plan, int fd)
{
    for (size_t i = 0; i < plan->opened_count; i++)
        if (plan->opened[i] == fd)
            return true;
    return false;
}

static int reserve(struct part *part, size_t count)
{
    part->descriptors = count > 0 ? calloc(count, sizeof(*part->descriptors)) : NULL;
    return count > 0 && !part->descriptors ? -ENOMEM : 0;
}

int part_begin(struct part *part, const struct plan *plan)
{
    *part = (struct part){.pid = next_pid(), .alive = true, .ends = PK_FOREVER};
    for (int i = 0; i < PART_SIGNALS; i++)
        part->answers[i] = SIGNAL_DEFAULT;
    fork_lock_take(&parts.lock);
    int r = reserve(part, plan->move_count);
    for (size_t i = 0; r == 0 && i < plan->move_count; i++) {
        const struct plan_move *move = &plan->moves[i];
        r = copy_descriptor(part, move->target, move->source, is_opened(plan, move->source));
    }
    enlist(part);
    fork_lock_release(&parts.lock);
    if (r < 0)
        part_free(part);
    return r;
}

int part_fork(struct part *part, const struct part *parent)
{
    *part = *parent;
    part->pid = next_pid();
    part->count = 0;
    fork_lock_take(&parts.lock);
    int r = reserve(part, parent->count);
    for (size_t i = 0; r == 0 && i < parent->count; i++)
        if (parent->descriptors[i].fd >= 0)
            r = copy_descriptor(part, parent->descriptors[i].target, parent->descriptors[i].fd,
                                parent->descriptors[i].owned);
    enlist(part);
    fork_lock_release(&parts.lock);
    if (r < 0)
        part_free(part);
    return r;
}

void part_end(struct part *part)
{
    fork_lock_take(&parts.lock);
    part->alive = false;
    close_all(part);
    fork_lock_release(&parts.lock);
}

void part_free(struct part *part)
{
    fork_lock_take(&parts.lock);
    part->alive = false;
    close_all(part);
    strike(part);
    fork_lock_release(&parts.lock);
    free(part->descriptors);
    part->descriptors = NULL;
    part->count = 0;
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

enum part_fate part_by_default(int signal_number)
{
    switch (signal_number) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
        return PART_GOES_ON;
    case SIGCONT:
        return PART_CONTINUES;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return PART_STOPS;
    default:
        return PART_DIES;
    }
}

enum part_fate part_judge(const struct part *part, int signal_number)
{
    if (signal_number <= 0 || signal_number >= PART_SIGNALS)
        return PART_GOES_ON;
    short answer = part->answers[signal_number];
    if (answer == SIGNAL_DEFAULT || signal_number == SIGCONT)
        return part_by_default(signal_number);
    return answer == SIGNAL_IGNORED ? PART_GOES_ON : PART_EXITS;
}

bool part_is_halted(const struct part *part)
{
    return part->stopped || part->frozen;
}

/* Who is stopped gets nothing but SIGKILL; who is frozen dies, but runs no handler. */
bool part_defers(const struct part *part, int signal_number)
{
    enum part_fate fate = part_judge(part, signal_number);
    if (signal_number == SIGKILL || (fate != PART_EXITS && fate != PART_DIES))
        return false;
    return part->stopped || (part->frozen && fate == PART_EXITS);
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

struct part_descriptor *part_find(const struct part *part, int target)
{
    for (size_t i = 0; i < part->count; i++)
        if (part->descriptors[i].target == target && part->descriptors[i].fd >= 0)
            return &part->descriptors[i];
    return NULL;
}

void part_close(struct part_descriptor *descriptor)
{
    fork_lock_take(&parts.lock);
    descriptor->fd = sys_close_safe(descriptor->fd);
    fork_lock_release(&parts.lock);
}

int part_make_raw(const struct part *part)
{
    struct termios settings;
    for (size_t i = 0; i < part->count; i++) {
        const struct part_descriptor *descriptor = &part->descriptors[i];
        if (!descriptor->owned || !sys_is_terminal(descriptor->fd))
            continue;
        int r = sys_get_terminal(descriptor->fd, &settings);
        settings.c_oflag &= ~(tcflag_t)OPOST;
        settings.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
        return r < 0 ? r : sys_set_terminal(descriptor->fd, &settings);
    }
    return 0;
}

/* One that others share is left as it is: then the kernel is asked, and only so much written as certainly fits. */
static bool would_wait(const struct part_descriptor *descriptor, short events)
{
    static const struct timespec now = {0};
    struct pollfd poll = {.fd = descriptor->fd, .events = events};
    return !descriptor->owned && sys_ppoll(&poll, 1, &now) <= 0; /* if it cannot be told, it is asked again */
}

ssize_t part_write(const struct part_descriptor *descriptor, const void *bytes, size_t length)
{
    if (would_wait(descriptor, POLLOUT))
        return -EAGAIN;
    size_t most = descriptor->owned || length < PIPE_BUF ? length : PIPE_BUF;
    return sys_write_quietly(descriptor->fd, bytes, most);
}

ssize_t part_read(const struct part_descriptor *descriptor, void *bytes, size_t size)
{
    return would_wait(descriptor, POLLIN) ? -EAGAIN : sys_read(descriptor->fd, bytes, size);
}
