/*
 * Waiting until a process is ready: what is waited for comes when the child has been told to go on, and it is told from
 * within the wait, by what it writes.
 */
#include "every-call.h"
#include "subject.h"

#include <processkit.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CHILDS_SOCKET = 3 };

/* ---- Places to be ready at -------------------------------------------------------------------------------------- */

struct place {
    int fd; /* bound; nobody listens */
    unsigned port;
};

static struct place take_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    struct place place = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_return_code(bind(place.fd, (struct sockaddr *)&address, length), errno);
    assert_return_code(getsockname(place.fd, (struct sockaddr *)&address, &length), errno);
    place.port = ntohs(address.sin_port);
    return place;
}

static struct place take_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct place place = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_return_code(bind(place.fd, (struct sockaddr *)&address, sizeof(address)), errno);
    return place;
}

/* The child alone has it from now on. */
static void give_place(pk_command *command, struct place *place)
{
    pk_command_fd(command, CHILDS_SOCKET, place->fd);
}

/* ---- Children that wait for a word ------------------------------------------------------------------------------ */

/* Asked in vain so often, it hears the word to go on. */
static void say_go(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)fd, (void)bytes, (void)length;
    ++*(int *)data;
    pk_process_close_input(process);
}

static pk_process *start(pk_command *command)
{
    pk_error error;
    pk_process *process;
    assert_ok(pk_command_start(command, &process, &error), error);
    return process;
}

/* It prints "waiting", waits for the end of its input, which comes of that, and goes on. */
static pk_process *start_waiting(pk_command *command, int *heard)
{
    pk_command_pipe(command, 0);
    pk_command_capture(command, 1, NULL);
    pk_command_on_chunk(command, 1, say_go, heard);
    return start(command);
}

/* What it wrote came and was kept, it runs, and it was not touched. */
static void must_be_well(pk_process *process, int heard)
{
    const pk_capture *capture = pk_process_capture(process, 1);
    assert_true(heard > 0);
    assert_non_null(strstr(capture->bytes, "waiting\n"));
    assert_null(pk_process_result(process));
    assert_int_equal(kill(pk_process_pid(process), 0), 0);
}

static void must_not_be_ready(int r, int number, const pk_error *error, pk_process *process, const char *format, ...)
    PK_PRINTF(5, 6);
static void must_not_be_ready(int r, int number, const pk_error *error, pk_process *process, const char *format, ...)
{
    char why[256], message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    snprintf(message, sizeof(message), "pid %d %s: %s", pk_process_pid(process),
             number == -ECHILD ? "ended before it was ready" : "was not ready in time", why);
    assert_int_equal(r, number);
    assert_int_equal(error->number, number);
    assert_int_equal(error->kind, PK_ERROR_NOT_READY);
    assert_int_equal(error->step, PK_STEP_WAIT);
    assert_string_equal(error->message, message);
}

/* ---- Ready ------------------------------------------------------------------------------------------------------ */

static void ports_are_waited_for(void **state)
{
    pk_error error;
    int heard = 0;
    struct place place = take_port();
    pk_auto(pk_command) command = adversary("print", "waiting", "--", "count", "--", "listen", "3", NULL);
    give_place(command, &place);
    pk_auto(pk_process) process = start_waiting(command, &heard);
    assert_ok(pk_process_wait_port(process, "127.0.0.1", place.port, PK_FOREVER, &error), error);
    must_be_well(process, heard);
    assert_ok(pk_process_wait_port(process, "localhost", place.port, 0, &error), error); /* it is ready already */
    close(place.fd);
}

static void sockets_are_waited_for(void **state)
{
    pk_error error;
    int heard = 0;
    struct place place = take_path("socket");
    pk_auto(pk_command) command = adversary("print", "waiting", "--", "count", "--", "listen", "3", NULL);
    give_place(command, &place);
    pk_auto(pk_process) process = start_waiting(command, &heard);
    assert_ok(pk_process_wait_socket(process, "socket", PK_FOREVER, &error), error);
    must_be_well(process, heard);
    close(place.fd);
}

static void paths_are_waited_for(void **state)
{
    pk_error error;
    int heard = 0;
    pk_auto(pk_command) command =
        adversary("print", "waiting", "--", "count", "--", "touch", "file", "--", "hold", NULL);
    pk_auto(pk_process) process = start_waiting(command, &heard);
    assert_ok(pk_process_wait_path(process, "file", PK_FOREVER, &error), error);
    must_be_well(process, heard);
}

static void pages_are_waited_for(void **state)
{
    char url[64];
    pk_error error;
    int heard = 0;
    struct place place = take_port();
    pk_auto(pk_command) command = adversary("print", "waiting", "--", "count", "--", "listen", "3", "--", "answer", "3",
                                            "503 Later", "--", "answer", "3", "204 Here", "--", "hold", NULL);
    give_place(command, &place);
    pk_auto(pk_process) process = start_waiting(command, &heard);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/health", place.port);
    pk_time begun = pk_now();
    assert_ok(pk_process_wait_http(process, url, 200, 299, PK_FOREVER, &error), error);
    assert_in_range(pk_now() - begun, 0,
                    PK_MILLISECONDS(1500 * test_slowness())); /* answers are heard when they come */
    must_be_well(process, heard);
    close(place.fd);
}

static int count_to(pk_process *process, void *data)
{
    int *left = data;
    assert_int_equal(kill(pk_process_pid(process), 0), 0);
    return --*left == 0;
}

static void callbacks_are_waited_for(void **state)
{
    pk_error error;
    int left = 3;
    pk_auto(pk_command) command = adversary("hold", NULL);
    pk_auto(pk_process) process = start(command);
    assert_ok(pk_process_wait_until(process, count_to, &left, PK_FOREVER, &error), error);
    assert_int_equal(left, 0);
}

/* ---- What it says itself ---------------------------------------------------------------------------------------- */

static bool is_text(const pk_line *line, void *data)
{
    return strcmp(line->text, data) == 0;
}

static void must_say_next(pk_process *process, const char *text)
{
    pk_error error;
    pk_line line;
    assert_ok(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), error);
    assert_string_equal(line.text, text);
}

static void lines_are_waited_for(void **state)
{
    pk_error error;
    char *line = NULL;
    pk_auto(pk_command) command = adversary("lines", "5", "--", "hold", NULL);
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    assert_ok(pk_process_wait_line(process, 1, NULL, NULL, NULL, PK_FOREVER, &error), error);
    assert_ok(pk_process_wait_line(process, -1, is_text, (void *)"line 3", &line, PK_FOREVER, &error), error);
    assert_string_equal(line, "line 3");
    free(line);
    must_say_next(process, "line 4");
    must_not_be_ready(
        pk_process_wait_line(process, 1, is_text, (void *)"line 1", &line, pk_deadline(PK_MILLISECONDS(20)), &error),
        -ETIMEDOUT, &error, process, "it has not written such a line");
    assert_null(pk_process_result(process));
}

static void lines_may_never_come(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = adversary("lines", "3", NULL);
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    must_not_be_ready(pk_process_wait_line(process, 1, is_text, (void *)"line 4", NULL, PK_FOREVER, &error), -ECHILD,
                      &error, process, "it has not written such a line");
    must_not_be_ready(pk_process_wait_text(process, 1, "line", PK_FOREVER, &error), -ECHILD, &error, process,
                      "it has not written 'line'");
}

static void say(pk_process *process, const char *text)
{
    pk_error error;
    assert_ok(pk_process_write(process, text, strlen(text), NULL, PK_FOREVER, &error), error);
}

/* The child says what it is told to say. All of it is kept. */
static void prompts_are_waited_for_again_and_again(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = adversary("echo", NULL);
    pk_command_pipe(command, 0);
    pk_command_capture(command, 1, NULL);
    pk_auto(pk_process) process = start(command);
    say(process, "welcome\n> ");
    assert_ok(pk_process_wait_text(process, 1, "> ", PK_FOREVER, &error), error);
    must_not_be_ready(pk_process_wait_text(process, 1, "> ", pk_deadline(PK_MILLISECONDS(20)), &error), -ETIMEDOUT,
                      &error, process, "it has not written '> '");
    say(process, "42\n> ");
    must_say_next(process, "42");
    assert_ok(pk_process_wait_text(process, 1, "> ", PK_FOREVER, &error), error);
    pk_process_close_input(process);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_string_equal(pk_process_capture(process, 1)->bytes, "welcome\n> 42\n> ");
}

static bool free_the_process(const pk_line *line, void *data)
{
    (void)line;
    pk_process_free(data);
    return true;
}

static void whoever_matches_may_free_it(void **state)
{
    pk_error error;
    char *line = NULL;
    pk_auto(pk_command) command = adversary("print", "hello", "--", "hold", NULL);
    pk_command_pipe(command, 1);
    pk_process *process = start(command);
    assert_error(pk_process_wait_line(process, 1, free_the_process, process, &line, PK_FOREVER, &error), error,
                 -ECANCELED, PK_STEP_WAIT);
    assert_null(line);
}

/* They wait for nothing that it writes, and no time is spent on that. */
static void other_waits_leave_its_lines_alone(void **state)
{
    pk_error error;
    struct timespec before, after;
    pk_auto(pk_command) command = adversary("chatter", "10", NULL);
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    assert_ok(pk_process_wait_line(process, 1, is_text, (void *)"chatter 1", NULL, PK_FOREVER, &error), error);
    assert_int_equal(pk_process_wait_line(process, 1, is_text, (void *)"x", NULL, 0, NULL), -ETIMEDOUT);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    assert_int_equal(pk_process_wait_path(process, "no", pk_deadline(PK_MILLISECONDS(500)), NULL), -ETIMEDOUT);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    long spent_ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    assert_in_range(spent_ms, 0, 50 * test_slowness());
}

/* ---- Not ready -------------------------------------------------------------------------------------------------- */

static void the_deadline_passes(void **state)
{
    pk_error error;
    struct place place = take_port();
    int never = -1;
    pk_auto(pk_command) command = adversary("hold", NULL);
    pk_auto(pk_process) process = start(command);
    pk_time begun = pk_now();
    must_not_be_ready(pk_process_wait_port(process, "127.0.0.1", place.port, pk_deadline(PK_MILLISECONDS(100)), &error),
                      -ETIMEDOUT, &error, process, "the connection to 127.0.0.1:%u was refused", place.port);
    assert_in_range(pk_now() - begun, PK_MILLISECONDS(100), PK_MILLISECONDS(1000 * test_slowness()));
    must_not_be_ready(pk_process_wait_path(process, "no", pk_deadline(PK_MILLISECONDS(20)), &error), -ETIMEDOUT, &error,
                      process, "there is no no");
    must_not_be_ready(pk_process_wait_until(process, count_to, &never, 0, &error), -ETIMEDOUT, &error, process,
                      "the callback says no");
    assert_int_equal(never, -2); /* it was asked once */
    assert_null(pk_process_result(process));
    assert_int_equal(kill(pk_process_pid(process), 0), 0);
    close(place.fd);
}

/* In the middle of an attempt, with all that it has opened. */
static void the_deadline_passes_before_the_answer_comes(void **state)
{
    char url[64];
    pk_error error;
    pk_auto(pk_command) command = adversary("hold", NULL);
    struct place place = take_port();
    assert_return_code(listen(place.fd, 16), errno);
    pk_auto(pk_process) process = start(command);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", place.port);
    pk_time begun = pk_now();
    must_not_be_ready(pk_process_wait_http(process, url, 200, 299, pk_deadline(PK_MILLISECONDS(50)), &error),
                      -ETIMEDOUT, &error, process, "127.0.0.1:%u has not answered", place.port);
    assert_in_range(pk_now() - begun, PK_MILLISECONDS(50), PK_MILLISECONDS(500 * test_slowness()));
    close(place.fd);
}

static void an_end_comes_first(void **state)
{
    pk_error error;
    struct place place = take_port();
    pk_auto(pk_command) command = adversary("print", "goodbye", "--", "exit", "3", NULL);
    pk_command_capture(command, 1, NULL);
    pk_auto(pk_process) process = start(command);
    must_not_be_ready(pk_process_wait_port(process, "127.0.0.1", place.port, PK_FOREVER, &error), -ECHILD, &error,
                      process, "the connection to 127.0.0.1:%u was refused", place.port);
    assert_int_equal(pk_process_result(process)->exit_code, 3);
    assert_string_equal(pk_process_capture(process, 1)->bytes, "goodbye\n");
    must_not_be_ready(pk_process_wait_path(process, "no", PK_FOREVER, &error), -ECHILD, &error, process,
                      "there is no no"); /* still so */
    close(place.fd);
}

static void its_own_deadline_is_kept(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = adversary("hold", NULL);
    pk_command_timeout(command, PK_MILLISECONDS(50));
    pk_auto(pk_process) process = start(command);
    must_not_be_ready(pk_process_wait_path(process, "no", PK_FOREVER, &error), -ECHILD, &error, process,
                      "there is no no");
    assert_int_equal(pk_process_result(process)->verdict, PK_VERDICT_TIMED_OUT);
}

/* ---- Callbacks of bad habits ------------------------------------------------------------------------------------ */

static int refuse(pk_process *process, void *data)
{
    (void)process, (void)data;
    return -ENOTUNIQ;
}

static int free_it(pk_process *process, void *data)
{
    (void)data;
    pk_process_free(process);
    return 0;
}

static int wait_for_it(pk_process *process, void *data)
{
    pk_error error;
    (void)data;
    assert_error(pk_process_wait(process, 0, NULL, &error), error, -EDEADLK, PK_STEP_WAIT);
    assert_error(pk_process_wait_path(process, "/", 0, &error), error, -EDEADLK, PK_STEP_WAIT);
    return 1;
}

static void callbacks_may_do_what_they_like(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = adversary("hold", NULL);
    pk_process *process = start(command);
    assert_error(pk_process_wait_until(process, refuse, NULL, PK_FOREVER, &error), error, -ENOTUNIQ, PK_STEP_WAIT);
    assert_ok(pk_process_wait_until(process, wait_for_it, NULL, PK_FOREVER, &error), error);
    assert_error(pk_process_wait_until(process, free_it, NULL, PK_FOREVER, &error), error, -ECANCELED, PK_STEP_WAIT);
    assert_string_equal(error.message, "a callback has freed the process that was waited for");
}

static void free_at_once(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)fd, (void)bytes, (void)length, (void)data;
    pk_process_free(process);
}

static void output_may_free_it_meanwhile(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = adversary("print", "waiting", "--", "hold", NULL);
    pk_command_on_chunk(command, 1, free_at_once, NULL);
    pk_process *process = start(command);
    assert_error(pk_process_wait_path(process, "no", PK_FOREVER, &error), error, -ECANCELED, PK_STEP_WAIT);
}

/* ---- Bad input, and faults -------------------------------------------------------------------------------------- */

static void on_event(pk_process *process, pk_event event, void *data)
{
    (void)process, (void)event, (void)data;
}

static void what_makes_no_sense_is_refused(void **state)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    pk_auto(pk_command) command = adversary("hold", NULL);
    pk_auto(pk_process) process = start(command);
    assert_error(pk_process_wait_port(process, "example.org", 80, 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_port(process, "::1", 65536, 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_socket(process, "", 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_path(process, "", 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_http(process, "http://::1/", 200, 299, 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_http(process, "http://[::1]/", 0, 0, 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_text(process, 1, "", 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_text(process, 1, NULL, 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_text(process, 1, "a\nb", 0, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_text(process, 1, "a", 0, &error), error, -EBADF, PK_STEP_ARGUMENTS);
    assert_error(pk_process_wait_line(process, 7, NULL, NULL, NULL, 0, &error), error, -EBADF, PK_STEP_ARGUMENTS);
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, on_event, NULL, &error), error);
    assert_error(pk_process_wait_path(process, "/", 0, &error), error, -EBUSY, PK_STEP_WAIT);
    assert_error(pk_process_wait_until(process, refuse, NULL, 0, &error), error, -EBUSY, PK_STEP_WAIT);
}

static int start_and_wait(void *data, pk_error *error)
{
    const struct place *place = data;
    pk_auto(pk_command) command = adversary("hold", NULL);
    pk_auto(pk_process) process = NULL;
    int r = pk_command_start(command, &process, error);
    return r < 0 ? r : pk_process_wait_port(process, "127.0.0.1", place->port, PK_FOREVER, error);
}

static void any_call_may_fail(void **state)
{
    struct place place = take_port();
    assert_return_code(listen(place.fd, 1000), errno);
    assert_int_equal(start_and_wait(&place, NULL), 0); /* what is opened once for all is there then */
    struct every_call every = {.run = start_and_wait, .data = &place};
    assert_true(every_call_fails(&every) > 50);
    close(place.fd);
}

static const struct test tests[] = {
    PK_TEST(ports_are_waited_for),
    PK_TEST(sockets_are_waited_for),
    PK_TEST(paths_are_waited_for),
    PK_TEST(pages_are_waited_for),
    PK_TEST(callbacks_are_waited_for),
    PK_TEST(lines_are_waited_for),
    PK_TEST(lines_may_never_come),
    PK_TEST(prompts_are_waited_for_again_and_again),
    PK_TEST(whoever_matches_may_free_it),
    PK_TEST(other_waits_leave_its_lines_alone),
    PK_TEST(the_deadline_passes),
    PK_TEST(the_deadline_passes_before_the_answer_comes),
    PK_TEST(an_end_comes_first),
    PK_TEST(its_own_deadline_is_kept),
    PK_TEST(callbacks_may_do_what_they_like),
    PK_TEST(output_may_free_it_meanwhile),
    PK_TEST(what_makes_no_sense_is_refused),
    PK_TEST_WITH(any_call_may_fail, .deadline_s = 120),
};

PK_TEST_MAIN(tests)
