/*
 * The socket in a service's NOTIFY_SOCKET, at which it says how it is: the receiving side of sd_notify(3).
 *
 * Its address is an abstract one that nobody can guess, so nothing is left in the file system however the owner ends.
 * But everybody may see it in /proc/net/unix, and send: so who speaks is judged by the sender that the kernel tells.
 * Heard are
 *
 *   - members of the service's tree;
 *   - those that had ended when their word was read, and of which it cannot be told any more whether they were members,
 *     if they were the service's user's, the owner's or root's;
 *   - the owner itself. Nobody but root can claim to be it, and systemd-notify(1) does: where it may, it speaks in the
 *     name of its parent, which is the owner if it was started as the service.
 *
 * Never heard is who has no number in the pid namespace of the owner, which the kernel tells as pid 0: everything that
 * the owner has started, or can adopt, has one.
 *
 * Descriptors that come with a message are let go of at once. That is how BARRIER=1 is answered, whose sender waits for
 * just that: by then everything it had said before has been read. FDSTORE=1 stores nothing.
 */
#ifndef PK_SUPERVISE_NOTIFY_H
#define PK_SUPERVISE_NOTIFY_H

#include "loop/loop.h"
#include "supervise/notify-word.h"

#include <processkit/error.h>

/* Longer messages are dropped: it is what systemd takes. And how many are read before others have their turn. */
enum { NOTIFY_MESSAGE_MAX = 4096, NOTIFY_MOST_AT_ONCE = 64, NOTIFY_ADDRESS_SIZE = 48 };

/* It has said something. May close the socket, and free what that is in. The word lasts as long as the call. */
typedef void (*notify_callback)(const struct notify_word *word, void *data);

/* Whether that process is a member of the service's tree, as group_has_member tells. */
typedef int (*notify_membership)(pid_t pid, void *data);

struct notify {
    struct loop_watch watch;
    int fd;                            /* -1: closed */
    char address[NOTIFY_ADDRESS_SIZE]; /* for NOTIFY_SOCKET: "@processkit-..." */
    uid_t owner;
    uid_t user; /* the service's; the owner's, until who knows better sets it */
    notify_callback callback;
    notify_membership is_member;
    void *data;
    bool *closed; /* of who is reading */

    uint64_t heard;   /* messages that were passed on */
    uint64_t refused; /* from those that are not heard */
    uint64_t dropped; /* that were none: see notify_parse; and longer ones */
};

/* It must stay where it is until it is closed. */
int notify_open(struct notify *notify, pk_loop *loop, notify_callback callback, notify_membership is_member, void *data,
                pk_error *error);

/* Reads what is there by now, but no more than at once, as the loop does: for the last words of a service that has
 * ended. */
void notify_read(struct notify *notify);

bool notify_may_speak(const struct notify *notify, pid_t pid, uid_t user);

/* Once more does nothing. */
void notify_close(struct notify *notify);

#endif
