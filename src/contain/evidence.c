/*
 * Reading the counters of limits.
 *
 * Whatever is not exactly as the kernel writes it makes its part unavailable: a figure that is shown is true.
 */
#include "contain/evidence.h"

#include "base/time.h"
#include "contain/cgroup.h"
#include "sys/sys.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* io.stat has a line of at most some hundred bytes for each device; all others are small. */
enum { SMALL_SIZE = 1024, IO_SIZE = 16384 };

/* ---- Numbers ---------------------------------------------------------------------------------------------------- */

/* Only a number that is followed by something is whole. */
static int parse_count(const char *text, uint64_t *value)
{
    uint64_t number = 0;
    if (!text || *text < '0' || *text > '9')
        return -ENODATA;
    for (; *text >= '0' && *text <= '9'; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return -ENODATA;
        number = number * 10 + digit;
    }
    if (*text != '\n' && *text != ' ')
        return -ENODATA;
    *value = number;
    return 0;
}

/* Lines "KEY VALUE". */
static int parse_key(const char *text, const char *key, uint64_t *value)
{
    return parse_count(cgroup_find_key(text, key), value);
}

/* Words "NAME=VALUE" of one line. */
static int parse_word(const char *line, const char *name, uint64_t *value)
{
    size_t length = strlen(name);
    for (const char *word = line; *word && *word != '\n'; word += strcspn(word, " \n")) {
        word += strspn(word, " ");
        if (strncmp(word, name, length) == 0 && word[length] == '=')
            return parse_count(word + length + 1, value);
    }
    return -ENODATA;
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

/* `events` counts what happens in directories below as well, `local` what happens at the limits of this one alone. */
int evidence_parse_memory(const char *events, const char *local, struct evidence *evidence)
{
    uint64_t kills, deep, ooms, max, high;
    if (parse_key(events, "oom_kill", &kills) < 0 || parse_key(events, "oom", &deep) < 0 ||
        parse_key(local, "oom", &ooms) < 0 || parse_key(local, "max", &max) < 0 || parse_key(local, "high", &high) < 0)
        return -ENODATA;
    evidence->counts.memory_source = PK_SOURCE_CGROUP;
    evidence->counts.oom_kills = kills;
    evidence->counts.memory_max_reached = max;
    evidence->counts.memory_high_exceeded = high;
    evidence->ooms = ooms;
    evidence->ooms_deep = deep;
    return 0;
}

int evidence_parse_pids(const char *text, struct evidence *evidence)
{
    uint64_t refused;
    if (parse_key(text, "max", &refused) < 0)
        return -ENODATA;
    evidence->counts.pids_source = PK_SOURCE_CGROUP;
    evidence->counts.pids_refused = refused;
    return 0;
}

int evidence_parse_cpu(const char *text, struct evidence *evidence)
{
    uint64_t periods, throttled, time;
    if (parse_key(text, "nr_periods", &periods) < 0 || parse_key(text, "nr_throttled", &throttled) < 0 ||
        parse_key(text, "throttled_usec", &time) < 0)
        return -ENODATA;
    evidence->counts.cpu_source = PK_SOURCE_CGROUP;
    evidence->counts.cpu_periods = periods;
    evidence->counts.cpu_throttled = throttled;
    evidence->counts.throttled_time = time_from_microseconds(time);
    return 0;
}

static const struct io_word {
    const char *name;
    size_t offset;
} io_words[] = {
    {"rbytes", offsetof(pk_evidence, io_read)},
    {"wbytes", offsetof(pk_evidence, io_written)},
    {"rios", offsetof(pk_evidence, io_reads)},
    {"wios", offsetof(pk_evidence, io_writes)},
};
enum { IO_WORDS = sizeof(io_words) / sizeof(io_words[0]) };

/* A line for each device: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0". One may have other words only, or
 * none: nothing was read or written there. */
int evidence_parse_io(const char *text, struct evidence *evidence)
{
    uint64_t sums[IO_WORDS] = {0};
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        if (!end)
            return -ENODATA;
        const char *first = strstr(line, "rbytes=");
        bool counts = first && first < end;
        for (size_t i = 0; counts && i < IO_WORDS; i++) {
            uint64_t value;
            if (parse_word(line, io_words[i].name, &value) < 0)
                return -ENODATA;
            sums[i] = time_add(sums[i], value);
        }
        line = end + 1;
    }
    evidence->counts.io_source = PK_SOURCE_CGROUP;
    for (size_t i = 0; i < IO_WORDS; i++)
        *(uint64_t *)((char *)&evidence->counts + io_words[i].offset) = sums[i];
    return 0;
}

/* Lines "some avg10=0.00 avg60=0.00 avg300=0.00 total=4711", and "full" likewise unless it is of processors and the
 * kernel is older than 5.13. */
int evidence_parse_pressure(const char *text, pk_pressure *pressure)
{
    const char *some = cgroup_find_key(text, "some"), *full = cgroup_find_key(text, "full");
    uint64_t some_time, full_time = 0;
    if (!some || parse_word(some, "total", &some_time) < 0 || (full && parse_word(full, "total", &full_time) < 0))
        return -ENODATA;
    pressure->some = time_from_microseconds(some_time);
    pressure->full = time_from_microseconds(full_time);
    return 0;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* Whether there is nothing to be read: no such kernel, controller or directory, or PSI is switched off. */
static bool is_absent(long number)
{
    return cgroup_is_gone((int)number) || number == -EOPNOTSUPP || number == -EFBIG;
}

/* 0 if there is a text. An error that does not just mean absence is kept. */
static int note(long length, int *first)
{
    if (length < 0 && !is_absent(length) && *first == 0)
        *first = (int)length;
    return length < 0 ? (int)length : 0;
}

static int read_text(int dir, const char *file, char text[SMALL_SIZE], int *first)
{
    return note(sys_read_attribute(dir, file, text, SMALL_SIZE), first);
}

static void read_memory(int dir, struct evidence *evidence, int *first)
{
    char events[SMALL_SIZE], local[SMALL_SIZE];
    if (read_text(dir, "memory.events", events, first) == 0 && read_text(dir, "memory.events.local", local, first) == 0)
        evidence_parse_memory(events, local, evidence);

    uint64_t peak;
    if (read_text(dir, "memory.swap.peak", events, first) == 0 && parse_count(events, &peak) == 0) {
        evidence->counts.swap_source = PK_SOURCE_CGROUP;
        evidence->counts.swap_peak = peak;
    }
}

/* Since Linux 6.11 the first file counts what the limit of this directory refused, and the other one also what limits
 * below did; before, the other one counts what was refused to processes in this directory. */
static void read_pids(int dir, struct evidence *evidence, int *first)
{
    char text[SMALL_SIZE];
    int r = read_text(dir, "pids.events.local", text, first);
    if (r == -ENOENT)
        r = read_text(dir, "pids.events", text, first);
    if (r == 0)
        evidence_parse_pids(text, evidence);
}

static void read_cpu(int dir, struct evidence *evidence, int *first)
{
    char text[SMALL_SIZE];
    if (read_text(dir, "cpu.stat", text, first) == 0)
        evidence_parse_cpu(text, evidence);
}

static void read_io(int dir, struct evidence *evidence, int *first)
{
    char text[IO_SIZE];
    if (note(sys_read_file(dir, "io.stat", text, sizeof(text)), first) == 0)
        evidence_parse_io(text, evidence);
}

static void read_pressure(int dir, struct evidence *evidence, int *first)
{
    static const char *const files[] = {"cpu.pressure", "memory.pressure", "io.pressure"};
    pk_pressure found[3] = {{0}};
    char text[SMALL_SIZE];
    for (size_t i = 0; i < 3; i++)
        if (read_text(dir, files[i], text, first) < 0 || evidence_parse_pressure(text, &found[i]) < 0)
            return;
    evidence->counts.pressure_source = PK_SOURCE_CGROUP;
    evidence->counts.cpu_pressure = found[0];
    evidence->counts.memory_pressure = found[1];
    evidence->counts.io_pressure = found[2];
}

int evidence_read(int dir, bool controllers, struct evidence *evidence)
{
    int first = 0;
    *evidence = (struct evidence){0};
    if (controllers) {
        read_memory(dir, evidence, &first);
        read_pids(dir, evidence, &first);
        read_cpu(dir, evidence, &first);
        read_io(dir, evidence, &first);
    }
    read_pressure(dir, evidence, &first);
    return first;
}

/* ---- Reckoning -------------------------------------------------------------------------------------------------- */

static uint64_t sum(uint64_t a, uint64_t b)
{
    return time_add(a, b);
}

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* All that is counted, and not a peak. */
static const size_t counters[] = {
    offsetof(struct evidence, counts.oom_kills),
    offsetof(struct evidence, counts.memory_max_reached),
    offsetof(struct evidence, counts.memory_high_exceeded),
    offsetof(struct evidence, counts.pids_refused),
    offsetof(struct evidence, counts.cpu_periods),
    offsetof(struct evidence, counts.cpu_throttled),
    offsetof(struct evidence, counts.throttled_time),
    offsetof(struct evidence, counts.io_read),
    offsetof(struct evidence, counts.io_written),
    offsetof(struct evidence, counts.io_reads),
    offsetof(struct evidence, counts.io_writes),
    offsetof(struct evidence, counts.cpu_pressure.some),
    offsetof(struct evidence, counts.cpu_pressure.full),
    offsetof(struct evidence, counts.memory_pressure.some),
    offsetof(struct evidence, counts.memory_pressure.full),
    offsetof(struct evidence, counts.io_pressure.some),
    offsetof(struct evidence, counts.io_pressure.full),
    offsetof(struct evidence, ooms),
    offsetof(struct evidence, ooms_deep),
};

static void reckon(struct evidence *evidence, const struct evidence *other, uint64_t (*apply)(uint64_t, uint64_t))
{
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        uint64_t *counter = (uint64_t *)((char *)evidence + counters[i]);
        *counter = apply(*counter, *(const uint64_t *)((const char *)other + counters[i]));
    }
}

static const size_t sources[] = {
    offsetof(pk_evidence, memory_source), offsetof(pk_evidence, swap_source), offsetof(pk_evidence, pids_source),
    offsetof(pk_evidence, cpu_source),    offsetof(pk_evidence, io_source),   offsetof(pk_evidence, pressure_source),
};

void evidence_add(struct evidence *evidence, const struct evidence *more)
{
    reckon(evidence, more, sum);
    if (more->counts.swap_peak > evidence->counts.swap_peak)
        evidence->counts.swap_peak = more->counts.swap_peak;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        pk_source source = *(const pk_source *)((const char *)&more->counts + sources[i]);
        if (source != PK_SOURCE_UNAVAILABLE)
            *(pk_source *)((char *)&evidence->counts + sources[i]) = source;
    }
}

void evidence_subtract(struct evidence *evidence, const struct evidence *before)
{
    reckon(evidence, before, difference);
}

/* Running out is counted where the limit is, and the kill where the victim was. */
static pk_oom_cause find_cause(const struct evidence *evidence)
{
    if (evidence->counts.oom_kills == 0)
        return PK_OOM_CAUSE_NONE;
    if (evidence->ooms > 0)
        return PK_OOM_CAUSE_LIMIT;
    return evidence->ooms_deep > 0 ? PK_OOM_CAUSE_MEMBER : PK_OOM_CAUSE_ABOVE;
}

void evidence_tell(const struct evidence *evidence, const pk_limits *limits, pk_evidence *told)
{
    *told = evidence->counts;
    told->oom_cause = find_cause(evidence);
    told->memory_max = limits->memory_max;
    told->memory_high = limits->memory_high;
    told->swap_max = limits->swap_max;
    told->pids_max = limits->pids_max;
    told->cpu_max = limits->cpu_max;
}

const char *pk_oom_cause_name(pk_oom_cause cause)
{
    static const char *const names[] = {
        [PK_OOM_CAUSE_NONE] = "none",
        [PK_OOM_CAUSE_LIMIT] = "limit",
        [PK_OOM_CAUSE_ABOVE] = "above",
        [PK_OOM_CAUSE_MEMBER] = "member",
    };
    return (unsigned)cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "unknown";
}
