/*
 * System calls on sockets between processes of this library.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <sys/socket.h>

int sys_socketpair(int fds[2])
{
    SYS_FAULT("socketpair");
    return (int)SYS_RESULT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
}

int sys_receive(int socket, void *bytes, size_t size)
{
    SYS_FAULT("recv");
    return (int)SYS_RESULT(recv(socket, bytes, size, MSG_DONTWAIT));
}

int sys_send(int socket, const void *bytes, size_t size)
{
    SYS_FAULT("send");
    return (int)SYS_RESULT(send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}
