/*
 * Files without names.
 */
#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *slot_directory(void)
{
    const char *directory = getenv("TMPDIR");
    return directory && *directory ? directory : "/tmp";
}

/* For file systems that make none without a name. */
static int make_and_unlink(void)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/pk-batch-XXXXXX", slot_directory()) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_APPEND | O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int slot_file(void)
{
    int fd = open(slot_directory(), O_TMPFILE | O_RDWR | O_APPEND | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        fd = make_and_unlink();
    return fd;
}

/* Leaves errno alone. */
static struct slot *close_slot(struct slot *slot)
{
    int number = errno;
    for (int i = 0; i < 2; i++)
        if (slot->files[i] >= 0)
            close(slot->files[i]);
    free(slot);
    errno = number;
    return NULL;
}

static struct slot *make_slot(void)
{
    struct slot *slot = calloc(1, sizeof(*slot));
    if (!slot)
        return NULL;
    slot->files[0] = slot_file();
    slot->files[1] = slot->files[0] >= 0 ? slot_file() : -1;
    return slot->files[1] >= 0 ? slot : close_slot(slot);
}

struct slot *slot_take(struct slots *slots)
{
    struct slot *slot = slots->free;
    if (slot)
        slots->free = slot->next;
    else
        slot = make_slot();
    slots->used += slot != NULL;
    return slot;
}

bool slot_empty(const struct slot *slot)
{
    return ftruncate(slot->files[0], 0) == 0 && ftruncate(slot->files[1], 0) == 0;
}

void slot_give(struct slots *slots, struct slot *slot)
{
    slot->next = slots->free;
    slots->free = slot;
    slots->used--;
}

void slot_drop(struct slots *slots, struct slot *slot)
{
    close_slot(slot);
    slots->used--;
}

void slots_free(struct slots *slots)
{
    while (slots->free) {
        struct slot *slot = slots->free;
        slots->free = slot->next;
        close_slot(slot);
    }
}
