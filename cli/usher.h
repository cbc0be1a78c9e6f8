/*
 * What the main thread of pk init does while the other one runs the command: it takes the signals and passes them on,
 * some as others, and waits for orphans.
 */
#ifndef PK_CLI_USHER_H
#define PK_CLI_USHER_H

#include <signal.h>
#include <stdbool.h>

enum { USHER_SIGNALS = 65 };

struct usher {
    int fd;                     /* a signalfd */
    int lane;                   /* a socket, to the other thread; what goes through is struct signalfd_siginfo */
    bool keeps_children;        /* a child that has stopped is of no interest */
    int rewrite[USHER_SIGNALS]; /* what each becomes; 0: itself; -1: nothing */
};

/* Opens the lane. Its other end, which reads as a signalfd does and is the other thread's to close; or -1 after a
 * message. */
int usher_begin(struct usher *usher, int fd);

/* Until the other end of the lane was closed. */
void usher_serve(struct usher *usher);

/* After usher_begin, whatever it returned. */
void usher_end(struct usher *usher);

#endif
