/*
 * Texts that the kernel writes, but in which users choose names: mountinfo, cgroup files, /proc/PID/stat. And the marks
 * of directories, which a user may have written.
 */
#include "contain/cgroup.h"
#include "contain/evidence.h"
#include "contain/mark.h"
#include "contain/mountinfo.h"
#include "contain/proc.h"
#include "fuzz.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>

static bool is_string(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void find_cgroup(const char *text)
{
    char own[64], mount[64], directory[64];
    if (mountinfo_own_path(text, own, sizeof(own)) == 0)
        HOLDS(is_string(own, sizeof(own)) && own[0] == '/');
    else
        strcpy(own, "/user.slice");
    if (mountinfo_find_directory(text, own, mount, directory, sizeof(directory)) == 0) {
        HOLDS(is_string(mount, sizeof(mount)) && is_string(directory, sizeof(directory)));
        HOLDS(strncmp(directory, mount, strlen(mount)) == 0);
    }
}

/* Line by line, as slow as it is simple. */
static bool has_line_with(const char *text, const char *key)
{
    size_t length = strlen(key);
    bool first = true;
    for (; *text; text++) {
        if (first && strncmp(text, key, length) == 0 && text[length] == ' ')
            return true;
        first = *text == '\n';
    }
    return false;
}

static void find_key(const char *text, const char *key)
{
    uint64_t value = 4711;
    int r = cgroup_parse_key(text, key, &value);
    HOLDS(r == 0 || (r == -ENODATA && value == 4711));
    if (r == 0)
        HOLDS(has_line_with(text, key));
}

static void parse_stat(const char *text)
{
    struct proc_stat stat;
    int r = proc_stat_parse(text, &stat);
    HOLDS(r == 0 || r == -EINVAL);
    if (r < 0)
        return;
    const char *name = strchr(text, '('), *end = strrchr(text, ')');
    HOLDS(is_string(stat.name, sizeof(stat.name)));
    HOLDS(strncmp(stat.name, name + 1, strlen(stat.name)) == 0);
    HOLDS(end[1] == ' ' && end[2] == stat.state); /* not a state that a name pretends */
}

/* What is read is written the same way, whatever else was there. */
static void parse_mark(const char *text)
{
    struct mark mark, again;
    char written[MARK_TEXT_SIZE];
    int r = mark_parse(text, &mark);
    HOLDS(r == 0 || r == -EINVAL);
    if (r < 0)
        return;
    HOLDS(mark.pid > 0 && is_string(mark.boot, sizeof(mark.boot)) && is_string(mark.name, sizeof(mark.name)));
    mark_format(&mark, written);
    HOLDS(mark_parse(written, &again) == 0);
    HOLDS(again.pid == mark.pid && again.start == mark.start && strcmp(again.boot, mark.boot) == 0);
    HOLDS(again.time == mark.time && strcmp(again.name, mark.name) == 0);
    HOLDS(again.pid_namespace == mark.pid_namespace && again.time_namespace == mark.time_namespace);
}

static bool is_untouched(const struct evidence *evidence)
{
    static const struct evidence nothing;
    const void *a = evidence, *b = &nothing; /* bytes: none may have been written */
    return memcmp(a, b, sizeof(nothing)) == 0;
}

/* All or nothing, and nothing that was there twice. */
static void parse_evidence(const char *text)
{
    const struct evidence nothing = {0};
    struct evidence evidence = nothing;
    pk_pressure pressure = {47, 11};
    int r = evidence_parse_memory(text, text, &evidence);
    HOLDS(r == 0 || (r == -ENODATA && is_untouched(&evidence)));
    HOLDS(evidence.ooms == evidence.ooms_deep);
    evidence = nothing;
    r = evidence_parse_pids(text, &evidence);
    HOLDS(r == 0 || (r == -ENODATA && is_untouched(&evidence)));
    if (r == 0)
        HOLDS(has_line_with(text, "max"));
    r = evidence_parse_cpu(text, &evidence);
    HOLDS(r == 0 || (r == -ENODATA && evidence.counts.cpu_source == PK_SOURCE_UNAVAILABLE));
    if (r == 0)
        HOLDS(has_line_with(text, "nr_periods") && has_line_with(text, "throttled_usec"));
    r = evidence_parse_io(text, &evidence);
    HOLDS(r == 0 || (r == -ENODATA && evidence.counts.io_source == PK_SOURCE_UNAVAILABLE));
    if (r == 0)
        HOLDS(*text == '\0' || text[strlen(text) - 1] == '\n');
    r = evidence_parse_pressure(text, &pressure);
    HOLDS(r == 0 ? has_line_with(text, "some") : r == -ENODATA && pressure.some == 47 && pressure.full == 11);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = string_of(bytes, size);
    find_cgroup(text);
    parse_stat(text);
    parse_mark(text);
    parse_evidence(text);
    find_key(text, "populated");
    find_key(text, "frozen");
    find_key(text, "usage_usec");
    free(text);
    return 0;
}
