/*
 * Owners that start, work and are killed, beside a prune that never stops: does it ever take a living one for a dead
 * one, and does anything of the dead stay behind?
 *
 * All of it happens in a place of its own in the hierarchy. The owners have no guardian, or there would be nothing to
 * prune. Each checks all the time that its directory is there and that its members live.
 */
#include "stats.h"

#include <processkit.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_OWNERS = 1000 };

static struct {
    long seconds;
    long owners;
    long seed;
} options = {60, 50, 1};

/* What all processes here write to. */
static struct tally {
    _Atomic long prunes, removed, killed, failed; /* of the pruner */
    _Atomic long groups;                          /* made by owners */
    _Atomic long wronged;                         /* times an owner missed its directory or a member */
    _Atomic long broken;                          /* other failures */
} * tally;

static char home[PATH_MAX], place[PATH_MAX + 64];

static unsigned pick(uint64_t *state, unsigned below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (unsigned)(*state >> 11) % below;
}

/* ---- The place -------------------------------------------------------------------------------------------------- */

static void die(const char *what)
{
    fprintf(stderr, "prune: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void enter(const char *directory)
{
    char path[PATH_MAX + 128];
    snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        die(path);
    close(fd);
}

static void make_place(void)
{
    pk_host host;
    pk_error error;
    if (pk_host_examine(&host, &error) < 0 || host.mechanism != PK_MECHANISM_CGROUP2) {
        fprintf(stderr, "prune: no cgroup can be made here (see pk doctor)\n");
        exit(1);
    }
    pk_leave(); /* the owner directory that looking has made */
    snprintf(home, sizeof(home), "%s", host.cgroup_own);
    snprintf(place, sizeof(place), "%s/bench-prune-%d", home, getpid());
    if (mkdir(place, 0755) < 0)
        die(place);
    enter(place);
}

/* ---- Owners ----------------------------------------------------------------------------------------------------- */

struct holding {
    pk_group *group;
    pk_process *process;
};

static void start(struct holding *holding, const pk_command *command)
{
    pk_group_options cgroup2 = PK_GROUP_OPTIONS_INIT;
    pk_error error;
    cgroup2.mechanism = PK_MECHANISM_CGROUP2;
    int r = pk_group_create(&cgroup2, &holding->group, &error);
    if (r == 0)
        r = pk_group_spawn(holding->group, command, &holding->process, &error);
    if (r < 0) {
        fprintf(stderr, "prune: an owner: %s\n", error.message);
        tally->broken++;
        _exit(1);
    }
    tally->groups++;
}

static void stop(struct holding *holding)
{
    pk_process_free(holding->process);
    holding->process = NULL;
    holding->group = pk_group_free(holding->group);
}

/* Nobody but the owner ends what is in its groups. */
static void check(const struct holding *holding)
{
    pk_error error;
    struct stat status;
    if (!holding->group)
        return;
    bool there = stat(pk_group_path(holding->group), &status) == 0;
    bool lives = pk_group_is_empty(holding->group, &error) == 0;
    if (there && lives)
        return;
    fprintf(stderr, "prune: the living owner %d misses %s\n", getpid(), there ? "a member" : "a directory");
    tally->wronged++;
    _exit(1);
}

static _Noreturn void own(uint64_t seed)
{
    enum { HOLDINGS = 3 };
    struct holding holdings[HOLDINGS] = {{0}};
    pk_error error;
    if (pk_guardian_enable(false, &error) < 0)
        tally->broken++;
    pk_command *command = pk_command_new("/bin/sleep", "1000", NULL);
    for (;;) {
        struct holding *one = &holdings[pick(&seed, HOLDINGS)];
        if (one->group)
            stop(one);
        else
            start(one, command);
        for (int i = 0; i < HOLDINGS; i++)
            check(&holdings[i]);
        usleep(pick(&seed, 20000));
    }
}

/* ---- The pruner ------------------------------------------------------------------------------------------------- */

static int prune(pk_prune_report *report)
{
    pk_prune_options below = PK_PRUNE_OPTIONS_INIT;
    pk_error error;
    below.below = place;
    int r = pk_prune(&below, NULL, NULL, report, &error);
    if (r < 0)
        fprintf(stderr, "prune: %s\n", error.message);
    return r;
}

static _Noreturn void prune_for_ever(void)
{
    for (;;) {
        pk_prune_report report;
        if (prune(&report) < 0)
            tally->failed++;
        tally->prunes++;
        tally->removed += report.count[PK_PRUNE_REMOVED];
        tally->killed += report.killed;
    }
}

/* ---- Killing and starting --------------------------------------------------------------------------------------- */

struct worker {
    pid_t pid;
    int pidfd;
};

static void begin(struct worker *worker, uint64_t seed)
{
    worker->pid = fork();
    if (worker->pid < 0)
        die("fork");
    if (worker->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (seed == 0)
            prune_for_ever();
        own(seed);
    }
    worker->pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);
    if (worker->pidfd < 0)
        die("pidfd_open");
}

static void end(struct worker *worker)
{
    if (syscall(SYS_pidfd_send_signal, worker->pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        die("pidfd_send_signal");
    close(worker->pidfd);
    while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* The members of dead owners come here when they have ended. */
static void reap_orphans(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static long live_and_die(void)
{
    static struct worker owners[MOST_OWNERS];
    struct worker pruner;
    uint64_t state = (uint64_t)options.seed * 2654435761U + 1;
    long deaths = 0;
    begin(&pruner, 0);
    for (long i = 0; i < options.owners; i++)
        begin(&owners[i], state += 2);
    uint64_t until = stats_now() + (uint64_t)options.seconds * 1000000000U;
    while (stats_now() < until && tally->wronged == 0) {
        struct worker *one = &owners[pick(&state, (unsigned)options.owners)];
        end(one);
        deaths++;
        begin(one, state | 1);
        reap_orphans();
        usleep(pick(&state, 4000));
    }
    for (long i = 0; i < options.owners; i++)
        end(&owners[i]);
    end(&pruner);
    reap_orphans();
    return deaths + options.owners;
}

/* ---- The judgement ---------------------------------------------------------------------------------------------- */

/* What is left has no mark: nothing was ever started in it. */
static long remove_unmarked(void)
{
    char path[PATH_MAX + 400];
    long removed = 0;
    DIR *directory = opendir(place);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        snprintf(path, sizeof(path), "%s/%s", place, entry->d_name);
        removed += strncmp(entry->d_name, "processkit-", 11) == 0 && rmdir(path) == 0;
    }
    if (directory)
        closedir(directory);
    return removed;
}

static bool judge(long deaths)
{
    pk_prune_report report;
    bool clean = prune(&report) == 0;
    int unmarked = report.count[PK_PRUNE_UNMARKED];
    tally->removed += report.count[PK_PRUNE_REMOVED];
    clean = clean && prune(&report) == 0;
    int left = 0;
    for (int action = 0; action < PK_PRUNE_ACTIONS; action++)
        left += action == PK_PRUNE_UNMARKED ? 0 : report.count[action];
    reap_orphans();
    printf("%ld owners killed; %ld groups made; %ld prunes removed %ld directories and killed %ld processes\n", deaths,
           tally->groups, tally->prunes, tally->removed, tally->killed);
    printf("living owners wronged: %ld; prunes that failed: %ld; owners that failed: %ld\n", tally->wronged,
           tally->failed, tally->broken);
    printf("directories left of the dead: %d; and of owners killed before they could mark theirs: %d\n", left,
           unmarked);
    long removed = remove_unmarked();
    enter(home);
    if (rmdir(place) < 0) {
        printf("the place cannot be removed: %s\n", strerror(errno));
        clean = false;
    }
    return clean && left == 0 && removed == unmarked && tally->wronged == 0 && tally->failed == 0 &&
           tally->broken == 0 && tally->removed > 0;
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {{"seconds", required_argument, NULL, 's'},
                                          {"owners", required_argument, NULL, 'o'},
                                          {"seed", required_argument, NULL, 'r'},
                                          {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 's':
            options.seconds = stats_argument("--seconds", optarg, 1, 1000000);
            break;
        case 'o':
            options.owners = stats_argument("--owners", optarg, 1, MOST_OWNERS);
            break;
        case 'r':
            options.seed = stats_argument("--seed", optarg, 1, LONG_MAX);
            break;
        default:
            fprintf(stderr, "usage: %s [--seconds N] [--owners N] [--seed N]\n", argv[0]);
            exit(2);
        }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    stats_print_host();
    make_place();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        die("mmap");
    fflush(stdout);
    bool pass = judge(live_and_die());
    puts(pass ? "PASS: only the dead were removed, and all of them" : "FAIL");
    return pass ? 0 : 1;
}
