/*
 * Asking a pk supervise that runs: over a socket without a place in the file system, so that nothing of it stays
 * behind.
 *
 * One line is asked, and one is answered; both are JSON objects, see supervise-answer.c.
 */
#ifndef PK_CLI_CONTROL_H
#define PK_CLI_CONTROL_H

#include <processkit.h>

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- Where ------------------------------------------------------------------------------------------------------ */

struct control_address {
    struct sockaddr_un name;
    socklen_t length;
};

/* That of the supervisor of this file which belongs to that user: the same by whatever path the file is reached. A
 * descriptor of its directory: the address stays its own while that is open. -1 after a message. */
int control_address(struct control_address *address, const char *file, uid_t uid);

/* ---- The one who is asked --------------------------------------------------------------------------------------- */

/* A line of that length, without its end: the answer, without an end, which is freed with free(). NULL: memory ran
 * out. */
typedef char *(*control_answer)(const char *line, size_t length, void *data);

enum { CONTROL_CLIENTS = 8, CONTROL_MOST_BYTES = 4096 /* of a question */ };

struct control;

struct control_client {
    struct control *control;
    int fd; /* -1: nobody */
    pk_watch *watch;
    pk_timer *timer;
    char *answer; /* NULL: it has not asked yet */
    size_t length, sent;
    size_t asked;
    char question[CONTROL_MOST_BYTES];
};

struct control {
    int fd;        /* -1: none */
    int directory; /* of the file: as long as it is open, no other one has its number */
    pk_loop *loop;
    pk_watch *watch; /* NULL: nobody more is let in at the moment */
    pk_timer *timer; /* when that is tried again */
    bool closing;    /* and never more */
    control_answer answer;
    void *data;
    struct control_client clients[CONTROL_CLIENTS];
};

/* Answers at the address of this user for that file. 0, or -1 after a message: if there is another supervisor of the
 * file, for instance. */
int control_open(struct control *control, pk_loop *loop, const char *file, control_answer callback, void *data);

/* Answers that are under way are given before, if those who have asked take them in time: the loop is dispatched for
 * that, when nothing else is in it. Also for one that has not been opened: with -1 for both descriptors. */
void control_close(struct control *control);

/* ---- The one who asks ------------------------------------------------------------------------------------------- */

/* The answer of the supervisor of that file, which is freed with free(); NULL after a message. */
char *control_ask(const char *file, const char *line);

#endif
