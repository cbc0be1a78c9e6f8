/*
 * How many commands can be started in a group with a limit of 10 processes, and what is said of the next one.
 */
#include <processkit.h>

#include <stdio.h>

int main(void)
{
    pk_error error = {0};
    pk_auto(pk_group) group = NULL;
    pk_auto(pk_command) command = pk_command_new("sleep", "60", NULL);
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits.pids_max = 10;

    int r = pk_group_create(&options, &group, &error), count = 0;
    while (r == 0) {
        pk_auto(pk_process) process = NULL; /* the group looks after it from here */
        r = pk_group_spawn(group, command, &process, &error);
        count += r == 0;
    }
    printf("%d started\n%s\n", count, error.message);
    return 0;
}
