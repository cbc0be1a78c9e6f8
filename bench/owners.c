/*
 * Thousands of owners, each killed by SIGKILL at a random moment of its work: is anything of them left, and for how
 * long?
 *
 * Nothing here relies on the library that is judged. Every process an owner starts reports itself and is held by a
 * pidfd; and each keeps the pipe of its owner open, so that its end proves that nobody is left who had no time to
 * report. This process is a subreaper: what was orphaned comes to it, and "no children" at the end is the last proof.
 */
#include "census.h"
#include "hierarchy.h"
#include "kin.h"
#include "owner.h"
#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_AT_ONCE = 64, MOST_FDS = 65536, MOST_OWNERS = 1000000 };

#define MS       UINT64_C(1000000)
#define PATIENCE (10000 * MS) /* what is not gone by then, on any machine, is left */

static struct {
    long owners;
    long at_once;
    uint64_t seed;
    pk_mechanism mechanism;
    bool asked; /* for that mechanism by name */
    bool check; /* the time as well */
} options = {.owners = 2000, .at_once = 8, .seed = 1, .mechanism = PK_MECHANISM_AUTO};

/* One owner, from its start until nothing is left of it. */
struct slot {
    pid_t pid; /* 0: free */
    int pidfd;
    long members;   /* alive, of those that reported */
    long helpers;   /* guardians, likewise */
    uint64_t kill;  /* when */
    uint64_t began; /* the signal; 0: not yet */
    uint64_t dead;  /* when the last member was seen dead; 0: not yet */
    int pipe;       /* -1: at its end */
    bool had_any;   /* members when it was killed */
    bool guarded;   /* a helper was reported */
};

static struct slot slots[MOST_AT_ONCE];

enum kind { NOTHING, OWNER, PIPE, MEMBER, HELPER };

/* What a descriptor is, and whose. */
static struct {
    enum kind kind;
    struct slot *slot;
} watched[MOST_FDS];

static int most_fd; /* that was ever watched */

static int events = -1, timer = -1;
static char place[PATH_MAX]; /* of owner directories; "": none */
static uint64_t randomness;

static struct {
    uint64_t *dead, *gone; /* nanoseconds from the signal */
    long dead_count, gone_count;
    long launched, started, killed, survivors, directories, failed;
} seen;

static int check(int result, const char *what)
{
    if (result >= 0)
        return result;
    perror(what);
    exit(1);
}

/* ---- Descriptors that are waited for ---------------------------------------------------------------------------- */

static void watch(int fd, enum kind kind, struct slot *slot)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd >= MOST_FDS) {
        fprintf(stderr, "too many descriptors\n");
        exit(1);
    }
    most_fd = fd > most_fd ? fd : most_fd;
    watched[fd].kind = kind;
    watched[fd].slot = slot;
    check(epoll_ctl(events, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/* Forked children have copies, and epoll goes by what is behind them: so it is told. */
static void unwatch(int fd)
{
    epoll_ctl(events, EPOLL_CTL_DEL, fd, NULL);
    watched[fd].kind = NOTHING;
    close(fd);
}

static int open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* ---- The life of an owner --------------------------------------------------------------------------------------- */

/* Half of them in the middle of their first steps. */
static uint64_t random_life(void)
{
    unsigned most = owner_random(&randomness, 2) ? 4000 : 300000;
    return (uint64_t)owner_random(&randomness, most) * 1000;
}

static void launch(struct slot *slot)
{
    int ends[2];
    check(pipe2(ends, O_CLOEXEC), "pipe");
    uint64_t seed = options.seed * MOST_OWNERS + (uint64_t)seen.launched++;
    *slot = (struct slot){.kill = stats_now() + random_life(), .pipe = ends[0]};
    slot->pid = check(fork(), "fork");
    if (slot->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);     /* whatever becomes of the bench */
        for (int fd = 3; fd <= most_fd; fd++) /* pipes of the others: they would have no end */
            if (watched[fd].kind != NOTHING)
                close(fd);
        close(ends[0]);
        owner_work(options.mechanism, seed, ends[1]);
    }
    close(ends[1]);
    slot->pidfd = check(open_pidfd(slot->pid), "pidfd_open");
    watch(slot->pidfd, OWNER, slot);
    watch(ends[0], PIPE, slot);
}

/* The number may be another one's by now: what started at another time is. */
static void take_report(struct slot *slot, const struct owner_report *report)
{
    bool helper = report->kind == REPORT_HELPER;
    seen.started += !helper;
    slot->guarded |= helper;
    int pidfd = open_pidfd(report->pid);
    if (pidfd < 0)
        return;
    if (owner_start_of(report->pid) != report->start) {
        close(pidfd);
        return;
    }
    watch(pidfd, helper ? HELPER : MEMBER, slot);
    ++*(helper ? &slot->helpers : &slot->members);
}

static void read_reports(struct slot *slot)
{
    struct owner_report reports[64];
    ssize_t size = read(slot->pipe, reports, sizeof(reports));
    for (ssize_t i = 0; i < size / (ssize_t)sizeof(reports[0]); i++)
        take_report(slot, &reports[i]);
    if (size > 0)
        return;
    unwatch(slot->pipe);
    slot->pipe = -1;
}

static void take_event(int fd)
{
    struct slot *slot = watched[fd].slot;
    switch (watched[fd].kind) {
    case PIPE:
        read_reports(slot);
        break;
    case MEMBER:
        slot->members--;
        unwatch(fd);
        break;
    case HELPER:
        slot->helpers--;
        unwatch(fd);
        break;
    case OWNER:
        seen.failed += slot->began == 0; /* before anybody killed it */
        slot->began = slot->began ? slot->began : stats_now();
        unwatch(fd);
        slot->pidfd = -1;
        break;
    case NOTHING: /* closed by an event before this one */
        break;
    }
}

static void kill_owner(struct slot *slot)
{
    slot->had_any = slot->members > 0;
    seen.killed += slot->members;
    slot->began = stats_now();
    syscall(SYS_pidfd_send_signal, slot->pidfd, SIGKILL, NULL, 0);
}

/* ---- What is left ----------------------------------------------------------------------------------------------- */

static long count_directories(const struct slot *slot)
{
    char prefix[64];
    snprintf(prefix, sizeof(prefix), "processkit-%d-", slot->pid);
    return *place ? census_count_directories(place, prefix) : 0;
}

static void count_left(struct slot *slot)
{
    seen.survivors += slot->members > 0 ? slot->members : slot->pipe >= 0;
    seen.directories += count_directories(slot);
    for (int fd = 0; fd <= most_fd; fd++) {
        if (watched[fd].kind == NOTHING || watched[fd].slot != slot)
            continue;
        if (watched[fd].kind == MEMBER)
            syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
        unwatch(fd);
    }
    slot->pid = 0;
}

/* True once nothing of it is left, or enough was waited. */
static bool is_over(struct slot *slot)
{
    uint64_t now = stats_now();
    if (slot->began == 0)
        return false;
    if (slot->members == 0 && slot->pipe < 0 && slot->dead == 0)
        slot->dead = now;
    bool gone = slot->dead != 0 && slot->helpers == 0 && slot->pidfd < 0 && count_directories(slot) == 0;
    if (!gone && now - slot->began < PATIENCE)
        return false;
    if (gone && slot->had_any)
        seen.dead[seen.dead_count++] = slot->dead - slot->began;
    if (gone && (slot->had_any || slot->guarded))
        seen.gone[seen.gone_count++] = now - slot->began;
    count_left(slot);
    return true;
}

static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

/* ---- The bench -------------------------------------------------------------------------------------------------- */

/* Until the next kill; or until the next look for a directory, which nothing tells the end of. */
static void set_timer(void)
{
    uint64_t now = stats_now(), next = now + 1000 * MS;
    for (long i = 0; i < options.at_once; i++) {
        const struct slot *slot = &slots[i];
        if (slot->pid == 0)
            continue;
        uint64_t at = slot->began == 0               ? slot->kill
                      : slot->dead && !slot->helpers ? now + MS / 4
                                                     : slot->began + PATIENCE;
        next = at < next ? at : next;
    }
    next = next > now ? next : now + 1;
    struct itimerspec when = {.it_value = {(time_t)(next / 1000000000), (long)(next % 1000000000)}};
    check(timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL), "timerfd_settime");
}

static void wait_for_events(void)
{
    struct epoll_event ready[256];
    uint64_t expirations;
    set_timer();
    int count = epoll_wait(events, ready, sizeof(ready) / sizeof(ready[0]), -1);
    for (int i = 0; i < count; i++) {
        if (ready[i].data.fd != timer)
            take_event(ready[i].data.fd);
        else if (read(timer, &expirations, sizeof(expirations)) < 0)
            continue;
    }
}

static void attend(struct slot *slot)
{
    if (slot->pid != 0 && slot->began == 0 && stats_now() >= slot->kill)
        kill_owner(slot);
    if (slot->pid != 0)
        is_over(slot);
    if (slot->pid == 0 && seen.launched < options.owners && seen.failed == 0)
        launch(slot);
}

static void kill_all_owners(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    events = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    timer = check(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create");
    event.data.fd = timer;
    check(epoll_ctl(events, EPOLL_CTL_ADD, timer, &event), "epoll_ctl");
    for (bool busy = true; busy;) {
        busy = false;
        for (long i = 0; i < options.at_once; i++) {
            attend(&slots[i]);
            busy |= slots[i].pid != 0;
        }
        if (busy)
            wait_for_events();
        reap(); /* after the reports were read: until then, no orphan's number is given to another */
    }
}

/* Who is still there never reported, let go of the pipe, and is no child of anything else than us. */
static void end_kin(void)
{
    struct timespec moment = {.tv_nsec = 10000000};
    for (int tries = 0; waitpid(-1, NULL, WNOHANG) >= 0; tries++) {
        if (tries == 100) {
            struct kin_list kin = kin_below(getpid());
            for (size_t i = 0; i < kin.count; i++) {
                printf("left: %d (%s)\n", kin.items[i].pid, kin.items[i].name);
                seen.survivors += !kin.items[i].dying;
                kin_kill(&kin.items[i]);
            }
            kin_free(&kin);
        }
        nanosleep(&moment, NULL);
    }
}

/* ---- What is printed -------------------------------------------------------------------------------------------- */

static double percentile_ms(const uint64_t *samples, long count, unsigned percent)
{
    return (double)stats_percentile(samples, (size_t)count, percent) / 1e6;
}

static void print_row(const char *name, const uint64_t *samples, long count)
{
    printf("%-30s %7ld %9.2f %9.2f %9.2f\n", name, count, percentile_ms(samples, count, 50),
           percentile_ms(samples, count, 99), percentile_ms(samples, count, 100));
}

/* What is left over is wrong at any load of the machine; how long it took is only checked where that is asked for. */
static bool print_results(void)
{
    const double target = 5;
    double median = percentile_ms(seen.gone, seen.gone_count, 50);
    bool clean = seen.survivors == 0 && seen.directories == 0 && seen.failed == 0;
    bool pass = clean && median <= target;

    printf("%ld owners killed, %ld at a time; they started %ld processes, of which %ld had reported and lived when\n"
           "their owner was killed; mechanism %s, seed %llu\n\n",
           seen.launched, options.at_once, seen.started, seen.killed, pk_mechanism_name(options.mechanism),
           (unsigned long long)options.seed);
    printf("%-30s %7s %9s %9s %9s\n", "milliseconds from SIGKILL until", "owners", "p50", "p99", "max");
    print_row("the last member is dead", seen.dead, seen.dead_count);
    print_row("nothing is left, no directory", seen.gone, seen.gone_count);
    printf("\nsurvivors %ld, directories %ld, owners that failed %ld, median until nothing is left %.2f ms\n"
           "targets 0, 0, 0, <= %.0f ms: %s\n",
           seen.survivors, seen.directories, seen.failed, median, target, pass ? "PASS" : "FAIL");
    return options.check ? pass : clean;
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static pk_mechanism mechanism_argument(const char *text)
{
    pk_mechanism mechanism;
    pk_error error;
    if (pk_mechanism_parse(text, &mechanism, &error) == 0)
        return mechanism;
    fprintf(stderr, "--mechanism: %s\n", error.message);
    exit(2);
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {{"owners", required_argument, NULL, 'o'},
                                          {"at-once", required_argument, NULL, 'k'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"mechanism", required_argument, NULL, 'm'},
                                          {"check", no_argument, NULL, 'c'},
                                          {"member", required_argument, NULL, 'x'}, /* for ourselves */
                                          {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'o':
            options.owners = stats_argument("--owners", optarg, 1, MOST_OWNERS);
            break;
        case 'k':
            options.at_once = stats_argument("--at-once", optarg, 1, MOST_AT_ONCE);
            break;
        case 's':
            options.seed = (uint64_t)stats_argument("--seed", optarg, 0, 1000000000);
            break;
        case 'm':
            options.mechanism = mechanism_argument(optarg);
            options.asked = true;
            break;
        case 'c':
            options.check = true;
            break;
        case 'x':
            exit(owner_be_member(optarg));
        default:
            fprintf(stderr, "usage: %s [--owners N] [--at-once K] [--seed S] [--mechanism NAME] [--check]\n", argv[0]);
            exit(2);
        }
}

/* In a process of its own: this one leaves the library alone. */
static bool can_survive_nothing(void)
{
    int status = 0;
    pid_t pid = check(fork(), "fork");
    if (pid == 0) {
        pk_group_options wanted = PK_GROUP_OPTIONS_INIT;
        pk_auto(pk_group) group = NULL;
        pk_error error;
        wanted.require = PK_GUARANTEE_OWNER_DEATH;
        if (pk_group_create(&wanted, &group, &error) == 0)
            exit(0);
        printf("skipped: %s\n0 passed, 0 failed, 1 skipped\n", error.message);
        exit(1);
    }
    check(waitpid(pid, &status, 0), "waitpid");
    return status == 0;
}

static void prepare(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < MOST_FDS ? limit.rlim_max : MOST_FDS;
    setrlimit(RLIMIT_NOFILE, &limit);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    setpriority(PRIO_PROCESS, 0, -20); /* the clock does not wait for those it is held against; as root only */
    if (!hierarchy_own(place))
        *place = '\0';
    randomness = options.seed;
    seen.dead = calloc((size_t)options.owners, sizeof(*seen.dead));
    seen.gone = calloc((size_t)options.owners, sizeof(*seen.gone));
    if (!seen.dead || !seen.gone)
        abort();
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    stats_print_host();
    fflush(stdout);
    prepare();
    if (!options.asked && !can_survive_nothing())
        return 0;
    kill_all_owners();
    end_kin();
    return print_results() ? 0 : 1;
}
