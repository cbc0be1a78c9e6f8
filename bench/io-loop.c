/*
 * What a run in a loop takes: descriptors, wake-ups, allocations.
 */
#include "allocations.h"
#include "io.h"

#include <processkit/stream.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 1000 };

static bool ended;

static long count_descriptors(void)
{
    long count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static _Noreturn void die(const pk_error *error)
{
    fprintf(stderr, "loop: %s\n", error->message);
    exit(1);
}

static void on_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)line, (void)data;
}

static void on_event(pk_process *process, pk_event event, void *data)
{
    (void)data;
    if (event != PK_EVENT_ENDED)
        return;
    pk_process_free(process);
    ended = true;
}

static void start(pk_loop *loop, const pk_command *command)
{
    pk_error error;
    pk_process *process;
    if (pk_command_start(command, &process, &error) < 0 || pk_process_watch(process, loop, on_event, NULL, &error) < 0)
        die(&error);
    ended = false;
}

/* How often the loop was woken until the run had ended. */
static uint64_t carry_on(pk_loop *loop)
{
    pk_error error;
    uint64_t woken = 0;
    for (; !ended; woken++)
        if (pk_loop_dispatch(loop, PK_FOREVER, &error) < 0)
            die(&error);
    return woken;
}

static void measure(pk_loop *loop, const pk_command *command)
{
    static uint64_t woken[RUNS], allocated[RUNS];
    start(loop, command); /* what is made once */
    carry_on(loop);
    long without = count_descriptors();
    start(loop, command);
    long with = count_descriptors();
    carry_on(loop);
    for (size_t i = 0; i < RUNS; i++) {
        unsigned long before = allocations;
        start(loop, command);
        woken[i] = carry_on(loop);
        allocated[i] = allocations - before;
    }
    printf("  a live process, two streams of it read: %ld descriptors\n", with - without);
    printf("  a run from start to end: %llu wake-ups (nine in ten: up to %llu), %llu allocations\n",
           (unsigned long long)stats_percentile(woken, RUNS, 50), (unsigned long long)stats_percentile(woken, RUNS, 90),
           (unsigned long long)stats_percentile(allocated, RUNS, 50));
}

bool io_loop(void)
{
    pk_error error;
    pk_loop *loop;
    printf("\n/bin/echo in a loop, lines of stdout and a capture of stderr, with a deadline; %d times\n", RUNS);
    long before = count_descriptors();
    if (pk_loop_create(&loop, &error) < 0)
        die(&error);
    printf("  a loop: %ld descriptor, and a timerfd from its first timer on\n", count_descriptors() - before);
    pk_command *command = pk_command_new("/bin/echo", "a line", NULL);
    pk_command_on_line(command, 1, on_line, NULL);
    pk_command_capture(command, 2, NULL);
    pk_command_timeout(command, PK_SECONDS(60));
    measure(loop, command);
    pk_command_free(command);
    pk_loop_free(loop);
    return true;
}
