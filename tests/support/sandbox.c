/*
 * Making, entering and removing the surroundings of a test.
 */
#include "sandbox.h"

#include "files.h"
#include "hierarchy.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ORDINARY_USER = 65534 };

/* ---- Making ----------------------------------------------------------------------------------------------------- */

static bool make_directory(const char *path, bool give_away)
{
    return mkdir(path, 0755) == 0 && (!give_away || chown(path, ORDINARY_USER, ORDINARY_USER) == 0);
}

/* An ordinary user, and a child that a test of root makes one, may not be able to reach the build directory. */
static void copy_program(const struct sandbox *sandbox, const char *variable, const char *name)
{
    char copy[PATH_MAX];
    const char *program = getenv(variable);
    snprintf(copy, sizeof(copy), "%s/%s", sandbox->base, name);
    if (program && access(program, X_OK) == 0)
        files_copy(program, copy, 0755);
}

const char *sandbox_make(struct sandbox *sandbox, enum test_identity as)
{
    const char *tmpdir = getenv("TMPDIR");
    *sandbox = (struct sandbox){.changes_user = as != TEST_AS_IS && geteuid() == 0};
    sandbox->has_place = hierarchy_own(sandbox->place);
    if (as == TEST_AS_DELEGATED_USER) {
        char delegated[PATH_MAX];
        if (!sandbox->changes_user || !sandbox->has_place || !hierarchy_is_writable(sandbox->place))
            return "root and a writable cgroup2 directory, to delegate one";
        if (!hierarchy_delegate(sandbox->place, ORDINARY_USER, delegated))
            return "a cgroup2 directory that can be delegated";
        sandbox->delegated = true;
        memcpy(sandbox->place, delegated, sizeof(delegated));
    }
    snprintf(sandbox->base, sizeof(sandbox->base), "%s/pk-test-XXXXXX", tmpdir ? tmpdir : "/tmp");
    if (!mkdtemp(sandbox->base) || chmod(sandbox->base, 0755) < 0)
        return "a directory for temporary files";
    snprintf(sandbox->scratch, sizeof(sandbox->scratch), "%s/scratch", sandbox->base);
    snprintf(sandbox->tmp, sizeof(sandbox->tmp), "%s/tmp", sandbox->base);
    if (!make_directory(sandbox->scratch, sandbox->changes_user) ||
        !make_directory(sandbox->tmp, sandbox->changes_user))
        return "room for temporary files";
    if (geteuid() == 0)
        copy_program(sandbox, "PK_ADVERSARY", "adversary");
    if (sandbox->changes_user) {
        copy_program(sandbox, "PK_COMMAND", "pk");
        copy_program(sandbox, "PK_FAKE_MANAGER", "fake-manager");
    }
    return NULL;
}

/* ---- Entering --------------------------------------------------------------------------------------------------- */

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "cannot prepare the test: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static void use_copy(const struct sandbox *sandbox, const char *variable, const char *name)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof(copy), "%s/%s", sandbox->base, name);
    if (access(copy, X_OK) == 0)
        setenv(variable, copy, 1);
}

void sandbox_enter(const struct sandbox *sandbox)
{
    if (sandbox->delegated && !hierarchy_enter(sandbox->place))
        die("cannot enter the cgroup");
    use_copy(sandbox, "PK_ADVERSARY", "adversary");
    use_copy(sandbox, "PK_COMMAND", "pk");
    use_copy(sandbox, "PK_FAKE_MANAGER", "fake-manager");
    if (sandbox->changes_user) {
        if (setgroups(0, NULL) < 0 || setresgid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) < 0 ||
            setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) < 0)
            die("cannot become an ordinary user");
    }
    if (chdir(sandbox->scratch) < 0)
        die("cannot enter the directory");
    setenv("PK_TEST_SCRATCH", sandbox->scratch, 1);
    setenv("TMPDIR", sandbox->tmp, 1);
}

/* ---- Removing --------------------------------------------------------------------------------------------------- */

static void list_files(const char *directory, struct report *leaks)
{
    DIR *entries = opendir(directory);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            report_add(leaks, "LEAK: the temporary file %s was left behind\n", entry->d_name);
    }
    if (entries)
        closedir(entries);
}

void sandbox_remove(struct sandbox *sandbox, pid_t pid, struct report *leaks)
{
    char prefix[64];
    if (sandbox->has_place) {
        snprintf(prefix, sizeof(prefix), "processkit-%d-", pid);
        hierarchy_sweep(sandbox->place, prefix, leaks);
        snprintf(prefix, sizeof(prefix), "adversary-%d-", getpid());
        hierarchy_sweep(sandbox->place, prefix, NULL);
    }
    if (sandbox->delegated)
        hierarchy_remove(sandbox->place);
    if (sandbox->tmp[0])
        list_files(sandbox->tmp, leaks);
    if (strstr(sandbox->base, "pk-test-"))
        files_remove(sandbox->base);
}
