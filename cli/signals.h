/*
 * Signals to pk: which it reads, and what each of them means for the tree.
 */
#ifndef PK_CLI_SIGNALS_H
#define PK_CLI_SIGNALS_H

#include "request.h"

#include <signal.h>

struct console;
struct signalfd_siginfo;

/* Whom signals are for. */
enum audience {
    AUDIENCE_USUAL, /* those that ask for the end: the tree; all others: the leader */
    AUDIENCE_LEADER,
    AUDIENCE_TREE,
};

struct signals {
    int fd;         /* struct signalfd_siginfo can be read from it; -1: none */
    sigset_t taken; /* what can */
    int received;   /* the first signal that asked for the end; 0: none */
    pk_duration grace;
    int looks; /* still to be taken at short intervals at whether the leader stops */
    bool at_terminal;
    bool is_early;           /* what is handled now came when not all were there */
    struct console *console; /* the terminal of the program; NULL: it has none of its own */
    bool verbose;
    enum audience audience;
    pk_time kill_at; /* the end of a grace that only the leader knows of; 0: none */
    bool stays;      /* pk cannot stop, as process 1 */
    bool reloads;    /* a SIGHUP that is no hangup is for the audience, as the others are */
};

/* For pk itself, or not to be taken from a descriptor. */
bool signal_is_own(int number);

/* Whether it is the hangup that asks for the end already, once more: nobody is in a hurry. */
bool signals_have_it(const struct signals *signals, const struct signalfd_siginfo *info);

/* Whether it usually asks for the end. */
bool signal_is_for_end(int number);

/* Blocks and redirects the signals. Those that are ignored stay so, in the children as well. 0, or -1 after a message.
 */
int signals_begin(struct signals *signals, const struct request *request);

/* How long to wait for signals, in milliseconds; -1: for ever. */
int signals_patience(const struct signals *signals, const pk_process *process);

/* Reads what has come and acts on it; to be called when that time has passed, too. */
void signals_handle(struct signals *signals, pk_process *process);

/* After a start that took a while: the same of what has come meanwhile, which the terminal may have sent to some only.
 */
void signals_handle_early(struct signals *signals, pk_process *process);

/* After the run: reads what has come, and tells whether one of them asks for the end. */
bool signals_ask_for_end(struct signals *signals);

#endif
