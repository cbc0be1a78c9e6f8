/*
 * pk supervise as the first process of a container, or as a subreaper: it waits for orphans as well, as pk init does.
 *
 * So there are two threads: the main one waits for orphans as they end; the other one supervises, and is the parent of
 * all that the library starts. It reads all other signals itself: if they came by way of the main thread, its loop
 * could not tell whether they were there before somebody ended.
 */
#include "message.h"
#include "orphans.h"
#include "supervise-run.h"
#include "usher.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct work {
    struct supervision *run;
    struct usher usher;
    int lane; /* nothing comes through it but its end, which is that of the work */
};

static void *work_on(void *data)
{
    struct work *work = data;
    work->run->ending = supervise_work(work->run);
    close(work->lane);
    return NULL;
}

static int begin(struct work *work)
{
    struct signals *signals = &work->run->signals;
    sigset_t children, others = signals->taken;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigdelset(&others, SIGCHLD);
    int fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0 || signalfd(signals->fd, &others, 0) < 0) {
        say("cannot read signals: %s", strerror(errno));
        return -1;
    }
    work->lane = usher_begin(&work->usher, fd);
    return work->lane < 0 ? -1 : orphans_begin();
}

static int serve(struct work *work)
{
    pthread_t thread;
    const struct supervision *run = work->run;
    int r = pthread_create(&thread, NULL, work_on, work);
    if (r != 0) {
        say("cannot start a thread: %s", strerror(r));
        close(work->lane);
        return STATUS_FAILED;
    }
    usher_serve(&work->usher);
    pthread_join(thread, NULL);
    pk_leave(); /* whoever is left now is not the library's */
    signalfd(run->signals.fd, &run->signals.taken, 0);
    orphans_finish(run->signals.fd, run->request->common.grace);
    return run->ending;
}

int supervise_as_init(struct supervision *run)
{
    struct work work = {.run = run, .usher = {.fd = -1, .lane = -1, .keeps_children = true}, .lane = -1};
    int ending = begin(&work) == 0 ? serve(&work) : STATUS_FAILED;
    usher_end(&work.usher);
    if (work.usher.fd >= 0)
        close(work.usher.fd);
    return ending;
}
