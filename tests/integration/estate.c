/*
 * Places, and owners to be killed in them.
 */
#include "estate.h"

#include "cast.h"
#include "hierarchy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct estate estate_make(void)
{
    static int number;
    struct estate estate;
    char own[PATH_MAX];
    adversary_path(); /* not only in an owner: the test is skipped without */
    assert_true(hierarchy_own(own));
    assert_true(snprintf(estate.path, sizeof(estate.path), "%s/estate-%d-%d", own, getpid(), number++) < PATH_MAX);
    if (mkdir(estate.path, 0755) < 0) { /* of a test that was killed, when this pid was another's */
        hierarchy_remove(estate.path);
        assert_int_equal(mkdir(estate.path, 0755), 0);
    }
    return estate;
}

void estate_free(const struct estate *estate)
{
    if (rmdir(estate->path) == 0)
        return;
    int number = errno, left = estate_count(estate->path);
    hierarchy_remove(estate->path);
    fail_msg("the place cannot be removed: %s; owner directories left: %d", strerror(number), left);
}

/* The name of the first that begins so; the number of all. */
static int find(const char *path, const char *prefix, char name[NAME_MAX + 1])
{
    int count = 0;
    DIR *place = opendir(path);
    for (struct dirent *entry; place && (entry = readdir(place));) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        if (name && count == 0)
            strcpy(name, entry->d_name);
        count++;
    }
    if (place)
        closedir(place);
    return count;
}

int estate_count(const char *path)
{
    return find(path, "processkit-", NULL);
}

/* What is left of a killed owner is what these tests are about. */
static void leave_remains(void)
{
    pk_error error;
    estate_must(pk_guardian_enable(false, &error), &error);
}

static _Noreturn void be_owner(const char *path, void (*live)(void *data), void *data, int ready)
{
    leave_remains();
    if (!hierarchy_enter(path))
        _exit(1);
    live(data);
    if (write(ready, "", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

struct estate_owner estate_owner_in(const char *path, void (*live)(void *data), void *data)
{
    struct estate_owner owner;
    char prefix[64], name[NAME_MAX + 1], byte;
    int ready[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    owner.pid = fork();
    assert_true(owner.pid >= 0);
    if (owner.pid == 0)
        be_owner(path, live, data, ready[1]);
    close(ready[1]);
    ssize_t told = read(ready[0], &byte, 1);
    close(ready[0]);
    assert_int_equal(told, 1);
    snprintf(prefix, sizeof(prefix), "processkit-%d-", owner.pid);
    assert_int_equal(find(path, prefix, name), 1);
    assert_true(snprintf(owner.path, sizeof(owner.path), "%s/%s", path, name) < (int)sizeof(owner.path));
    return owner;
}

struct estate_owner estate_owner(const struct estate *estate, void (*live)(void *data), void *data)
{
    return estate_owner_in(estate->path, live, data);
}

void estate_must(int result, const pk_error *error)
{
    if (result >= 0)
        return;
    printf("the owner fails: %s\n", error->message);
    _exit(1);
}

pk_group *estate_group(struct witness *witness, const char *words)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_group *group;
    pk_process *process;
    pk_error error;
    options.mechanism = PK_MECHANISM_CGROUP2;
    estate_must(pk_group_create(&options, &group, &error), &error);
    pk_command *command = cast_command(witness, words);
    estate_must(pk_group_spawn(group, command, &process, &error), &error);
    pk_command_free(command);
    return group;
}

void estate_kill(const struct estate_owner *owner)
{
    assert_int_equal(kill(owner->pid, SIGKILL), 0);
    assert_int_equal(waitpid(owner->pid, NULL, 0), owner->pid);
}
