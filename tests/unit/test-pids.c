/*
 * Lists of pids: they grow, are sorted without doubles, and are found again.
 */
#include "base/pids.h"
#include "harness.h"

#include <stdlib.h>

static void an_empty_list_holds_nothing(void **state)
{
    (void)state;
    struct pids pids = {0};
    assert_false(pids_contains(&pids, 0));
    assert_false(pids_contains(&pids, 1));
    pids_sort(&pids);
    assert_int_equal(pids.count, 0);
    pids_clear(&pids);
    pids_free(&pids);
    pids_free(&pids); /* once more does nothing */
    assert_null(pids.items);
}

static void sorting_drops_doubles(void **state)
{
    (void)state;
    static const pid_t added[] = {7, 3, 7, 7, 1, 0x7fffffff, 3, 2};
    static const pid_t expected[] = {1, 2, 3, 7, 0x7fffffff};
    struct pids pids = {0};
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
        assert_int_equal(pids_add(&pids, added[i]), 0);
    assert_int_equal(pids.count, sizeof(added) / sizeof(added[0])); /* as they came */
    assert_int_equal(pids.items[0], 7);
    pids_sort(&pids);
    assert_int_equal(pids.count, sizeof(expected) / sizeof(expected[0]));
    assert_memory_equal(pids.items, expected, sizeof(expected));
    pids_sort(&pids);
    assert_int_equal(pids.count, sizeof(expected) / sizeof(expected[0]));
    pids_free(&pids);
}

static void one_pid_many_times_is_one(void **state)
{
    (void)state;
    struct pids pids = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(pids_add(&pids, 42), 0);
    pids_sort(&pids);
    assert_int_equal(pids.count, 1);
    assert_true(pids_contains(&pids, 42));
    assert_false(pids_contains(&pids, 41));
    assert_false(pids_contains(&pids, 43));
    pids_free(&pids);
    assert_null(pids.items);
    assert_int_equal(pids_add(&pids, 1), 0); /* an empty list again */
    assert_int_equal(pids.count, 1);
    pids_free(&pids);
}

static void clearing_keeps_the_memory(void **state)
{
    (void)state;
    struct pids pids = {0};
    for (pid_t pid = 1; pid <= 100; pid++)
        assert_int_equal(pids_add(&pids, pid), 0);
    size_t capacity = pids.capacity;
    const pid_t *items = pids.items;
    pids_clear(&pids);
    assert_int_equal(pids.count, 0);
    assert_false(pids_contains(&pids, 1)); /* still in the memory, but not in the list */
    for (pid_t pid = 1; pid <= 100; pid++)
        assert_int_equal(pids_add(&pids, pid), 0);
    assert_int_equal(pids.capacity, capacity);
    assert_ptr_equal(pids.items, items);
    pids_free(&pids);
}

static void members_are_found_among_thousands(void **state)
{
    (void)state;
    enum { MOST = 4096 };
    bool added[MOST] = {false};
    struct pids pids = {0};
    unsigned seed = 4711;
    size_t different = 0;
    for (int i = 0; i < 3000; i++) {
        pid_t pid = rand_r(&seed) % MOST;
        assert_int_equal(pids_add(&pids, pid), 0);
        different += !added[pid];
        added[pid] = true;
    }
    pids_sort(&pids);
    assert_int_equal(pids.count, different);
    for (pid_t pid = 0; pid < MOST; pid++)
        assert_int_equal(pids_contains(&pids, pid), added[pid]);
    pids_free(&pids);
}

static const struct test tests[] = {
    PK_TEST(an_empty_list_holds_nothing),       PK_TEST(sorting_drops_doubles),
    PK_TEST(one_pid_many_times_is_one),         PK_TEST(clearing_keeps_the_memory),
    PK_TEST(members_are_found_among_thousands),
};

PK_TEST_MAIN(tests)
