/*
 * Several commands in one group, listed, measured and stopped together.
 */
#include <processkit.h>

#include <stdio.h>

static int start_three(pk_group *group, pk_error *error)
{
    pk_auto(pk_command) command = pk_command_new("sleep", "60", NULL);
    for (int i = 0; i < 3; i++) {
        pk_auto(pk_process) process = NULL; /* the group looks after it from here */
        int r = pk_group_spawn(group, command, &process, error);
        if (r < 0)
            return r;
    }
    return 0;
}

int main(void)
{
    pk_error error;
    pk_stop_report report;
    pk_auto(pk_group) group = NULL;

    if (pk_group_create(NULL, &group, &error) < 0 || start_three(group, &error) < 0 ||
        pk_group_stop(group, NULL, &report, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("mechanism %s: %d members before, %d after, %s\n", pk_mechanism_name(pk_group_mechanism(group)),
           report.members_before, report.members_after, report.drained ? "all obeyed" : "some had to be killed");
    return 0;
}
