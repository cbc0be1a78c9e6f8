/*
 * Reading addresses.
 */
#include "address.h"

#include <processkit/parse.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

/* What the library connects to: names that take somebody else to look them up are not for it. */
static bool is_host(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return strcmp(host, "localhost") == 0 || inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

const char *address_split(char *text, unsigned *port)
{
    uint64_t number;
    char *colon = strrchr(text, ':');
    const char *host = colon ? text : "localhost";
    if (pk_parse_number(colon ? colon + 1 : text, 1, 65535, &number, NULL) < 0)
        return NULL;
    *port = (unsigned)number;
    if (!colon)
        return host;
    *colon = '\0';
    if (*text == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        host++;
    } else if (strchr(host, ':')) {
        return NULL;
    }
    return is_host(host) ? host : NULL;
}
