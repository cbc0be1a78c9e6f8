/*
 * Runners that remember what was asked for: one has it run by another, one runs nothing.
 */
#include "base/error.h"
#include "testing/double.h"
#include "testing/stage.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Recording -------------------------------------------------------------------------------------------------- */

struct recording {
    struct double_runner base;
    pk_runner *inner;
};

static int start_recorded(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                          pk_error *error)
{
    struct recording *recording = (struct recording *)runner;
    int r = double_note(&recording->base, command, error);
    return r < 0 ? r : runner_start(recording->inner, command, stdio, process, error);
}

static void free_recording(pk_runner *runner)
{
    struct recording *recording = (struct recording *)runner;
    double_close(&recording->base);
    pk_runner_free(recording->inner);
    free(recording);
}

int pk_runner_create_recording(pk_runner *inner, pk_runner **runner, pk_error *error)
{
    struct recording *recording = double_new(sizeof(*recording), start_recorded, free_recording, error);
    if (!recording)
        return -ENOMEM;
    recording->inner = inner ? runner_ref(inner) : NULL;
    *runner = &recording->base.runner;
    return 0;
}

/* ---- Dry -------------------------------------------------------------------------------------------------------- */

static int smallest_ok_code(const pk_command *command)
{
    int code = 0;
    while (code < 255 && !code_set_has(&command->ok_codes, code))
        code++;
    return code;
}

static int start_dry(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                     pk_error *error)
{
    int r = double_note((struct double_runner *)runner, command, error);
    if (r < 0)
        return r;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_exit(script, smallest_ok_code(command));
    return stage_start(script, command, stdio, process, error);
}

static void free_dry(pk_runner *runner)
{
    double_close((struct double_runner *)runner);
    free(runner);
}

int pk_runner_create_dry(pk_runner **runner, pk_error *error)
{
    struct double_runner *dry = double_new(sizeof(*dry), start_dry, free_dry, error);
    if (!dry)
        return -ENOMEM;
    *runner = &dry->runner;
    return 0;
}
