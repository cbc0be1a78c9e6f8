/*
 * Every verb against a process and against a script that says the same: nothing but the pids and the time differ.
 */
#include "course.h"
#include "filming.h"
#include "translation.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What is run ------------------------------------------------------------------------------------------------ */

struct scene {
    const char *words;
    void (*say)(struct take *take); /* more about the command; may be NULL */
    bool spares;                    /* processes outlive their runs */
};

static struct witness *witness; /* of those */

static pk_duration in_ms(const struct take *take, unsigned ms)
{
    return PK_MILLISECONDS(ms) * take->patience * test_slowness();
}

static void give_runner(struct take *take)
{
    pk_error error;
    pk_runner *runner;
    pk_auto(pk_script) script = translate(take->words);
    assert_ok(pk_runner_create_scripted(&runner, &error), error);
    pk_runner_on(runner, script, adversary_path(), NULL);
    pk_command_runner(take->command, runner);
    pk_runner_free(runner);
}

static void open_take(struct take *take, const struct scene *scene)
{
    take->words = scene->words;
    take->command = cast_command(take->played ? NULL : witness, scene->words);
    take->cancel = NULL;
    pk_command_timeout(take->command, PK_SECONDS(60) * test_slowness());
    if (take->played)
        give_runner(take);
    if (scene->say)
        scene->say(take);
}

static void close_take(struct take *take)
{
    pk_command_free(take->command);
    pk_cancel_free(take->cancel);
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

static char *film(const struct scene *scene, const struct verb *verb, bool played, unsigned patience)
{
    char *text = NULL;
    size_t size;
    struct take take = {.played = played, .patience = patience, .out = open_memstream(&text, &size)};
    assert_non_null(take.out);
    open_take(&take, scene);
    verb->run(&take);
    close_take(&take);
    fclose(take.out);
    return text;
}

/* A process may be slower than the command says: then it is given more time, and does the same in the end. */
static void compare(const struct scene *scene, const struct verb *verb)
{
    enum { MOST_PATIENCE = 64 };
    bool same = false;
    for (unsigned patience = 1; !same && patience <= MOST_PATIENCE; patience *= 4) {
        char *real = film(scene, verb, false, patience), *played = film(scene, verb, true, patience);
        same = strcmp(real, played) == 0;
        if (!same)
            print_message("%s, patience %u: a process:\n%s\na script:\n%s\n", verb->name, patience, real, played);
        free(real);
        free(played);
    }
    if (!same)
        fail_msg("%s differs", verb->name);
}

static void every_verb_is_the_same(void **state)
{
    const struct scene *scene = *state;
    adversary_path(); /* or there is nothing to compare with */
    witness = scene->spares ? witness_new() : NULL;
    unsigned turn =
        (unsigned)strlen(scene->words); /* where everything is slow, each verb has its turn in some scenes */
    for (const struct verb *verb = verbs; verb->name; verb++)
        if (test_slowness() == 1 || turn++ % 4 == 0)
            compare(scene, verb);
    if (!witness)
        return;
    witness_update(witness);
    witness_assert_dead(witness, 10000);
    witness_free(witness);
    course_await_the_spared();
}

/* ---- What is said about commands -------------------------------------------------------------------------------- */

static void deadline(struct take *take)
{
    pk_command_timeout(take->command, in_ms(take, 25));
    pk_command_grace(take->command, in_ms(take, 15));
}

static void long_grace(struct take *take)
{
    pk_command_timeout(take->command, in_ms(take, 25));
    pk_command_grace(take->command, PK_SECONDS(60));
}

static void no_grace(struct take *take)
{
    pk_command_timeout(take->command, in_ms(take, 25));
    pk_command_grace(take->command, 0);
}

static void silence(struct take *take)
{
    pk_command_capture(take->command, 1, NULL);
    pk_command_idle_timeout(take->command, in_ms(take, 25));
    pk_command_stop_signal(take->command, SIGINT);
}

static void make_token(struct take *take)
{
    pk_error error;
    assert_ok(pk_cancel_create(&take->cancel, &error), error);
    pk_command_cancel(take->command, take->cancel);
}

static void cancelled_before(struct take *take)
{
    make_token(take);
    pk_cancel_now(take->cancel);
}

static void cancel_now(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)process, (void)fd, (void)bytes, (void)length;
    pk_cancel_now(data);
}

/* What the adversary prints are two writes; of one all has come when something has. */
static void cancelled_midway(struct take *take)
{
    make_token(take);
    pk_command_grace(take->command, in_ms(take, 15));
    pk_command_on_chunk(take->command, 1, cancel_now, take->cancel);
}

static void three_is_fine(struct take *take)
{
    static const int codes[] = {3, 4};
    pk_command_ok_codes(take->command, codes, 2);
}

static void keep_little(struct take *take, pk_overflow overflow)
{
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = 16;
    options.tail = 8;
    options.overflow = overflow;
    options.spill = scratch("spill");
    pk_command_capture(take->command, 1, &options);
}

static void omit(struct take *take)
{
    keep_little(take, PK_OVERFLOW_OMIT);
}

static void fail_when_loud(struct take *take)
{
    keep_little(take, PK_OVERFLOW_FAIL);
}

static void kill_when_loud(struct take *take)
{
    keep_little(take, PK_OVERFLOW_KILL);
}

static void kill_leftovers(struct take *take)
{
    pk_command_leftovers(take->command, PK_LEFTOVERS_KILL);
}

static void wait_for_leftovers(struct take *take)
{
    pk_command_capture(take->command, 1, NULL);
    pk_command_leftovers(take->command, PK_LEFTOVERS_WAIT);
}

static void wait_for_leftovers_in_vain(struct take *take)
{
    deadline(take);
    wait_for_leftovers(take);
}

static void fail_for_leftovers(struct take *take)
{
    pk_command_leftovers(take->command, PK_LEFTOVERS_FAIL);
}

static void fail_for_leftovers_of_three(struct take *take)
{
    three_is_fine(take);
    fail_for_leftovers(take);
}

static void spare_leftovers(struct take *take)
{
    pk_command_capture(take->command, 1, NULL);
    pk_command_leftovers(take->command, PK_LEFTOVERS_ALLOW);
    pk_command_drain(take->command, PK_MILLISECONDS(5));
}

static void spare_and_drain(struct take *take)
{
    spare_leftovers(take);
    pk_command_drain(take->command, PK_SECONDS(300));
}

static void one_stream(struct take *take)
{
    pk_command_capture(take->command, 1, NULL);
    pk_command_same(take->command, 2, 1);
}

static void latin(struct take *take)
{
    pk_text_options text = PK_TEXT_OPTIONS_INIT;
    text.encoding = "ISO-8859-1";
    pk_command_capture(take->command, 1, NULL);
    pk_command_text(take->command, 1, &text);
}

static void plain(struct take *take)
{
    pk_text_options text = PK_TEXT_OPTIONS_INIT;
    text.encoding = "UTF-8";
    text.strip_vt = true;
    text.split_at_cr = true;
    pk_command_capture(take->command, 1, NULL);
    pk_command_text(take->command, 1, &text);
}

static void at_a_terminal(struct take *take)
{
    pk_command_pty(take->command, NULL);
}

static void deadline_at_a_terminal(struct take *take)
{
    deadline(take);
    at_a_terminal(take);
}

static void typed_at_a_terminal(struct take *take)
{
    pk_command_pty(take->command, NULL);
    pk_command_input_text(take->command, "one\ntwo\n");
}

static void with_input(struct take *take)
{
    pk_command_capture(take->command, 1, NULL);
    pk_command_input_text(take->command, "a word, secret and so on\n");
}

static void with_much_input(struct take *take)
{
    enum { SIZE = 300000 };
    char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)('a' + i % 26);
    pk_command_input(take->command, bytes, SIZE);
    pk_command_capture(take->command, 1, NULL);
    free(bytes);
}

/* Read back by the next one, which appends to it; either writes to its own. */
static void to_a_file(struct take *take)
{
    const char *path = scratch(take->played ? "played" : "real");
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    pk_command_file(take->command, 0, path, PK_FILE_READ);
    pk_command_file(take->command, 2, path, PK_FILE_APPEND);
    pk_command_capture(take->command, 1, NULL);
}

static void nowhere(struct take *take)
{
    pk_command_chdir(take->command, "/no/such/directory");
    if (!take->played)
        return;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_fail(script, -ENOENT, PK_STEP_CHDIR);
    pk_runner *runner;
    pk_error error;
    assert_ok(pk_runner_create_scripted(&runner, &error), error);
    pk_runner_on(runner, script, NULL);
    pk_command_runner(take->command, runner);
    pk_runner_free(runner);
}

static void invalid(struct take *take)
{
    pk_command_setenv(take->command, "a=b", "");
}

static void quiet(struct take *take)
{
    pk_command_null(take->command, 1);
}

/* ----------------------------------------------------------------------------------------------------------------- */

#define SCENE(text, ...)                                                                                              \
    PK_TEST_NAMED("every_verb_is_the_same/" text, every_verb_is_the_same, .data = &(const struct scene){__VA_ARGS__}, \
                  .deadline_s = 180)

static const struct test tests[] = {
    SCENE("nothing", "exit 0"),
    SCENE("code", "print word -- print-to 2 noise -- exit 3"),
    SCENE("one", "exit 1"),
    SCENE("ok_codes", "print word -- exit 3", three_is_fine),
    SCENE("not_ok", "print word -- print-to 2 why -- exit 0", three_is_fine),
    SCENE("lines", "lines 40 -- print-to 2 done"),
    SCENE("half_line", "lines 1 -- half-line -- exit 0"),
    SCENE("bytes", "bytes 200001"),
    SCENE("signal", "print-to 2 oh -- die SEGV"),
    SCENE("term", "print word -- die TERM"),
    SCENE("deadline", "print word -- hold", deadline),
    SCENE("deadline_obstinate", "ignore TERM -- print word -- hold", deadline),
    SCENE("deadline_handled", "catch-exit TERM 7 -- print word -- hold", long_grace),
    SCENE("deadline_hard", "print word -- hold", no_grace),
    SCENE("deadline_tree", "ignore TERM -- double-fork -- hold", deadline),
    SCENE("late_exit", "ignore TERM -- sleep 60 -- print late -- exit 5", long_grace),
    SCENE("idle", "print word -- hold", silence),
    SCENE("not_idle", "print word -- exit 4", silence),
    SCENE("cancelled_before", "print word", cancelled_before),
    SCENE("cancelled_midway", "lines 1 -- hold", cancelled_midway),
    SCENE("cancelled_obstinate", "ignore TERM -- lines 1 -- hold", cancelled_midway),
    SCENE("omit", "lines 40", omit),
    SCENE("overflow_fail", "bytes 100", fail_when_loud),
    SCENE("overflow_kill", "bytes 100 -- hold", kill_when_loud),
    SCENE("overflow_not", "bytes 24", fail_when_loud),
    SCENE("leftovers_kill", "print word -- leave 0 -- hold", kill_leftovers),
    SCENE("leftovers_of_a_failure", "print word -- leave 3 -- hold", fail_for_leftovers),
    SCENE("leftovers_of_the_dead", "leave-by KILL -- hold", fail_for_leftovers),
    SCENE("leftovers_fail", "ignore TERM -- leave 0 -- hold", fail_for_leftovers),
    SCENE("leftovers_fail_ok_code", "leave 3 -- hold", fail_for_leftovers_of_three),
    SCENE("leftovers_wait", "print word -- leave 0 -- sleep 30", wait_for_leftovers),
    SCENE("leftovers_wait_in_vain", "leave 0 -- hold", wait_for_leftovers_in_vain),
    SCENE("leftovers_spare", "print word -- leave 0 -- sleep 400", spare_leftovers, true),
    SCENE("leftovers_drain", "print word -- leave 0 -- sleep 30", spare_and_drain, true),
    SCENE("one_stream", "alternate 20 -- print-to 2 end", one_stream),
    SCENE("encoding", "octets 67fc6e0ae4 -- exit 0", latin),
    SCENE("invalid_bytes", "octets 1b5b316d6f6bff0d6e6577c3a9c30a41", plain),
    SCENE("terminal", "print word -- print-to 2 noise -- exit 3", at_a_terminal),
    SCENE("terminal_typed", "echo -- print end", typed_at_a_terminal),
    SCENE("terminal_deadline", "print word -- hold", deadline_at_a_terminal),
    SCENE("echo", "echo", with_input),
    SCENE("echo_much", "echo", with_much_input),
    SCENE("expect", "print Password: -- expect secret -- print fine", with_input),
    SCENE("expect_in_vain", "print Password: -- expect sacred -- print fine", with_input),
    SCENE("unread_input", "print word -- exit 2", with_much_input),
    SCENE("close", "print word -- close 1 -- close 2 -- sleep 20 -- exit 6", wait_for_leftovers),
    SCENE("file", "print-to 2 filed -- echo -- exit 0", to_a_file),
    SCENE("null", "lines 5 -- exit 1", quiet),
    SCENE("nowhere", "exit 0", nowhere),
    SCENE("invalid", "exit 0", invalid),
};

PK_TEST_MAIN(tests)
