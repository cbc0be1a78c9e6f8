/*
 * pk init.
 *
 * There are two threads. The main one is the init: it takes signals, and orphans as they end, to the last (usher.h,
 * orphans.h). The other one runs the command, as pk run does it, and is the parent of all that the library starts.
 */
#include "init.h"

#include "apply-init.h"
#include "carry.h"
#include "containment.h"
#include "ending.h"
#include "message.h"
#include "options.h"
#include "orphans.h"
#include "standard.h"
#include "telling.h"
#include "terminal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* How long somebody is given unless --grace says it: who is told to end, as long as container managers give; and what
 * the program leaves. */
#define TOLD_GRACE PK_SECONDS(10)
#define LEFT_GRACE PK_DEFAULT_GRACE

/* ---- Making the request ----------------------------------------------------------------------------------------- */

/* 0; otherwise pk ends with *status. */
static int make_request(int argc, char **argv, struct init_request *request, int *status)
{
    struct given given;
    int r = options_parse(argc, argv, init_options, "[OPTION...] [--] PROGRAM [ARG...]", &given, status);
    if (r == 0 && (!given.rest || !given.rest[0])) {
        say("the program is missing (see pk init --help)");
        r = -1;
    }
    if (r == 0) {
        request->command = pk_command_new_argv(given.rest);
        request->common.commands = &request->command;
        request->common.count = 1;
        request->has_grace = options_have(&given, "grace");
        for (int fd = 0; fd <= 2; fd++)
            pk_command_inherit(request->command, fd);
        pk_command_grace(request->command, TOLD_GRACE);
        pk_command_leftovers(request->command, PK_LEFTOVERS_WAIT); /* until they have been asked to end */
        r = options_apply(&given, request);
    }
    if (r == 0 && request->common.timeout)
        pk_command_timeout(request->command, request->common.timeout);
    options_free(&given);
    return r;
}

static pk_duration grace_of_leftovers(const struct init_request *request)
{
    return request->has_grace ? request->common.grace : LEFT_GRACE;
}

/* ---- Running, in the other thread ------------------------------------------------------------------------------- */

struct work {
    struct init_request *request;
    struct carrier carrier;
    int ending; /* see ending.h */
};

/* What the leader leaves is asked to end, and killed after the grace. */
static void on_event(pk_process *process, pk_event event, void *data)
{
    const struct init_request *request = data;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = grace_of_leftovers(request);
    if (event == PK_EVENT_LEADER_EXITED && !pk_process_result(process))
        pk_process_stop(process, &options, NULL);
}

static int finish(const struct work *work, const pk_process *process)
{
    const pk_result *result = pk_process_result(process);
    terminal_restore();
    tell_result(&work->request->common, result);
    return ending_of(result, work->carrier.signals.received);
}

static int run_command(struct work *work)
{
    pk_error error;
    pk_process *process;
    const struct init_request *request = work->request;
    pk_command_evidence(request->command, request->common.stats);
    pk_command_contain(request->command, &request->common.group);
    if (pk_command_start(request->command, &process, &error) < 0) {
        say("%s", error.message);
        return status_of_error(&error);
    }
    tell_containment(&request->common, pk_process_group(process), "the program");
    int ending = carrier_carry(&work->carrier, process) == 0 ? finish(work, process) : STATUS_FAILED;
    pk_process_free(process);
    return ending;
}

/* The end of the lane is that of the work. */
static void *work_on(void *data)
{
    struct work *work = data;
    work->ending = run_command(work);
    carrier_end(&work->carrier);
    return NULL;
}

/* ---- Being the init --------------------------------------------------------------------------------------------- */

/* The signals are taken by this thread, and looked at by the other one. */
static int begin(struct work *work)
{
    struct init_request *request = work->request;
    struct signals *signals = &work->carrier.signals;
    bool is_first = getpid() == 1;
    if (carrier_begin(&work->carrier, &request->common) < 0)
        return -1;
    signals->audience = request->audience;
    signals->reloads = true;
    signals->stays = request->usher.keeps_children = is_first;
    int fd = signals->fd;
    signals->fd = usher_begin(&request->usher, fd);
    return signals->fd < 0 ? -1 : orphans_begin();
}

static int serve(struct work *work)
{
    pthread_t thread;
    struct usher *usher = &work->request->usher;
    int r = pthread_create(&thread, NULL, work_on, work);
    if (r != 0) {
        say("cannot start a thread: %s", strerror(r));
        carrier_end(&work->carrier);
        return STATUS_FAILED;
    }
    usher_serve(usher);
    pthread_join(thread, NULL);
    pk_leave(); /* whoever is left now is not the library's */
    orphans_finish(usher->fd, grace_of_leftovers(work->request));
    return work->ending;
}

int init_main(int argc, char **argv)
{
    struct init_request request = {
        .common = {.group = PK_GROUP_OPTIONS_INIT, .grace = TOLD_GRACE},
        .usher = {.fd = -1, .lane = -1},
    };
    struct work work = {.request = &request, .carrier = {.on_event = on_event, .data = &request}};
    int status = STATUS_FAILED;

    standard_fill(); /* a kernel that finds no console starts process 1 without */
    if (make_request(argc, argv, &request, &status) == 0) {
        status = STATUS_FAILED;
        if (begin(&work) == 0)
            status = serve(&work);
        else
            carrier_end(&work.carrier);
        usher_end(&request.usher);
    }
    pk_command_free(request.command);
    end_as(status);
}
