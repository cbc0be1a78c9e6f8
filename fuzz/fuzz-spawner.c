/*
 * What a spawner takes for a request, and for a parcel. Whatever a parcel that was opened points to is in it.
 */
#include "../guardian/parcel.h"
#include "contain/spawner-protocol.h"
#include "fuzz.h"

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/* As it is received: into a buffer of a request's size, with the size of what came. */
static void check_request(const uint8_t *bytes, size_t size)
{
    struct spawner_request *request = calloc(1, sizeof(*request));
    if (!request)
        abort();
    memcpy(request, bytes, size < sizeof(*request) ? size : sizeof(*request));
    if (spawner_request_is_valid(request, size)) {
        HOLDS(size == sizeof(*request));
        HOLDS(request->kind == SPAWNER_SPAWN || request->kind == SPAWNER_GUARD);
        HOLDS(request->descriptors >= 3 && request->descriptors <= SPAWN_FIXED + 1 + SPAWNER_MOST_SOURCES);
        HOLDS(request->flags < SPAWNER_MAKE << 1);
        if (request->kind == SPAWNER_GUARD) {
            HOLDS(memchr(request->name, '\0', SPAWNER_NAME));
            HOLDS(request->name[0] != '\0' && !strchr(request->name, '/'));
            HOLDS(strcmp(request->name, ".") != 0 && strcmp(request->name, "..") != 0);
        }
        HOLDS(!spawner_request_is_valid(request, size - 1) && !spawner_request_is_valid(request, size + 1));
    }
    free(request);
}

/* ---- Parcels ---------------------------------------------------------------------------------------------------- */

static volatile size_t sink;

static void read_list(char *const *list)
{
    for (; *list; list++)
        sink += strlen(*list);
}

static void read_memory(const void *memory, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sink += ((const unsigned char *)memory)[i];
}

/* All that a child reads and writes. */
static void read_parcel(struct parcel *parcel, const int *sources)
{
    const struct plan *plan = parcel->birth.plan;
    const struct pk_command *command = plan->command;
    int last = -1;
    read_list(plan->argv);
    read_list(plan->environment);
    read_list(plan->candidates);
    for (size_t i = 0; i < plan->move_count; i++) {
        HOLDS(plan->moves[i].target > last);
        HOLDS(plan->moves[i].source == sources[0] || plan->moves[i].source == sources[1]);
        last = plan->moves[i].target;
        plan->scratch[i] = 0;
    }
    HOLDS(plan->terminal < 0 || (size_t)plan->terminal < plan->move_count);
    read_memory(command->rlimits, command->rlimit_count * sizeof(*command->rlimits));
    read_memory(command->groups, command->group_count * sizeof(*command->groups));
    if (command->directory)
        sink += strlen(command->directory);
}

/* Most inputs have no right beginning; with one, they come further. */
static void give_beginning(struct parcel *parcel, size_t size)
{
    static const uint32_t layout[] = PARCEL_LAYOUT;
    parcel->magic = PARCEL_MAGIC;
    memcpy(parcel->layout, layout, sizeof(layout));
    ((char *)parcel)[size - 1] = '\0';
}

static void check_parcel(const uint8_t *bytes, size_t size, bool begin)
{
    static const int sources[] = {40, 41};
    struct parcel *parcel = malloc(size > 0 ? size : 1);
    if (!parcel)
        abort();
    memcpy(parcel, bytes, size);
    if (begin && size > sizeof(*parcel))
        give_beginning(parcel, size);
    if (parcel_open(parcel, size, sources, 2))
        read_parcel(parcel, sources);
    free(parcel);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_request(bytes, size);
    check_parcel(bytes, size, false);
    check_parcel(bytes, size, true);
    return 0;
}
