/*
 * Failing each system call of something once.
 */
#include "every-call.h"

#include "cast.h"
#include "contain/late-child.h"
#include "lines.h"
#include "sys/fault.h"

#include <errno.h>

enum { MOST_CALLS = 64, MOST_PLACES = 60, FIRST_PLACES = 3 };

struct calls {
    struct {
        const char *name;
        unsigned count;
    } items[MOST_CALLS];
    size_t count;
};

static void note_call(const char *call, unsigned count, void *data)
{
    struct calls *calls = data;
    if (calls->count < MOST_CALLS) {
        calls->items[calls->count].name = call;
        calls->items[calls->count++].count = count;
    }
}

/* On a slow machine the killed may take longer than the end of their group waits: the library holds them until it sees
 * that they have ended. */
static void wait_for_the_late(int before)
{
    long deadline = clock_ms() + 1000L * test_slowness();
    while (cast_count_descriptors() > before && clock_ms() < deadline)
        late_child_tidy();
}

static int run_once(const struct every_call *every, const char *call, unsigned nth, int number)
{
    pk_error error = {0};
    if (every->prepare)
        every->prepare(every->data);
    int before = cast_count_descriptors();
    sys_fault_clear();
    if (call)
        sys_fault_set(call, nth, number);
    int r = every->run(every->data, &error);
    if (call)
        sys_fault_clear();
    if (r < 0 && (error.number != r || error.message[0] == '\0' || error.kind == PK_ERROR_NONE))
        fail_msg("%s #%u with errno %d: returned %d without an explanation", call, nth, number, r);
    wait_for_the_late(before);
    if (cast_count_descriptors() != before)
        fail_msg("%s #%u with errno %d: descriptors %d -> %d", call, nth, number, before, cast_count_descriptors());
    return r;
}

unsigned every_next_place(unsigned nth)
{
    return nth < FIRST_PLACES ? nth + 1 : nth + test_slowness();
}

unsigned every_call_fails(const struct every_call *every)
{
    static const int numbers[] = {EIO, EPERM, EMFILE, ENOMEM};
    struct calls calls = {0};
    unsigned faults = 0, places = 0;
    int r = run_once(every, NULL, 0, 0);
    sys_fault_each(note_call, &calls);
    sys_fault_clear();
    if (every->check)
        every->check(every->data, r);
    assert_int_equal(r, 0);
    assert_true(calls.count > 4);

    for (size_t i = 0; i < calls.count; i++) {
        unsigned most = calls.items[i].count < MOST_PLACES ? calls.items[i].count : MOST_PLACES;
        places += most;
        for (unsigned nth = 1; nth <= most; nth = every_next_place(nth), faults++) {
            r = run_once(every, calls.items[i].name, nth, numbers[(i + nth) % 4]);
            if (every->check)
                every->check(every->data, r);
        }
    }
    print_message("%u faults at %u places with %zu different calls\n", faults, places, calls.count);
    return places;
}
