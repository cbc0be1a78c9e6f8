/*
 * Evidence: what the counters say, and that whatever is not understood says nothing. The texts are those of real
 * kernels, 6.1 and 6.12; the directory is an ordinary one with files of the same names.
 */
#include "contain/evidence.h"
#include "files.h"
#include "harness.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *name, const char *text)
{
    assert_true(files_write(scratch(name), text, 0644));
}

static int open_here(void)
{
    int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    return dir;
}

#define EVENTS(oom, kill) "low 0\nhigh 3\nmax 35\noom " oom "\noom_kill " kill "\noom_group_kill 0\n"

/* As a directory of 6.12 with all controllers has them. */
static int make_directory(void)
{
    put("memory.events", EVENTS("1", "3"));
    put("memory.events.local", EVENTS("1", "3"));
    put("memory.swap.peak", "33472512\n");
    put("pids.events", "max 42\n");
    put("pids.events.local", "max 21\n");
    put("cpu.stat",
        "usage_usec 331221\nuser_usec 58450\nsystem_usec 272770\nnice_usec 0\nnr_periods 16\nnr_throttled 15\n"
        "throttled_usec 1195504\nnr_bursts 0\nburst_usec 0\n");
    put("io.stat", "1:0 rbytes=10485760 wbytes=20971520 rios=10 wios=20 dbytes=0 dios=0\n"
                   "254:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=7\n");
    put("cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1200625\n"
                        "full avg10=0.00 avg60=0.00 avg300=0.00 total=1200624\n");
    put("memory.pressure", "some avg10=99.12 avg60=0.00 avg300=0.00 total=7\n"
                           "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
    put("io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                       "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    return open_here();
}

static pk_evidence tell(const struct evidence *evidence)
{
    pk_limits limits = PK_LIMITS_INIT;
    pk_evidence told;
    limits.memory_max = 32 << 20;
    limits.memory_high = 16 << 20;
    limits.swap_max = 1 << 20;
    limits.pids_max = 10;
    limits.cpu_max = 0.5;
    evidence_tell(evidence, &limits, &told);
    return told;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static void every_counter_is_read(void **state)
{
    (void)state;
    struct evidence evidence;
    int dir = make_directory();
    assert_int_equal(evidence_read(dir, true, &evidence), 0);
    pk_evidence told = tell(&evidence);
    assert_int_equal(told.memory_source, PK_SOURCE_CGROUP);
    assert_int_equal(told.oom_cause, PK_OOM_CAUSE_LIMIT);
    assert_int_equal(told.oom_kills, 3);
    assert_int_equal(told.memory_max_reached, 35);
    assert_int_equal(told.memory_high_exceeded, 3);
    assert_int_equal(told.swap_source, PK_SOURCE_CGROUP);
    assert_int_equal(told.swap_peak, 33472512);
    assert_int_equal(told.pids_source, PK_SOURCE_CGROUP);
    assert_int_equal(told.pids_refused, 21); /* and not what a limit of a member's own did */
    assert_int_equal(told.cpu_source, PK_SOURCE_CGROUP);
    assert_int_equal(told.cpu_periods, 16);
    assert_int_equal(told.cpu_throttled, 15);
    assert_int_equal(told.throttled_time, UINT64_C(1195504000));
    assert_int_equal(told.io_source, PK_SOURCE_CGROUP);
    assert_int_equal(told.io_read, 10485761);
    assert_int_equal(told.io_written, 20971522);
    assert_int_equal(told.io_reads, 13);
    assert_int_equal(told.io_writes, 24);
    assert_int_equal(told.pressure_source, PK_SOURCE_CGROUP);
    assert_int_equal(told.cpu_pressure.some, UINT64_C(1200625000));
    assert_int_equal(told.cpu_pressure.full, UINT64_C(1200624000));
    assert_int_equal(told.memory_pressure.some, 7000);
    assert_int_equal(told.memory_pressure.full, 5000);
    assert_int_equal(told.io_pressure.some, 0);
    assert_int_equal(told.memory_max, 32 << 20);
    assert_int_equal(told.memory_high, 16 << 20);
    assert_int_equal(told.swap_max, 1 << 20);
    assert_int_equal(told.pids_max, 10);
    assert_true(told.cpu_max == 0.5);
    close(dir);
}

static void without_controllers_only_pressure_is_read(void **state)
{
    (void)state;
    struct evidence evidence, nothing = {0};
    int dir = make_directory();
    assert_int_equal(evidence_read(dir, false, &evidence), 0);
    assert_int_equal(evidence.counts.pressure_source, PK_SOURCE_CGROUP);
    assert_int_equal(evidence.counts.memory_pressure.some, 7000);
    evidence.counts.pressure_source = PK_SOURCE_UNAVAILABLE;
    memset(&evidence.counts.cpu_pressure, 0, 3 * sizeof(pk_pressure));
    assert_memory_equal(&evidence, &nothing, sizeof(nothing));
    close(dir);
}

/* A kernel that is older, a controller that is not enabled. */
static void missing_files_are_unavailable_one_by_one(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t source;
    } cases[] = {
        {"memory.events", offsetof(pk_evidence, memory_source)},
        {"memory.events.local", offsetof(pk_evidence, memory_source)},
        {"memory.swap.peak", offsetof(pk_evidence, swap_source)},
        {"cpu.stat", offsetof(pk_evidence, cpu_source)},
        {"io.stat", offsetof(pk_evidence, io_source)},
        {"cpu.pressure", offsetof(pk_evidence, pressure_source)},
        {"memory.pressure", offsetof(pk_evidence, pressure_source)},
        {"io.pressure", offsetof(pk_evidence, pressure_source)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct evidence evidence;
        int dir = make_directory();
        assert_int_equal(unlink(cases[i].file), 0);
        assert_int_equal(evidence_read(dir, true, &evidence), 0);
        int available =
            (evidence.counts.memory_source == PK_SOURCE_CGROUP) + (evidence.counts.swap_source == PK_SOURCE_CGROUP) +
            (evidence.counts.pids_source == PK_SOURCE_CGROUP) + (evidence.counts.cpu_source == PK_SOURCE_CGROUP) +
            (evidence.counts.io_source == PK_SOURCE_CGROUP) + (evidence.counts.pressure_source == PK_SOURCE_CGROUP);
        assert_int_equal(available, 5);
        assert_int_equal(*(pk_source *)((char *)&evidence.counts + cases[i].source), PK_SOURCE_UNAVAILABLE);
        close(dir);
    }
}

static void refused_starts_are_counted_by_older_kernels_as_well(void **state)
{
    (void)state;
    struct evidence evidence;
    int dir = make_directory();
    assert_int_equal(unlink("pids.events.local"), 0);
    assert_int_equal(evidence_read(dir, true, &evidence), 0);
    assert_int_equal(evidence.counts.pids_refused, 42);
    assert_int_equal(unlink("pids.events"), 0);
    assert_int_equal(evidence_read(dir, true, &evidence), 0);
    assert_int_equal(evidence.counts.pids_source, PK_SOURCE_UNAVAILABLE);
    close(dir);
}

static void a_deleted_directory_is_no_error(void **state)
{
    (void)state;
    struct evidence evidence, nothing = {0};
    assert_int_equal(mkdir("gone", 0755), 0);
    int dir = open("gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(rmdir("gone"), 0);
    assert_int_equal(evidence_read(dir, true, &evidence), 0);
    assert_memory_equal(&evidence, &nothing, sizeof(nothing));
    close(dir);
}

/* One file that cannot be read says nothing about the others. */
static void errors_are_told_and_the_rest_is_read(void **state)
{
    (void)state;
    struct evidence evidence;
    int dir = make_directory();
    sys_fault_set("memory.events", 0, EMFILE);
    assert_int_equal(evidence_read(dir, true, &evidence), -EMFILE);
    sys_fault_clear();
    assert_int_equal(evidence.counts.memory_source, PK_SOURCE_UNAVAILABLE);
    assert_int_equal(evidence.counts.pids_source, PK_SOURCE_CGROUP);
    assert_int_equal(evidence.counts.pressure_source, PK_SOURCE_CGROUP);
    close(dir);
}

/* ---- Texts ------------------------------------------------------------------------------------------------------ */

static const char *const odd_counts[] = {
    "",         "\n",         "max",
    "max \n",   "max -1\n",   "max x\n",
    "max 1x\n", "max 0x10\n", "max 18446744073709551616\n",
    "max",      "ma 1",       "max\n1",
    "max1\n",   "xmax 1\n",   "max 12" /* cut off, perhaps in the middle */,
};

static void odd_counts_are_not_understood(void **state)
{
    (void)state;
    struct evidence nothing = {0}, evidence = {0};
    for (size_t i = 0; i < sizeof(odd_counts) / sizeof(odd_counts[0]); i++) {
        assert_int_equal(evidence_parse_pids(odd_counts[i], &evidence), -ENODATA);
        assert_memory_equal(&evidence, &nothing, sizeof(nothing));
    }
    assert_int_equal(evidence_parse_pids("max 18446744073709551615\n", &evidence), 0);
    assert_true(evidence.counts.pids_refused == UINT64_MAX);
}

/* Whatever its length, only the whole text is taken for whole. */
static void truncated_texts_are_not_understood(void **state)
{
    (void)state;
    static const char events[] = "low 0\nhigh 3\nmax 35\noom 12\noom_kill 34\n";
    static const char cpu[] = "usage_usec 331221\nnr_periods 16\nnr_throttled 15\nthrottled_usec 1195504\n";
    static const char io[] = "8:0 rbytes=1 wbytes=2 rios=3 wios=45\n";
    static const char pressure[] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1200625\n";
    char text[128];
    struct evidence evidence = {0};
    pk_pressure found;
    for (size_t i = 0; i < sizeof(events) - 1; i++) {
        snprintf(text, sizeof(text), "%.*s", (int)i, events);
        assert_int_equal(evidence_parse_memory(text, events, &evidence), -ENODATA);
        if (!strstr(text, "oom 12\n"))
            assert_int_equal(evidence_parse_memory(events, text, &evidence), -ENODATA);
    }
    for (size_t i = 0; i < sizeof(cpu) - 1; i++) {
        snprintf(text, sizeof(text), "%.*s", (int)i, cpu);
        assert_int_equal(evidence_parse_cpu(text, &evidence), -ENODATA);
    }
    for (size_t i = 1; i < sizeof(io) - 1; i++) {
        snprintf(text, sizeof(text), "%.*s", (int)i, io);
        assert_int_equal(evidence_parse_io(text, &evidence), -ENODATA);
    }
    for (size_t i = 0; i < sizeof(pressure) - 1; i++) {
        snprintf(text, sizeof(text), "%.*s", (int)i, pressure);
        assert_int_equal(evidence_parse_pressure(text, &found), -ENODATA);
    }
    assert_int_equal(evidence_parse_memory(events, events, &evidence), 0);
    assert_int_equal(evidence_parse_cpu(cpu, &evidence), 0);
    assert_int_equal(evidence_parse_io(io, &evidence), 0);
    assert_int_equal(evidence_parse_pressure(pressure, &found), 0);
    assert_int_equal(found.full, 0); /* of processors, before Linux 5.13 */
}

static void devices_without_figures_have_done_nothing(void **state)
{
    (void)state;
    struct evidence evidence = {0};
    assert_int_equal(evidence_parse_io("", &evidence), 0);
    assert_int_equal(evidence.counts.io_source, PK_SOURCE_CGROUP);
    assert_int_equal(
        evidence_parse_io("7:0 \n8:0 rbytes=5 wbytes=6 rios=7 wios=8 dbytes=9 dios=10\n253:0\n", &evidence), 0);
    assert_int_equal(evidence.counts.io_read, 5);
    assert_int_equal(evidence.counts.io_written, 6);
    assert_int_equal(evidence.counts.io_reads, 7);
    assert_int_equal(evidence.counts.io_writes, 8);
    static const char *const odd[] = {
        "8:0 rbytes=5 wbytes=6 rios=7\n",
        "8:0 rbytes= wbytes=6 rios=7 wios=8\n",
        "8:0 rbytes=5,wbytes=6,rios=7,wios=8\n",
        "8:0 xrbytes=5 wbytes=6 rios=7 wios=8\n",
        "8:0 rbytes=-5 wbytes=6 rios=7 wios=8\n",
        "8:0 rbytes=5 wbytes=6 rios=7 wios=8\n8:16 rbytes=5\n wbytes=6 rios=7 wios=8\n",
    };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_int_equal(evidence_parse_io(odd[i], &evidence), -ENODATA);
    assert_int_equal(evidence.counts.io_read, 5);
}

static void huge_figures_saturate(void **state)
{
    (void)state;
    struct evidence evidence = {0};
    pk_pressure pressure;
    assert_int_equal(evidence_parse_io("8:0 rbytes=18446744073709551615 wbytes=1 rios=1 wios=1\n"
                                       "8:1 rbytes=18446744073709551615 wbytes=1 rios=1 wios=1\n",
                                       &evidence),
                     0);
    assert_true(evidence.counts.io_read == UINT64_MAX);
    assert_int_equal(evidence_parse_cpu("nr_periods 1\nnr_throttled 1\nthrottled_usec 18446744073709551\n", &evidence),
                     0);
    assert_true(evidence.counts.throttled_time == UINT64_C(18446744073709551000));
    assert_int_equal(evidence_parse_cpu("nr_periods 1\nnr_throttled 1\nthrottled_usec 18446744073709552\n", &evidence),
                     0);
    assert_true(evidence.counts.throttled_time == PK_FOREVER);
    assert_int_equal(evidence_parse_pressure("some total=18446744073709551615\n", &pressure), 0);
    assert_true(pressure.some == PK_FOREVER);
    struct evidence twice = evidence;
    evidence_add(&twice, &evidence);
    assert_true(twice.counts.io_read == UINT64_MAX);
    assert_int_equal(twice.counts.io_written, 4);
}

static void large_files_are_read_whole(void **state)
{
    (void)state;
    char text[160 * 80] = "";
    size_t used = 0;
    struct evidence evidence;
    for (int i = 0; i < 150; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "259:%d rbytes=1000000 wbytes=2 rios=3 wios=4\n", i);
    int dir = make_directory();
    put("io.stat", text);
    assert_int_equal(evidence_read(dir, true, &evidence), 0);
    assert_int_equal(evidence.counts.io_read, 150000000);
    close(dir);
}

/* ---- Conclusions ------------------------------------------------------------------------------------------------ */

/* What kernels 6.1 and 6.12 count in the group's directory when there is such a limit: docs/design/kernel.md. */
static void the_cause_is_where_memory_ran_out(void **state)
{
    (void)state;
    static const struct {
        const char *events, *local;
        pk_oom_cause cause;
    } cases[] = {
        {EVENTS("0", "0"), EVENTS("0", "0"), PK_OOM_CAUSE_NONE},
        {EVENTS("4", "0"), EVENTS("4", "0"), PK_OOM_CAUSE_NONE}, /* nobody could be killed */
        {EVENTS("1", "1"), EVENTS("1", "1"), PK_OOM_CAUSE_LIMIT},
        {EVENTS("1", "3"), EVENTS("1", "0"), PK_OOM_CAUSE_LIMIT}, /* the victim was in a cgroup below */
        {EVENTS("0", "1"), EVENTS("0", "1"), PK_OOM_CAUSE_ABOVE},
        {EVENTS("0", "1"), EVENTS("0", "0"), PK_OOM_CAUSE_ABOVE},
        {EVENTS("1", "1"), EVENTS("0", "0"), PK_OOM_CAUSE_MEMBER},
        {EVENTS("2", "2"), EVENTS("1", "1"), PK_OOM_CAUSE_LIMIT}, /* and a member's */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct evidence evidence = {0};
        assert_int_equal(evidence_parse_memory(cases[i].events, cases[i].local, &evidence), 0);
        assert_int_equal(tell(&evidence).oom_cause, cases[i].cause);
    }
}

static void directories_add_up(void **state)
{
    (void)state;
    struct evidence sum = {0}, one, nothing = {0};
    int dir = make_directory();
    assert_int_equal(evidence_read(dir, true, &one), 0);
    evidence_add(&sum, &one);
    evidence_add(&sum, &nothing); /* one that was deleted makes nothing unavailable */
    assert_memory_equal(&sum, &one, sizeof(sum));
    put("memory.swap.peak", "5\n");
    assert_int_equal(evidence_read(dir, true, &one), 0);
    evidence_add(&sum, &one);
    assert_int_equal(sum.counts.oom_kills, 6);
    assert_int_equal(sum.counts.pids_refused, 42);
    assert_int_equal(sum.counts.memory_pressure.full, 10000);
    assert_int_equal(sum.counts.swap_peak, 33472512);
    close(dir);
}

/* A run in a group that others share: of what had been counted before, nothing is its own. */
static void what_was_before_is_taken_away(void **state)
{
    (void)state;
    struct evidence before, after;
    int dir = make_directory();
    assert_int_equal(evidence_read(dir, true, &before), 0);
    put("memory.events", EVENTS("1", "4")); /* this time by a limit above */
    assert_int_equal(evidence_read(dir, true, &after), 0);
    evidence_subtract(&after, &before);
    pk_evidence told = tell(&after);
    assert_int_equal(told.oom_kills, 1);
    assert_int_equal(told.oom_cause, PK_OOM_CAUSE_ABOVE);
    assert_int_equal(told.pids_refused, 0);
    assert_int_equal(told.memory_source, PK_SOURCE_CGROUP);
    assert_int_equal(told.swap_peak, 33472512);
    evidence_subtract(&after, &before); /* a counter that was reset under us */
    assert_int_equal(after.counts.oom_kills, 0);
    close(dir);
}

static void causes_have_names(void **state)
{
    (void)state;
    assert_string_equal(pk_oom_cause_name(PK_OOM_CAUSE_NONE), "none");
    assert_string_equal(pk_oom_cause_name(PK_OOM_CAUSE_LIMIT), "limit");
    assert_string_equal(pk_oom_cause_name(PK_OOM_CAUSE_ABOVE), "above");
    assert_string_equal(pk_oom_cause_name(PK_OOM_CAUSE_MEMBER), "member");
    assert_string_equal(pk_oom_cause_name((pk_oom_cause)99), "unknown");
    assert_string_equal(pk_oom_cause_name((pk_oom_cause)-1), "unknown");
}

static const struct test tests[] = {
    PK_TEST(every_counter_is_read),
    PK_TEST(without_controllers_only_pressure_is_read),
    PK_TEST(missing_files_are_unavailable_one_by_one),
    PK_TEST(refused_starts_are_counted_by_older_kernels_as_well),
    PK_TEST(a_deleted_directory_is_no_error),
    PK_TEST(errors_are_told_and_the_rest_is_read),
    PK_TEST(odd_counts_are_not_understood),
    PK_TEST(truncated_texts_are_not_understood),
    PK_TEST(devices_without_figures_have_done_nothing),
    PK_TEST(huge_figures_saturate),
    PK_TEST(large_files_are_read_whole),
    PK_TEST(the_cause_is_where_memory_ran_out),
    PK_TEST(directories_add_up),
    PK_TEST(what_was_before_is_taken_away),
    PK_TEST(causes_have_names),
};

PK_TEST_MAIN(tests)
