/*
 * Packing a parcel: everything is measured, and then laid out one after the other.
 */
#include "process/pack.h"

#include "contain/spawner-protocol.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* The memory and how much of it is taken. While it is measured, there is none. Another thread may change the
 * environment between the two: then it does not fit. */
struct packer {
    char *memory;
    size_t size, next;
    bool overflow;
};

static void *take(struct packer *packer, size_t size)
{
    size_t place = packer->next;
    packer->next += size;
    if (!packer->memory)
        return NULL;
    if (packer->next > packer->size) {
        packer->overflow = true;
        return NULL;
    }
    return packer->memory + place;
}

static void align(struct packer *packer)
{
    packer->next = (packer->next + 7) & ~(size_t)7;
}

/* What the helper finds in the place of a pointer. */
static void *offset(size_t place)
{
    return (void *)(uintptr_t)place; /* NOLINT(performance-no-int-to-ptr): that is the point */
}

static void *put(struct packer *packer, const void *bytes, size_t size)
{
    size_t place = packer->next;
    void *room = take(packer, size);
    if (room && size > 0)
        memcpy(room, bytes, size);
    return offset(place);
}

static void *put_array(struct packer *packer, const void *bytes, size_t size)
{
    align(packer);
    return put(packer, bytes, size);
}

static void *put_text(struct packer *packer, const char *text)
{
    return put(packer, text, strlen(text) + 1);
}

static char **put_list(struct packer *packer, char *const *list)
{
    size_t count = 0;
    while (list[count])
        count++;
    align(packer);
    size_t place = packer->next;
    char **room = take(packer, (count + 1) * sizeof(char *));
    for (size_t i = 0; i < count && list[i]; i++) {
        char *text = put_text(packer, list[i]);
        if (room)
            room[i] = text;
    }
    return offset(place);
}

/* ---- The parts -------------------------------------------------------------------------------------------------- */

static bool limit_differs(int i, const struct heritage *then, const struct heritage *now)
{
    if (i == RLIMIT_NOFILE && now->limits[i][0] < SPAWNER_LEAST_LIMIT)
        return true; /* the spawner has given itself more */
    return now->limits[i][0] != then->limits[i][0] || now->limits[i][1] != then->limits[i][1];
}

/* First the owner's own, then the command's. */
static struct resource_limit *put_limits(struct packer *packer, const pk_command *command, const struct heritage *then,
                                         const struct heritage *now, size_t *count)
{
    *count = command->rlimit_count;
    align(packer);
    size_t place = packer->next;
    for (int i = 0; i < HERITAGE_LIMITS; i++) {
        struct resource_limit limit = {i, now->limits[i][0], now->limits[i][1]};
        if (!limit_differs(i, then, now))
            continue;
        put(packer, &limit, sizeof(limit));
        ++*count;
    }
    put(packer, command->rlimits, command->rlimit_count * sizeof(*command->rlimits));
    return offset(place);
}

/* The sources are told by their place among the descriptors that come along. */
static struct plan_move *put_moves(struct packer *packer, const struct plan *plan)
{
    align(packer);
    size_t place = packer->next;
    for (size_t i = 0; i < plan->move_count; i++) {
        struct plan_move move = {(int)i, plan->moves[i].target};
        put(packer, &move, sizeof(move));
    }
    return offset(place);
}

static struct plan put_plan(struct packer *packer, const struct plan *plan)
{
    struct plan copy = {.move_count = plan->move_count, .terminal = plan->terminal};
    copy.argv = put_list(packer, plan->argv);
    copy.environment = put_list(packer, plan->environment);
    copy.candidates = put_list(packer, plan->candidates);
    copy.moves = put_moves(packer, plan);
    align(packer);
    copy.scratch = offset(packer->next);
    take(packer, plan->move_count * sizeof(*copy.scratch));
    return copy;
}

static uint64_t find_ignored(const pk_command *command)
{
    uint64_t ignored = 0;
    for (int n = 1; n <= 64; n++)
        if (command->keep_ignored & UINT64_C(1) << (n - 1) && sys_signal_is_ignored(n) == 1)
            ignored |= UINT64_C(1) << (n - 1);
    return ignored;
}

static bool affinity_differs(const struct heritage *then, const struct heritage *now)
{
    return then->knows_affinity && now->knows_affinity &&
           memcmp(now->affinity, then->affinity, sizeof(now->affinity)) != 0;
}

static bool io_differs(const struct heritage *then, const struct heritage *now)
{
    return then->knows_io && now->knows_io && (now->io_class != then->io_class || now->io_level != then->io_level);
}

/* As if the command had asked for it, unless it has asked for something else. */
static void add_heritage(pk_command *command, const struct heritage *then, const struct heritage *now)
{
    if (!command->has_umask)
        command->umask = now->umask;
    command->has_umask = true;
    if (!command->has_nice && then->knows_nice && now->knows_nice && now->nice != then->nice) {
        command->nice = now->nice;
        command->has_nice = true;
    }
    if (!command->has_io_priority && io_differs(then, now)) {
        command->io_class = now->io_class;
        command->io_level = now->io_level;
        command->has_io_priority = true;
    }
    if (!command->has_affinity && affinity_differs(then, now)) {
        memcpy(command->affinity, now->affinity, sizeof(command->affinity));
        command->has_affinity = true;
    }
}

static pk_command put_command(struct packer *packer, const pk_command *command, const struct heritage *then,
                              const struct heritage *now)
{
    _Static_assert(sizeof(command->affinity) == sizeof(now->affinity), "as many processors");
    pk_command copy = *command;
    add_heritage(&copy, then, now);
    copy.argv = NULL;
    copy.arg0 = NULL;
    copy.search = NULL; /* it is in the candidates */
    copy.environment = NULL;
    copy.descriptors = NULL;
    copy.pty = NULL;
    copy.rlimits = put_limits(packer, command, then, now, &copy.rlimit_count);
    copy.groups = put_array(packer, command->groups, command->group_count * sizeof(*command->groups));
    copy.directory = command->directory ? put_text(packer, command->directory) : NULL;
    return copy;
}

static bool makes_process_group(const struct birth *birth)
{
    const pk_command *command = birth->plan->command;
    return command->setsid || command->setpgid || birth->own_pgid || birth->own_session;
}

/* The last byte is zero, so that every text ends. */
static void put_all(struct packer *packer, const struct birth *birth, const struct heritage *then,
                    const struct heritage *now)
{
    const pk_command *command = birth->plan->command;
    struct parcel parcel = {
        .magic = PARCEL_MAGIC,
        .layout = PARCEL_LAYOUT,
        .pidfd = -1,
        .pgid = makes_process_group(birth) ? 0 : now->process_group,
        .keep_place = command->directory && command->directory[0] == '/',
        .ignored = find_ignored(command),
        .birth = *birth,
    };
    struct parcel *room = take(packer, sizeof(parcel));
    parcel.birth.plan = NULL;
    parcel.plan = put_plan(packer, birth->plan);
    parcel.command = put_command(packer, command, then, now);
    parcel.command.keep_ignored = parcel.ignored;
    put_text(packer, "");
    if (room)
        memcpy(room, &parcel, sizeof(parcel));
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

/* Memory files count: one beyond the limit would be answered with SIGXFSZ, which ends the program. */
static int make_file(size_t size, const struct heritage *now)
{
    if (size > now->limits[RLIMIT_FSIZE][0])
        return -EFBIG;
    int fd = sys_memfd_create("processkit-parcel", false);
    int r = fd < 0 ? fd : sys_ftruncate(fd, size);
    if (r < 0)
        sys_close_safe(fd);
    return r < 0 ? r : fd;
}

struct parcel *parcel_pack(const struct birth *birth, const struct heritage *then, const struct heritage *now, int *fd,
                           size_t *size, int *number)
{
    struct packer packer = {.memory = NULL};
    put_all(&packer, birth, then, now);
    *size = packer.next;
    *number = *fd = make_file(*size, now);
    if (*fd < 0)
        return NULL;
    packer = (struct packer){.memory = sys_map_file(*fd, *size), .size = *size};
    if (packer.memory)
        put_all(&packer, birth, then, now);
    *number = packer.memory ? -EAGAIN : -ENOMEM;
    if (packer.memory && !packer.overflow)
        return (struct parcel *)packer.memory;
    parcel_free((struct parcel *)packer.memory, *size);
    *fd = sys_close_safe(*fd);
    return NULL;
}

void parcel_free(struct parcel *parcel, size_t size)
{
    if (parcel)
        sys_unmap(parcel, size);
}
