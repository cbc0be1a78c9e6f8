/*
 * Testing without the programs: what they did once is on a cassette.
 *
 *     example-cassette record|play FILE
 *
 * Without arguments it does both, and plays what it has recorded where there is no such program any more.
 */
#include <processkit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The program ------------------------------------------------------------------------------------------------ */

/* How many words a text has, by wc. */
static int count_words(pk_command *wc, const char *text, int *count, pk_error *error)
{
    char *answer;
    pk_auto(pk_command) command = pk_command_copy(wc);
    pk_command_arg(command, "-w");
    pk_command_input_text(command, text);
    int r = pk_command_run(command, &answer, error);
    if (r < 0)
        return r;
    *count = atoi(answer);
    free(answer);
    return 0;
}

/* ---- Its test --------------------------------------------------------------------------------------------------- */

static int test(pk_runner *runner, pk_error *error)
{
    int few, many;
    pk_auto(pk_command) wc = pk_command_new("wc", NULL);
    pk_command_runner(wc, runner);
    int r = count_words(wc, "to be", &few, error);
    if (r == 0)
        r = count_words(wc, "or not to be", &many, error);
    if (r == 0)
        printf("%d words, and %d\n", few, many);
    return r;
}

static int record(const char *path, pk_error *error)
{
    pk_auto(pk_runner) runner = NULL;
    int r = pk_runner_create_recorder(path, NULL, NULL, &runner, error);
    if (r == 0)
        r = test(runner, error);
    return r < 0 ? r : pk_cassette_save(runner, error);
}

static int play(const char *path, pk_error *error)
{
    pk_auto(pk_runner) runner = NULL;
    int r = pk_runner_create_player(path, NULL, &runner, error);
    return r < 0 ? r : test(runner, error);
}

/* ---- Both ------------------------------------------------------------------------------------------------------- */

static int record_and_play(pk_error *error)
{
    char path[] = "/tmp/example-cassette-XXXXXX";
    close(mkstemp(path));
    int r = record(path, error);
    setenv("PATH", "/nowhere", 1);
    if (r == 0)
        r = play(path, error);
    unlink(path);
    return r;
}

int main(int argc, char **argv)
{
    pk_error error;
    int r = argc < 3                         ? record_and_play(&error)
            : strcmp(argv[1], "record") == 0 ? record(argv[2], &error)
                                             : play(argv[2], &error);
    if (r < 0)
        fprintf(stderr, "%s\n", error.message);
    return r < 0;
}
