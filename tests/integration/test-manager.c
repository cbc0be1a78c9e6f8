/*
 * Finding the service manager: where there is none, where it means other processes, where the library for it is not.
 */
#include "body.h"
#include "contain/scope.h"
#include "fake-manager.h"
#include "files.h"
#include "sys/fault.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Other pid namespaces: a pid would mean another process there ----------------------------------------------- */

/* For a child: what it may exit with. */
static int expect_foreign_numbers(void)
{
    struct scope scope;
    pk_error error = {0};
    int r = scope_make(getpid(), &scope, &error);
    if (r == -EOPNOTSUPP && strstr(error.message, "the service manager is in another pid namespace"))
        return 0;
    fprintf(stderr, "%d: %s\n", r, error.message);
    return 1;
}

static void enter_pid_namespace(void)
{
    if (unshare(CLONE_NEWPID) < 0)
        _exit(EXIT_SKIPPED);
}

static void expect_well(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
        skip_test("pid namespaces");
    assert_int_equal(status, 0);
}

static void a_manager_outside_the_pid_namespace_is_not_asked(void **state)
{
    (void)state;
    struct fake_manager manager;
    fake_manager_start(&manager, "good", false);
    pid_t child = fork();
    if (child == 0) {
        int status;
        enter_pid_namespace();
        pid_t inner = fork();
        if (inner == 0)
            _exit(expect_foreign_numbers());
        _exit(waitpid(inner, &status, 0) == inner && status == 0 ? 0 : 1);
    }
    expect_well(child);
    fake_manager_end(&manager);
}

static void a_manager_in_a_pid_namespace_below_is_not_asked(void **state)
{
    (void)state;
    fake_manager_needs();
    pid_t child = fork();
    if (child == 0) {
        struct fake_manager manager;
        enter_pid_namespace();
        fake_manager_start(&manager, "good", false);
        int status = expect_foreign_numbers();
        fake_manager_end(&manager);
        _exit(status);
    }
    expect_well(child);
}

/* ---- No manager ------------------------------------------------------------------------------------------------- */

static void expect_absence(const char *words)
{
    struct scope scope;
    pk_error error = {0};
    assert_int_equal(scope_make(getpid(), &scope, &error), -EOPNOTSUPP);
    expect_words(error.message, words);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void without_a_manager_it_says_how_to_get_one(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        sys_fault_redirect("/run/dbus/system_bus_socket", scratch("nothing"));
        expect_absence(access("/run/systemd/system", F_OK) == 0 ? "(install dbus)" : "no service manager runs here");
        sys_fault_redirect(NULL, NULL);
        return;
    }
    setenv("XDG_RUNTIME_DIR", scratch(""), 1);
    expect_absence("no user manager runs for uid 65534 (loginctl enable-linger 65534, or log in)");
    assert_int_equal(mkdir(scratch("systemd"), 0700), 0);
    assert_true(files_write(scratch("systemd/private"), "", 0600));
    expect_absence("the user manager of uid 65534 has no message bus (install dbus-user-session)");
    unsetenv("XDG_RUNTIME_DIR");
    expect_absence("no user manager runs for uid 65534");
    int listener = listen_at("bus");
    setenv("XDG_RUNTIME_DIR", ".", 1); /* not absolute: not believed */
    expect_absence("no user manager runs for uid 65534");
    close(listener);
}

static void a_socket_without_a_listener_is_named(void **state)
{
    (void)state;
    struct fake_manager manager;
    fake_manager_start(&manager, "good", false);
    fake_manager_end(&manager);
    sys_fault_redirect("/run/dbus/system_bus_socket", scratch("bus"));
    expect_absence("cannot connect to the message bus /run/dbus/system_bus_socket: Connection refused (systemctl start "
                   "dbus.socket)");
    sys_fault_redirect(NULL, NULL);
}

static void expect_library(const char *call, unsigned nth, int number, int result, const char *words)
{
    struct fake_manager manager;
    struct scope scope;
    pk_error error = {0};
    fake_manager_start(&manager, "good", false);
    sys_fault_set(call, nth, number);
    assert_int_equal(scope_make(getpid(), &scope, &error), result);
    sys_fault_clear();
    expect_words(error.message, words);
    fake_manager_end(&manager);
}

static void a_library_that_cannot_be_loaded_is_named(void **state)
{
    (void)state;
    expect_library("dlopen", 0, ELIBACC, -EOPNOTSUPP, "the systemd bus library cannot be loaded: ");
    expect_library("dlopen", 0, ELIBACC, -EOPNOTSUPP, "(install libsystemd0)");
    expect_library("dlsym", 3, ENOENT, -EOPNOTSUPP, "libsystemd.so.0 does not know sd_bus_set_bus_client (update ");
    expect_library("dlopen", 0, EMFILE, -EMFILE, "cannot load the systemd bus library: Too many open files");
}

static const struct test tests[] = {
    PK_TEST(without_a_manager_it_says_how_to_get_one),
    PK_TEST_AS_USER(without_a_manager_it_says_how_to_get_one),
    PK_TEST_WITH(a_socket_without_a_listener_is_named, .needs = NEEDS_ROOT),
    PK_TEST_WITH(a_manager_outside_the_pid_namespace_is_not_asked, .needs = NEEDS_ROOT),
    PK_TEST_WITH(a_manager_in_a_pid_namespace_below_is_not_asked, .needs = NEEDS_ROOT),
    PK_TEST(a_library_that_cannot_be_loaded_is_named),
};

PK_TEST_MAIN(tests)
