/*
 * Pipelines: the two words that come most often in a text, and what is left of a backup whose disk is full.
 */
#include <processkit.h>

#include <stdio.h>
#include <stdlib.h>

static const char text[] = "the cat and the dog and the bird\n";

/* tr ' ' '\n' | sort | uniq -c | sort -rn | head -n 2 */
static int print_words(pk_error *error)
{
    pk_auto(pk_command) split = pk_command_new("tr", " ", "\n", NULL);
    pk_auto(pk_command) sort = pk_command_new("sort", NULL);
    pk_auto(pk_command) count = pk_command_new("uniq", "-c", NULL);
    pk_auto(pk_command) rank = pk_command_new("sort", "-rn", NULL);
    pk_auto(pk_command) first = pk_command_new("head", "-n", "2", NULL);
    pk_command_input(split, text, sizeof(text) - 1);

    char *most;
    pk_auto(pk_pipeline) words = pk_pipeline_new(split, sort, count, rank, first, NULL);
    pk_pipeline_unchecked(words, 3); /* head has seen enough before a long list ends: a SIGPIPE, and no failure */
    pk_pipeline_timeout(words, PK_SECONDS(30));
    int r = pk_pipeline_run(words, &most, error);
    if (r < 0)
        return r;
    printf("%s\n", most);
    free(most);
    return 0;
}

/* The first stage would go on for a day. It is ended as soon as nobody is there any more who reads what it writes. */
static int print_failure(pk_error *error)
{
    char how[128];
    pk_auto(pk_output) output = NULL;
    pk_auto(pk_command) dump = pk_command_new("sleep", "86400", NULL);
    pk_auto(pk_command) store = pk_command_new("sh", "-c", "echo 'no space left' >&2; exit 28", NULL);
    pk_auto(pk_pipeline) backup = pk_pipeline_new(dump, store, NULL);
    int r = pk_pipeline_output(backup, &output, error);
    if (r < 0)
        return r;
    if (pk_output_check(output, error) < 0)
        printf("%s\n", error->message);
    for (size_t i = 0; i < pk_output_stage_count(output); i++) {
        const pk_output *stage = pk_output_stage(output, i);
        printf("%s %zu: %s\n", i == pk_output_culprit(output) ? "culprit" : "stage", i,
               pk_result_format(pk_output_result(stage), how, sizeof(how)));
    }
    return 0;
}

int main(void)
{
    pk_error error;
    if (print_words(&error) == 0 && print_failure(&error) == 0)
        return 0;
    fprintf(stderr, "%s\n", error.message);
    return 1;
}
