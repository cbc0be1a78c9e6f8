/*
 * Answering: a few clients at a time, each with little time, and none is waited for.
 */
#include "control.h"
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PATIENCE PK_SECONDS(1) /* with a client, for its question, and then for taking the answer */

static void let_in(pk_watch *watch, int fd, uint32_t events, void *data);

/* ---- The end of a client ---------------------------------------------------------------------------------------- */

/* NULL: there is none for another client. */
static struct control_client *find_place(struct control *control)
{
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (control->clients[i].fd < 0)
            return &control->clients[i];
    return NULL;
}

/* Its timer may be running from a time when there was a place. */
static void open_door(struct control *control)
{
    if (control->watch || control->closing || !find_place(control))
        return;
    if (pk_loop_watch(control->loop, control->fd, EPOLLIN, let_in, control, &control->watch, NULL) < 0)
        pk_timer_set(control->timer, pk_deadline(PATIENCE)); /* and then once more */
}

static void on_time_for_door(pk_timer *timer, void *data)
{
    (void)timer;
    open_door(data);
}

static void release(struct control_client *client)
{
    if (client->fd < 0)
        return;
    client->watch = pk_watch_free(client->watch);
    client->timer = pk_timer_free(client->timer);
    close(client->fd);
    client->fd = -1;
    free(client->answer);
    client->answer = NULL;
}

static void dismiss(struct control_client *client)
{
    release(client);
    open_door(client->control);
}

/* ---- The answer ------------------------------------------------------------------------------------------------- */

/* 1: all of it was; 0: there is no room for the rest at the moment; or -1. */
static int send_rest(struct control_client *client)
{
    while (client->sent < client->length) {
        ssize_t sent = send(client->fd, client->answer + client->sent, client->length - client->sent, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        client->sent += (size_t)sent;
    }
    return 1;
}

static void on_writable(pk_watch *watch, int fd, uint32_t events, void *data)
{
    struct control_client *client = data;
    (void)watch, (void)fd, (void)events;
    if (send_rest(client) != 0)
        dismiss(client);
}

/* At once, as it may be the last thing that pk does; and its work was not the client's time. */
static void answer(struct control_client *client, size_t length)
{
    struct control *control = client->control;
    client->question[length] = '\0';
    client->answer = control->answer(client->question, length, control->data);
    if (!client->answer) {
        dismiss(client);
        return;
    }
    client->length = strlen(client->answer) + 1;
    client->answer[client->length - 1] = '\n'; /* in the place of the NUL */
    client->watch = pk_watch_free(client->watch);
    if (send_rest(client) != 0 || pk_timer_set(client->timer, pk_deadline(PATIENCE)) < 0 ||
        pk_loop_watch(control->loop, client->fd, EPOLLOUT, on_writable, client, &client->watch, NULL) < 0)
        dismiss(client);
}

/* ---- The question ----------------------------------------------------------------------------------------------- */

/* One that is too long, or has no end, is answered as what it is: no question. */
static void hear(struct control_client *client)
{
    ssize_t got = recv(client->fd, client->question + client->asked, CONTROL_MOST_BYTES - 1 - client->asked, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0 || (got == 0 && client->asked == 0)) {
        dismiss(client);
        return;
    }
    client->asked += (size_t)got;
    const char *end = memchr(client->question, '\n', client->asked);
    if (end)
        answer(client, (size_t)(end - client->question));
    else if (got == 0 || client->asked == CONTROL_MOST_BYTES - 1)
        answer(client, client->asked);
}

static void on_readable(pk_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    hear(data);
}

/* What pk did for another one may have taken all of that time: a question that is there by now is not too late. */
static void on_time(pk_timer *timer, void *data)
{
    struct control_client *client = data;
    bool asks = !client->answer;
    (void)timer;
    if (asks)
        hear(client);
    if (client->fd >= 0 && (!asks || !client->answer))
        dismiss(client);
}

/* ---- The door --------------------------------------------------------------------------------------------------- */

/* Who may do the same to the supervisor by a signal. */
static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

static void welcome(struct control *control, struct control_client *client, int fd)
{
    *client = (struct control_client){.control = control, .fd = fd};
    if (!is_trusted(fd) || pk_loop_watch(control->loop, fd, EPOLLIN, on_readable, client, &client->watch, NULL) < 0 ||
        pk_loop_timer(control->loop, pk_deadline(PATIENCE), on_time, client, &client->timer, NULL) < 0)
        dismiss(client);
}

/* Others wait until somebody goes; for want of descriptors or memory, a while. */
static void let_in(pk_watch *watch, int fd, uint32_t events, void *data)
{
    struct control *control = data;
    (void)watch, (void)events;
    int new = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    bool gone = errno == EAGAIN || errno == ECONNABORTED;
    bool poor = new < 0 && !gone;
    if (new >= 0)
        welcome(control, find_place(control), new);
    if (poor)
        pk_timer_set(control->timer, pk_deadline(PATIENCE));
    if (poor || !find_place(control))
        control->watch = pk_watch_free(control->watch);
}

/* ---- Opening and closing ---------------------------------------------------------------------------------------- */

/* Who answers at that address; 0: nobody who can be told. */
static pid_t find_other(const struct control_address *address)
{
    struct ucred peer = {.pid = 0};
    socklen_t length = sizeof(peer);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return 0;
    if (connect(fd, (const struct sockaddr *)&address->name, address->length) == 0)
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
    close(fd);
    return peer.pid;
}

static int refuse(const char *file, const struct control_address *address)
{
    int number = errno;
    pid_t other = number == EADDRINUSE ? find_other(address) : 0;
    if (number != EADDRINUSE)
        say("cannot take requests for %s: %s", file, strerror(number));
    else if (other > 0)
        say("%s is supervised already, by pid %d", file, other);
    else
        say("%s is supervised already", file);
    return -1;
}

int control_open(struct control *control, pk_loop *loop, const char *file, control_answer callback, void *data)
{
    struct control_address address;
    pk_error error;
    *control = (struct control){.fd = -1, .directory = -1, .loop = loop, .answer = callback, .data = data};
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        control->clients[i].fd = -1;
    control->directory = control_address(&address, file, geteuid());
    if (control->directory < 0)
        return -1;
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->fd < 0 || bind(control->fd, (struct sockaddr *)&address.name, address.length) < 0 ||
        listen(control->fd, CONTROL_CLIENTS) < 0)
        return refuse(file, &address);
    if (pk_loop_timer(loop, PK_FOREVER, on_time_for_door, control, &control->timer, &error) == 0 &&
        pk_loop_watch(loop, control->fd, EPOLLIN, let_in, control, &control->watch, &error) == 0)
        return 0;
    say("%s", error.message);
    return -1;
}

/* Each has its time, and there is nobody else. */
static void finish_answers(struct control *control)
{
    bool waits = true;
    while (waits) {
        waits = false;
        for (int i = 0; i < CONTROL_CLIENTS; i++)
            waits |= control->clients[i].fd >= 0 && control->clients[i].answer;
        waits = waits && pk_loop_dispatch(control->loop, PK_FOREVER, NULL) >= 0;
    }
}

void control_close(struct control *control)
{
    if (control->directory < 0)
        return;
    control->closing = true;
    control->watch = pk_watch_free(control->watch);
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (!control->clients[i].answer)
            release(&control->clients[i]);
    finish_answers(control);
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        release(&control->clients[i]);
    control->timer = pk_timer_free(control->timer);
    if (control->fd >= 0)
        close(control->fd);
    close(control->directory);
    control->fd = control->directory = -1;
}
