/*
 * The file of a cassette: how it is written, and what is refused as one.
 */
#include "every-call.h"
#include "sys/fault.h"
#include "taping.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* What is in the directory of the test beside the cassette. */
static int count_others(void)
{
    int count = 0;
    DIR *dir = opendir(".");
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                 strcmp(entry->d_name, "tape.json") != 0;
    closedir(dir);
    return count;
}

static void it_is_its_owners_alone(void **state)
{
    (void)state;
    struct stat status;
    tape_write("old", 3);
    assert_int_equal(chmod(tape_path(), 0666), 0);
    umask(0);
    pk_runner *recorder = tape_recorder(NULL, NULL);
    assert_int_equal(tape_run(recorder, "true", NULL), 0);
    tape_end(recorder);
    assert_int_equal(lstat(tape_path(), &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    assert_int_equal(count_others(), 0);
}

static void links_and_the_like_are_refused(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    assert_int_equal(symlink("elsewhere", tape_path()), 0);
    assert_error(pk_cassette_save(recorder, &error), error, -ELOOP, PK_STEP_OPEN_STDIO);
    assert_int_equal(access("elsewhere", F_OK), -1);
    unlink(tape_path());
    assert_int_equal(mkfifo(tape_path(), 0600), 0);
    assert_error(pk_cassette_save(recorder, &error), error, -EINVAL, PK_STEP_OPEN_STDIO);
    unlink(tape_path());
    assert_int_equal(mkdir(tape_path(), 0700), 0);
    assert_error(pk_cassette_save(recorder, &error), error, -EINVAL, PK_STEP_OPEN_STDIO);
    rmdir(tape_path());
    assert_int_equal(count_others(), 0);
    tape_end(recorder);
}

static void a_directory_that_is_not_there_is_told(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *runner;
    pk_runner_free(tape_recorder(NULL, NULL));
    assert_ok(pk_runner_create_recorder("no/such/tape", NULL, NULL, &runner, &error), error);
    assert_error(pk_cassette_save(runner, &error), error, -ENOENT, PK_STEP_OPEN_STDIO);
    pk_runner_free(runner);
    assert_error(pk_runner_create_player("no/such/tape", NULL, &runner, &error), error, -ENOENT, PK_STEP_OPEN_STDIO);
}

static void only_recorders_are_saved(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *runner;
    assert_ok(pk_runner_create_dry(&runner, &error), error);
    assert_error(pk_cassette_save(runner, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    pk_runner_free(runner);
}

/* On a kernel that forgets, and where the leader is a child of this process. */
static void a_lost_end_is_not_saved(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_PROCESS_GROUP;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    pk_auto(pk_command) command = adversary("exit", "3", NULL);
    pk_command_contain(command, &options);
    pk_command_capture(command, 1, NULL);
    pk_command_capture(command, 2, NULL);
    pk_command_runner(command, recorder);
    assert_ok(pk_command_start(command, &process, &error), error);
    pk_command_runner(command, NULL);
    sys_fault_set("pidfd_get_info", 0, ENOTTY);
    assert_int_equal(waitpid(pk_process_pid(process), NULL, 0), pk_process_pid(process));
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    sys_fault_clear();
    pk_process_free(process);
    assert_error(pk_cassette_save(recorder, &error), error, -ECHILD, PK_STEP_ARGUMENTS);
    assert_int_equal(access(tape_path(), F_OK), -1);
    pk_runner_free(recorder);
}

static size_t write_too_much(pk_cassette_field field, char *text, size_t length, size_t capacity, void *data)
{
    (void)data;
    text[0] = 'X';
    return field == PK_CASSETTE_STDOUT ? capacity + 1 : length;
}

static void what_is_scrubbed_wrongly_is_not_saved(void **state)
{
    (void)state;
    pk_error error;
    pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
    options.scrub = write_too_much;
    pk_runner *recorder = tape_recorder(&options, NULL);
    assert_int_equal(tape_run(recorder, "echo x", NULL), 0);
    assert_error(pk_cassette_save(recorder, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    pk_runner_free(recorder);
}

struct saving {
    pk_runner *recorder;
    char *whole;
};

static void put_old(void *data)
{
    (void)data;
    tape_write("old\n", 4);
}

static int save(void *data, pk_error *error)
{
    const struct saving *saving = data;
    return pk_cassette_save(saving->recorder, error);
}

/* The old one or the new one, and nothing beside it. But that what is left over cannot be removed either is none of
 * ours: one call fails at a time. */
static void check(void *data, int result)
{
    const struct saving *saving = data;
    char *text = tape_text();
    assert_string_equal(text, result < 0 ? "old\n" : saving->whole);
    assert_int_equal(count_others(), 0);
    free(text);
}

static void the_old_one_survives_every_failure(void **state)
{
    (void)state;
    pk_error error;
    struct saving saving = {.recorder = tape_recorder(NULL, NULL)};
    for (int i = 0; i < 20; i++)
        assert_int_equal(tape_run(saving.recorder, "seq 1000", NULL), 0);
    assert_ok(pk_cassette_save(saving.recorder, &error), error);
    saving.whole = tape_text();
    struct every_call every = {.prepare = put_old, .run = save, .check = check, .data = &saving};
    every_call_fails(&every);
    sys_fault_set("write", 0, ENOSPC);
    put_old(NULL);
    assert_int_equal(pk_cassette_save(saving.recorder, &error), -ENOSPC);
    sys_fault_clear();
    check(&saving, -ENOSPC);
    pk_runner_free(saving.recorder);
    free(saving.whole);
}

static int load(void *data, pk_error *error)
{
    pk_runner *player;
    (void)data;
    int r = pk_runner_create_player(tape_path(), NULL, &player, error);
    if (r == 0) {
        assert_int_equal(tape_run(player, "echo x", NULL), 0);
        pk_runner_free(player);
    }
    return r;
}

static void every_call_of_loading_may_fail(void **state)
{
    static const int numbers[] = {EIO, EINTR, EMFILE};
    static const char *const calls[] = {"openat", "fstat", "read"};
    pk_error error;
    (void)state;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    assert_int_equal(tape_run(recorder, "echo x", NULL), 0);
    tape_end(recorder);
    for (size_t i = 0; i < 9; i++) {
        sys_fault_clear();
        sys_fault_set(calls[i / 3], 1, numbers[i % 3]);
        pk_runner *player;
        int r = pk_runner_create_player(tape_path(), NULL, &player, &error);
        sys_fault_clear();
        bool tried_again = i / 3 == 2 && numbers[i % 3] == EINTR;
        assert_int_equal(r, tried_again ? 0 : -numbers[i % 3]);
        if (r == 0)
            pk_runner_free(player);
    }
    assert_ok(load(NULL, &error), error);
}

static void without_the_library_there_are_none(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *runner;
    sys_fault_set("dlopen", 0, ELIBACC);
    assert_error(pk_runner_create_recorder(tape_path(), NULL, NULL, &runner, &error), error, -EOPNOTSUPP,
                 PK_STEP_ARGUMENTS);
    assert_int_equal(error.kind, PK_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "(install libjansson4)"));
    sys_fault_clear();
    pk_runner_free(tape_recorder(NULL, NULL));
}

static void a_library_that_is_too_old_is_told(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *runner;
    sys_fault_set("dlsym", 3, ENOENT);
    int r = pk_runner_create_recorder(tape_path(), NULL, NULL, &runner, &error);
    if (sys_fault_count("dlsym") == 0)
        skip_test("libjansson.so.4");
    assert_int_equal(r, -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "does not know json_delete (update libjansson4"));
    sys_fault_clear();
    pk_runner_free(tape_recorder(NULL, NULL));
}

/* ---- Sizes ------------------------------------------------------------------------------------------------------ */

static void there_is_a_limit_on_the_size(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *player;
    pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
    options.most = 1000;
    pk_runner *recorder = tape_recorder(&options, NULL);
    assert_int_equal(tape_run(recorder, "seq 100", NULL), 0); /* less than that, but not as text */
    assert_error(pk_cassette_save(recorder, &error), error, -EFBIG, PK_STEP_ARGUMENTS);
    assert_int_equal(access(tape_path(), F_OK), -1);
    pk_runner_free(recorder);

    recorder = tape_recorder(&options, NULL);
    char output[256];
    assert_int_equal(tape_run(recorder, "seq 100000 | tail -c 100000", output),
                     0); /* who runs it has it all the same */
    assert_non_null(strstr(output, "\n83"));
    assert_error(pk_cassette_save(recorder, &error), error, -EFBIG, PK_STEP_ARGUMENTS);
    pk_runner_free(recorder);

    recorder = tape_recorder(NULL, NULL);
    assert_int_equal(tape_run(recorder, "seq 100", NULL), 0);
    tape_end(recorder);
    assert_error(pk_runner_create_player(tape_path(), &options, &player, &error), error, -EFBIG, PK_STEP_ARGUMENTS);
    assert_int_equal(error.kind, PK_ERROR_OUTPUT_TOO_LARGE);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *runner;
    pk_cassette_options options = PK_CASSETTE_OPTIONS_INIT;
    options.size = sizeof(options) + 8;
    assert_error(pk_runner_create_player(tape_path(), &options, &runner, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_runner_create_player(NULL, NULL, &runner, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    options.size = 0;
    assert_error(pk_runner_create_recorder(tape_path(), &options, NULL, &runner, &error), error, -EINVAL,
                 PK_STEP_ARGUMENTS);
}

static void what_is_no_file_is_not_read(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *player;
    assert_int_equal(mkfifo(tape_path(), 0600), 0);
    assert_error(pk_runner_create_player(tape_path(), NULL, &player, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_runner_create_player("/dev/zero", NULL, &player, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
}

/* ---- Hostile files ----------------------------------------------------------------------------------------------- */

#define RUN(steps) "{\"version\":1,\"match\":[],\"runs\":[{\"command\":[\"x\"],\"does\":" steps "}]}"
#define DIGEST     "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define WITH_INPUT(text) \
    "{\"version\":1,\"match\":[],\"runs\":[{\"command\":[\"x\"],\"input\":" text ",\"does\":[{\"exit\":0}]}]}"
#define WITH_CHANGES(text)                                                                            \
    "{\"version\":1,\"match\":[\"environment\"],\"runs\":[{\"command\":[\"x\"],\"environment\":" text \
    ",\"does\":[{\"exit\":0}]}]}"

static const struct bad {
    const char *text;
    const char *said; /* a part of what is said of it */
} bads[] = {
    {"", "it is no JSON"},
    {"{", "it is no JSON"},
    {"[]", "it has no version"},
    {"null", "it is no JSON"},
    {"\xff\xfe", "it is no JSON"},
    {"{}", "it has no version"},
    {"{\"version\":\"1\"}", "it has no version"},
    {"{\"version\":1.0,\"match\":[],\"runs\":[]}", "it has no version"},
    {"{\"version\":1,\"version\":1,\"match\":[],\"runs\":[]}", "it is no JSON"},
    {"{\"version\":1,\"runs\":[]}", "'match' is no list"},
    {"{\"version\":1,\"match\":[\"moon\"],\"runs\":[]}", "not known here, or twice"},
    {"{\"version\":1,\"match\":[\"directory\",\"directory\"],\"runs\":[]}", "not known here, or twice"},
    {"{\"version\":1,\"match\":[7],\"runs\":[]}", "not known here, or twice"},
    {"{\"version\":1,\"match\":[]}", "'runs' is no list"},
    {"{\"version\":1,\"match\":[],\"runs\":{}}", "'runs' is no list"},
    {"{\"version\":1,\"match\":[],\"runs\":[],\"more\":1}", "member that is not known"},
    {"{\"version\":1,\"match\":[],\"runs\":[7]}", "run 1: something is no object"},
    {"{\"version\":1,\"match\":[],\"runs\":[{}]}", "run 1: 'command' is no list of words"},
    {"{\"version\":1,\"match\":[],\"runs\":[{\"command\":[],\"does\":[]}]}", "'command' is no list of words"},
    {"{\"version\":1,\"match\":[],\"runs\":[{\"command\":[1],\"does\":[]}]}", "'command' is no text"},
    {"{\"version\":1,\"match\":[],\"runs\":[{\"command\":[\"a\\u0000b\"],\"does\":[]}]}", "it is no JSON"},
    {"{\"version\":1,\"match\":[],\"runs\":[{\"command\":[{\"base64\":\"?\"}],\"does\":[]}]}", "is no base64"},
    {"{\"version\":1,\"match\":[],\"runs\":[{\"command\":[{\"base32\":\"\"}],\"does\":[]}]}", "not known here"},
    {"{\"version\":1,\"match\":[],\"runs\":[{\"command\":[{}],\"does\":[]}]}", "'base64' is no text"},
    {"{\"version\":1,\"match\":[],\"runs\":[{\"command\":[\"x\"],\"directory\":\"/\",\"does\":[{\"exit\":0}]}]}",
     "what 'match' does not name"},
    {"{\"version\":1,\"match\":[],\"runs\":[{\"command\":[\"x\"]}]}", "run 1: its end is not its last step"},
    {WITH_INPUT("7"), "something is no object"},
    {WITH_INPUT("{}"), "'length'"},
    {WITH_INPUT("{\"length\":0,\"sha256\":" DIGEST "}"), "'length'"},
    {WITH_INPUT("{\"length\":-1,\"sha256\":" DIGEST "}"), "'length'"},
    {WITH_INPUT("{\"length\":1,\"sha256\":\"00\"}"), "'sha256'"},
    {WITH_INPUT("{\"length\":1,\"sha256\":[]}"), "'sha256'"},
    {WITH_CHANGES("{\"changes\":[],\"sha256\":" DIGEST "}"), "'changes'"},
    {WITH_CHANGES("{\"changes\":[\"set A\"],\"sha256\":7}"), "'sha256'"},
    {RUN("{}"), "its end is not its last step"},
    {RUN("[]"), "its end is not its last step"},
    {RUN("[7]"), "run 1, step 1: it is not known here"},
    {RUN("[{}]"), "run 1, step 1: it is not known here"},
    {RUN("[{\"stdout\":\"x\"}]"), "its end is not its last step"},
    {RUN("[{\"exit\":0},{\"exit\":0}]"), "its end is not its last step"},
    {RUN("[{\"exit\":0,\"stdout\":\"\"}]"), "member that is not known"},
    {RUN("[{\"exit\":256}]"), "'exit' is no number from 0 to 255"},
    {RUN("[{\"exit\":-1}]"), "'exit'"},
    {RUN("[{\"exit\":1e9}]"), "'exit'"},
    {RUN("[{\"exit\":99999999999999999999}]"), "it is no JSON"},
    {RUN("[{\"exit\":\"0\"}]"), "'exit'"},
    {RUN("[{\"signal\":\"NOPE\"}]"), "'signal' is no signal"},
    {RUN("[{\"signal\":9}]"), "'signal' is no signal"},
    {RUN("[{\"signal\":\"0\"}]"), "'signal' is no signal"},
    {RUN("[{\"end\":\"well\"}]"), "'end'"},
    {RUN("[{\"fail\":\"exec\"}]"), "'errno'"},
    {RUN("[{\"fail\":\"exec\",\"errno\":0}]"), "'errno'"},
    {RUN("[{\"fail\":\"exec\",\"errno\":4096}]"), "'errno'"},
    {RUN("[{\"fail\":\"allocate\",\"errno\":2}]"), "'fail'"},
    {RUN("[{\"fail\":\"moon\",\"errno\":2}]"), "'fail'"},
    {RUN("[{\"stdout\":[1]},{\"exit\":0}]"), "run 1, step 1: 'output' is no text"},
    {RUN("[{\"stdout\":null},{\"exit\":0}]"), "'output' is no text"},
    {RUN("[{\"write\":0,\"bytes\":\"\"},{\"exit\":0}]"), "'write'"},
    {RUN("[{\"write\":65536,\"bytes\":\"\"},{\"exit\":0}]"), "'write'"},
    {RUN("[{\"write\":3},{\"exit\":0}]"), "'output' is no text"},
    {RUN("[{\"close\":-1},{\"exit\":0}]"), "'close'"},
    {RUN("[{\"pause_ms\":-1},{\"exit\":0}]"), "'pause_ms'"},
    {RUN("[{\"pause_ms\":1000000001},{\"exit\":0}]"), "'pause_ms'"},
    {RUN("[{\"leave\":65},{\"exit\":0}]"), "'leave'"},
    {RUN("[{\"leave\":40},{\"leave\":40},{\"exit\":0}]"), "step 2: it leaves more than 64"},
    {RUN("[{\"ignore\":\"KILL\"},{\"exit\":0}]"), "nobody can say what signal"},
    {RUN("[{\"catch\":\"TERM\"},{\"exit\":0}]"), "'exit'"},
};

static void damaged_files_are_refused_with_a_reason(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *player;
    pk_runner_free(tape_recorder(NULL, NULL));
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        tape_write(bads[i].text, strlen(bads[i].text));
        assert_error(pk_runner_create_player(tape_path(), NULL, &player, &error), error, -EBADMSG, PK_STEP_ARGUMENTS);
        assert_int_equal(error.kind, PK_ERROR_PARSE);
        if (!strstr(error.message, bads[i].said))
            fail_msg("of %s: %s", bads[i].text, error.message);
    }
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    pk_error error;
    pk_runner *player;
    pk_runner_free(tape_recorder(NULL, NULL));
    char *text = malloc(DEPTH);
    memset(text, '[', DEPTH);
    tape_write(text, DEPTH);
    free(text);
    assert_error(pk_runner_create_player(tape_path(), NULL, &player, &error), error, -EBADMSG, PK_STEP_ARGUMENTS);
}

static void another_version_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"version\": 2, \"what\": \"nobody knows yet\"}";
    pk_error error;
    pk_runner *player;
    pk_runner_free(tape_recorder(NULL, NULL));
    tape_write(text, strlen(text));
    assert_error(pk_runner_create_player(tape_path(), NULL, &player, &error), error, -EOPNOTSUPP, PK_STEP_ARGUMENTS);
    assert_non_null(strstr(error.message, "it has version 2, and version 1 is known here"));
}

/* Cut anywhere, it is no cassette; with a byte changed anywhere it is one or none, and that is all. */
static void no_part_of_a_file_is_one(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *player;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    assert_int_equal(tape_run(recorder, "echo a; printf '\\377'; echo b >&2; kill -SEGV $$", NULL), 0);
    tape_end(recorder);
    char *text = tape_text();
    size_t length = strlen(text);
    for (size_t i = 0; i < length - 1; i++) {
        tape_write(text, i);
        assert_int_equal(pk_runner_create_player(tape_path(), NULL, &player, &error), -EBADMSG);
    }
    for (size_t i = 0; i < length; i++) {
        text[i] ^= (char)(1 << i % 8);
        tape_write(text, length);
        if (pk_runner_create_player(tape_path(), NULL, &player, &error) == 0)
            pk_runner_free(player);
        text[i] ^= (char)(1 << i % 8);
    }
    free(text);
}

static const struct test tests[] = {
    PK_TEST(it_is_its_owners_alone),
    PK_TEST(links_and_the_like_are_refused),
    PK_TEST(a_directory_that_is_not_there_is_told),
    PK_TEST(only_recorders_are_saved),
    PK_TEST(a_lost_end_is_not_saved),
    PK_TEST(what_is_scrubbed_wrongly_is_not_saved),
    PK_TEST(the_old_one_survives_every_failure),
    PK_TEST(every_call_of_loading_may_fail),
    PK_TEST(without_the_library_there_are_none),
    PK_TEST(a_library_that_is_too_old_is_told),
    PK_TEST(there_is_a_limit_on_the_size),
    PK_TEST(wrong_options_are_refused),
    PK_TEST(what_is_no_file_is_not_read),
    PK_TEST(damaged_files_are_refused_with_a_reason),
    PK_TEST(deep_nesting_is_refused),
    PK_TEST(another_version_is_refused),
    PK_TEST(no_part_of_a_file_is_one),
};

PK_TEST_MAIN(tests)
