/*
 * How many commands can be started in a group with a limit of 10 processes, and what is said of the next one.
 *
 *     starts [--limits-by WAY]
 */
#include <processkit.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    pk_error error = {0};
    pk_auto(pk_group) group = NULL;
    pk_auto(pk_command) command = pk_command_new("sleep", "60", NULL);
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits.pids_max = 10;

    int r = 0, count = 0;
    if (argc == 3 && strcmp(argv[1], "--limits-by") == 0) {
        pk_delegation way = 0;
        r = pk_delegation_parse(argv[2], &way, &error);
        options.delegations = way;
    }

    if (r == 0)
        r = pk_group_create(&options, &group, &error);
    while (r == 0) {
        pk_auto(pk_process) process = NULL; /* the group looks after it from here */
        r = pk_group_spawn(group, command, &process, &error);
        count += r == 0;
    }
    printf("%d started, limits by %s\n%s\n", count, pk_delegation_name(pk_group_delegation(group)), error.message);
    return 0;
}
