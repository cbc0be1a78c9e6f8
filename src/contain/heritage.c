/*
 * Reading what children inherit.
 *
 * /proc/thread-self/status has most of it in one read: nothing else tells the umask without changing it for a moment,
 * which other threads would notice.
 */
#include "contain/heritage.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- The status file -------------------------------------------------------------------------------------------- */

static bool begins_with(const char *line, const char *key)
{
    return strncmp(line, key, strlen(key)) == 0;
}

static bool is_one_of(const char *line, const char *const *keys)
{
    while (*keys && !begins_with(line, *keys))
        keys++;
    return *keys != NULL;
}

/* FNV-1a. Nobody gains by a collision: it is this process that is compared with itself. */
static uint64_t hash_line(uint64_t hash, const char *line)
{
    for (; *line && *line != '\n'; line++)
        hash = (hash ^ (unsigned char)*line) * UINT64_C(0x100000001b3);
    return hash;
}

static int read_text(struct heritage *heritage, const char *text)
{
    static const char *const users[] = {"Uid:", "Gid:", "Groups:", NULL};
    static const char *const rights[] = {"Cap", "NoNewPrivs:", "Seccomp", NULL};
    bool found = false;
    heritage->users = heritage->rights = UINT64_C(0xcbf29ce484222325);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        if (is_one_of(line, users))
            heritage->users = hash_line(heritage->users, line);
        else if (is_one_of(line, rights))
            heritage->rights = hash_line(heritage->rights, line);
        if (begins_with(line, "Umask:")) {
            heritage->umask = (mode_t)strtoul(line + strlen("Umask:"), NULL, 8);
            found = true;
        }
        if (line[strcspn(line, "\n")] == '\0')
            break;
    }
    return found ? 0 : -EOPNOTSUPP;
}

static int read_status(struct heritage *heritage)
{
    enum { ROOM = 16384 };
    char text[ROOM];
    ssize_t length = sys_read_attribute(AT_FDCWD, "/proc/thread-self/status", text, sizeof(text));
    if (length < 0)
        return (int)length;
    return length < ROOM - 1 ? read_text(heritage, text) : -EFBIG;
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

static void read_limits(struct heritage *heritage)
{
    for (int i = 0; i < HERITAGE_LIMITS; i++)
        sys_getrlimit(i, &heritage->limits[i][0], &heritage->limits[i][1]);
}

/* What cannot be told counts as unchanged. */
static void read_priorities(struct heritage *heritage)
{
    heritage->knows_nice = sys_getpriority(&heritage->nice) >= 0;
    heritage->knows_io = sys_ioprio_get(&heritage->io_class, &heritage->io_level) >= 0;
    heritage->knows_affinity = sys_sched_getaffinity(sizeof(heritage->affinity), heritage->affinity) >= 0;
}

int heritage_take(struct heritage *heritage, pk_error *error)
{
    struct stat root;
    memset(heritage, 0, sizeof(*heritage));
    int r = read_status(heritage);
    if (r < 0)
        return error_errno(error, r, PK_STEP_SPAWNER, "/proc/thread-self/status",
                           "cannot read what children inherit from /proc/thread-self/status");
    r = sys_fstatat(AT_FDCWD, "/", &root, 0);
    if (r < 0)
        return error_errno(error, r, PK_STEP_SPAWNER, "/", "cannot look at the root directory");
    heritage->root_device = root.st_dev;
    heritage->root_inode = root.st_ino;
    heritage->session = sys_getsid();
    heritage->process_group = sys_getpgrp();
    read_limits(heritage);
    read_priorities(heritage);
    return 0;
}

static const char *find_change(const struct heritage *then, const struct heritage *now)
{
    if (then->users != now->users)
        return "user or groups";
    if (then->rights != now->rights)
        return "capabilities or seccomp filters";
    if (then->session != now->session)
        return "session";
    if (then->root_device != now->root_device || then->root_inode != now->root_inode)
        return "root directory";
    return NULL;
}

int heritage_compare(const struct heritage *then, const struct heritage *now, pk_error *error)
{
    const char *what = find_change(then, now);
    if (!what)
        return 0;
    return error_set(error, -EPERM, PK_ERROR_PERMISSION, PK_STEP_SPAWNER, NULL,
                     "cannot start a process here: this one has changed its %s since it made its first group with "
                     "limits (change that before)",
                     what);
}
