/*
 * Looking at a directory that is to be left to another group. Its files are opened once, and then read again and again.
 */
#include "contain/entry.h"

#include "contain/cgroup.h"
#include "contain/usage.h"
#include "sys/sys.h"

#include <fcntl.h>

/* They can be read where the directory can; what cannot be opened now, for want of descriptors, is not parked. */
static bool open_files(struct owner_entry *entry)
{
    if (entry->events < 0)
        entry->events = sys_keep(sys_openat(entry->fd, "cgroup.events", O_RDONLY, 0));
    if (entry->stat < 0)
        entry->stat = sys_keep(sys_openat(entry->fd, "cpu.stat", O_RDONLY, 0));
    return entry->events >= 0 && entry->stat >= 0;
}

/* As the kernel gives it in one read. */
static bool read_again(int fd, char *text, size_t size)
{
    ssize_t length = sys_pread(fd, text, size - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static bool is_as_new(const struct owner_entry *entry)
{
    char text[256];
    uint64_t populated, frozen = 0;
    struct stat status;
    if (!read_again(entry->events, text, sizeof(text)) || cgroup_parse_key(text, "populated", &populated) < 0 ||
        populated)
        return false;
    if (cgroup_parse_key(text, "frozen", &frozen) == 0 && frozen)
        return false;
    return sys_fstat(entry->fd, &status) == 0 && status.st_nlink == 2;
}

static bool read_usage(const struct owner_entry *entry, pk_usage *total)
{
    char text[4096];
    *total = (pk_usage){0};
    return read_again(entry->stat, text, sizeof(text)) && usage_parse_cgroup(text, total);
}

bool entry_park(struct owner_entry *entry, pk_usage *used)
{
    pk_usage total;
    if (!owner_keeps_entries(entry) || !open_files(entry) || !is_as_new(entry) || !read_usage(entry, &total))
        return false;
    *used = total;
    usage_subtract(used, &entry->base);
    struct owner_entry parked = *entry;
    parked.base = total;
    return owner_park_entry(&parked);
}
