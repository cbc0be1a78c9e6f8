/*
 * Diverting groups to spawners.
 */
#include "spawning.h"

#include "contain/late-child.h"
#include "files.h"
#include "hierarchy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Thread_local struct spawner *present;
static struct backend diverted; /* one for all threads */

static int place(pk_group *group, struct placement *placement, pk_error *error)
{
    int r = backend_cgroup2.place(group, placement, error);
    placement->spawner = r < 0 ? NULL : present;
    return r;
}

__attribute__((constructor)) static void prepare(void)
{
    diverted = backend_cgroup2;
    diverted.place = place;
}

void spawning_divert(pk_group *group, struct spawner *spawner)
{
    present = spawner;
    pthread_mutex_lock(group->lock); /* another thread may be looking at the group */
    group->backend = spawner ? &diverted : &backend_cgroup2;
    pthread_mutex_unlock(group->lock);
}

void spawning_start(struct spawner *spawner)
{
    pk_error error;
    assert_ok(spawner_start(spawner, &error), error);
}

void spawning_stop(struct spawner *spawner)
{
    pid_t pid = spawner->pid;
    spawner_stop(spawner);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    late_child_tidy();
}

pk_group *spawning_group(struct spawner *spawner)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_group *group;
    pk_error error;
    options.mechanism = PK_MECHANISM_CGROUP2;
    assert_ok(pk_group_create(&options, &group, &error), error);
    spawning_start(spawner);
    spawning_divert(group, spawner);
    return group;
}

void spawning_end(pk_group *group, struct spawner *spawner)
{
    spawning_divert(group, NULL);
    pk_group_free(group);
    spawning_stop(spawner);
}

pk_result spawning_run(pk_group *group, const pk_command *command)
{
    pk_process *process;
    pk_result result;
    pk_error error;
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    pk_process_free(process);
    return result;
}

pk_command *spawning_describer(void)
{
    assert_true(files_write(scratch("out"), "", 0666));
    return adversary("--output", scratch("out"), "describe", NULL);
}

struct description *spawning_describe(pk_group *group, pk_command *command)
{
    pk_result result = spawning_run(group, command);
    pk_command_free(command);
    assert_true(pk_result_is_success(&result));
    return description_read(scratch("out"));
}

void spawning_fails(pk_group *group, pk_command *command, int number, pk_step step)
{
    pk_process *process;
    pk_error error = {0};
    assert_error(pk_group_spawn(group, command, &process, &error), error, number, step);
    pk_command_free(command);
}

void spawning_works(pk_group *group)
{
    pk_auto(pk_command) command = pk_command_new("/bin/true", NULL);
    pk_result result = spawning_run(group, command);
    assert_true(pk_result_is_success(&result));
}

int spawning_count_descriptors(pid_t pid)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *fds = opendir(path);
    for (struct dirent *entry; fds && (entry = readdir(fds));)
        count += entry->d_name[0] != '.';
    if (fds)
        closedir(fds);
    return count;
}

void spawning_settle(const struct spawner *spawner)
{
    while (spawning_count_descriptors(spawner->pid) != 2)
        sched_yield();
}

long spawning_status_number(pid_t pid, const char *field)
{
    char path[64], line[256];
    long number = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof(line), status))
        if (strncmp(line, field, strlen(field)) == 0)
            number = strtol(line + strlen(field), NULL, 0);
    if (status)
        fclose(status);
    return number;
}

const char *spawning_format(long number)
{
    static char texts[4][32];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof(texts[0]), "%ld", number);
    return text;
}

int spawning_open_place(void)
{
    char own[PATH_MAX];
    assert_true(hierarchy_own(own));
    int place = open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(place, errno);
    return place;
}
