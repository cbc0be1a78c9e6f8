/*
 * Texts that the kernel writes, but in which users choose names: mountinfo, cgroup files, /proc/PID/stat.
 */
#include "contain/cgroup.h"
#include "contain/mountinfo.h"
#include "contain/proc.h"
#include "fuzz.h"

#include <limits.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = string_of(bytes, size);
    struct proc_stat stat;
    uint64_t value;

    find_cgroup(text);
    if (proc_stat_parse(text, &stat) == 0)
        HOLDS(is_string(stat.name, sizeof(stat.name)));
    if (cgroup_parse_key(text, "populated", &value) == 0)
        HOLDS(strstr(text, "populated") != NULL);
    free(text);
    return 0;
}
