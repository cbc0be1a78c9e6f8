/*
 * Commands that are played.
 */
#include "playing.h"

pk_runner *make_runner(void)
{
    pk_error error;
    pk_runner *runner;
    assert_ok(pk_runner_create_scripted(&runner, &error), error);
    return runner;
}

pk_command *play(const pk_script *script)
{
    pk_command *command = pk_command_new(PROGRAM, "argument", NULL);
    pk_runner *runner = make_runner();
    pk_runner_on(runner, script, PROGRAM, NULL);
    pk_command_runner(command, runner);
    pk_runner_free(runner);
    return command;
}
