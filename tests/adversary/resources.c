/*
 * Verbs that use memory, processor time, threads and cgroups.
 */
#include "adversary.h"
#include "support/hierarchy.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void run_memory(char **arguments)
{
    size_t size = (size_t)number(arguments[0]) << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        give_up("no memory");
    for (size_t i = 0; i < size; i += 4096)
        memory[i] = 1;
}

static void run_cpu(char **arguments)
{
    long most = number(arguments[0]);
    struct timespec used;
    volatile unsigned work = 0;
    do {
        for (unsigned i = 0; i < 10000; i++)
            work = work + i;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    } while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < most);
}

static void *burn_until(void *data)
{
    volatile unsigned work = 0;
    while (monotonic_ms() < *(const long *)data)
        for (unsigned i = 0; i < 10000; i++)
            work = work + i;
    return NULL;
}

/* As much as it is given in that time. */
static void run_burn(char **arguments)
{
    pthread_t threads[64];
    long count = number(arguments[0]), end = monotonic_ms() + number(arguments[1]);
    if (count > 64)
        give_up("no more than 64 threads");
    for (long i = 0; i < count; i++) {
        errno = pthread_create(&threads[i], NULL, burn_until, &end);
        if (errno != 0)
            give_up("pthread_create");
    }
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

static void *wait_for_ever(void *data)
{
    for (;;)
        pause();
    return data;
}

static void run_threads(char **arguments)
{
    pthread_t thread;
    for (long i = number(arguments[0]); i > 0; i--) {
        errno = pthread_create(&thread, NULL, wait_for_ever, NULL);
        if (errno != 0)
            give_up("pthread_create");
    }
}

static void *wait_for_main(void *data)
{
    char state = ' ', text[512];
    while (state != 'Z') {
        FILE *stat = fopen("/proc/self/stat", "re");
        size_t length = stat ? fread(text, 1, sizeof(text) - 1, stat) : 0;
        text[length] = '\0';
        const char *name_end = strrchr(text, ')');
        state = name_end ? name_end[2] : ' ';
        if (stat)
            fclose(stat);
        sched_yield();
    }
    stand();
    return wait_for_ever(data);
}

/* The process lives on, though it looks like a zombie. */
static void run_lose_main_thread(char **arguments)
{
    pthread_t thread;
    (void)arguments;
    errno = pthread_create(&thread, NULL, wait_for_main, NULL);
    if (errno != 0)
        give_up("pthread_create");
    syscall(SYS_exit, 0);
}

/* ---- Cgroups ---------------------------------------------------------------------------------------------------- */

/* A cgroup of its own, as a container runtime makes them: a directory below, with a child in it. The harness recognises
 * the name, and removes what is left where nobody else does. */
static void run_cgroup(char **arguments)
{
    char own[PATH_MAX], made[PATH_MAX + 64];
    const char *runner = getenv("PK_TEST_RUNNER");
    (void)arguments;
    errno = 0;
    if (!hierarchy_own(own))
        give_up("no cgroup2 here");
    snprintf(made, sizeof(made), "%s/adversary-%s-%d", own, runner ? runner : "0", getpid());
    if (mkdir(made, 0755) < 0)
        give_up("mkdir of a cgroup");
    pid_t pid = birth("cgroup");
    if (pid < 0)
        give_up("fork");
    if (pid > 0)
        hold();
    if (!hierarchy_enter(made))
        give_up("enter a cgroup");
}

const struct verb resource_verbs[] = {
    {"memory", 1, 1, true, run_memory, "MIB: allocates and touches memory"},
    {"cpu", 1, 1, false, run_cpu, "MS: burns processor time"},
    {"burn", 2, 2, false, run_burn, "THREADS MS: each burns what processor time it can get until MS have passed"},
    {"threads", 1, 1, true, run_threads, "N: starts N threads"},
    {"lose-main-thread", 0, 0, true, run_lose_main_thread, "ends its first thread; another one lives on"},
    {"cgroup", 0, 0, true, run_cgroup, "makes a cgroup below its own; a child in there goes on, this process holds"},
    {NULL},
};
