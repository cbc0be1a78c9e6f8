/*
 * Asking the machine. What cannot be read holds nothing up: a batch that never goes on helps nobody.
 */
#include "batch/admission.h"

#include "base/time.h"
#include "contain/cgroup.h"
#include "contain/place.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN PK_MILLISECONDS(200)

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

bool admission_parse_available(const char *meminfo, uint64_t *bytes)
{
    static const char key[] = "MemAvailable:";
    const char *line = strstr(meminfo, key);
    uint64_t kibibytes;
    if (!line || sscanf(line + sizeof(key) - 1, "%" SCNu64 " kB", &kibibytes) != 1 || kibibytes > UINT64_MAX / 1024)
        return false;
    *bytes = kibibytes * 1024;
    return true;
}

static void lower(uint64_t *bytes, uint64_t other)
{
    if (other < *bytes)
        *bytes = other;
}

/* What this directory's limit leaves; page cache that the kernel would give back counts as used, as the limit has it.
 */
static void lower_by_limit(int dir, uint64_t *bytes)
{
    uint64_t most, used;
    if (cgroup_read_number(dir, "memory.max", &most) == 0 && cgroup_read_number(dir, "memory.current", &used) == 0)
        lower(bytes, most > used ? most - used : 0);
}

/* From the own cgroup up to the root of what can be seen. */
static void lower_by_limits(uint64_t *bytes)
{
    struct place place;
    if (place_find(&place, NULL) < 0)
        return;
    size_t root = strlen(place.mount);
    while (strlen(place.own) > root) {
        int dir = sys_openat(AT_FDCWD, place.own, O_RDONLY | O_DIRECTORY, 0);
        if (dir >= 0)
            lower_by_limit(dir, bytes);
        sys_close_safe(dir);
        char *end = strrchr(place.own, '/');
        if (!end)
            return;
        *end = '\0';
    }
}

static bool has_memory(uint64_t floor)
{
    char text[8192];
    uint64_t bytes;
    if (sys_read_file(-1, "/proc/meminfo", text, sizeof(text)) < 0 || !admission_parse_available(text, &bytes))
        return true;
    lower_by_limits(&bytes);
    return bytes >= floor;
}

/* ---- Load ------------------------------------------------------------------------------------------------------- */

/* "0.20 0.18 0.12 1/80 11206": those that run are those that have a processor or wait for one. */
bool admission_parse_running(const char *loadavg, unsigned *threads)
{
    return sscanf(loadavg, "%*f %*f %*f %u/", threads) == 1;
}

/* Who asks is one of them. */
static bool has_processors(unsigned most)
{
    char text[128];
    unsigned running;
    if (sys_read_file(-1, "/proc/loadavg", text, sizeof(text)) < 0 || !admission_parse_running(text, &running))
        return true;
    return running <= most;
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

pk_time admission_ask(const struct admission *admission, unsigned running, pk_time now)
{
    if (now < admission->next)
        return admission->next;
    bool held = (admission->memory_floor && !has_memory(admission->memory_floor)) ||
                (admission->load && !has_processors(admission->load));
    return held && running > 0 ? time_add(now, LOOK_AGAIN) : 0;
}

/* What was late is not made up for by a burst. */
void admission_note(struct admission *admission, pk_time now)
{
    if (admission->interval)
        admission->next = time_add(now, admission->interval);
}
