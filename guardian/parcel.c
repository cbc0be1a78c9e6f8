/*
 * Opening parcels: from offsets to pointers.
 *
 * The owner is trusted, but it may be of another version, and its memory may be cut off: what is no parcel must not
 * bring the spawner down, which others wait for.
 */
#include "parcel.h"

#include <stdint.h>

enum { ALIGNMENT = 8 }; /* of whatever has items */

struct memory {
    char *start;
    size_t size;
    size_t floor; /* what has been found so far is below */
    bool bad;
};

/* Items are apart from each other and from the last byte, so that writing to some changes no others. */
static void *find(struct memory *memory, const void *offset, size_t count, size_t size)
{
    size_t place = (size_t)(uintptr_t)offset;
    size_t end = memory->size - 1;
    if (place < memory->floor || place > end || place % ALIGNMENT != 0 || count > (end - place) / size) {
        memory->bad = true;
        return NULL;
    }
    memory->floor = place + count * size;
    return memory->start + place;
}

/* The last byte of the memory is zero, so any text in it ends. */
static char *find_text(struct memory *memory, const char *offset)
{
    size_t place = (size_t)(uintptr_t)offset;
    if (place < memory->size)
        return memory->start + place;
    memory->bad = true;
    return NULL;
}

static char **find_list(struct memory *memory, char **offset)
{
    char **list = find(memory, offset, 1, sizeof(char *));
    size_t room = list ? (memory->size - 1 - (size_t)((char *)list - memory->start)) / sizeof(char *) : 0;
    size_t count = 0;
    for (; count < room && list[count]; count++)
        list[count] = find_text(memory, list[count]);
    if (count == room || memory->bad) {
        memory->bad = true;
        return NULL;
    }
    memory->floor += count * sizeof(char *);
    return list;
}

/* The targets are in order, and every source is one that came along. */
static bool open_moves(struct plan *plan, const int *sources, size_t source_count)
{
    int last = -1;
    for (size_t i = 0; i < plan->move_count; i++) {
        struct plan_move *move = &plan->moves[i];
        if (move->target <= last || move->source < 0 || (size_t)move->source >= source_count)
            return false;
        last = move->target;
        move->source = sources[move->source];
    }
    return plan->terminal < 0 || (size_t)plan->terminal < plan->move_count;
}

static bool has_layout(const struct parcel *parcel, size_t size)
{
    static const uint32_t layout[] = PARCEL_LAYOUT;
    if (size <= sizeof(*parcel) || parcel->magic != PARCEL_MAGIC)
        return false;
    for (size_t i = 0; i < sizeof(layout) / sizeof(layout[0]); i++)
        if (parcel->layout[i] != layout[i])
            return false;
    return ((const char *)parcel)[size - 1] == '\0';
}

bool parcel_open(struct parcel *parcel, size_t size, const int *sources, size_t source_count)
{
    struct memory memory = {(char *)parcel, size, sizeof(*parcel), false};
    struct plan *plan = &parcel->plan;
    struct pk_command *command = &parcel->command;
    if (!has_layout(parcel, size))
        return false;
    plan->argv = find_list(&memory, plan->argv);
    plan->environment = find_list(&memory, plan->environment);
    plan->candidates = find_list(&memory, plan->candidates);
    plan->moves = find(&memory, plan->moves, plan->move_count, sizeof(*plan->moves));
    plan->scratch = find(&memory, plan->scratch, plan->move_count, sizeof(*plan->scratch));
    command->rlimits = find(&memory, command->rlimits, command->rlimit_count, sizeof(*command->rlimits));
    command->groups = find(&memory, command->groups, command->group_count, sizeof(*command->groups));
    command->directory = command->directory ? find_text(&memory, command->directory) : NULL;
    plan->command = command;
    parcel->birth.plan = plan;
    return !memory.bad && open_moves(plan, sources, source_count);
}
