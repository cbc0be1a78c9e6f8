/*
 * Opening what the child is to find at its descriptors.
 */
#include "base/error.h"
#include "io/pty.h"
#include "process/plan.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* The standard descriptors are always there; the command may say more about them, and name others. */
enum { STANDARD = 3, SAME = INT_MIN };

static const struct stream_uses usual_capture = {.captured = true, STREAM_NO_USES};

static int keep_open(struct plan *plan, int fd)
{
    if (fd >= 0)
        plan->opened[plan->opened_count++] = fd;
    return fd;
}

static int open_file(struct plan *plan, const char *path, pk_file_mode mode)
{
    static const int flags[] = {
        [PK_FILE_READ] = O_RDONLY,
        [PK_FILE_TRUNCATE] = O_WRONLY | O_CREAT | O_TRUNC,
        [PK_FILE_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
    };
    return keep_open(plan, sys_keep(sys_openat(AT_FDCWD, path, flags[mode] | O_NOCTTY, 0666)));
}

static int open_null(struct plan *plan, int target)
{
    int flags = target == 0 ? O_RDONLY : O_WRONLY;
    return keep_open(plan, sys_keep(sys_openat(AT_FDCWD, "/dev/null", flags | O_NOCTTY, 0)));
}

static int open_pipe(struct plan *plan, const struct descriptor *descriptor)
{
    int target = descriptor->fd;
    int ends[2];
    int r = sys_kept_pipe(ends);
    if (r < 0)
        return r;
    bool child_reads = target == 0;
    plan->pipes[plan->pipe_count++] = (struct plan_pipe){target, child_reads ? ends[1] : ends[0], descriptor->uses};
    return keep_open(plan, child_reads ? ends[0] : ends[1]);
}

/* The last one that the owner has; NULL if there is none. */
static const struct plan_pipe *find_master(const struct plan *plan)
{
    for (size_t i = plan->pipe_count; i > 0; i--)
        if (plan->pipes[i - 1].is_terminal)
            return &plan->pipes[i - 1];
    return NULL;
}

/* The owner's end, for what is read from 0 or written to another one. */
static void add_master(struct plan *plan, int master, const struct descriptor *descriptor, bool captures)
{
    const struct stream_uses *uses = descriptor->uses ? descriptor->uses : captures ? &usual_capture : NULL;
    plan->pipes[plan->pipe_count++] = (struct plan_pipe){
        .child_fd = descriptor->fd, .fd = master, .uses = descriptor->fd == 0 ? NULL : uses, .is_terminal = true};
}

static int make_terminal(struct plan *plan, const struct descriptor *descriptor, bool captures)
{
    const pk_command *command = plan->command;
    int master, terminal;
    int r = pty_open(command->pty, &master, &terminal);
    if (r < 0)
        return r;
    add_master(plan, master, descriptor, captures);
    plan->terminal = (int)plan->move_count;
    keep_open(plan, terminal);
    r = command->has_uid ? pty_give(terminal, command->uid) : 0;
    return r < 0 ? r : terminal;
}

/* One for all the descriptors that it is at. The owner has its other side twice at most: to write what is read from 0,
 * and to read what is written to 1 and 2. */
static int open_terminal(struct plan *plan, const struct descriptor *descriptor, bool captures)
{
    const struct plan_pipe *master = find_master(plan);
    if (!master)
        return make_terminal(plan, descriptor, captures);
    if (master->child_fd == 0) {
        int copy = sys_fcntl(master->fd, F_DUPFD_CLOEXEC, STANDARD);
        if (copy < 0)
            return copy;
        add_master(plan, copy, descriptor, captures);
    }
    return plan->moves[plan->terminal].source;
}

/* What the child opens first must not become its stdout. A standard descriptor that closes on exec is closed as well as
 * far as children go: in an owner that had it closed it is one of ours, or of another library. */
bool descriptor_becomes_null(int fd, int flags)
{
    return fd < STANDARD && (flags == -EBADF || (flags >= 0 && flags & FD_CLOEXEC));
}

static int inherit(struct plan *plan, int target)
{
    int r = sys_fcntl(target, F_GETFD, 0);
    if (descriptor_becomes_null(target, r))
        return open_null(plan, target);
    return r < 0 ? r : target;
}

static int open_source(struct plan *plan, const struct descriptor *descriptor, bool captures)
{
    int r;
    switch (descriptor->kind) {
    case DESCRIPTOR_INHERIT:
        return inherit(plan, descriptor->fd);
    case DESCRIPTOR_NULL:
        return open_null(plan, descriptor->fd);
    case DESCRIPTOR_PIPE:
        return open_pipe(plan, descriptor);
    case DESCRIPTOR_TERMINAL:
        return open_terminal(plan, descriptor, captures);
    case DESCRIPTOR_FILE:
        return open_file(plan, descriptor->path, descriptor->mode);
    case DESCRIPTOR_SAME:
        return SAME; /* when all others are known */
    case DESCRIPTOR_FD:
        r = sys_fcntl(descriptor->owner_fd, F_GETFD, 0);
        return r < 0 ? r : descriptor->owner_fd;
    }
    return -EINVAL;
}

static int explain_terminal(int number, pk_error *error)
{
    if (number == -ENOSPC)
        return error_set(error, number, PK_ERROR_NO_MEMORY, PK_STEP_TERMINAL, NULL,
                         "cannot make a terminal: there are as many as may be (kernel.pty.max, or the option max of "
                         "devpts)");
    return error_errno(error, number, PK_STEP_TERMINAL, NULL, "cannot make a terminal");
}

static int explain(int number, const struct descriptor *descriptor, pk_error *error)
{
    switch (descriptor->kind) {
    case DESCRIPTOR_FILE:
        return error_errno(error, number, PK_STEP_OPEN_STDIO, descriptor->path, "cannot open %s", descriptor->path);
    case DESCRIPTOR_PIPE:
        return error_errno(error, number, PK_STEP_OPEN_STDIO, NULL, "cannot make a pipe");
    case DESCRIPTOR_TERMINAL:
        return explain_terminal(number, error);
    case DESCRIPTOR_FD:
        return error_errno(error, number, PK_STEP_OPEN_STDIO, NULL, "cannot pass descriptor %d on as %d",
                           descriptor->owner_fd, descriptor->fd);
    default:
        return error_errno(error, number, PK_STEP_OPEN_STDIO, NULL, "cannot pass descriptor %d on", descriptor->fd);
    }
}

static int add(struct plan *plan, const struct descriptor *descriptor, bool captures, pk_error *error)
{
    int source = open_source(plan, descriptor, captures);
    if (source < 0 && source != SAME)
        return explain(source, descriptor, error);
    plan->moves[plan->move_count++] = (struct plan_move){source, descriptor->fd};
    return 0;
}

static struct descriptor standard(int fd, bool captures)
{
    if (fd == 0)
        return (struct descriptor){.fd = fd, .kind = DESCRIPTOR_NULL};
    if (captures)
        return (struct descriptor){.fd = fd, .kind = DESCRIPTOR_PIPE, .uses = (struct stream_uses *)&usual_capture};
    return (struct descriptor){.fd = fd, .kind = DESCRIPTOR_INHERIT};
}

static const struct plan_move *find_move(const struct plan *plan, int target)
{
    for (size_t i = 0; i < plan->move_count; i++)
        if (plan->moves[i].target == target)
            return &plan->moves[i];
    return NULL;
}

static int resolve_same(struct plan *plan, const struct descriptor *descriptor, pk_error *error)
{
    const struct plan_move *other = find_move(plan, descriptor->owner_fd);
    if (!other || other->source == SAME)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid command: descriptor %d is to be the same as %d, %s", descriptor->fd,
                         descriptor->owner_fd,
                         other ? "which is the same as another" : "which the child does not have");
    struct plan_move *move = (struct plan_move *)find_move(plan, descriptor->fd);
    move->source = other->source;
    return 0;
}

static int resolve_all_same(struct plan *plan, pk_error *error)
{
    const pk_command *command = plan->command;
    int r = 0;
    for (size_t i = 0; r == 0 && i < command->descriptor_count; i++)
        if (command->descriptors[i].kind == DESCRIPTOR_SAME)
            r = resolve_same(plan, &command->descriptors[i], error);
    return r;
}

/* What is written to a terminal comes by one descriptor. */
static int check_terminal(const pk_command *command, pk_error *error)
{
    const struct descriptor *output = NULL;
    bool any = !command->pty;
    for (size_t i = 0; i < command->descriptor_count; i++) {
        const struct descriptor *descriptor = &command->descriptors[i];
        if (descriptor->kind != DESCRIPTOR_TERMINAL)
            continue;
        any = true;
        if (output && descriptor->uses)
            return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_TERMINAL, NULL,
                             "invalid command: what is written to its terminal comes by descriptor %d, and not by %d",
                             output->fd, descriptor->fd);
        if (descriptor->fd != 0)
            output = descriptor;
    }
    return any ? 0
               : error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_TERMINAL, NULL,
                           "invalid command: its terminal is at none of the descriptors 0, 1 and 2");
}

int plan_descriptors(struct plan *plan, bool captures, pk_error *error)
{
    const pk_command *command = plan->command;
    size_t most = command->descriptor_count + STANDARD;
    int r = check_terminal(command, error);
    if (r < 0)
        return r;

    plan->moves = calloc(most, sizeof(*plan->moves));
    plan->scratch = calloc(most, sizeof(*plan->scratch));
    plan->opened = calloc(most, sizeof(*plan->opened));
    plan->pipes = calloc(most, sizeof(*plan->pipes));
    if (!plan->moves || !plan->scratch || !plan->opened || !plan->pipes)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");

    /* Both are sorted by number, so the result is. */
    size_t next = 0;
    for (int fd = 0; fd < STANDARD; fd++) {
        bool given = next < command->descriptor_count && command->descriptors[next].fd == fd;
        struct descriptor usual = standard(fd, captures);
        r = add(plan, given ? &command->descriptors[next++] : &usual, captures, error);
        if (r < 0)
            return r;
    }
    for (; next < command->descriptor_count; next++) {
        r = add(plan, &command->descriptors[next], captures, error);
        if (r < 0)
            return r;
    }
    return resolve_all_same(plan, error);
}
