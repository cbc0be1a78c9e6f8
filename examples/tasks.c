/*
 * Three checks of a build at once, on one loop: verbs that nobody waits for. The network is sometimes down, so its
 * check is tried again.
 */
#include <processkit.h>

#include <stdio.h>

static int left;

static void done(pk_task *task, int number, const pk_error *error, void *name)
{
    printf("%-6s %s\n", (const char *)name, number < 0 ? error->message : pk_task_text(task));
    pk_task_free(task);
    left--;
}

/* The command is copied: it can go at once. */
static int submit(pk_loop *loop, const char *name, const char *script, const pk_retry_options *retry, pk_error *error)
{
    pk_auto(pk_command) command = pk_command_new("sh", "-c", script, NULL);
    if (retry)
        pk_command_retry(command, retry);
    pk_command_timeout(command, PK_MINUTES(1));
    int r = pk_command_submit(command, PK_VERB_RUN, loop, done, (void *)name, NULL, error);
    if (r == 0)
        left++;
    return r;
}

/* What an exit code means is known to who knows the program. */
static bool is_temporary(const pk_error *error, unsigned attempt, void *data)
{
    (void)attempt, (void)data;
    return error->kind == PK_ERROR_EXIT && error->exit_code == 75;
}

int main(void)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    pk_retry_options retry = PK_RETRY_OPTIONS_INIT;
    retry.attempts = 3;
    retry.first_pause = PK_MILLISECONDS(20);
    retry.again = is_temporary;

    int r = pk_loop_create(&loop, &error);
    if (r == 0)
        r = submit(loop, "style", "echo clean", NULL, &error);
    if (r == 0)
        r = submit(loop, "tests", "sleep 0.1; echo '2 of 40 failed' >&2; exit 1", NULL, &error);
    if (r == 0)
        r = submit(loop, "links", "sleep 0.2; echo 'no route to host' >&2; exit 75", &retry, &error);
    while (r >= 0 && left > 0)
        r = pk_loop_dispatch(loop, PK_FOREVER, &error);
    if (r < 0)
        fprintf(stderr, "%s\n", error.message);
    return r < 0;
}
