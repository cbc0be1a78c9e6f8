/*
 * Where the program may be: the paths to try, in the order of the directories that the command names, and then of the
 * child's PATH.
 *
 * They are not looked at here. The child tries them with exec, in its own directory and with its own rights, and so
 * only the kernel decides what can be run.
 */
#include "base/error.h"
#include "process/plan.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What the C library's exec functions use when PATH is not set. */
static const char default_path[] = "/bin:/usr/bin";

static size_t count_elements(const char *path)
{
    size_t count = 1;
    for (; (path = strchr(path, ':')); path++)
        count++;
    return count;
}

/* ---- Laying out ------------------------------------------------------------------------------------------------- */

struct layout {
    char **candidates;
    size_t count;
    char *next; /* the room for the next one */
};

static void begin(struct layout *layout)
{
    layout->candidates[layout->count++] = layout->next;
    layout->candidates[layout->count] = NULL;
}

/* A piece of a path, with a slash behind it. An empty element is the current directory. */
static void add_directory(struct layout *layout, const char *text, size_t length)
{
    memcpy(layout->next, text, length);
    layout->next += length;
    if (length > 0)
        *layout->next++ = '/';
}

static void end(struct layout *layout, const char *program)
{
    layout->next = stpcpy(layout->next, program) + 1;
}

static void lay_out_search(struct layout *layout, const pk_command *command, const char *here)
{
    for (size_t i = 0; i < command->search_count; i++) {
        const char *directory = command->search[i];
        begin(layout);
        if (directory[0] != '/')
            add_directory(layout, here, strlen(here));
        add_directory(layout, directory, strlen(directory));
        end(layout, command->argv[0]);
    }
}

static void lay_out_path(struct layout *layout, const char *path, const char *program)
{
    for (const char *element = path;; element++) {
        size_t length = strcspn(element, ":");
        begin(layout);
        add_directory(layout, element, length);
        end(layout, program);
        element += length;
        if (*element == '\0')
            break;
    }
}

/* ---- Making room ------------------------------------------------------------------------------------------------ */

static int make_room(struct plan *plan, struct layout *layout, size_t count, size_t size, pk_error *error)
{
    plan->candidates = reallocarray(NULL, count + 1, sizeof(char *));
    plan->candidate_text = malloc(size);
    if (!plan->candidates || !plan->candidate_text)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    *layout = (struct layout){.candidates = plan->candidates, .next = plan->candidate_text};
    return 0;
}

/* Where relative directories to search are, if there are any: the child may go elsewhere. */
static int find_here(const pk_command *command, char *here, size_t size, pk_error *error)
{
    here[0] = '\0';
    for (size_t i = 0; i < command->search_count; i++) {
        int r = command->search[i][0] == '/' ? 0 : sys_getcwd(here, size);
        if (r < 0)
            return error_set(error, r, PK_ERROR_SPAWN, PK_STEP_EXEC, command->search[i],
                             "cannot look for '%s' in '%s': the working directory is not known: %s", command->argv[0],
                             command->search[i], error_text(r));
        if (here[0])
            break;
    }
    return 0;
}

static int find_by_name(struct plan *plan, pk_error *error)
{
    const pk_command *command = plan->command;
    const char *program = command->argv[0], *path = plan_getenv(plan, "PATH");
    char here[PATH_MAX];
    struct layout layout = {NULL};
    path = path ? path : default_path;
    int r = find_here(command, here, sizeof(here), error);
    if (r < 0)
        return r;

    size_t elements = count_elements(path);
    size_t size = strlen(path) + elements * (strlen(program) + 2);
    for (size_t i = 0; i < command->search_count; i++)
        size += strlen(here) + strlen(command->search[i]) + strlen(program) + 3;
    r = make_room(plan, &layout, elements + command->search_count, size, error);
    if (r < 0)
        return r;
    lay_out_search(&layout, command, here);
    lay_out_path(&layout, path, program);
    return 0;
}

int plan_candidates(struct plan *plan, pk_error *error)
{
    const char *program = plan->command->argv[0];
    struct layout layout = {NULL};
    plan->by_name = strchr(program, '/') == NULL;
    if (plan->by_name)
        return find_by_name(plan, error);
    int r = make_room(plan, &layout, 1, strlen(program) + 1, error);
    if (r < 0)
        return r;
    begin(&layout);
    end(&layout, program);
    return 0;
}

int plan_open_directory(const struct plan *plan, int *dir)
{
    const char *directory = plan->command->directory;
    *dir = directory ? sys_openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY, 0) : AT_FDCWD;
    return directory && *dir < 0 ? *dir : 0;
}
