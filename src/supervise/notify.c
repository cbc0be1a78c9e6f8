/*
 * Hearing what a service says of itself.
 */
#include "supervise/notify.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>

/* ---- Who is heard ----------------------------------------------------------------------------------------------- */

bool notify_may_speak(const struct notify *notify, pid_t pid, uid_t user)
{
    if (pid <= 0)
        return false;
    if (pid == sys_getpid())
        return true;
    int r = notify->is_member(pid, notify->data);
    return r > 0 || (r == -ESRCH && (user == notify->user || user == notify->owner || user == 0));
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* What was found out of the last sender: many words of one are asked about once. */
struct judgement {
    pid_t pid;
    uid_t user;
    bool may_speak;
};

static bool judge(const struct notify *notify, const struct notify_word *word, struct judgement *last)
{
    if (last->pid != word->pid || last->user != word->user)
        *last = (struct judgement){word->pid, word->user, notify_may_speak(notify, word->pid, word->user)};
    return last->may_speak;
}

static void take_message(struct notify *notify, const char *bytes, size_t length, const struct sys_sender *sender,
                         struct judgement *last)
{
    struct notify_word word;
    int r = sender->cut ? -EBADMSG : notify_parse(bytes, length, &word);
    if (r < 0)
        notify->dropped++;
    if (r <= 0)
        return;
    word.pid = sender->pid;
    word.user = sender->user;
    if (!judge(notify, &word, last)) {
        notify->refused++;
        return;
    }
    notify->heard++;
    notify->callback(&word, notify->data); /* it may be gone now */
}

void notify_read(struct notify *notify)
{
    char bytes[NOTIFY_MESSAGE_MAX];
    struct sys_sender sender;
    struct judgement last = {0};
    bool closed = false, *outer = notify->closed;
    notify->closed = &closed;
    for (int i = 0; i < NOTIFY_MOST_AT_ONCE && !closed; i++) {
        int r = sys_receive_from(notify->fd, bytes, sizeof(bytes), &sender);
        if (r >= 0)
            take_message(notify, bytes, (size_t)r, &sender, &last);
        else if (r != -EINTR)
            break;
    }
    if (!closed)
        notify->closed = outer;
    else if (outer)
        *outer = true;
}

static void on_readable(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    notify_read(data);
}

/* ---- Opening and closing ---------------------------------------------------------------------------------------- */

static int make_address(struct notify *notify, struct sys_address *address)
{
    uint64_t random[2];
    int r = sys_random(random, sizeof(random));
    if (r < 0)
        return r;
    snprintf(notify->address, sizeof(notify->address), "@processkit-%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    return sys_address_of_name(address, notify->address + 1);
}

/* The credentials before the address: nobody can send without. */
static int open_socket(struct notify *notify)
{
    struct sys_address address;
    int r = make_address(notify, &address);
    if (r < 0)
        return r;
    notify->fd = sys_keep(sys_datagram_socket());
    if (notify->fd < 0)
        return notify->fd;
    r = sys_pass_credentials(notify->fd);
    return r < 0 ? r : sys_bind(notify->fd, &address);
}

int notify_open(struct notify *notify, pk_loop *loop, notify_callback callback, notify_membership is_member, void *data,
                pk_error *error)
{
    uid_t owner = sys_getuid(); /* the real one, as the kernel tells those of senders */
    *notify = (struct notify){
        .fd = -1, .owner = owner, .user = owner, .callback = callback, .is_member = is_member, .data = data};
    int r = open_socket(notify);
    if (r >= 0)
        r = loop_watch_add(loop, &notify->watch, notify->fd, EPOLLIN, on_readable, notify);
    if (r >= 0)
        return 0;
    notify->fd = notify->fd < 0 ? -1 : sys_close_safe(notify->fd);
    return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot make the socket for NOTIFY_SOCKET");
}

void notify_close(struct notify *notify)
{
    if (notify->closed)
        *notify->closed = true;
    notify->closed = NULL;
    loop_watch_remove(&notify->watch);
    notify->fd = sys_close_safe(notify->fd);
}
