/*
 * Testing without processes: the function under test asks git, and the test says what git answers.
 */
#include <processkit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The program ------------------------------------------------------------------------------------------------ */

/* "main", or "main, and a push was refused". */
static int describe_branch(pk_command *git, char *text, size_t size, pk_error *error)
{
    char *branch;
    pk_auto(pk_command) ask = pk_command_copy(git);
    pk_command_arg(ask, "branch");
    pk_command_arg(ask, "--show-current");
    int r = pk_command_run(ask, &branch, error);
    if (r < 0)
        return r;
    pk_auto(pk_command) push = pk_command_copy(git);
    pk_command_arg(push, "push");
    bool pushed = pk_command_check(push, error) == 0;
    snprintf(text, size, "%s%s", branch, pushed ? "" : ", and a push was refused");
    free(branch);
    return 0;
}

/* ---- Its test --------------------------------------------------------------------------------------------------- */

int main(void)
{
    pk_error error;
    pk_runner *runner;
    if (pk_runner_create_scripted(&runner, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    pk_auto(pk_script) branch = pk_script_new();
    pk_script_print(branch, "main\n");
    pk_runner_on(runner, branch, "git", "branch", NULL);

    pk_auto(pk_script) push = pk_script_new();
    pk_script_pause(push, PK_MILLISECONDS(20));
    pk_script_write(push, 2, "rejected\n", 9);
    pk_script_exit(push, 1);
    pk_runner_on(runner, push, "git", "push", NULL);

    char text[128];
    pk_auto(pk_command) git = pk_command_new("git", NULL);
    pk_command_runner(git, runner);
    if (describe_branch(git, text, sizeof(text), &error) == 0)
        puts(text);
    printf("%zu commands, and no process; %s\n", pk_runner_count(runner), error.message);
    pk_runner_free(runner);
    return 0;
}
