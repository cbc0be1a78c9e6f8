/*
 * Sending for a child.
 *
 * The owner sends the parcel, and hears from the spawner that there is a child, with its pid and pidfd. The child keeps
 * the other end of that socket until it has become the program or has ended, and with it the socket ends: then the
 * parcel says how far it came. Whatever becomes of the spawner, the kernel has written into the parcel whether there is
 * a child, before that could run.
 */
#include "process/spawn-by-spawner.h"

#include "base/error.h"
#include "base/time.h"
#include "contain/late-child.h"
#include "process/pack.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

/* What is sent. */
struct load {
    struct parcel *parcel;
    size_t size;
    int file;
    int directory;
    int cgroup; /* cgroup.procs, where the child joins by a write */
    int fds[SPAWN_FIXED + 1 + SPAWNER_MOST_SOURCES];
    size_t count;
    struct spawner_request request;
};

/* ---- Loading ---------------------------------------------------------------------------------------------------- */

static int explain(int number, pk_error *error)
{
    return error_errno(error, number, PK_STEP_SPAWNER, NULL, "cannot start a process");
}

static int refuse_many(size_t count, pk_error *error)
{
    return error_set(error, -E2BIG, PK_ERROR_SPAWN, PK_STEP_SPAWNER, NULL,
                     "cannot start a process here: %zu descriptors for it are too many (at most %d)", count,
                     SPAWNER_MOST_SOURCES);
}

/* A child that goes to a path that begins with a slash does not need the owner's directory, which may be closed to it.
 */
static int open_directory(const struct birth *birth, pk_error *error)
{
    const char *directory = birth->plan->command->directory;
    const char *path = directory && directory[0] == '/' ? "/" : ".";
    int fd = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
    return fd < 0 ? error_errno(error, fd, PK_STEP_CHDIR, path, "cannot pass the working directory on") : fd;
}

static int open_procs(const struct errand *errand, pk_error *error)
{
    int fd = sys_openat(errand->cgroup_fd, "cgroup.procs", O_WRONLY, 0);
    return fd < 0 ? error_errno(error, fd, PK_STEP_OPEN_CGROUP, NULL, "cannot open the cgroup of a process") : fd;
}

static void address(struct load *load, const struct errand *errand)
{
    const struct plan *plan = errand->birth->plan;
    load->fds[SPAWN_PARCEL] = load->file;
    load->fds[SPAWN_DIRECTORY] = load->directory;
    load->count = SPAWN_FIXED;
    if (errand->cgroup_fd >= 0)
        load->fds[load->count++] = errand->used == WAY_INTO_CGROUP ? errand->cgroup_fd : load->cgroup;
    for (size_t i = 0; i < plan->move_count; i++)
        load->fds[load->count++] = plan->moves[i].source;

    unsigned flags = errand->used == WAY_LEGACY ? SPAWNER_LEGACY : 0;
    if (errand->cgroup_fd >= 0)
        flags |= errand->used == WAY_INTO_CGROUP ? SPAWNER_INTO : SPAWNER_JOIN;
    load->request = (struct spawner_request){.magic = SPAWNER_MAGIC,
                                             .version = SPAWNER_VERSION,
                                             .kind = SPAWNER_SPAWN,
                                             .flags = flags,
                                             .descriptors = (uint32_t)load->count,
                                             .parcel_size = load->size};
}

static int fill(struct load *load, const struct errand *errand, const struct heritage *now, pk_error *error)
{
    size_t sources = errand->birth->plan->move_count;
    int r;
    if (sources > SPAWNER_MOST_SOURCES)
        return refuse_many(sources, error);
    r = load->directory = open_directory(errand->birth, error);
    if (r < 0)
        return r;
    if (errand->cgroup_fd >= 0 && errand->used != WAY_INTO_CGROUP) {
        r = load->cgroup = open_procs(errand, error);
        if (r < 0)
            return r;
    }
    load->parcel = parcel_pack(errand->birth, &errand->spawner->heritage, now, &load->file, &load->size, &r);
    if (!load->parcel)
        return explain(r, error);
    address(load, errand);
    return 0;
}

/* What is the spawner's as well by now: it is closed first, so that there is room for what the answer brings. */
static void close_sent(struct load *load)
{
    load->file = sys_close_safe(load->file);
    load->directory = sys_close_safe(load->directory);
    load->cgroup = sys_close_safe(load->cgroup);
}

/* ---- A child that is not wanted --------------------------------------------------------------------------------- */

/* Not one that somebody else has waited for: the number may be a stranger's. */
static bool is_ours(int pidfd)
{
    siginfo_t info;
    return sys_waitid_pidfd(pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WALL, NULL) != -ECHILD;
}

static void end_child(pid_t pid)
{
    int pidfd = sys_keep(sys_pidfd_open(pid));
    if (pidfd == -ESRCH)
        return;
    if (pidfd < 0) {
        sys_kill(pid, SIGKILL);
        sys_wait_child(pid, NULL);
        return;
    }
    if (!is_ours(pidfd)) {
        sys_close(pidfd);
        return;
    }
    sys_pidfd_send_signal(pidfd, SIGKILL);
    if (late_child_has_ended(pidfd, PK_SECONDS(1)))
        late_child_take(pidfd);
    else
        late_child_add(pidfd);
}

/* ---- The answer ------------------------------------------------------------------------------------------------- */

/* True if no child will ever come of it. */
static bool withdraw(struct parcel *parcel)
{
    int state = PARCEL_OFFERED;
    return atomic_compare_exchange_strong(&parcel->state, &state, PARCEL_WITHDRAWN) || state == PARCEL_WITHDRAWN;
}

/* A spawner that stands still before it took the parcel does no harm. One that has taken it must not go on later. */
static int hear(const struct errand *errand, struct parcel *parcel, int socket, struct spawner_answer *answer,
                int *pidfd)
{
    int r = spawner_hear(errand->spawner, socket, answer, pidfd);
    if (r != -ETIMEDOUT || withdraw(parcel))
        return r;
    spawner_kill(errand->spawner);
    int late = spawner_hear(errand->spawner, socket, answer, pidfd);
    return late == 0 ? 0 : r;
}

/* Until the child has become the program or has ended. */
static int await_end(int socket, int pidfd)
{
    struct pollfd polls[] = {{.fd = socket, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    int r;
    do
        r = sys_ppoll(polls, 2, NULL);
    while (r == -EINTR);
    return r < 0 ? r : 0;
}

static void read_birth(const struct parcel *parcel, struct birth *birth)
{
    birth->step = parcel->birth.step;
    birth->error = parcel->birth.error;
    birth->candidate = parcel->birth.candidate;
}

/* An answer without a pidfd: there was no room for it. The child's number is its own as long as nobody waits for it. */
static int take_child(struct errand *errand, int socket, pid_t pid, int pidfd, pk_error *error)
{
    int r = pidfd >= 0 ? pidfd : sys_pidfd_open(pid);
    if (r >= 0) {
        errand->pidfd = r;
        r = await_end(socket, errand->pidfd);
        if (r == 0)
            return pid;
    }
    errand->pidfd = sys_close_safe(errand->pidfd);
    end_child(pid);
    return explain(r, error);
}

static int take_answer(struct errand *errand, int socket, const struct spawner_answer *answer, int pidfd,
                       pk_error *error)
{
    if (answer->number > 0)
        return take_child(errand, socket, answer->number, pidfd, error);
    sys_close_safe(pidfd);
    errand->refused = answer->call == SPAWNER_CLONE;
    return errand->refused ? answer->number : explain(answer->number, error);
}

/* The kernel has written the number before the child ran, or, with the old clone, as it began to: as long as somebody
 * holds the socket, that may come. */
static pid_t find_child(const struct parcel *parcel, int socket)
{
    struct pollfd poll = {.fd = socket, .events = POLLIN};
    struct timespec patience = time_to_timespec(PK_SECONDS(1));
    if (parcel->pid == 0)
        sys_ppoll(&poll, 1, &patience);
    return parcel->pid;
}

/* After a failure to hear the answer, or without any. */
static void end_unanswered(const struct errand *errand, struct parcel *parcel, int socket)
{
    struct spawner_answer answer;
    int pidfd;
    if (withdraw(parcel))
        return;
    int r = spawner_hear(errand->spawner, socket, &answer, &pidfd);
    sys_close_safe(pidfd);
    pid_t pid = r == 0 ? answer.number : find_child(parcel, socket);
    if (pid > 0)
        end_child(pid);
}

static int send_for(struct errand *errand, struct load *load, pk_error *error)
{
    static const char what[] = "a process";
    struct parcel *parcel = load->parcel;
    struct spawner_answer answer;
    int socket, pidfd;
    int r = spawner_ask(errand->spawner, &load->request, load->fds, load->count, &socket);
    close_sent(load);
    if (r < 0)
        return spawner_explain(r, what, error);
    r = hear(errand, parcel, socket, &answer, &pidfd);
    if (r == 0) {
        r = take_answer(errand, socket, &answer, pidfd, error);
    } else {
        end_unanswered(errand, parcel, socket);
        spawner_explain(r, what, error);
    }
    sys_close(socket);
    read_birth(parcel, errand->birth);
    return r;
}

/* ---- The errand ------------------------------------------------------------------------------------------------- */

static int run_once(struct errand *errand, const struct heritage *now, pk_error *error)
{
    struct load load = {.file = -1, .directory = -1, .cgroup = -1};
    int r = fill(&load, errand, now, error);
    if (r == 0)
        r = send_for(errand, &load, error);
    close_sent(&load);
    parcel_free(load.parcel, load.size);
    return r;
}

int spawn_by_spawner(struct errand *errand, pk_error *error)
{
    struct spawner *spawner = errand->spawner;
    struct heritage now;

    errand->pidfd = -1;
    errand->used = (enum way)spawner->way;
    int r = heritage_take(&now, error);
    if (r == 0)
        r = heritage_compare(&spawner->heritage, &now, error);
    if (r < 0)
        return r;
    for (;;) {
        errand->refused = false;
        r = run_once(errand, &now, error);
        enum way next = errand->refused ? way_after(errand->used, r) : errand->used;
        if (next == errand->used)
            break;
        errand->used = next;
    }
    if (r >= 0 && (int)errand->used > spawner->way)
        spawner->way = (int)errand->used;
    return r;
}
