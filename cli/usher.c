/*
 * Signals to pk init: who takes them from the kernel is not who acts on them.
 */
#include "usher.h"

#include "message.h"
#include "orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whatever pk says goes to 2, even if that was closed. */
static int keep(int fd)
{
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return kept;
}

int usher_begin(struct usher *usher, int fd)
{
    int pair[2];
    usher->fd = fd;
    usher->lane = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        say("cannot pass signals on: %s", strerror(errno));
        return -1;
    }
    usher->lane = keep(pair[0]);
    int end = keep(pair[1]);
    if (usher->lane < 0 || end < 0 || fcntl(end, F_SETFL, O_NONBLOCK) < 0) {
        say("cannot pass signals on: %s", strerror(errno));
        return -1;
    }
    return end;
}

/* What it has become nobody else has got, even if it came from the terminal. False if it becomes nothing. */
static bool rewrite(const struct usher *usher, struct signalfd_siginfo *info)
{
    int number = usher->rewrite[info->ssi_signo];
    if (number > 0) {
        info->ssi_signo = (uint32_t)number;
        info->ssi_code = SI_USER;
    }
    return number >= 0;
}

/* Waits if the other thread is that far behind; then the kernel keeps the signals. */
static void pass_on(const struct usher *usher, struct signalfd_siginfo *info)
{
    if (info->ssi_signo == SIGCHLD ? usher->keeps_children : !rewrite(usher, info))
        return;
    while (send(usher->lane, info, sizeof(*info), MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

/* Children are looked at after the signals were read: who ends later gives another one. */
void usher_serve(struct usher *usher)
{
    struct pollfd fds[] = {{.fd = usher->fd, .events = POLLIN}, {.fd = usher->lane}};
    struct signalfd_siginfo info;
    while (fds[1].revents == 0) {
        while (read(usher->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
            pass_on(usher, &info);
        int patience = orphans_reap() == ORPHANS_MORE ? 0 : -1;
        if (poll(fds, 2, patience) < 0)
            fds[0].revents = fds[1].revents = 0;
    }
}

void usher_end(struct usher *usher)
{
    if (usher->lane >= 0)
        close(usher->lane);
}
