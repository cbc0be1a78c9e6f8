/*
 * Owners: a few threads that make groups, start small trees in them, and end them in every way the library has.
 */
#include "owner.h"

#include <processkit/command.h>
#include <processkit/guardian.h>
#include <processkit/process.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GROUPS = 4 };

/* What one thread has. */
struct worker {
    pk_mechanism mechanism;
    uint64_t random;
    int pipe;
    pk_group *groups[GROUPS];
};

/* splitmix64: any seed is a good one, so neighbours may have neighbouring ones. */
unsigned owner_random(uint64_t *state, unsigned end)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((x ^ x >> 31) >> 32) % end;
}

static void pause_ns(unsigned nanoseconds)
{
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    nanosleep(&time, NULL);
}

/* ---- Reports ---------------------------------------------------------------------------------------------------- */

uint64_t owner_start_of(pid_t pid)
{
    char path[32], text[1024];
    unsigned long long start;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    const char *close_paren = strrchr(text, ')'); /* the name may hold anything */
    if (!close_paren ||
        sscanf(close_paren + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &start) != 1)
        return 0;
    return start;
}

static void report(int pipe, enum owner_report_kind kind, pid_t pid)
{
    struct owner_report report = {.start = owner_start_of(pid), .pid = pid, .kind = kind};
    if (write(pipe, &report, sizeof(report)) != sizeof(report))
        _exit(1); /* the bench is gone */
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

/* Letters of a shape. Each is done in turn, by the process that the ones before have made. */
enum {
    FORK = 'f',   /* a child that stays; this one goes on */
    DOUBLE = 'd', /* the same without a parent */
    SESSION = 's',
    IGNORE = 'i',
    BLOCK = 'b',
    STOP = 't',
    RUN = 'r', /* away: each generation makes the next and leaves, faster than a list of processes can be read */
    SAY = 'o', /* something, and leave */
};

/* Whatever becomes of the bench and of signals, nobody stays for good. */
static _Noreturn void stay(void)
{
    struct timespec life = {.tv_sec = 120};
    while (nanosleep(&life, &life) < 0)
        ;
    _exit(0);
}

static void make_child(bool orphaned)
{
    pid_t pid = fork();
    if (pid != 0)
        return;
    if (orphaned) {
        setsid();
        if (fork() != 0)
            _exit(0);
    }
    report(OWNER_PIPE, REPORT_MEMBER, getpid());
    stay();
}

static void run_away(void)
{
    enum { GENERATIONS = 40 };
    for (int i = 0; i < GENERATIONS; i++) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid > 0)
            _exit(0);
        report(OWNER_PIPE, REPORT_MEMBER, getpid());
    }
}

static void say_something(void)
{
    static const char line[] = "something to say\n";
    for (int i = 0; i < 20; i++)
        if (write(STDOUT_FILENO, line, sizeof(line) - 1) < 0)
            break;
    _exit(0);
}

static void carry_out(char letter)
{
    sigset_t all;
    switch (letter) {
    case FORK:
    case DOUBLE:
        make_child(letter == DOUBLE);
        break;
    case SESSION:
        setsid();
        break;
    case IGNORE:
        signal(SIGTERM, SIG_IGN);
        break;
    case BLOCK:
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        break;
    case STOP:
        raise(SIGSTOP);
        break;
    case RUN:
        run_away();
        break;
    case SAY:
        say_something();
        break;
    }
}

int owner_be_member(const char *shape)
{
    report(OWNER_PIPE, REPORT_MEMBER, getpid());
    for (; *shape; shape++)
        carry_out(*shape);
    stay();
}

/* ---- What an owner does ----------------------------------------------------------------------------------------- */

/* What is no failure: a tree that was suspended, killed or stopped by the next thing this thread did, or that has
 * ended by itself. */
static void check(int result, const pk_error *error)
{
    if (result >= 0 || result == -EBUSY || result == -ECANCELED || result == -ESRCH || result == -ETIMEDOUT)
        return;
    fprintf(stderr, "owners: %s\n", error->message);
    _exit(1);
}

static pk_command *member_command(struct worker *worker, const char *shape)
{
    pk_command *command = pk_command_new("/proc/self/exe", "--member", shape, NULL);
    pk_command_fd(command, OWNER_PIPE, worker->pipe);
    pk_command_null(command, 1);
    return command;
}

static void random_shape(struct worker *worker, char *shape)
{
    static const char letters[] = {FORK, FORK, DOUBLE, DOUBLE, SESSION, IGNORE, BLOCK};
    unsigned length = owner_random(&worker->random, 5);
    for (unsigned i = 0; i < length; i++)
        *shape++ = letters[owner_random(&worker->random, sizeof(letters))];
    if (owner_random(&worker->random, 8) == 0)
        *shape++ = RUN;
    if (owner_random(&worker->random, 8) == 0)
        *shape++ = STOP;
    *shape = '\0';
}

static pk_group **random_group(struct worker *worker)
{
    return &worker->groups[owner_random(&worker->random, GROUPS)];
}

static void need_group(struct worker *worker, pk_group **group)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_error error;
    if (*group)
        return;
    options.mechanism = worker->mechanism;
    check(pk_group_create(&options, group, &error), &error);
    pid_t helper = pk_guardian_pid();
    if (helper > 0)
        report(worker->pipe, REPORT_HELPER, helper);
}

static void start_tree(struct worker *worker)
{
    char shape[16];
    pk_error error;
    pk_process *process = NULL;
    pk_group **group = random_group(worker);
    random_shape(worker, shape);
    pk_auto(pk_command) command = member_command(worker, shape);
    need_group(worker, group);
    check(pk_group_spawn(*group, command, &process, &error), &error);
    pk_process_free(process);
}

static void capture(struct worker *worker)
{
    char buffer[512];
    pk_error error;
    pk_process *process = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_auto(pk_command) command = member_command(worker, (char[]){DOUBLE, SAY, '\0'});
    options.mechanism = worker->mechanism;
    pk_command_pipe(command, 1);
    pk_command_contain(command, &options);
    check(pk_command_start(command, &process, &error), &error);
    while (process && read(pk_process_pipe(process, 1), buffer, sizeof(buffer)) == sizeof(buffer))
        ;
    if (process)
        check(pk_process_wait(process, PK_FOREVER, NULL, &error), &error);
    pk_process_free(process);
}

static void *start_in_thread(void *data)
{
    start_tree(data);
    return NULL;
}

/* The kernel's own parent-death signal would end the tree here, with the thread. */
static void start_by_a_thread_that_ends(struct worker *worker)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, start_in_thread, worker) == 0)
        pthread_join(thread, NULL);
}

static void stop_gently(struct worker *worker, pk_group *group)
{
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    pk_error error;
    options.grace = PK_MILLISECONDS(owner_random(&worker->random, 10));
    check(pk_group_stop(group, &options, NULL, &error), &error);
}

static void suspend(struct worker *worker, pk_group *group)
{
    pk_error error;
    check(pk_group_suspend(group, &error), &error);
    pause_ns(owner_random(&worker->random, 3000000));
    check(pk_group_resume(group, &error), &error);
}

static void do_something(struct worker *worker)
{
    pk_error error;
    pk_group **group = random_group(worker);
    unsigned what = owner_random(&worker->random, 16);
    if (what < 6)
        start_tree(worker);
    else if (what == 6)
        capture(worker);
    else if (what == 7)
        start_by_a_thread_that_ends(worker);
    else if (what < 11)
        pause_ns(owner_random(&worker->random, 20000000));
    else if (!*group)
        return;
    else if (what < 13)
        check(pk_group_kill(*group, &error), &error);
    else if (what == 13)
        stop_gently(worker, *group);
    else if (what == 14)
        suspend(worker, *group);
    else
        *group = pk_group_free(*group);
}

static void *work(void *data)
{
    struct worker *worker = data;
    for (;;) {
        do_something(worker);
        /* As real ones do: not busy all the time. And a machine that is tells how long it made the guardian wait. */
        pause_ns(owner_random(&worker->random, 40000000));
    }
    return NULL;
}

_Noreturn void owner_work(pk_mechanism mechanism, uint64_t seed, int pipe)
{
    enum { MOST_THREADS = 3 };
    static struct worker workers[MOST_THREADS];
    uint64_t random = seed;
    pthread_t thread;
    unsigned threads = owner_random(&random, 4) == 0 ? MOST_THREADS : 1;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.mechanism = mechanism, .random = seed ^ (uint64_t)i << 32, .pipe = pipe};
        if (i > 0 && pthread_create(&thread, NULL, work, &workers[i]) != 0)
            _exit(1);
    }
    work(&workers[0]);
    _exit(1);
}
