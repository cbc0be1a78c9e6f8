/*
 * A command's data, as the spawn reads it.
 */
#ifndef PK_PROCESS_COMMAND_H
#define PK_PROCESS_COMMAND_H

#include "base/array.h"
#include "base/problem.h"
#include "base/shared.h"
#include "io/feed.h"
#include "io/stream.h"
#include "loop/loop.h"

#include <processkit/cancel.h>
#include <processkit/command.h>
#include <processkit/group.h>
#include <processkit/retry.h>
#include <processkit/runner.h>

#include <limits.h>
#include <stdarg.h>

enum { COMMAND_PROCESSORS = 1024, LONG_BITS = CHAR_BIT * sizeof(unsigned long) };

enum environment_kind { ENVIRONMENT_SET, ENVIRONMENT_UNSET, ENVIRONMENT_CLEAR, ENVIRONMENT_INHERIT };

struct environment_change {
    enum environment_kind kind;
    char *name;
    char *value; /* SET: "NAME=VALUE" */
};

enum descriptor_kind {
    DESCRIPTOR_INHERIT,
    DESCRIPTOR_NULL,
    DESCRIPTOR_PIPE,
    DESCRIPTOR_TERMINAL,
    DESCRIPTOR_FILE,
    DESCRIPTOR_FD,
    DESCRIPTOR_SAME
};

struct descriptor {
    int fd; /* in the child */
    enum descriptor_kind kind;
    char *path;
    pk_file_mode mode;
    int owner_fd;             /* SAME: the other descriptor of the child */
    struct stream_uses *uses; /* what becomes of what is written to the pipe; NULL: nothing that we do */
};

struct resource_limit {
    int resource;
    uint64_t soft;
    uint64_t hard;
};

/* A set of exit codes. */
struct code_set {
    uint64_t bits[4];
};

static inline bool code_set_has(const struct code_set *set, int code)
{
    return set->bits[code / 64 & 3] >> (code % 64) & 1;
}

struct pk_command {
    struct problem problem;

    char **argv; /* ends with NULL; argv[0] is the program as given */
    size_t argc;
    char *arg0;
    char *directory;

    char **search; /* directories to look for the program in before PATH */
    size_t search_count;

    struct environment_change *environment;
    size_t environment_count;

    struct descriptor *descriptors; /* sorted by fd */
    size_t descriptor_count;

    struct resource_limit *rlimits;
    size_t rlimit_count;

    gid_t *groups;
    size_t group_count;
    uid_t uid;
    gid_t gid;
    mode_t umask;
    int nice;
    int io_class, io_level;
    unsigned long affinity[COMMAND_PROCESSORS / LONG_BITS]; /* as the kernel has it: musl's cpu_set_t is smaller */
    uint64_t keep_ignored;                                  /* bit n - 1 for signal n */
    bool has_uid, has_gid, has_groups, has_umask, has_nice, has_io_priority, has_affinity;
    bool setsid, setpgid, parent_death;
    struct pty_setup *pty; /* NULL: no terminal of its own */

    pk_group_options *contain; /* NULL: the defaults */
    pk_duration timeout;       /* 0: none */
    pk_stop_options stop;
    pk_leftovers leftovers;
    bool evidence;

    struct feed_source input; /* of a pipe at 0 */
    bool has_input;
    struct shared *input_bytes; /* what it gives, unless that is a callback; runs have it too */
    pk_duration idle_timeout;   /* 0: none */
    pk_duration drain;
    struct code_set ok_codes;
    pk_cancel *cancel;
    pk_runner *runner;      /* NULL: it is run for real */
    pk_retry_options retry; /* attempts 0 or 1: none */
    struct tracer tracer;
};

/* ---- For who builds commands ------------------------------------------------------------------------------------- */

/* The first problem is the one that is reported. */
PK_PRINTF(3, 4) void command_remember(pk_command *command, int number, const char *format, ...);

/* A copy of a string; a missing one is a problem of the caller's. NULL if there is none. */
char *command_copy(pk_command *command, const char *text, const char *what);

/* Makes room for one more item in the array that this points to. The sizes are powers of two, so no capacity need be
 * kept. */
bool command_grow(pk_command *command, void *array, size_t count, size_t item_size);

/* Adds arguments up to a NULL. */
void command_add(pk_command *command, va_list arguments);

/* The entry of a descriptor, made if need be, with nothing in it: what the last call says holds. NULL if that is not
 * possible. */
struct descriptor *command_descriptor(pk_command *command, int fd);

/* The entry, if there is one. */
struct descriptor *command_find_descriptor(const pk_command *command, int fd);

/* Frees what it holds. */
void descriptor_clear(struct descriptor *descriptor);

/* Takes NULL. */
void uses_free(struct stream_uses *uses);

/* pk_command_with. */
pk_command *command_with(const pk_command *base, va_list arguments);

/* ---- For who starts them ----------------------------------------------------------------------------------------- */

/* 0, or the problem that was remembered. Accepts NULL. */
int command_check(const pk_command *command, pk_error *error);

#endif
