/*
 * pk supervise as the first process of a container, or as a subreaper: it waits for orphans as well, as pk init does.
 *
 * So there are two threads: the main one takes signals, and orphans as they end; the other one supervises, and is the
 * parent of all that the library starts.
 */
#include "message.h"
#include "orphans.h"
#include "supervise-run.h"
#include "usher.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* The end of the lane is that of the work. */
static void *work_on(void *data)
{
    struct supervision *run = data;
    run->ending = supervise_work(run);
    close(run->signals.fd);
    run->signals.fd = -1;
    return NULL;
}

static int serve(struct supervision *run, struct usher *usher)
{
    pthread_t thread;
    int r = pthread_create(&thread, NULL, work_on, run);
    if (r != 0) {
        say("cannot start a thread: %s", strerror(r));
        return STATUS_FAILED;
    }
    usher_serve(usher);
    pthread_join(thread, NULL);
    pk_leave(); /* whoever is left now is not the library's */
    orphans_finish(usher->fd, run->request->common.grace);
    return run->ending;
}

int supervise_as_init(struct supervision *run)
{
    struct usher usher = {.fd = run->signals.fd, .lane = -1, .keeps_children = true};
    run->signals.fd = usher_begin(&usher, run->signals.fd);
    bool good = run->signals.fd >= 0 && orphans_begin() == 0;
    int ending = good ? serve(run, &usher) : STATUS_FAILED;
    usher_end(&usher);
    close(usher.fd);
    return ending;
}
