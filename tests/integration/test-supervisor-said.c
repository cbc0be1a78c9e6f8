/*
 * What services say to NOTIFY_SOCKET, and what they write to their logs.
 */
#include "vigil.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Words ------------------------------------------------------------------------------------------------------ */

/* Says each of these to its socket, and goes on, or ends. */
static pk_service *add_speaker(struct vigil *vigil, const char *said, bool goes_on)
{
    char words[256];
    snprintf(words, sizeof(words), "notify %s -- %s", said, goes_on ? "hold" : "exit 0");
    pk_auto(pk_command) command = cast_command(NULL, words);
    pk_command_grace(command, PK_MILLISECONDS(50));
    pk_service *service = pk_supervisor_add(vigil->supervisor, "web", command);
    vigil_restarts(service, PK_RESTART_NEVER, 0);
    pk_service_ready_notify(service);
    return service;
}

static void stop_when_said(struct vigil *vigil, const pk_service_event *event)
{
    if (event->kind == PK_SERVICE_SAYS)
        snprintf(vigil->text, sizeof(vigil->text), "%s", event->text);
    if (event->kind == PK_SERVICE_SAYS && strcmp(event->text, "end") == 0)
        pk_supervisor_stop(vigil->supervisor, NULL);
}

static void say(const char *words, const char *diary)
{
    struct vigil vigil;
    vigil_init(&vigil);
    vigil.react = stop_when_said;
    add_speaker(&vigil, words, true);
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, diary);
    vigil_free(&vigil);
}

#define REST ", web stops, web ended, web rests"

static void it_says_when_it_is_ready(void **state)
{
    (void)state;
    say("STATUS=warming-up|READY=1|STATUS=end", "web started, web says, web ready, web says" REST);
}

static void it_says_that_it_reloads(void **state)
{
    (void)state;
    say("READY=1|RELOADING=1|RELOADING=1|READY=1|STATUS=end",
        "web started, web ready, web reloads, web ready, web says" REST);
}

/* Readiness by word is not what was asked for. */
static void words_count_for_what_was_asked_for_only(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = add_speaker(&vigil, "READY=1", true);
    pk_service_ready_take(web, pk_probe_path("nowhere"));
    pk_service_notify(web);
    pk_service_ready_timeout(web, PK_MILLISECONDS(600));
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web not-ready, web stops, web ended, web over");
    vigil_free(&vigil);
}

static void last_words_are_heard(void **state)
{
    struct vigil vigil;
    pk_service_status status;
    (void)state;
    for (int i = 0; i < 10; i++) {
        vigil_init(&vigil);
        vigil.react = stop_when_said;
        pk_service *web = add_speaker(&vigil, "READY=1|STATUS=bye|ERRNO=5", false);
        vigil_run(&vigil);
        pk_service_look(web, &status);
        assert_int_equal(status.error_number, 5);
        assert_string_equal(vigil.diary, "web started, web ready, web says, web ended, web over");
        vigil_free(&vigil);
    }
}

static void it_can_say_that_it_is_not_well(void **state)
{
    struct vigil vigil;
    (void)state;
    vigil_init(&vigil);
    pk_service *web = add_speaker(&vigil, "READY=1|WATCHDOG=trigger", true);
    pk_service_watchdog(web, PK_SECONDS(1000));
    vigil_run(&vigil);
    assert_string_equal(vigil.diary, "web started, web ready, web not-well, web stops, web ended, web over");
    vigil_free(&vigil);
}

/* ---- Logs ------------------------------------------------------------------------------------------------------- */

static void read_log(char *text, size_t size)
{
    int file = open("log", O_RDONLY | O_CLOEXEC);
    assert_return_code(file, errno);
    ssize_t length = read(file, text, size - 1);
    assert_return_code(length, errno);
    text[length] = '\0';
    close(file);
    unlink("log");
}

static void its_lines_are_kept(void **state)
{
    char text[512];
    struct vigil vigil;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    (void)state;
    options.path = "log";
    options.times = false;
    vigil_init(&vigil);
    pk_service *web = vigil_add(&vigil, "web", "print one -- print-to 2 two -- half-line -- exit 1");
    vigil_restarts(web, PK_RESTART_ON_FAILURE, 1);
    pk_service_log(web, &options);
    vigil_run(&vigil);
    assert_int_equal(vigil.starts, 2);
    vigil_free(&vigil);
    read_log(text, sizeof(text));
    assert_non_null(strstr(text, "one\n"));
    assert_non_null(strstr(text, "two\n"));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

/* It goes on, and how many lines are lost is told. */
static void a_full_disk_is_told(void **state)
{
    struct vigil vigil;
    pk_service_status status;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    (void)state;
    options.path = "/dev/full";
    vigil_init(&vigil);
    pk_service *web = vigil_add(&vigil, "web", "lines 10");
    pk_service_log(web, &options);
    vigil_run(&vigil);
    assert_non_null(strstr(vigil.diary, "web log-lost"));
    pk_service_look(web, &status);
    assert_int_equal(status.log_lost, 10);
    assert_int_equal(vigil.end, PK_SERVICE_SATISFIED);
    vigil_free(&vigil);
}

static void a_log_is_of_one_service(void **state)
{
    pk_error error;
    struct vigil vigil;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    (void)state;
    options.path = "log";
    vigil_init(&vigil);
    pk_service_log(vigil_add(&vigil, "a", "exit 0"), &options);
    pk_service_log(vigil_add(&vigil, "b", "exit 0"), &options);
    assert_int_equal(pk_supervisor_run(vigil.supervisor, &error), -EINVAL);
    assert_string_equal(error.message, "invalid service a: another one has the same log, and it is rotated by size");
    vigil_free(&vigil);
}

/* By whatever name; but each may have the same name in a directory of its own, and nobody minds if it is not rotated.
 */
static void a_log_has_many_names(void **state)
{
    static const struct {
        const char *first, *second;
        uint64_t most_bytes;
        int r;
    } pairs[] = {
        {"log", "./log", 1, -EINVAL},
        {"log", "here/log", 1, -EINVAL},
        {"there/../log", "./log", 1, -EINVAL},
        {"none/log", "none/log", 1, -EINVAL},
        {"log", "there/log", 1, 0},
        {"log", "here/log", 0, 0},
        {"log", "log.1", 1, 0},
    };
    (void)state;
    assert_int_equal(symlink(".", "here"), 0);
    assert_int_equal(mkdir("there", 0700), 0);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        pk_error error = {.message = ""};
        struct vigil vigil;
        pk_log_options options = PK_LOG_OPTIONS_INIT;
        options.path = pairs[i].first;
        options.most_bytes = pairs[i].most_bytes;
        vigil_init(&vigil);
        pk_service_log(vigil_add(&vigil, "a", "exit 0"), &options);
        options.path = pairs[i].second;
        pk_service_log(vigil_add(&vigil, "b", "exit 0"), &options);
        assert_int_equal(pk_supervisor_run(vigil.supervisor, &error), pairs[i].r);
        assert_true(pairs[i].r == 0 || strstr(error.message, "another one has the same log"));
        vigil_free(&vigil);
    }
    assert_int_equal(system("rm -rf log* here there"), 0);
}

static const struct test tests[] = {
    PK_TEST(it_says_when_it_is_ready),
    PK_TEST(it_says_that_it_reloads),
    PK_TEST(words_count_for_what_was_asked_for_only),
    PK_TEST(last_words_are_heard),
    PK_TEST(it_can_say_that_it_is_not_well),
    PK_TEST(its_lines_are_kept),
    PK_TEST(a_full_disk_is_told),
    PK_TEST(a_log_is_of_one_service),
    PK_TEST(a_log_has_many_names),
};

PK_TEST_MAIN(tests)
