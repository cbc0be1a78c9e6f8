/*
 * Where the program may be: the paths to try, in the order of the child's PATH.
 *
 * They are not looked at here. The child tries them with exec, in its own directory and with its own rights, and so
 * only the kernel decides what can be run.
 */
#include "base/error.h"
#include "process/plan.h"

#include <errno.h>
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

/* Lays out "DIR/PROGRAM" for each element. An empty element is the current directory. */
static void lay_out(struct plan *plan, const char *program)
{
    char *next = plan->candidate_text;
    size_t count = 0;

    for (const char *element = plan->searched;; element++) {
        size_t length = strcspn(element, ":");
        plan->candidates[count++] = next;
        memcpy(next, element, length);
        next += length;
        if (length > 0)
            *next++ = '/';
        next = stpcpy(next, program) + 1;
        element += length;
        if (*element == '\0')
            break;
    }
    plan->candidates[count] = NULL;
}

int plan_candidates(struct plan *plan, pk_error *error)
{
    const char *program = plan->command->argv[0];
    bool by_name = strchr(program, '/') == NULL;

    const char *path = plan_getenv(plan, "PATH");
    plan->searched = by_name ? (char *)(path ? path : default_path) : NULL;
    size_t count = by_name ? count_elements(plan->searched) : 1;

    plan->candidates = reallocarray(NULL, count + 1, sizeof(char *));
    size_t text_size = by_name ? strlen(plan->searched) + count * (strlen(program) + 2) : strlen(program) + 1;
    plan->candidate_text = malloc(text_size);
    if (!plan->candidates || !plan->candidate_text)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");

    if (by_name) {
        lay_out(plan, program);
        return 0;
    }
    plan->candidates[0] = strcpy(plan->candidate_text, program);
    plan->candidates[1] = NULL;
    return 0;
}
