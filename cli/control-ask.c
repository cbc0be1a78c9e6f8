/*
 * Asking the supervisor of a file.
 */
#include "control.h"
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 10, MOST_ANSWER = 64 << 20 };

/* ---- Finding it ------------------------------------------------------------------------------------------------- */

/* Somebody else could answer there as well, and is not believed. */
static bool is_of(int fd, uid_t uid)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == uid;
}

/* The kernel tells by EAGAIN that the time is up. */
static void complain(const char *file, int number)
{
    if (number == EAGAIN)
        say("the supervisor of %s has not answered within %d s", file, PATIENCE_S);
    else
        say("the supervisor of %s has not answered: %s", file, strerror(number));
}

/* A descriptor; -1: there is none of that user. -2 after a message. */
static int call(const char *file, uid_t uid)
{
    struct control_address address;
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int directory = control_address(&address, file, uid);
    if (directory < 0)
        return -2;
    close(directory);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        say("cannot make a socket: %s", strerror(errno));
        return -2;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    int number = connect(fd, (struct sockaddr *)&address.name, address.length) < 0 ? errno : 0;
    if (number == 0 && is_of(fd, uid))
        return fd;
    if (number == EAGAIN)
        complain(file, number);
    close(fd);
    return number == EAGAIN ? -2 : -1;
}

/* One's own; for root also that of the user whose file it is. */
static int find(const char *file)
{
    struct stat status;
    int fd = call(file, geteuid());
    if (fd == -1 && geteuid() == 0 && stat(file, &status) == 0 && status.st_uid != 0)
        fd = call(file, status.st_uid);
    if (fd == -1)
        say("nobody supervises %s", file);
    return fd < 0 ? -1 : fd;
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

static int send_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
        if (sent < 0)
            return -1;
        text += sent;
        length -= (size_t)sent;
    }
    return 0;
}

/* All there is until the end, as a string. */
static char *receive_all(int fd)
{
    char *text = NULL, *more;
    size_t length = 0, size = 0;
    for (;;) {
        if (length + 1 >= size) {
            size = size ? size * 2 : 4096;
            more = size <= MOST_ANSWER ? realloc(text, size) : NULL;
            if (!more)
                break;
            text = more;
        }
        ssize_t got = recv(fd, text + length, size - 1 - length, 0);
        if (got < 0)
            break;
        if (got == 0) {
            text[length] = '\0';
            return text;
        }
        length += (size_t)got;
    }
    int number = errno;
    free(text);
    errno = number;
    return NULL;
}

char *control_ask(const char *file, const char *line)
{
    char *answer = NULL;
    int fd = find(file);
    if (fd < 0)
        return NULL;
    if (send_all(fd, line, strlen(line)) == 0 && send_all(fd, "\n", 1) == 0)
        answer = receive_all(fd);
    if (!answer) {
        complain(file, errno);
    } else if (!*answer) {
        say("the supervisor of %s has not answered: it has hung up", file);
        free(answer);
        answer = NULL;
    }
    close(fd);
    return answer;
}
