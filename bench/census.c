/*
 * Counting by what the kernel and malloc say.
 */
#include "census.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

long census_count_directories(const char *parent, const char *prefix)
{
    DIR *dir = opendir(parent);
    long count = 0;
    if (!dir)
        return errno == ENOENT ? 0 : -1;
    for (struct dirent *entry; (entry = readdir(dir));)
        count +=
            entry->d_type == DT_DIR && entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return count;
}

static long count_entries(const char *path)
{
    DIR *dir = opendir(path);
    long count = 0;
    if (!dir)
        return -1;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; /* itself and its parent */
}

/* How many times `end` is in the file. */
static long count_in_file(const char *path, char end)
{
    FILE *file = fopen(path, "re");
    long count = 0;
    if (!file)
        return -1;
    for (int c; (c = getc(file)) != EOF;)
        count += c == end;
    fclose(file);
    return count;
}

static long read_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long size, pages = 0;
    if (!file)
        return -1;
    if (fscanf(file, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

struct census census_take(const char *owner)
{
    /* Children are listed for the thread that made them, each followed by a space. The heap comes first: the others
     * allocate buffers, and free them again. */
    struct mallinfo2 heap = mallinfo2();
    return (struct census){
        .heap = (long)(heap.uordblks + heap.hblkhd),
        .descriptors = count_entries("/proc/self/fd") - 1,
        .children = count_in_file("/proc/thread-self/children", ' '),
        .threads = count_entries("/proc/self/task"),
        .mappings = count_in_file("/proc/self/maps", '\n'),
        .directories = *owner ? census_count_directories(owner, "") : -1,
        .resident = read_resident(),
    };
}

static bool compare(const char *what, long before, long after, long allowed)
{
    bool pass = after - before <= allowed && before >= 0 && after >= 0;
    printf("  %-28s %10ld %10ld %+8ld  %s\n", what, before, after, after - before, pass ? "ok" : "LEAK");
    return pass;
}

bool census_compare(const char *name, const struct census *before, const struct census *after, long heap, long resident)
{
    bool pass = true;
    printf("\n%-30s %10s %10s %8s\n", name, "before", "after", "");
    pass &= compare("descriptors", before->descriptors, after->descriptors, 0);
    pass &= compare("children and zombies", before->children, after->children, 0);
    pass &= compare("threads", before->threads, after->threads, 0);
    pass &= compare("mappings", before->mappings, after->mappings, 0);
    if (before->directories >= 0)
        pass &= compare("cgroup directories", before->directories, after->directories, 0);
    pass &= compare("heap (bytes)", before->heap, after->heap, heap);
    pass &= compare("resident (KiB)", before->resident, after->resident, resident);
    return pass;
}
