/*
 * Pipelines: which words come most often in a text, without a shell; and what happens when a stage fails.
 */
#include <processkit.h>

#include <stdio.h>
#include <stdlib.h>

static const char text[] = "the cat and the dog and the bird\n";

static int print_words(pk_error *error)
{
    pk_auto(pk_command) split = pk_command_new("tr", " ", "\n", NULL);
    pk_auto(pk_command) sort = pk_command_new("sort", NULL);
    pk_auto(pk_command) count = pk_command_new("uniq", "-c", NULL);
    pk_auto(pk_command) rank = pk_command_new("sort", "-rn", NULL);
    pk_auto(pk_command) first = pk_command_new("head", "-n", "2", NULL);
    pk_command_input(split, text, sizeof(text) - 1);

    pk_auto(pk_pipeline) words = pk_pipeline_new(split, sort, count, rank, first, NULL);
    pk_pipeline_timeout(words, PK_SECONDS(30));

    char *most;
    int r = pk_pipeline_run(words, &most, error);
    if (r < 0)
        return r;
    printf("%s\n", most);
    free(most);
    return 0;
}

/* The first stage would sleep for a day. It is ended as soon as nobody is there any more to read it. */
static void print_failure(void)
{
    pk_error error;
    pk_auto(pk_command) silent = pk_command_new("sleep", "86400", NULL);
    pk_auto(pk_command) failing = pk_command_new("sh", "-c", "echo 'no space left' >&2; exit 28", NULL);
    pk_auto(pk_pipeline) backup = pk_pipeline_new(silent, failing, NULL);
    if (pk_pipeline_check(backup, &error) < 0)
        printf("%s\n", error.message);
}

int main(void)
{
    pk_error error;
    if (print_words(&error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    print_failure();
    return 0;
}
