/*
 * A command that may use little, and what became of it.
 */
#include <processkit.h>

#include <stdio.h>

int main(void)
{
    pk_error error;
    pk_result result;
    char how[256];
    pk_auto(pk_command) command = pk_command_new("sh", "-c", "x=x; while :; do x=$x$x; done", NULL);
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits.memory_max = PK_MEBIBYTES(32);
    options.limits.pids_max = 16;
    options.limits.cpu_max = 0.5;

    pk_command_contain(command, &options);
    if (pk_command_status(command, &result, &error) < 0) {
        printf("%s\n", error.message); /* which ways there are to have limits, and why none can be had here */
        return 0;
    }
    printf("by %s: %s\n", pk_delegation_name(result.delegation), pk_result_format(&result, how, sizeof(how)));
    return 0;
}
