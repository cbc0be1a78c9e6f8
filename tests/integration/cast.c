/*
 * Groups, adversaries and witnesses put together.
 */
#include "cast.h"

#include "contain/owner.h"
#include "hierarchy.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

pk_group *cast_group(pk_mechanism mechanism)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_group *group = NULL;
    pk_error error;
    options.mechanism = mechanism;
    assert_ok(pk_group_create(&options, &group, &error), error);
    assert_int_equal(pk_group_mechanism(group), mechanism);
    return group;
}

pk_command *cast_command(const struct witness *witness, const char *words)
{
    char text[512];
    snprintf(text, sizeof(text), "%s", words);
    pk_command *command = pk_command_new(adversary_path(), NULL);
    if (witness) {
        pk_command_arg(command, "--report");
        pk_command_arg(command, witness_path(witness));
    }
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        pk_command_arg(command, word);
    return command;
}

pk_process *cast_start(pk_group *group, const struct witness *witness, const char *words)
{
    pk_auto(pk_command) command = cast_command(witness, words);
    pk_process *process = NULL;
    pk_error error;
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    return process;
}

pk_process *cast_adversary(pk_group *group, struct witness *witness, const char *words)
{
    pk_process *process = cast_start(group, witness, words);
    if (witness)
        witness_ready(witness);
    return process;
}

const char *cast_storm(void)
{
    static char words[64];
    snprintf(words, sizeof(words), "storm %u 20000", 3000 / test_slowness());
    return words;
}

int cast_count_descriptors(void)
{
    owner_tidy();
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

int cast_count_directories(void)
{
    owner_tidy();
    return cast_count_directories_of(getpid());
}

int cast_count_directories_of(pid_t pid)
{
    char own[PATH_MAX], prefix[64], path[PATH_MAX + 300];
    int count = 0;
    if (!hierarchy_own(own))
        return 0;
    snprintf(prefix, sizeof(prefix), "processkit-%d-", pid);
    DIR *place = opendir(own);
    for (struct dirent *entry; place && (entry = readdir(place));) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        count++;
        snprintf(path, sizeof(path), "%s/%s", own, entry->d_name);
        DIR *owner = opendir(path);
        for (struct dirent *one; owner && (one = readdir(owner));)
            count += one->d_type == DT_DIR && one->d_name[0] != '.';
        if (owner)
            closedir(owner);
    }
    if (place)
        closedir(place);
    return count;
}

const pk_mechanism cast_cgroup2 = PK_MECHANISM_CGROUP2, cast_reaper = PK_MECHANISM_REAPER,
                   cast_process_group = PK_MECHANISM_PROCESS_GROUP;

pk_mechanism cast_mechanism(void **state)
{
    return *(const pk_mechanism *)*state;
}
