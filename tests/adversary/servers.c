/*
 * Verbs that make something ready, for those who wait for it. Sockets are bound already when they are inherited, so
 * that everybody knows where they are; only nobody listens yet.
 */
#include "adversary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void run_listen(char **arguments)
{
    if (listen((int)number(arguments[0]), 16) < 0)
        give_up("listen");
}

/* Without SO_REUSEADDR: whoever still has it is in the way. */
static void run_bind(char **arguments)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)number(arguments[0])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0)
        give_up("socket");
    if (bind(server, (struct sockaddr *)&address, sizeof(address)) < 0)
        give_up("bind");
    if (listen(server, 16) < 0)
        give_up("listen");
}

/* Reads a request up to the empty line. */
static void take_request(int connection)
{
    char request[4096];
    size_t length = 0;
    while (length < sizeof(request) - 1) {
        ssize_t more = read(connection, request + length, sizeof(request) - 1 - length);
        if (more <= 0)
            return;
        length += (size_t)more;
        request[length] = '\0';
        if (strstr(request, "\r\n\r\n"))
            return;
    }
}

static void run_answer(char **arguments)
{
    char answer[64];
    int connection = accept((int)number(arguments[0]), NULL, NULL);
    if (connection < 0)
        give_up("accept");
    take_request(connection);
    int length = snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nConnection: close\r\n\r\n", arguments[1]);
    if (send(connection, answer, (size_t)length, MSG_NOSIGNAL) != length)
        give_up("send");
    close(connection);
}

/* As sd_notify does. */
static void run_notify(char **arguments)
{
    const char *address = getenv("NOTIFY_SOCKET");
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int speaker = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (speaker < 0 || !address || address[0] != '@' || strlen(address) >= sizeof(name.sun_path))
        give_up("socket");
    memcpy(name.sun_path + 1, address + 1, strlen(address + 1));
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address));
    if (connect(speaker, (struct sockaddr *)&name, length) < 0)
        give_up("connect");
    for (char *word = strtok(arguments[0], "|"); word; word = strtok(NULL, "|"))
        if (send(speaker, word, strlen(word), 0) < 0)
            give_up("send");
    close(speaker);
}

static void run_touch(char **arguments)
{
    int file = open(arguments[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        give_up("open");
    close(file);
}

const struct verb server_verbs[] = {
    {"listen", 1, 1, true, run_listen, "FD: listens at a socket that is bound already"},
    {"bind", 1, 1, true, run_bind, "PORT: listens at that port of 127.0.0.1, and keeps it"},
    {"answer", 2, 2, false, run_answer, "FD STATUS: takes one connection there and answers its HTTP request"},
    {"notify", 1, 1, false, run_notify, "WORD|WORD...: says each to NOTIFY_SOCKET"},
    {"touch", 1, 1, false, run_touch, "PATH: makes a file"},
    {NULL},
};
