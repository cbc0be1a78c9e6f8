/*
 * System calls on sockets.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where descriptors come into being the call is raw, as their closing is: ThreadSanitizer would take whatever has the
 * number next for the same. */
int sys_socketpair(int fds[2])
{
    SYS_FAULT("socketpair");
    return (int)SYS_RESULT(syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
}

static int receive(int socket, void *bytes, size_t size)
{
    SYS_FAULT("recv");
    SYS_FAULT_EARLY_END("recv");
    return (int)SYS_RESULT(recv(socket, bytes, size, MSG_DONTWAIT));
}

/*
 * The kernel looks for a message, and if there is none, whether the other end is closed. Who speaks and closes between
 * the two is reported as an end, with the message still there: what comes after an end decides.
 */
int sys_receive(int socket, void *bytes, size_t size)
{
    int r = receive(socket, bytes, size);
    return r == 0 ? receive(socket, bytes, size) : r;
}

int sys_send(int socket, const void *bytes, size_t size)
{
    SYS_FAULT("send");
    return (int)SYS_RESULT(send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int sys_stream_socket(const struct sys_address *address)
{
    SYS_FAULT("socket");
    const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    return (int)SYS_RESULT(syscall(SYS_socket, address->storage.ss_family, type, 0));
}

int sys_connect_to(int socket, const struct sys_address *address)
{
    SYS_FAULT("connect");
    return (int)SYS_RESULT(connect(socket, (const struct sockaddr *)&address->storage, address->length));
}

int sys_connect(const char *path)
{
    struct sys_address address;
    int r = sys_address_of_path(&address, path);
    int fd = r < 0 ? r : sys_stream_socket(&address);
    if (fd < 0)
        return fd;
    r = sys_connect_to(fd, &address);
    if (r == 0)
        return fd;
    sys_close(fd);
    return r;
}

int sys_socket_error(int socket)
{
    SYS_FAULT("getsockopt");
    int number = 0;
    int r = (int)SYS_RESULT(getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &(socklen_t){sizeof(number)}));
    return r < 0 ? r : -number;
}

int sys_is_own_peer(int socket)
{
    SYS_FAULT("getpeername");
    struct sys_address own = {.length = sizeof(own.storage)}, peer = own;
    int r = (int)SYS_RESULT(getsockname(socket, (struct sockaddr *)&own.storage, &own.length));
    if (r == 0)
        r = (int)SYS_RESULT(getpeername(socket, (struct sockaddr *)&peer.storage, &peer.length));
    return r < 0 ? r : own.length == peer.length && memcmp(&own.storage, &peer.storage, own.length) == 0;
}

int sys_reset_on_close(int socket)
{
    SYS_FAULT("setsockopt");
    struct linger at_once = {.l_onoff = 1};
    return (int)SYS_RESULT(setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
}

int sys_peer_pid(int socket, pid_t *pid)
{
    SYS_FAULT("getsockopt");
    struct ucred peer;
    int r = (int)SYS_RESULT(getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &(socklen_t){sizeof(peer)}));
    if (r == 0)
        *pid = peer.pid;
    return r;
}

/* Room for the descriptors beside a message, aligned as the kernel wants it. */
union passed {
    struct cmsghdr header;
    char room[CMSG_SPACE(SYS_MOST_PASSED * sizeof(int))];
};

int sys_send_with(int socket, const void *bytes, size_t size, const int *fds, size_t count)
{
    SYS_FAULT("sendmsg");
    union passed passed = {
        .header = {.cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    if (count > SYS_MOST_PASSED)
        return -E2BIG;
    memcpy(CMSG_DATA(&passed.header), fds, count * sizeof(int));
    return (int)SYS_RESULT(syscall(SYS_sendmsg, socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static int receive_with(int socket, void *bytes, size_t size, int *fd)
{
    SYS_FAULT("recvmsg");
    SYS_FAULT_EARLY_END("recvmsg");
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } passed = {.header = {0}};
    struct iovec part = {bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = CMSG_LEN(sizeof(int))};
    int r = (int)SYS_RESULT(syscall(SYS_recvmsg, socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    const struct cmsghdr *header = r >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len >= CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(header), sizeof(int));
    return r;
}

/* An empty message may bring a descriptor; nobody sends such. */
int sys_receive_with(int socket, void *bytes, size_t size, int *fd)
{
    *fd = -1;
    int r = receive_with(socket, bytes, size, fd);
    if (r != 0)
        return r;
    *fd = sys_close_safe(*fd);
    return receive_with(socket, bytes, size, fd);
}

/* ---- Messages from anybody -------------------------------------------------------------------------------------- */

int sys_datagram_socket(void)
{
    SYS_FAULT("socket");
    return (int)SYS_RESULT(syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int sys_bind(int socket, const struct sys_address *address)
{
    SYS_FAULT("bind");
    return (int)SYS_RESULT(bind(socket, (const struct sockaddr *)&address->storage, address->length));
}

int sys_pass_credentials(int socket)
{
    SYS_FAULT("setsockopt");
    int on = 1;
    return (int)SYS_RESULT(setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
}

/*
 * There is room for the credentials, which come first, and for nothing else: so no descriptor ever comes into being
 * here, however many are sent and however few may be open. The kernel lets go of those that find no room (unix(7)), as
 * if they had been closed.
 */
int sys_receive_from(int socket, void *bytes, size_t size, struct sys_sender *sender)
{
    SYS_FAULT("recvmsg");
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } passed = {.header = {0}};
    struct iovec part = {bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof(passed)};
    struct ucred from = {.pid = 0, .uid = (uid_t)-1};
    int r = (int)SYS_RESULT(syscall(SYS_recvmsg, socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    const struct cmsghdr *header = r >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS &&
        header->cmsg_len == CMSG_LEN(sizeof(from)))
        memcpy(&from, CMSG_DATA(header), sizeof(from));
    *sender = (struct sys_sender){.pid = from.pid, .user = from.uid, .cut = message.msg_flags & MSG_TRUNC};
    return r;
}
