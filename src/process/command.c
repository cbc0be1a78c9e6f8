/*
 * Building commands. Nothing fails here: the first problem is remembered, and reported when the command is started.
 */
#include "process/command.h"

#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HIGHEST_FD = 65535 };

void command_remember(pk_command *command, int number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_remember(&command->problem, number, format, arguments);
    va_end(arguments);
}

int command_check(const pk_command *command, pk_error *error)
{
    if (!command)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a command");
    return problem_check(&command->problem, "command", error);
}

char *command_copy(pk_command *command, const char *text, const char *what)
{
    if (!text) {
        command_remember(command, -EINVAL, "%s is missing", what);
        return NULL;
    }
    char *result = strdup(text);
    if (!result)
        command_remember(command, -ENOMEM, "out of memory");
    return result;
}

static void replace(char **place, char *text)
{
    free(*place);
    *place = text;
}

bool command_grow(pk_command *command, void *array, size_t count, size_t item_size)
{
    bool grown = array_grow(array, count, item_size);
    if (!grown)
        command_remember(command, -ENOMEM, "out of memory");
    return grown;
}

/* ---- Program and arguments -------------------------------------------------------------------------------------- */

void pk_command_arg(pk_command *command, const char *argument)
{
    if (!command)
        return;
    /* One place more than arguments, for the NULL at the end. */
    if (!command_grow(command, &command->argv, command->argc + 1, sizeof(char *)))
        return;
    char *text = command_copy(command, argument, "an argument");
    if (!text)
        return;
    command->argv[command->argc++] = text;
    command->argv[command->argc] = NULL;
}

void command_add(pk_command *command, va_list arguments)
{
    const char *argument;
    while ((argument = va_arg(arguments, const char *)))
        pk_command_arg(command, argument);
}

void pk_command_search(pk_command *command, const char *directory)
{
    if (!command)
        return;
    if (directory && directory[0] == '\0')
        command_remember(command, -EINVAL, "the name of a directory to search is empty");
    if (!command_grow(command, &command->search, command->search_count, sizeof(char *)))
        return;
    char *text = command_copy(command, directory, "the name of a directory to search");
    if (text)
        command->search[command->search_count++] = text;
}

static pk_command *new_command(void)
{
    pk_command *command = calloc(1, sizeof(*command));
    if (!command)
        return NULL;
    command->argv = calloc(2, sizeof(char *));
    if (!command->argv) {
        free(command);
        return NULL;
    }
    command->stop = (pk_stop_options)PK_STOP_OPTIONS_INIT;
    command->drain = PK_DEFAULT_DRAIN;
    command->ok_codes.bits[0] = 1;
    return command;
}

static void check_program(pk_command *command)
{
    if (command->argc == 0)
        command_remember(command, -EINVAL, "the program is missing");
    else if (command->argv[0][0] == '\0')
        command_remember(command, -EINVAL, "the program's name is empty");
}

pk_command *pk_command_new(const char *program, ...)
{
    pk_command *command = new_command();
    if (!command)
        return NULL;
    va_list arguments;
    va_start(arguments, program);
    if (program) {
        pk_command_arg(command, program);
        command_add(command, arguments);
    }
    va_end(arguments);
    check_program(command);
    return command;
}

pk_command *pk_command_new_argv(const char *const *argv)
{
    pk_command *command = new_command();
    if (!command)
        return NULL;
    for (size_t i = 0; argv && argv[i]; i++)
        pk_command_arg(command, argv[i]);
    check_program(command);
    return command;
}

static void clear_argv(pk_command *command)
{
    for (size_t i = 0; i < command->argc; i++)
        free(command->argv[i]);
    command->argv[0] = NULL;
    command->argc = 0;
}

void pk_command_set_argv(pk_command *command, const char *const *argv)
{
    if (!command)
        return;
    clear_argv(command);
    for (size_t i = 0; argv && argv[i]; i++)
        pk_command_arg(command, argv[i]);
    check_program(command);
}

pk_command *pk_command_free(pk_command *command)
{
    if (!command)
        return NULL;
    if (command->argv)
        clear_argv(command);
    for (size_t i = 0; i < command->search_count; i++)
        free(command->search[i]);
    for (size_t i = 0; i < command->environment_count; i++) {
        free(command->environment[i].name);
        free(command->environment[i].value);
    }
    for (size_t i = 0; i < command->descriptor_count; i++)
        descriptor_clear(&command->descriptors[i]);
    free(command->argv);
    free(command->arg0);
    free(command->directory);
    free(command->search);
    free(command->environment);
    free(command->descriptors);
    free(command->rlimits);
    free(command->groups);
    free(command->contain);
    shared_unref(command->input_bytes);
    pk_cancel_free(command->cancel);
    pk_runner_free(command->runner);
    free(command->pty);
    free(command);
    return NULL;
}

void pk_command_arg0(pk_command *command, const char *name)
{
    if (command)
        replace(&command->arg0, command_copy(command, name, "the name for argv[0]"));
}

/* ---- Environment and directory ---------------------------------------------------------------------------------- */

static void add_change(pk_command *command, enum environment_kind kind, const char *name, const char *value)
{
    if (!command)
        return;
    struct environment_change change = {.kind = kind};
    if (kind != ENVIRONMENT_CLEAR) {
        if (!name || name[0] == '\0' || strchr(name, '=')) {
            command_remember(command, -EINVAL, "'%s' is no name for an environment variable", name ? name : "");
            return;
        }
        change.name = command_copy(command, name, "the name of an environment variable");
    }
    if (kind == ENVIRONMENT_SET) {
        if (!value)
            command_remember(command, -EINVAL, "the value of the environment variable '%s' is missing", name);
        else if (asprintf(&change.value, "%s=%s", name, value) < 0) {
            change.value = NULL;
            command_remember(command, -ENOMEM, "out of memory");
        }
    }
    if (command->problem.number ||
        !command_grow(command, &command->environment, command->environment_count, sizeof(change))) {
        free(change.name);
        free(change.value);
        return;
    }
    command->environment[command->environment_count++] = change;
}

void pk_command_setenv(pk_command *command, const char *name, const char *value)
{
    add_change(command, ENVIRONMENT_SET, name, value);
}

void pk_command_unsetenv(pk_command *command, const char *name)
{
    add_change(command, ENVIRONMENT_UNSET, name, NULL);
}

void pk_command_clearenv(pk_command *command)
{
    add_change(command, ENVIRONMENT_CLEAR, NULL, NULL);
}

void pk_command_inheritenv(pk_command *command, const char *name)
{
    add_change(command, ENVIRONMENT_INHERIT, name, NULL);
}

void pk_command_chdir(pk_command *command, const char *directory)
{
    if (!command)
        return;
    replace(&command->directory, command_copy(command, directory, "the directory"));
    if (command->directory && command->directory[0] == '\0')
        command_remember(command, -EINVAL, "the directory's name is empty");
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

void descriptor_clear(struct descriptor *descriptor)
{
    free(descriptor->path);
    uses_free(descriptor->uses);
    *descriptor = (struct descriptor){.fd = descriptor->fd};
}

/* They stay sorted. */
struct descriptor *command_descriptor(pk_command *command, int fd)
{
    if (!command)
        return NULL;
    if (fd < 0 || fd > HIGHEST_FD) {
        command_remember(command, -EINVAL, "%d is no descriptor from 0 to %d", fd, HIGHEST_FD);
        return NULL;
    }
    size_t i = 0;
    while (i < command->descriptor_count && command->descriptors[i].fd < fd)
        i++;
    if (i == command->descriptor_count || command->descriptors[i].fd != fd) {
        if (!command_grow(command, &command->descriptors, command->descriptor_count, sizeof(struct descriptor)))
            return NULL;
        struct descriptor *place = &command->descriptors[i];
        memmove(place + 1, place, (command->descriptor_count - i) * sizeof(*place));
        *place = (struct descriptor){.fd = fd};
        command->descriptor_count++;
    }
    descriptor_clear(&command->descriptors[i]);
    return &command->descriptors[i];
}

void pk_command_inherit(pk_command *command, int fd)
{
    struct descriptor *descriptor = command_descriptor(command, fd);
    if (descriptor)
        descriptor->kind = DESCRIPTOR_INHERIT;
}

void pk_command_null(pk_command *command, int fd)
{
    struct descriptor *descriptor = command_descriptor(command, fd);
    if (descriptor)
        descriptor->kind = DESCRIPTOR_NULL;
}

void pk_command_pipe(pk_command *command, int fd)
{
    struct descriptor *descriptor = command_descriptor(command, fd);
    if (!descriptor)
        return;
    descriptor->kind = DESCRIPTOR_PIPE;
    if (fd == 0)
        command->has_input = false;
}

void pk_command_file(pk_command *command, int fd, const char *path, pk_file_mode mode)
{
    struct descriptor *descriptor = command_descriptor(command, fd);
    if (!descriptor)
        return;
    if (mode > PK_FILE_APPEND)
        command_remember(command, -EINVAL, "unknown mode for the file of descriptor %d", fd);
    descriptor->kind = DESCRIPTOR_FILE;
    descriptor->mode = mode;
    descriptor->path = command_copy(command, path, "the path of a file");
}

void pk_command_same(pk_command *command, int fd, int other)
{
    struct descriptor *descriptor = command_descriptor(command, fd);
    if (!descriptor)
        return;
    if (other < 0 || other > HIGHEST_FD || other == fd)
        command_remember(command, -EINVAL, "descriptor %d cannot be the same as %d", fd, other);
    descriptor->kind = DESCRIPTOR_SAME;
    descriptor->owner_fd = other;
}

void pk_command_fd(pk_command *command, int fd, int owner_fd)
{
    struct descriptor *descriptor = command_descriptor(command, fd);
    if (!descriptor)
        return;
    if (owner_fd < 0)
        command_remember(command, -EINVAL, "%d is no descriptor to pass on as %d", owner_fd, fd);
    descriptor->kind = DESCRIPTOR_FD;
    descriptor->owner_fd = owner_fd;
}

/* ---- Identity and kernel attributes ----------------------------------------------------------------------------- */

void pk_command_uid(pk_command *command, uid_t uid)
{
    if (!command)
        return;
    if (uid == (uid_t)-1)
        command_remember(command, -EINVAL, "-1 is no user id");
    command->uid = uid;
    command->has_uid = true;
}

void pk_command_gid(pk_command *command, gid_t gid)
{
    if (!command)
        return;
    if (gid == (gid_t)-1)
        command_remember(command, -EINVAL, "-1 is no group id");
    command->gid = gid;
    command->has_gid = true;
}

void pk_command_groups(pk_command *command, const gid_t *groups, size_t count)
{
    enum { MOST = 65536 }; /* NGROUPS_MAX of the kernel */
    if (!command)
        return;
    if (count > MOST) {
        command_remember(command, -EINVAL, "more than %d supplementary groups", MOST);
        return;
    }
    gid_t *copied = reallocarray(NULL, count ? count : 1, sizeof(gid_t));
    if (!copied) {
        command_remember(command, -ENOMEM, "out of memory");
        return;
    }
    if (count > 0)
        memcpy(copied, groups, count * sizeof(gid_t));
    free(command->groups);
    command->groups = copied;
    command->group_count = count;
    command->has_groups = true;
}

void pk_command_umask(pk_command *command, mode_t mask)
{
    if (!command)
        return;
    if (mask & ~(mode_t)0777)
        command_remember(command, -EINVAL, "the umask 0%o has bits beyond 0777", mask);
    command->umask = mask;
    command->has_umask = true;
}

static void check_session(pk_command *command)
{
    if (command->setsid && command->setpgid)
        command_remember(command, -EINVAL, "a new session%s already has a process group of its own",
                         command->pty ? ", which a terminal needs," : "");
}

void pk_command_setsid(pk_command *command)
{
    if (!command)
        return;
    command->setsid = true;
    check_session(command);
}

void pk_command_setpgid(pk_command *command)
{
    if (!command)
        return;
    command->setpgid = true;
    check_session(command);
}

void pk_command_nice(pk_command *command, int value)
{
    if (!command)
        return;
    if (value < -20 || value > 19)
        command_remember(command, -EINVAL, "%d is no nice value from -20 to 19", value);
    command->nice = value;
    command->has_nice = true;
}

void pk_command_io_priority(pk_command *command, pk_io_class io_class, int level)
{
    if (!command)
        return;
    if (io_class < PK_IO_REALTIME || io_class > PK_IO_IDLE || level < 0 || level > 7)
        command_remember(command, -EINVAL, "no such I/O priority: class %d, level %d", (int)io_class, level);
    command->io_class = (int)io_class;
    command->io_level = io_class == PK_IO_IDLE ? 0 : level;
    command->has_io_priority = true;
}

void pk_command_cpu_affinity(pk_command *command, const unsigned *cpus, size_t count)
{
    if (!command)
        return;
    memset(command->affinity, 0, sizeof(command->affinity));
    if (count == 0)
        command_remember(command, -EINVAL, "the list of processors is empty");
    for (size_t i = 0; i < count; i++) {
        if (cpus[i] >= COMMAND_PROCESSORS)
            command_remember(command, -EINVAL, "%u is no processor from 0 to %d", cpus[i], COMMAND_PROCESSORS - 1);
        else
            command->affinity[cpus[i] / LONG_BITS] |= 1UL << (cpus[i] % LONG_BITS);
    }
    command->has_affinity = true;
}

void pk_command_rlimit(pk_command *command, int resource, uint64_t soft, uint64_t hard)
{
    if (!command)
        return;
    if (soft > hard)
        command_remember(command, -EINVAL, "the soft limit is above the hard limit");
    if (resource < 0)
        command_remember(command, -EINVAL, "%d is no resource", resource);
    if (!command_grow(command, &command->rlimits, command->rlimit_count, sizeof(struct resource_limit)))
        return;
    command->rlimits[command->rlimit_count++] = (struct resource_limit){resource, soft, hard};
}

static bool is_signal(int signal_number)
{
    return signal_number > 0 && signal_number <= SIGRTMAX;
}

void pk_command_keep_ignored(pk_command *command, int signal_number)
{
    if (!command)
        return;
    if (!is_signal(signal_number))
        command_remember(command, -EINVAL, "%d is no signal", signal_number);
    else
        command->keep_ignored |= UINT64_C(1) << (signal_number - 1);
}

void pk_command_kill_on_parent_death(pk_command *command)
{
    if (command)
        command->parent_death = true;
}
