/*
 * Relays while all are there: both get everything, at the pace of the slower one.
 */
#include "relaying.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Everything, to both ---------------------------------------------------------------------------------------- */

static void carry_with(const struct place *place, size_t step, size_t tee_step)
{
    struct rig rig;
    rig_open(&rig, place);
    rig_carry(&rig, step, tee_step);
    rig_assert_all_there(&rig);
    rig_close(&rig);
}

static void both_get_everything(void **state)
{
    carry_with(*state, MUCH, MUCH);
    carry_with(*state, 1000, MUCH);
    carry_with(*state, MUCH, 1000);
    carry_with(*state, 4097, 4095);
}

static void the_owner_keeps_its_descriptor_as_it_was(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    int flags = fcntl(rig.tee, F_GETFL);
    rig_carry(&rig, MUCH, MUCH);
    assert_int_equal(fcntl(rig.tee, F_GETFL), flags);
    assert_true(flags >= 0);
    rig_close(&rig);
}

/* Behind what is there already, as whoever appends has it. */
static void a_file_is_appended_to(void **state)
{
    (void)state;
    struct stat status;
    struct rig rig;
    rig_open(&rig, &appended_file);
    int beside = open(scratch("file"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(rig_write(&rig, 100), true);
    rig_advance(&rig);
    assert_int_equal(write(beside, "beside", 6), 6);
    assert_int_equal(rig_write(&rig, 200), true);
    rig_advance(&rig);
    assert_int_equal(fstat(beside, &status), 0);
    assert_int_equal(status.st_size, 206);
    close(beside);
    rig_close(&rig);
}

/* ---- At the pace of the slower one ------------------------------------------------------------------------------ */

static void who_takes_nothing_holds_up_all(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    do
        rig_fill(&rig);
    while (rig_read(&rig, MUCH)); /* the tee is full */
    assert_true(rig.read > 0);
    rig_carry(&rig, MUCH, MUCH);
    rig_assert_all_there(&rig);
    rig_close(&rig);
}

static void so_does_the_reader(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    do
        rig_fill(&rig);
    while (rig_read_tee(&rig, MUCH));
    rig_carry(&rig, MUCH, MUCH);
    rig_assert_all_there(&rig);
    rig_close(&rig);
}

/* A writer and a reader that are always there. */
static atomic_bool enough;

static void *write_for_ever(void *data)
{
    static const char bytes[4096];
    while (!atomic_load(&enough) && write(*(int *)data, bytes, sizeof(bytes)) > 0)
        ;
    close(*(int *)data);
    return NULL;
}

static void *read_for_ever(void *data)
{
    static char bytes[65536];
    while (read(*(int *)data, bytes, sizeof(bytes)) > 0)
        ;
    return NULL;
}

/* A loop has others to care for. */
static void a_flood_does_not_keep_it_for_ever(void **state)
{
    enum { TIMES = 100 };
    (void)state;
    struct rig rig;
    pthread_t writer, reader;
    rig_open(&rig, &null_device);
    assert_int_equal(fcntl(rig.writer, F_SETFL, 0), 0);
    assert_int_equal(fcntl(rig.reader, F_SETFL, 0), 0);
    pthread_create(&writer, NULL, write_for_ever, &rig.writer);
    pthread_create(&reader, NULL, read_for_ever, &rig.reader);
    for (int i = 0; i < TIMES; i++)
        assert_true(rig_advance(&rig));
    assert_true(sys_fault_count("tee") <= 16 * TIMES);
    atomic_store(&enough, true);
    while (rig_advance(&rig))
        ;
    pthread_join(writer, NULL);
    pthread_join(reader, NULL);
    rig.writer = NOTHING;
    rig_close(&rig);
}

/* However often it has to be tried again. */
static void nor_does_anything_else(void **state)
{
    struct rig rig;
    rig_open(&rig, *state);
    assert_true(rig_write(&rig, 1000));
    sys_fault_set("tee", 0, EINTR);
    assert_true(rig_advance(&rig));
    assert_true(rig_is_awake(&rig));
    sys_fault_clear();
    rig_carry(&rig, MUCH, MUCH);
    rig_assert_all_there(&rig);
    rig_close(&rig);
}

static const struct test tests[] = {
    EACH_PLACE(both_get_everything),    EACH_PLACE(the_owner_keeps_its_descriptor_as_it_was),
    PK_TEST(a_file_is_appended_to),     EACH_PIPE(who_takes_nothing_holds_up_all),
    EACH_PLACE(so_does_the_reader),     PK_TEST(a_flood_does_not_keep_it_for_ever),
    EACH_PLACE(nor_does_anything_else),
};

PK_TEST_MAIN(tests)
