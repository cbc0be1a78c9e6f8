/*
 * Talking with a reaper, and keeping its socket out of forked copies of this process.
 */
#include "contain/reaper-link.h"

#include "base/time.h"
#include "contain/counters.h"
#include "contain/fork-lock.h"
#include "contain/late-child.h"
#include "sys/sys.h"
#include "sys/usdt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* ---- All links of this process ---------------------------------------------------------------------------------- */

static void let_go(void);

static struct {
    struct fork_lock lock;
    struct reaper_link *first;
} links = {.lock = FORK_LOCK_INIT(let_go, true)};

/* In a forked child. An open copy would hide from the reaper that the owner has become another program, and a copy of
 * the reaper's end from the owner that the reaper is gone. */
static void let_go(void)
{
    for (struct reaper_link *link = links.first; link; link = link->next) {
        link->control = sys_close_safe(link->control);
        link->theirs = sys_close_safe(link->theirs);
        link->pidfd = sys_close_safe(link->pidfd);
    }
    links.first = NULL;
}

static void lock_links(void)
{
    fork_lock_take(&links.lock);
}

static void unlock_links(void)
{
    fork_lock_release(&links.lock);
}

/* ---- Beginning and ending --------------------------------------------------------------------------------------- */

static int open_ends(struct reaper_link *link)
{
    int ends[2];
    int r = sys_socketpair(ends);
    if (r < 0)
        return r;
    link->control = sys_keep(ends[0]);
    link->theirs = sys_keep(ends[1]);
    return link->control < 0 ? link->control : link->theirs < 0 ? link->theirs : 0;
}

static void close_ends(struct reaper_link *link)
{
    link->control = sys_close_safe(link->control);
    link->theirs = sys_close_safe(link->theirs);
    link->pidfd = sys_close_safe(link->pidfd);
}

struct reaper_link *reaper_link_new(int *number)
{
    struct reaper_link *link = calloc(1, sizeof(*link));
    *number = -ENOMEM;
    if (!link)
        return NULL;
    *link = (struct reaper_link){.control = -1, .theirs = -1, .pidfd = -1};
    lock_links(); /* before the socket is there: no fork may copy one that is not listed */
    *number = open_ends(link);
    if (*number == 0) {
        link->next = links.first;
        link->at = &links.first;
        if (link->next)
            link->next->at = &link->next;
        links.first = link;
    }
    unlock_links();
    if (*number == 0)
        return link;
    close_ends(link);
    free(link);
    return NULL;
}

void reaper_link_begin(struct reaper_link *link, pid_t pid, int pidfd)
{
    lock_links();
    link->pid = pid;
    link->pidfd = pidfd;
    link->theirs = sys_close_safe(link->theirs);
    unlock_links();
}

/* Takes it off the list and hangs up. Returns the pidfd. */
static int hang_up(struct reaper_link *link)
{
    int pidfd = link->pidfd;
    lock_links();
    *link->at = link->next;
    if (link->next)
        link->next->at = link->at;
    link->pidfd = -1;
    close_ends(link);
    unlock_links();
    late_child_tidy();
    return pidfd;
}

/* One whose tree was not spared ends soon, with all that is left of it. */
void reaper_link_free(struct reaper_link *link)
{
    static const pk_duration patience = PK_MILLISECONDS(100);
    if (!link)
        return;
    int pidfd = hang_up(link);
    if (pidfd >= 0 && late_child_has_ended(pidfd, link->spared ? 0 : patience))
        late_child_take(pidfd);
    else if (pidfd >= 0)
        late_child_add(pidfd);
    free(link);
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static void take_message(struct reaper_link *link, const struct reaper_message *message)
{
    switch ((enum reaper_kind)message->kind) {
    case REAPER_LEADER:
        link->leader_ended = true;
        link->status = message->number;
        link->leader_user = message->cpu_user;
        link->leader_system = message->cpu_system;
        break;
    case REAPER_EMPTY:
        link->empty = true;
        link->user = message->cpu_user;
        link->system = message->cpu_system;
        break;
    case REAPER_USAGE:
        link->answers++;
        link->user = message->cpu_user;
        link->system = message->cpu_system;
        break;
    default:
        break;
    }
}

bool reaper_link_is_up(const struct reaper_link *link)
{
    return !late_child_has_ended(link->pidfd, 0);
}

/* Whoever has spared its tree does not need it. */
static void lose(struct reaper_link *link)
{
    link->lost = true;
    if (link->spared)
        return;
    counter_add(COUNTER_GUARD_LOSSES);
    USDT(reaper_lost, link->pid);
}

/*
 * Also where a copy of its end keeps the socket open, what a reaper has said is all there once it has ended. If it has
 * ended without reading what we had told it, the kernel reports that first, once, and what it has said only afterwards.
 */
int reaper_link_read(struct reaper_link *link)
{
    bool ended = false, reset = false;
    while (!link->empty && !link->lost) {
        struct reaper_message message;
        int size = sys_receive(link->control, &message, sizeof(message));
        if (size == -EINTR)
            continue;
        if (size == -ECONNRESET && !reset) {
            reset = true;
            continue;
        }
        if (size == -EAGAIN && !ended && reaper_link_is_up(link))
            return 0;
        if (size < 0 && size != -EAGAIN && size != -ECONNRESET)
            return size;
        if (size == -EAGAIN && !ended)
            ended = true;
        else if (size <= 0)
            lose(link);
        else if (reaper_message_is_valid(&message, (size_t)size, false))
            take_message(link, &message);
    }
    return 0;
}

void reaper_link_listen(const struct reaper_link *link, pk_duration patience)
{
    struct pollfd poll = {.fd = link->control, .events = POLLIN};
    struct timespec timeout = time_to_timespec(patience);
    if (!link->empty && !link->lost)
        sys_ppoll(&poll, 1, &timeout);
}

/* ---- Telling ---------------------------------------------------------------------------------------------------- */

int reaper_link_tell(struct reaper_link *link, enum reaper_kind kind, int number)
{
    struct reaper_message message = {
        .magic = REAPER_MAGIC, .version = REAPER_VERSION, .kind = (uint16_t)kind, .number = number};
    int r;
    if (link->empty || link->lost)
        return -EPIPE;
    do
        r = sys_send(link->control, &message, sizeof(message));
    while (r == -EINTR);
    return r < 0 ? r : 0;
}

void reaper_link_wake(const struct reaper_link *link)
{
    sys_pidfd_send_signal(link->pidfd, SIGCONT);
}

void reaper_link_ask(struct reaper_link *link)
{
    unsigned before = link->answers;
    pk_time deadline = time_add(sys_now(), PK_MILLISECONDS(50));
    if (reaper_link_tell(link, REAPER_QUERY, 0) < 0) {
        reaper_link_read(link); /* its last word may be there */
        return;
    }
    while (reaper_link_read(link) == 0 && link->answers == before && !link->empty && !link->lost) {
        pk_duration left = time_left(deadline, sys_now());
        if (left == 0)
            return;
        reaper_link_listen(link, left);
    }
}
