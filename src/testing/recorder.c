/*
 * A runner that takes down what commands do.
 *
 * What a process writes is taken from its streams as the library reads them, by the thread that has the process; its
 * script is made there, and comes on the cassette when it is over.
 */
#include "base/error.h"
#include "base/text.h"
#include "testing/cassette.h"
#include "testing/double.h"
#include "testing/json.h"
#include "testing/script.h"
#include "testing/taking.h"

#include <processkit/parse.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct recorder {
    struct double_runner base; /* first */
    pk_runner *inner;
    char *path;
    pk_cassette_options options;
    struct cassette cassette;
    int problem; /* why it cannot be saved; 0: it can */
    char lost[64];
    _Atomic size_t taken; /* bytes of output */
};

/* ---- Whether it can be recorded ---------------------------------------------------------------------------------- */

static const char *wrong_with_output(const struct descriptor *descriptor, enum process_stdio stdio)
{
    if (descriptor->uses || descriptor->kind == DESCRIPTOR_SAME || key_leads_nowhere(descriptor))
        return NULL;
    switch (descriptor->kind) {
    case DESCRIPTOR_PIPE:
        return "is for the caller to read";
    case DESCRIPTOR_TERMINAL:
        return stdio == STDIO_CAPTURED ? NULL : "is for the caller to read";
    case DESCRIPTOR_FILE:
        return "goes to a file";
    default:
        return "goes elsewhere";
    }
}

static int check_output(const pk_command *command, int fd, enum process_stdio stdio, pk_error *error)
{
    const struct descriptor usual = {.fd = fd, .kind = DESCRIPTOR_INHERIT};
    const struct descriptor *descriptor = command_find_descriptor(command, fd);
    if (!descriptor && stdio == STDIO_CAPTURED)
        return 0;
    const char *wrong = wrong_with_output(descriptor ? descriptor : &usual, stdio);
    if (!wrong)
        return 0;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_ARGUMENTS, command->argv[0],
                     "cannot record '%s': what it writes to descriptor %d %s (let it be captured, or go to /dev/null)",
                     command->argv[0], fd, wrong);
}

/* All of a terminal comes by the first of its descriptors. */
static bool comes_by_another(const pk_command *command, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (command->descriptors[i].kind == DESCRIPTOR_TERMINAL && command->descriptors[i].fd != 0)
            return command->descriptors[index].kind == DESCRIPTOR_TERMINAL;
    return false;
}

static int check(const pk_command *command, enum process_stdio stdio, pk_error *error)
{
    int r = key_check_input(command, "record", error);
    for (int fd = 1; r == 0 && fd <= 2; fd++)
        if (!command_find_descriptor(command, fd))
            r = check_output(command, fd, stdio, error);
    for (size_t i = 0; r == 0 && i < command->descriptor_count; i++)
        if (command->descriptors[i].fd != 0 && !comes_by_another(command, i))
            r = check_output(command, command->descriptors[i].fd, stdio, error);
    return r;
}

/* ---- Taking down ------------------------------------------------------------------------------------------------- */

bool recorder_has_room(struct recorder *recorder, size_t length)
{
    size_t before = atomic_fetch_add_explicit(&recorder->taken, length, memory_order_relaxed);
    return before < recorder->options.most && length < recorder->options.most - before;
}

/* Needs the lock. The first problem is told. */
static int put_in(struct recorder *recorder, struct cassette_run *run, pk_script *script)
{
    int r = scrub_script(&recorder->options, &script);
    if (r < 0) {
        pk_script_free(script);
        return r;
    }
    run->script = script;
    return 0;
}

void recorder_put(struct recorder *recorder, struct cassette_run *run, pk_script *script, int problem)
{
    pthread_mutex_lock(&recorder->base.lock);
    int r = problem ? problem : script->problem.number;
    if (r == 0)
        r = put_in(recorder, run, script);
    else
        pk_script_free(script);
    if (r < 0 && recorder->problem == 0) {
        recorder->problem = r;
        const struct piece *program = &run->key.arguments.items[0];
        text_copy(recorder->lost, sizeof(recorder->lost), program->bytes);
    }
    pthread_mutex_unlock(&recorder->base.lock);
    pk_runner_free(&recorder->base.runner);
}

/* Its place is that of its start; the script comes there later. */
static int make_run(struct recorder *recorder, const pk_command *command, struct cassette_run **ret, pk_error *error)
{
    struct cassette_run *run = calloc(1, sizeof(*run));
    if (!run)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot record '%s'", command->argv[0]);
    pthread_mutex_lock(&recorder->base.lock);
    int r = key_make(&run->key, command, &recorder->options, error);
    if (r == 0) {
        r = cassette_add(&recorder->cassette, run);
        if (r < 0)
            error_errno(error, r, PK_STEP_ALLOCATE, NULL, "cannot record '%s'", command->argv[0]);
    }
    pthread_mutex_unlock(&recorder->base.lock);
    if (r < 0)
        cassette_run_free(run);
    else
        *ret = run;
    return r;
}

/* What failed is the command's doing if it is a step of its child that failed. */
static bool is_act(const pk_error *why)
{
    bool of_child = why->step >= (pk_step)CASSETTE_FIRST_STEP && why->step <= (pk_step)CASSETTE_LAST_STEP;
    return of_child &&
           (why->kind == PK_ERROR_NOT_FOUND || why->kind == PK_ERROR_PERMISSION || why->kind == PK_ERROR_SPAWN);
}

static int run_it(struct recorder *recorder, const pk_command *command, enum process_stdio stdio, struct taking *taking,
                  pk_process **process, pk_error *error)
{
    pk_error why;
    int r = runner_start(recorder->inner, command, stdio, process, &why);
    if (r == 0) {
        taking_begin(taking, *process);
        return 0;
    }
    if (error)
        *error = why;
    if (is_act(&why))
        taking_fail(taking, r, why.step);
    else
        taking_drop(taking);
    return r;
}

static int start_recorder(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                          pk_error *error)
{
    struct recorder *recorder = (struct recorder *)runner;
    struct cassette_run *run = NULL;
    struct taking *taking;
    int r = double_note(&recorder->base, command, error);
    if (r == 0)
        r = check(command, stdio, error);
    if (r == 0)
        r = make_run(recorder, command, &run, error);
    if (r < 0)
        return r;
    taking = taking_new(recorder, command, run, recorder->options.timing);
    if (!taking)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot record '%s'", command->argv[0]);
    runner_ref(runner); /* until it is over */
    return run_it(recorder, command, stdio, taking, process, error);
}

void recorder_drop(struct recorder *recorder)
{
    pk_runner_free(&recorder->base.runner);
}

/* ---- Saving ----------------------------------------------------------------------------------------------------- */

static int explain(const struct recorder *recorder, pk_error *error)
{
    char size[32];
    int r = recorder->problem;
    if (r == -ECHILD)
        return error_set(error, r, PK_ERROR_LOST, PK_STEP_ARGUMENTS, recorder->path,
                         "cannot save %s: how '%s' ended was taken by another part of the program", recorder->path,
                         recorder->lost);
    if (r == -EINVAL)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, recorder->path,
                         "cannot save %s: the callback that scrubs has written more than there was room for",
                         recorder->path);
    if (r == -EFBIG)
        return error_set(error, r, PK_ERROR_OUTPUT_TOO_LARGE, PK_STEP_ARGUMENTS, recorder->path,
                         "cannot save %s: commands wrote more than %s (see pk_cassette_options)", recorder->path,
                         pk_format_size(recorder->options.most, size, sizeof(size)));
    return error_errno(error, r, PK_STEP_ALLOCATE, recorder->path, "cannot save %s: '%s' could not be recorded",
                       recorder->path, recorder->lost);
}

int pk_cassette_save(pk_runner *runner, pk_error *error)
{
    if (runner->start != start_recorder)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "cannot save a runner that records nothing");
    struct recorder *recorder = (struct recorder *)runner;
    struct room text = {0};
    size_t length;
    pthread_mutex_lock(&recorder->base.lock);
    int r = recorder->problem
                ? explain(recorder, error)
                : cassette_write(&recorder->cassette, recorder->options.most, recorder->path, &text, &length, error);
    if (r == 0) /* with the lock: of two at once the later one has more */
        r = cassette_store(recorder->path, text.bytes, length, error);
    pthread_mutex_unlock(&recorder->base.lock);
    room_free(&text);
    return r;
}

/* ---- Making one ------------------------------------------------------------------------------------------------- */

static void free_recorder(pk_runner *runner)
{
    struct recorder *recorder = (struct recorder *)runner;
    double_close(&recorder->base);
    pk_runner_free(recorder->inner);
    cassette_free(&recorder->cassette);
    free(recorder->path);
    free(recorder);
}

int pk_runner_create_recorder(const char *path, const pk_cassette_options *given, pk_runner *inner, pk_runner **runner,
                              pk_error *error)
{
    const struct json_api *api;
    pk_cassette_options options;
    int r = cassette_options(path, given, &options, error);
    if (r == 0)
        r = json_load(&api, error);
    if (r < 0)
        return r;
    struct recorder *recorder = double_new(sizeof(*recorder), start_recorder, free_recorder, error);
    if (!recorder)
        return -ENOMEM;
    recorder->path = strdup(path);
    if (!recorder->path) {
        pk_runner_free(&recorder->base.runner);
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a runner");
    }
    recorder->inner = inner ? runner_ref(inner) : NULL;
    recorder->options = options;
    recorder->cassette.match_directory = options.match_directory;
    recorder->cassette.match_environment = options.match_environment;
    *runner = &recorder->base.runner;
    return 0;
}
