/*
 * Mechanisms by name, and adversaries behind a script.
 */
#include "threat.h"

#include <stdio.h>
#include <string.h>

pk_mechanism threat_mechanism(const char *name)
{
    pk_mechanism mechanism;
    if (pk_mechanism_parse(name, &mechanism, NULL) < 0)
        skip_test("the mechanism %s", name);
    return mechanism;
}

pk_group *threat_group(void **state)
{
    return cast_group(threat_mechanism(*state));
}

bool threat_is_against(void **state, const char *mechanism)
{
    return strcmp(*state, mechanism) == 0;
}

pk_process *threat_scripted(pk_group *group, struct witness *witness, const char *script, const char *words)
{
    char text[256];
    pk_error error;
    pk_process *process = NULL;
    snprintf(text, sizeof(text), "%s", words);
    pk_auto(pk_command) command =
        pk_command_new("/bin/sh", "-c", script, "sh", adversary_path(), "--report", witness_path(witness), NULL);
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        pk_command_arg(command, word);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    witness_ready(witness);
    return process;
}

pid_t threat_parent_of(pid_t pid)
{
    char path[64], line[256];
    pid_t parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status))
        if (sscanf(line, "PPid: %d", &parent) == 1)
            break;
    fclose(status);
    return parent;
}
