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
#include <sys/un.h>
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

int sys_connect(const char *path)
{
    SYS_FAULT("connect");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    path = SYS_PATH(path);
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    int fd = (int)SYS_RESULT(syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0)
        return fd;
    int r = (int)SYS_RESULT(connect(fd, (struct sockaddr *)&address, sizeof(address)));
    if (r == 0)
        return fd;
    sys_close(fd);
    return r;
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
