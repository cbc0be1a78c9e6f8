/*
 * A client: git as a program would like to have it. What holds for every question is said once, in a template; each
 * question is one line.
 */
#include <processkit.h>

#include <stdio.h>
#include <stdlib.h>

static pk_command *git_in(const char *directory)
{
    pk_command *git =
        pk_command_new("git", "--no-pager", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", NULL);
    pk_command_chdir(git, directory);
    pk_command_setenv(git, "LC_ALL", "C");                    /* its words are for us, not for a person */
    pk_command_setenv(git, "GIT_CONFIG_GLOBAL", "/dev/null"); /* whoever that person is */
    pk_command_setenv(git, "GIT_TERMINAL_PROMPT", "0");       /* nobody is there to be asked */
    pk_command_timeout(git, PK_SECONDS(30));
    return git;
}

static int git_commit(const pk_command *git, const char *subject, pk_error *error)
{
    return pk_check_with(error, git, "commit", "--quiet", "--allow-empty", "--message", subject, NULL);
}

static int git_subject(const pk_command *git, const char *commit, char **subject, pk_error *error)
{
    return pk_run_with(subject, error, git, "log", "--max-count=1", "--format=%s", commit, "--", NULL);
}

/* 1 or 0: what git says by its exit code. */
static int git_is_clean(const pk_command *git, pk_error *error)
{
    pk_auto(pk_command) diff = pk_command_with(git, "diff", "--quiet", "HEAD", NULL);
    return pk_command_probe(diff, error);
}

static int tell_story(const pk_command *git, pk_error *error)
{
    char *subject;
    if (pk_check_with(error, git, "init", "--quiet", NULL) < 0 || git_commit(git, "Begin", error) < 0 ||
        git_commit(git, "Go on", error) < 0 || git_subject(git, "HEAD", &subject, error) < 0)
        return -1;
    printf("the last commit: %s\n", subject);
    free(subject);

    int clean = git_is_clean(git, error);
    if (clean < 0)
        return -1;
    printf("%s\n", clean ? "nothing has changed since" : "there are changes");

    if (git_subject(git, "no-such-commit", &subject, error) < 0)
        printf("%s\n", error->message); /* what git said is in it */
    return 0;
}

int main(void)
{
    pk_error error;
    char directory[] = "/tmp/client-XXXXXX";
    if (!mkdtemp(directory))
        return perror(directory), 1;
    pk_auto(pk_command) git = git_in(directory);
    int r = tell_story(git, &error);
    if (r < 0)
        fprintf(stderr, "%s\n", error.message);
    return pk_check(&error, "rm", "-rf", directory, NULL) < 0 || r < 0;
}
