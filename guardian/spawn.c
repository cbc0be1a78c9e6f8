/*
 * The spawner: starts commands and guardians for the owner, where the owner itself may not.
 *
 * While nobody asks it sleeps in one poll. It takes one request after the other, and waits for nothing in between: a
 * child that hangs before exec keeps its owner waiting, not its spawner. It ends with the control socket, or the owner.
 */
#include "birth.h"
#include "calls.h"
#include "contain/spawner-protocol.h"
#include "roles.h"

#include <linux/mman.h>
#include <linux/prctl.h>

enum { CONTROL, OWNER, FIRST_FREE }; /* the descriptors it is given */

enum { MOST_RECEIVED = 253, ERROR_TOO_MANY = -24, ERROR_PROTOCOL = -71 };

/* What came with a message. */
struct parcels {
    int fds[MOST_RECEIVED];
    size_t count;
    bool cut; /* there were more than could be had */
};

/* ---- Messages with descriptors ---------------------------------------------------------------------------------- */

enum { LEVEL_SOCKET = 1, RIGHTS = 1 };
enum { DO_NOT_WAIT = 0x40, CONTROL_CUT = 8, NO_SIGNAL = 0x4000, CLOSE_ON_EXEC = 0x40000000 };

struct part {
    void *bytes;
    size_t size;
};

struct message {
    void *name;
    int name_size;
    struct part *parts;
    size_t part_count;
    void *beside;
    size_t beside_size;
    unsigned flags;
};

struct rights {
    size_t size;
    int level;
    int type;
    int fds[MOST_RECEIVED + 1]; /* an even number: the whole is a multiple of its alignment */
};

enum { RIGHTS_HEAD = offsetof(struct rights, fds) };

static long receive(void *bytes, size_t size, struct parcels *parcels)
{
    struct rights rights;
    struct part part = {bytes, size};
    struct message message = {.parts = &part, .part_count = 1, .beside = &rights, .beside_size = sizeof(rights)};
    rights.size = 0;
    rights.level = rights.type = 0;
    parcels->count = 0;
    long r = CALL3(recvmsg, CONTROL, &message, DO_NOT_WAIT | CLOSE_ON_EXEC);
    if (r < 0)
        return r;
    parcels->cut = message.flags & CONTROL_CUT;
    if (message.beside_size < RIGHTS_HEAD || rights.level != LEVEL_SOCKET || rights.type != RIGHTS)
        return r;
    parcels->count = (rights.size - RIGHTS_HEAD) / sizeof(int);
    memcpy(parcels->fds, rights.fds, parcels->count * sizeof(int));
    return r;
}

static void answer(int socket, enum spawner_call call, int number, int pidfd)
{
    struct spawner_answer answer = {
        .magic = SPAWNER_MAGIC, .version = SPAWNER_VERSION, .call = (uint16_t)call, .number = number};
    struct rights rights;
    struct part part = {&answer, sizeof(answer)};
    struct message message = {.parts = &part, .part_count = 1};
    if (pidfd >= 0) {
        rights.size = RIGHTS_HEAD + sizeof(int);
        rights.level = LEVEL_SOCKET;
        rights.type = RIGHTS;
        rights.fds[0] = pidfd;
        rights.fds[1] = 0;
        message.beside = &rights;
        message.beside_size = RIGHTS_HEAD + 2 * sizeof(int);
    }
    CALL3(sendmsg, socket, &message, DO_NOT_WAIT | NO_SIGNAL);
}

/* ---- Commands --------------------------------------------------------------------------------------------------- */

static void spawn_from(const struct spawner_request *request, const int *fds, void *memory)
{
    size_t fixed = spawner_fixed(request);
    struct childbirth childbirth = {
        .parcel = memory,
        .size = request->parcel_size,
        .way = request->flags & SPAWNER_INTO   ? BIRTH_INTO
               : request->flags & SPAWNER_JOIN ? BIRTH_JOIN
                                               : BIRTH_PLAIN,
        .legacy = request->flags & SPAWNER_LEGACY,
        .cgroup = fds[SPAWN_FIXED],
        .directory = fds[SPAWN_DIRECTORY],
        .lease = fds[SPAWN_ANSWER],
        .sources = fds + fixed,
        .source_count = request->descriptors - fixed,
    };
    int r = give_birth(&childbirth);
    answer(fds[SPAWN_ANSWER], r == NOT_A_PARCEL || r == WITHDRAWN ? SPAWNER_MAP : SPAWNER_CLONE, r, childbirth.pidfd);
    if (childbirth.pidfd >= 0)
        close_fd(childbirth.pidfd);
}

/* A file that is shorter than it is said to be would end this process at the first look beyond its end. */
static bool has_size(int fd, uint64_t size)
{
    enum { FROM_END = 2 };
    return size > 0 && CALL3(lseek, fd, 0, FROM_END) == (long)size;
}

static void spawn_command(const struct spawner_request *request, const int *fds)
{
    size_t size = request->parcel_size;
    int file = fds[SPAWN_PARCEL];
    if (!has_size(file, size)) {
        answer(fds[SPAWN_ANSWER], SPAWNER_MAP, ERROR_PROTOCOL, -1);
        return;
    }
    long memory = CALL6(mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if ((unsigned long)memory > -4096UL) {
        answer(fds[SPAWN_ANSWER], SPAWNER_MAP, (int)memory, -1);
        return;
    }
    spawn_from(request, fds, (void *)memory); /* NOLINT(performance-no-int-to-ptr) */
    CALL2(munmap, memory, size);
}

/* ---- Guardians -------------------------------------------------------------------------------------------------- */

/* Its descriptors are above the first two, so nothing is overwritten that is still needed. */
static _Noreturn void be_guardian(const struct spawner_request *request, const int *fds)
{
    int control = fds[GUARD_CONTROL];
    long r = 0;
    if (request->flags & SPAWNER_MAKE)
        r = CALL3(mkdirat, fds[GUARD_PARENT], request->name, 0755);
    if (r < 0) {
        answer(control, SPAWNER_MKDIR, (int)r, -1);
        leave(1);
    }
    r = CALL0(setsid);
    if (r < 0) {
        answer(control, SPAWNER_SETSID, (int)r, -1);
        leave(1);
    }
    for (int target = 0; target < GUARD_FIXED; target++)
        if (fds[target] != target)
            CALL3(dup3, fds[target], target, 0);
    answer(0, SPAWNER_NONE, (int)CALL0(getpid), -1);
    leave(guard(request->name));
}

static void start_guardian(const struct spawner_request *request, const int *fds)
{
    enum { CHILD_SIGNAL = 17 };
    long pid = CALL5(clone, CHILD_SIGNAL, 0, 0, 0, 0);
    if (pid == 0)
        be_guardian(request, fds);
    if (pid < 0)
        answer(fds[GUARD_CONTROL], SPAWNER_CLONE, (int)pid, -1);
}

/* ---- The role --------------------------------------------------------------------------------------------------- */

static void serve(const struct spawner_request *request, size_t size, const struct parcels *parcels)
{
    if (!spawner_request_is_valid(request, size))
        return;
    if (parcels->cut && parcels->count > 0)
        answer(parcels->fds[0], SPAWNER_RECEIVE, ERROR_TOO_MANY, -1);
    else if (parcels->count != request->descriptors)
        return;
    else if (request->kind == SPAWNER_GUARD)
        start_guardian(request, parcels->fds);
    else
        spawn_command(request, parcels->fds);
}

/* An empty message looks like the end of the socket. */
static bool is_closed(void)
{
    struct pollfd control = {.fd = CONTROL};
    return poll_fds(&control, 1, 0) > 0;
}

/* False once the owner has closed its end. What is no request is passed over: whoever sent it sees its socket end. */
static bool take_request(void)
{
    union {
        struct spawner_request request;
        char bytes[sizeof(struct spawner_request) + 1]; /* one more: a longer one does not pass for a request */
    } message = {.bytes = ""};
    struct parcels parcels = {.count = 0};
    long size = receive(&message, sizeof(message.bytes), &parcels);
    if (size == ERROR_AGAIN || size == ERROR_INTERRUPTED)
        return true;
    if (size < 0 || (size == 0 && parcels.count == 0 && is_closed()))
        return false;
    serve(&message.request, (size_t)size, &parcels);
    for (size_t i = 0; i < parcels.count; i++)
        close_fd(parcels.fds[i]);
    return true;
}

/* Guardians that it starts are nobody's to wait for. */
static void ignore_children(void)
{
    enum { CHILD_SIGNAL = 17, SIGNAL_SET = 8 };
    const struct {
        unsigned long handler, flags, restorer;
        uint64_t mask;
    } ignore = {.handler = 1};
    CALL4(rt_sigaction, CHILD_SIGNAL, &ignore, NULL, SIGNAL_SET);
}

static void make_room_for_descriptors(void)
{
    enum { DESCRIPTORS = 7 }; /* RLIMIT_NOFILE */
    uint64_t limit[2] = {0, 0};
    CALL4(prlimit64, 0, DESCRIPTORS, NULL, limit);
    if (limit[0] >= SPAWNER_LEAST_LIMIT)
        return;
    limit[0] = limit[1] < SPAWNER_LEAST_LIMIT ? limit[1] : SPAWNER_LEAST_LIMIT;
    CALL4(prlimit64, 0, DESCRIPTORS, limit, NULL);
}

/* Nothing of the owner is kept but its session: its children are to have that. */
static void let_go_of_owner(void)
{
    close_from(FIRST_FREE);
    CALL1(chdir, "/");
    CALL2(prctl, PR_SET_NAME, "pk-spawner");
}

int spawn(void)
{
    let_go_of_owner();
    ignore_children();
    make_room_for_descriptors();
    for (;;) {
        struct pollfd fds[] = {{.fd = CONTROL, .events = POLLIN}, {.fd = OWNER, .events = POLLIN}};
        poll_fds(fds, 2, -1);
        if (fds[1].revents || (fds[0].revents && !take_request()))
            return 0;
    }
}
