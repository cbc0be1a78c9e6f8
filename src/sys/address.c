/*
 * Addresses of sockets. Nothing here asks anybody.
 */
#include "sys/fault.h"
#include "sys/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

int sys_address_of_host(struct sys_address *address, const char *host, unsigned port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(&address->storage, &v4, sizeof(v4));
        address->length = sizeof(v4);
    } else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        memcpy(&address->storage, &v6, sizeof(v6));
        address->length = sizeof(v6);
    } else {
        return -EINVAL;
    }
    return 0;
}

int sys_address_of_path(struct sys_address *address, const char *path)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    path = SYS_PATH(path);
    size_t length = strlen(path);
    if (length >= sizeof(local.sun_path))
        return -ENAMETOOLONG;
    memcpy(local.sun_path, path, length);
    memcpy(&address->storage, &local, sizeof(local));
    address->length = sizeof(local);
    return 0;
}

int sys_address_of_name(struct sys_address *address, const char *name)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length >= sizeof(local.sun_path))
        return -ENAMETOOLONG;
    memcpy(local.sun_path + 1, name, length); /* a NUL is before it, and none behind */
    memcpy(&address->storage, &local, sizeof(local));
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    return 0;
}
