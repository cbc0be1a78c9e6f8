/*
 * Driving a batch: everything that may happen to it, behind one poll.
 */
#include "batch-run.h"

#include "containment.h"
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* How long somebody may not read what is left, after an end by force. */
#define MOST_SILENCE PK_SECONDS(1)

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

static void on_over(pk_batch *batch, int number, const pk_error *error, void *data)
{
    struct batch_run *run = data;
    (void)number;
    pk_batch_look(batch, &run->summary);
    run->over = true;
    run->wrote = pk_now();
    if (error)
        batch_fail(run, "%s", error->message);
}

static unsigned count_processors(void)
{
    cpu_set_t mine;
    return sched_getaffinity(0, sizeof(mine), &mine) == 0 ? (unsigned)CPU_COUNT(&mine) : 1;
}

/* Descriptors: of pk itself and while one is started, of one that runs, and of what it has written. */
enum { FOR_PK = 32, FOR_JOB = 6, FOR_SLOT = 2 };

/* How many can be had at once, by the descriptors that there are. */
static unsigned plan_jobs(struct batch_run *run)
{
    struct rlimit limit = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    unsigned wanted = run->request->jobs ? run->request->jobs : count_processors();
    rlim_t left = limit.rlim_cur > FOR_PK + FOR_JOB + FOR_SLOT ? limit.rlim_cur - FOR_PK : FOR_JOB + FOR_SLOT;
    rlim_t most = left / (FOR_JOB + FOR_SLOT);
    unsigned jobs = wanted < most ? wanted : (unsigned)most;
    if (jobs < run->request->jobs && !run->request->common.quiet)
        say("only %u at once: pk may not have more than %ju descriptors (ulimit -Hn)", jobs, (uintmax_t)limit.rlim_cur);
    run->most_slots = (left - (rlim_t)jobs * FOR_JOB) / FOR_SLOT;
    return jobs;
}

static void set_up(struct batch_run *run)
{
    const struct batch_request *request = run->request;
    pk_batch *batch = run->batch = pk_batch_new();
    pk_batch_source(batch, items_next, run);
    pk_batch_on_start(batch, items_on_start, run);
    pk_batch_on_end(batch, items_on_end, run);
    pk_batch_capture(batch, false);
    pk_batch_jobs(batch, plan_jobs(run));
    pk_batch_rate(batch, request->starts, request->starts_time);
    pk_batch_memory_floor(batch, request->memory_floor);
    pk_batch_load(batch, request->load);
    pk_batch_deliver(batch, request->keep_order ? PK_BATCH_IN_ORDER : PK_BATCH_AS_THEY_END);
    pk_batch_on_failure(batch, request->on_failure);
    if (request->common.timeout)
        pk_batch_timeout(batch, request->common.timeout);
    if (request->has_limits)
        pk_batch_contain(batch, &request->common.group);
}

/* One that is made to be looked at: what those of the items can promise is known before any of them is started. */
static int tell_groups(const struct batch_run *run)
{
    const struct request *common = &run->request->common;
    pk_error error;
    pk_group *group;
    if (pk_group_create(&common->group, &group, &error) < 0) {
        say("%s", error.message);
        return -1;
    }
    tell_containment(common, group, run->request->has_limits ? "all items together" : "each item");
    pk_group_free(group);
    return 0;
}

static int begin(struct batch_run *run)
{
    pk_error error;
    if (tell_groups(run) < 0)
        return -1;
    set_up(run);
    int r = joblog_begin(&run->log, &run->request->identity);
    if (r < 0) {
        say("cannot write to %s: %s", run->log.path, strerror(-r));
        return -1;
    }
    if (pk_batch_start(run->batch, run->loop, on_over, run, &error) == 0)
        return 0;
    say("%s", error.message);
    return -1;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

static bool is_forced(const struct batch_run *run)
{
    return run->signals.received || run->summary.end == PK_BATCH_TIMED_OUT;
}

static int earlier(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int patience(const struct batch_run *run, const struct tally *tally)
{
    int most = -1;
    if (!run->outlet.first)
        most = progress_patience(&run->progress, tally);
    if (run->over && is_forced(run)) {
        pk_time now = pk_now(), end = run->wrote + MOST_SILENCE;
        most = earlier(most, now < end ? (int)((end - now) / PK_MILLISECONDS(1)) + 1 : 0);
    }
    return most;
}

static void give_up_when_nobody_reads(struct batch_run *run)
{
    if (!run->over || !run->outlet.first)
        return;
    if (run->hurries || (is_forced(run) && pk_now() >= run->wrote + MOST_SILENCE))
        outlet_fail(&run->outlet, NULL, ECANCELED);
}

static void write_output(struct batch_run *run)
{
    size_t waiting = run->outlet.waiting;
    if (outlet_step(&run->outlet))
        run->wrote = pk_now();
    run->wakes |= run->outlet.waiting < waiting;
    if (run->outlet.error && run->outlet.failed && !run->trouble[0])
        batch_fail(run, "cannot %s %s: %s", run->outlet.reads ? "read" : "write to", run->outlet.failed,
                   strerror(run->outlet.error));
}

static void wake(struct batch_run *run)
{
    if (!run->waits || !run->wakes)
        return;
    run->waits = run->wakes = false;
    pk_batch_wake(run->batch);
}

enum { LOOP, SIGNALS, WORDS, OUTLET, POLLS };

static int step(struct batch_run *run, const struct tally *tally)
{
    pk_error error;
    struct pollfd fds[POLLS] = {
        [LOOP] = {.fd = run->over ? -1 : pk_loop_fd(run->loop), .events = POLLIN},
        [SIGNALS] = {.fd = run->signals.fd, .events = POLLIN},
        [WORDS] = {.fd = run->ending ? -1 : words_fd(&run->words), .events = POLLIN},
    };
    outlet_interest(&run->outlet, &fds[OUTLET]);
    if (poll(fds, POLLS, patience(run, tally)) < 0 && errno != EINTR) {
        batch_fail(run, "cannot wait: %s", strerror(errno));
        return -1;
    }
    if (fds[SIGNALS].revents)
        batch_signals(run);
    if (fds[WORDS].revents) {
        words_fill(&run->words);
        run->wakes = true;
    }
    if (!run->over && pk_loop_dispatch(run->loop, 0, &error) < 0) {
        batch_fail(run, "%s", error.message);
        return -1;
    }
    write_output(run);
    wake(run);
    give_up_when_nobody_reads(run);
    return 0;
}

static void carry(struct batch_run *run)
{
    struct tally tally;
    int r = 0;
    while (r == 0 && (!run->over || run->outlet.first)) {
        batch_count(run, &tally);
        if (!run->outlet.first)
            progress_draw(&run->progress, &tally, &run->outlet.at_line_start);
        r = step(run, &tally);
    }
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static void tell_summary(const struct batch_run *run)
{
    char wall[32], cpu[32], before[128] = "";
    const pk_batch_summary *summary = &run->summary;
    if (run->request->resumes)
        snprintf(before, sizeof(before), "; before: %zu succeeded, %zu failed, %zu interrupted", run->before.succeeded,
                 run->before.failed, run->before.interrupted);
    say("%zu succeeded, %zu failed, %zu stopped%s; %s, CPU %s%s", summary->succeeded, summary->failed, summary->stopped,
        summary->end == PK_BATCH_FAILED ? " by the failure" : "", pk_format_duration(summary->wall, wall, sizeof(wall)),
        pk_format_duration(summary->cpu, cpu, sizeof(cpu)), before);
}

/* As xargs and parallel have it: how many, as far as a status can tell. */
static int status_of_failures(size_t failed)
{
    return failed > 100 ? 101 : (int)failed;
}

static int finish(const struct batch_run *run)
{
    char text[32];
    const struct batch_request *request = run->request;
    bool timed_out = run->summary.end == PK_BATCH_TIMED_OUT;
    if (run->trouble[0])
        say("%s", run->trouble);
    if (run->dropped > 0 && !run->trouble[0])
        say("what %zu items have written was not passed on: nobody reads it", run->dropped);
    if (timed_out && !request->common.quiet)
        say("timed out after %s", pk_format_duration(request->common.timeout, text, sizeof(text)));
    if (!request->common.quiet && !run->trouble[0])
        tell_summary(run);
    if (run->signals.received)
        return -run->signals.received;
    if (run->trouble[0])
        return STATUS_FAILED;
    if (timed_out)
        return STATUS_TIMED_OUT;
    return status_of_failures(run->summary.failed + run->before.failed + run->before.interrupted);
}

static void before_output(void *data)
{
    progress_erase(&((struct batch_run *)data)->progress);
}

int batch_run(struct batch_run *run)
{
    run->outlet.before = before_output;
    run->outlet.done = items_done;
    run->outlet.data = run;
    outlet_open(&run->outlet);
    progress_begin(&run->progress, run->request->progress);
    int ending = STATUS_FAILED;
    if (begin(run) == 0) {
        carry(run);
        progress_erase(&run->progress);
        ending = finish(run);
    }
    run->batch = pk_batch_free(run->batch);
    outlet_close(&run->outlet);
    slots_free(&run->slots);
    item_free(run->next);
    return ending;
}
