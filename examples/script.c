/*
 * Testing without processes: the function under test asks git, and the test says what git answers.
 */
#include <processkit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The program ------------------------------------------------------------------------------------------------ */

/* "main", or "main, and a push was refused". */
static int describe_branch(const pk_command *git, char *text, size_t size, pk_error *error)
{
    char *branch;
    int r = pk_run_with(&branch, error, git, "branch", "--show-current", NULL);
    if (r < 0)
        return r;
    bool pushed = pk_check_with(error, git, "push", NULL) == 0;
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
