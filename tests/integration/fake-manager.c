/*
 * Starting a service manager of one's own.
 */
#include "fake-manager.h"

#include "harness.h"
#include "hierarchy.h"
#include "sys/fault.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON     "/usr/bin/python3"
#define SYSTEM_BUS "/run/dbus/system_bus_socket"

enum { PATIENCE_MS = 20000 };

/* In a child, to leave it to the library to load it here. */
static bool library_can_be_loaded(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(dlopen("libsystemd.so.0", RTLD_NOW) ? 0 : 1);
    return waitpid(child, &status, 0) == child && status == 0;
}

void fake_manager_needs(void)
{
    static bool are_met;
    if (are_met)
        return;
    if (access(PYTHON, X_OK) < 0)
        skip_test("python3");
    if (!library_can_be_loaded())
        skip_test("libsystemd.so.0 for the C library of this program");
    are_met = true;
}

/* Where the library looks: root's is redirected, a user's is in the directory that the environment names. */
static void take_the_place(const char *socket)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", socket);
    unlink(path);
    if (geteuid() == 0)
        sys_fault_redirect(SYSTEM_BUS, path);
    else
        setenv("XDG_RUNTIME_DIR", scratch(""), 1);
}

/* Of a name that is swept away if the test is killed. */
static void make_room(char cgroup[PATH_MAX])
{
    char own[PATH_MAX];
    assert_true(hierarchy_own(own));
    assert_in_range(snprintf(cgroup, PATH_MAX, "%s/adversary-%s-scopes", own, getenv("PK_TEST_RUNNER")), 1, PATH_MAX);
    assert_int_equal(mkdir(cgroup, 0755), 0);
}

void fake_manager_start(struct fake_manager *manager, const char *behaviour, bool makes_scopes)
{
    int output[2];
    const char *socket = scratch("bus"), *program = getenv("PK_FAKE_MANAGER");
    *manager = (struct fake_manager){0};
    fake_manager_needs();
    take_the_place(socket);
    if (makes_scopes)
        make_room(manager->cgroup);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    manager->pid = fork();
    if (manager->pid == 0) {
        dup2(output[1], STDOUT_FILENO);
        execl(program, program, socket, behaviour, makes_scopes ? manager->cgroup : NULL, NULL);
        _exit(127);
    }
    close(output[1]);
    manager->output = output[0];
    manager->said.fd = output[0];
    fake_manager_says(manager, "ready");
}

void fake_manager_says(struct fake_manager *manager, const char *words)
{
    char line[1024] = "";
    if (!lines_next(&manager->said, line, sizeof(line), PATIENCE_MS) || strncmp(line, words, strlen(words)) != 0)
        fail_msg("the manager said '%s' and not '%s'", line, words);
}

void fake_manager_end(struct fake_manager *manager)
{
    kill(manager->pid, SIGKILL);
    assert_int_equal(waitpid(manager->pid, NULL, 0), manager->pid);
    close(manager->output);
    if (manager->cgroup[0])
        hierarchy_remove(manager->cgroup);
    sys_fault_redirect(NULL, NULL);
}

void expect_words(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("'%s' is not in '%s'", words, text);
}
