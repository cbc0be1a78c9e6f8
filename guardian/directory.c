/*
 * Reading directories, and closing what the list of open descriptors names.
 */
#include "calls.h"

struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

long each_entry(int dir, long (*visit)(int dir, const char *name, int type, void *data), void *data)
{
    _Alignas(struct entry) char buffer[1024] = "";
    long size;
    while ((size = CALL3(getdents64, dir, buffer, sizeof(buffer))) > 0) {
        for (char *next = buffer; next < buffer + size; next += ((struct entry *)next)->length) {
            const struct entry *entry = (const struct entry *)next;
            long r = same_text(entry->name, ".") || same_text(entry->name, "..")
                         ? 0
                         : visit(dir, entry->name, entry->type, data);
            if (r != 0)
                return r;
        }
    }
    return 0;
}

static long visit_to_close(int dir, const char *name, int type, void *data)
{
    int fd = 0;
    (void)type;
    for (; *name >= '0' && *name <= '9'; name++)
        fd = fd * 10 + (*name - '0');
    if (fd != dir && fd >= *(int *)data)
        close_fd(fd);
    return 0;
}

/* Without close_range (before Linux 5.9, or refused) the kernel's own list says what is open. */
void close_from(int first)
{
    if (CALL3(close_range, first, ~0U, 0) == 0)
        return;
    long dir = open_at(-1, "/proc/self/fd", O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return;
    each_entry((int)dir, visit_to_close, &first);
    close_fd((int)dir);
}
