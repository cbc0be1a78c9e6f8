/*
 * Orphans: processes that have lost their parent and come to pk, as process 1 or as a subreaper.
 *
 * For who is the main thread, in a program where another thread has the library. The kernel keeps the children of each
 * thread apart, and gives orphans to the first one. So what is waited for here is nobody else's: not the leader, not a
 * helper of the library. And none of those, ended but kept for a while, stands in front of them in a common list.
 */
#ifndef PK_CLI_ORPHANS_H
#define PK_CLI_ORPHANS_H

#include <processkit/time.h>

#include <stdbool.h>

/* Before anything is started: from now on they come here. 0, or -1 after a message. */
int orphans_begin(void);

enum orphans {
    ORPHANS_NONE, /* this thread has no child */
    ORPHANS_LIVE, /* it has, and none that could be waited for now */
    ORPHANS_MORE, /* perhaps more than were taken at a time */
};

/* Waits for those that have ended; not for ever, however fast they come. */
enum orphans orphans_reap(void);

/* When the other thread is gone: ends whoever is left, by SIGTERM, and SIGKILL after the grace or upon a second signal
 * that asks for the end. `fd` is a signalfd with SIGCHLD. */
void orphans_finish(int fd, pk_duration grace);

#endif
