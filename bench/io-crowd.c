/*
 * Many children at once in one loop on one thread, each with a deadline, and each telling a few lines.
 *
 * Every tenth is a lodger, who stays until its deadline ends it; the others are guests, who leave when stdin ends. In
 * between all of them are silent, and nothing must wake the owner.
 */
#include "io-writer.h"
#include "io.h"

#include <processkit/stream.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LODGERS_EVERY = 10, CODES = 7, PATIENCE = 60 };

struct child {
    pk_process *process;
    int code;
    bool stays;
    int lines;
    bool wrong; /* a line, or the end */
};

static struct {
    pk_loop *loop;
    struct child *children;
    int gate[2]; /* everybody's stdin, and what opens it */
    long lines, ended;
    pk_error error;
} crowd;

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "crowd: %s: %s\n", what, why);
    exit(1);
}

/* ---- Children --------------------------------------------------------------------------------------------------- */

static void on_line(pk_process *process, const pk_line *line, void *data)
{
    struct child *child = data;
    (void)process;
    child->wrong |= line->end != PK_LINE_LF || atoi(line->text) != child->code;
    child->lines++;
    crowd.lines++;
}

static bool ended_right(const struct child *child, const pk_result *result)
{
    if (child->stays)
        return result->verdict == PK_VERDICT_TIMED_OUT && child->lines == WRITER_GREETING;
    return result->verdict == PK_VERDICT_EXITED && result->exit_code == child->code &&
           child->lines == WRITER_GREETING + WRITER_FAREWELL;
}

static void on_event(pk_process *process, pk_event event, void *data)
{
    struct child *child = data;
    if (event != PK_EVENT_ENDED)
        return;
    child->wrong |= !ended_right(child, pk_process_result(process));
    child->process = pk_process_free(process);
    crowd.ended++;
}

static void start(struct child *child, pk_duration timeout)
{
    pk_auto(pk_command) command = io_command(child->stays ? "lodger" : "guest", (uint64_t)child->code);
    pk_command_fd(command, 0, crowd.gate[0]);
    pk_command_on_line(command, 1, on_line, child);
    pk_command_capture(command, 2, NULL);
    pk_command_timeout(command, timeout);
    if (pk_command_start(command, &child->process, &crowd.error) < 0 ||
        pk_process_watch(child->process, crowd.loop, on_event, child, &crowd.error) < 0)
        die("a child", crowd.error.message);
}

/* Lodgers come last: their deadlines must not pass while others are still being started. */
static void start_all(void)
{
    for (int stays = 0; stays <= 1; stays++)
        for (long i = 0; i < io.children; i++) {
            struct child *child = &crowd.children[i];
            if ((i % LODGERS_EVERY == LODGERS_EVERY - 1) != stays)
                continue;
            *child = (struct child){.code = (int)(i % CODES), .stays = stays};
            start(child, PK_SECONDS(stays ? io.idle + 20 : 3600));
        }
}

/* ---- The loop --------------------------------------------------------------------------------------------------- */

static void carry_on(const long *count, long end)
{
    pk_time deadline = pk_deadline(PK_SECONDS(io.idle + PATIENCE));
    while (*count < end) {
        if (pk_loop_dispatch(crowd.loop, deadline, &crowd.error) < 0)
            die("the loop", crowd.error.message);
        if (pk_now() >= deadline)
            die("the loop", "it does not come to an end");
    }
}

static void prepare(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    crowd.children = calloc((size_t)io.children, sizeof(*crowd.children));
    if (!crowd.children)
        abort();
    crowd.lines = crowd.ended = 0;
    if (pipe2(crowd.gate, O_CLOEXEC) < 0)
        die("a pipe", strerror(errno));
    if (pk_loop_create(&crowd.loop, &crowd.error) < 0)
        die("the loop", crowd.error.message);
    struct child first = {.stays = true}; /* what is made once is there now: the guardian, the own directory */
    start(&first, PK_MILLISECONDS(100));
    carry_on(&crowd.ended, 1);
    malloc_trim(0); /* pages that are free already would not count */
    crowd.lines = crowd.ended = 0;
}

static void finish(void)
{
    crowd.loop = pk_loop_free(crowd.loop);
    close(crowd.gate[0]);
    free(crowd.children);
}

/* ---- Measuring -------------------------------------------------------------------------------------------------- */

struct load {
    long descriptors;
    long resident; /* KiB */
    size_t heap;   /* bytes in use */
};

static struct load look(void)
{
    struct load load = {.heap = mallinfo2().uordblks};
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory))
        load.descriptors++;
    if (directory)
        closedir(directory);
    char line[256];
    FILE *file = fopen("/proc/self/smaps_rollup", "re"); /* to the page, as the counters of statm are not */
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "Rss: %ld", &load.resident) == 1)
            break;
    if (file)
        fclose(file);
    return load;
}

static void print_load(struct load before, struct load now)
{
    double count = (double)io.children;
    printf("  per live child: %.2f descriptors, %.1f KiB resident, of it %.1f KiB of heap\n",
           (double)(now.descriptors - before.descriptors) / count, (double)(now.resident - before.resident) / count,
           (double)(now.heap - before.heap) / 1024 / count);
}

static double cpu_milliseconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

/* Whoever polls the loop's descriptor sleeps once, to the end. */
static bool sleep_through(void)
{
    struct rusage before, after;
    struct pollfd ours = {.fd = pk_loop_fd(crowd.loop), .events = POLLIN};
    carry_on(&crowd.lines, io.children * WRITER_GREETING);
    while (poll(&ours, 1, 100) > 0) /* what is still on its way, such as the end of an enlarged watch */
        if (pk_loop_dispatch(crowd.loop, 0, &crowd.error) < 0)
            die("the loop", crowd.error.message);
    getrusage(RUSAGE_SELF, &before);
    int woken = poll(&ours, 1, (int)io.idle * 1000);
    getrusage(RUSAGE_SELF, &after);
    double cpu = cpu_milliseconds(&after) - cpu_milliseconds(&before);
    printf("  all idle for %ld s: %s, %ld sleeps, %.3f ms of CPU\n", io.idle, woken ? "woken" : "not woken",
           after.ru_nvcsw - before.ru_nvcsw, cpu);
    return woken == 0 && cpu < 1;
}

static bool print_end(void)
{
    long wrong = 0;
    for (long i = 0; i < io.children; i++)
        wrong += crowd.children[i].wrong;
    printf("  %ld ended, %ld of them wrongly\n", crowd.ended, wrong);
    return wrong == 0 && crowd.ended == io.children;
}

bool io_crowd(void)
{
    struct rusage before, after;
    printf("\n%ld children at once in one loop, every %dth to be ended by its deadline\n", io.children, LODGERS_EVERY);
    prepare();
    pk_leave(); /* what is kept for further runs is neither a child's nor left of one */
    struct load empty = look();
    getrusage(RUSAGE_SELF, &before);
    pk_time started = pk_now();
    start_all();
    printf("  started within %.0f ms, by %s\n", (double)(pk_now() - started) / 1e6,
           pk_mechanism_name(pk_group_mechanism(pk_process_group(crowd.children[0].process))));
    bool idle = sleep_through() && crowd.ended == 0;
    print_load(empty, look());
    close(crowd.gate[1]);
    carry_on(&crowd.ended, io.children);
    getrusage(RUSAGE_SELF, &after);
    bool right = print_end();
    printf("  CPU of the owner per child, from start to end: %.0f us\n",
           (cpu_milliseconds(&after) - cpu_milliseconds(&before)) * 1e3 / (double)io.children);
    long kept = look().descriptors;
    pk_leave();
    struct load end = look();
    printf("  descriptors left: %ld, and %ld that were kept for further runs\n",
           end.descriptors - empty.descriptors + 1, kept - end.descriptors); /* the gate is half closed */
    finish();
    bool pass = idle && right && end.descriptors < empty.descriptors;
    printf("  all ended right, and nobody was woken: %s\n", pass ? "PASS" : "FAIL");
    return pass;
}
