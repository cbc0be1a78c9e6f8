/*
 * Questions: what answer comes of what, and inquiries that are ended by whoever is called back meanwhile.
 */
#include "cast.h"
#include "supervise/inquiry.h"
#include "sys/fault.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOTHING = 99 };

/* Who asks. */
struct asker {
    pk_loop *loop;
    struct inquiry inquiry;
    int answer; /* the last */
    int answers;
};

static void on_answer(struct inquiry *inquiry, int answer, void *data)
{
    struct asker *asker = data;
    (void)inquiry;
    asker->answer = answer;
    asker->answers++;
}

static void begin(struct asker *asker, pk_probe *probe, pk_duration patience)
{
    pk_error error;
    assert_ok(inquiry_begin(&asker->inquiry, asker->loop, probe, patience, on_answer, asker, &error), error);
    pk_probe_free(probe);
    asker->answer = NOTHING;
    inquiry_ask(&asker->inquiry, 0);
}

static void asker_init(struct asker *asker)
{
    pk_error error;
    *asker = (struct asker){0};
    assert_ok(pk_loop_create(&asker->loop, &error), error);
}

static void asker_free(struct asker *asker)
{
    inquiry_end(&asker->inquiry);
    pk_loop_free(asker->loop);
}

static void dispatch(struct asker *asker, pk_time deadline)
{
    pk_error error;
    assert_ok(pk_loop_dispatch(asker->loop, deadline, &error), error);
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

/* While that call fails, if there is one. */
static int ask(pk_probe *probe, const char *call, int number)
{
    struct asker asker;
    asker_init(&asker);
    begin(&asker, probe, PK_SECONDS(5));
    asker.inquiry.anew = true;
    sys_fault_clear();
    if (call)
        sys_fault_set(call, 0, number);
    while (asker.answers == 0)
        dispatch(&asker, PK_FOREVER);
    if (call && sys_fault_count(call) == 0)
        fail_msg("%s is not called", call);
    sys_fault_clear();
    assert_int_equal(asker.answers, 1);
    assert_true(asker.answer == INQUIRY_GOOD || *inquiry_refusal(&asker.inquiry) != '\0');
    asker_free(&asker);
    return asker.answer;
}

/* A call of a path, a heartbeat, a port and a page. */
static const struct {
    int number, answer;
} failures[] = {
    {EMFILE, INQUIRY_UNASKED},  {ENFILE, INQUIRY_UNASKED},   {ENOMEM, INQUIRY_UNASKED},
    {ENOBUFS, INQUIRY_UNASKED}, {EIO, INQUIRY_BAD},          {ESTALE, INQUIRY_BAD},
    {ENOENT, INQUIRY_BAD},      {EAFNOSUPPORT, INQUIRY_BAD}, {EACCES, INQUIRY_BAD},
};

static void what_is_short_here_says_nothing_and_the_rest_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        int number = failures[i].number, answer = failures[i].answer;
        assert_int_equal(ask(pk_probe_path("/"), "faccessat", number), answer);
        assert_int_equal(ask(pk_probe_heartbeat("/", PK_SECONDS(9)), "fstatat", number), answer);
        assert_int_equal(ask(pk_probe_port("::1", 1), "socket", number), answer);
        assert_int_equal(ask(pk_probe_http("http://127.0.0.1:1/", 200, 299), "socket", number), answer);
    }
    assert_int_equal(ask(pk_probe_path("/"), NULL, 0), INQUIRY_GOOD);
}

static void a_path_that_nothing_can_have_is_not_good(void **state)
{
    char path[PATH_MAX + 2];
    (void)state;
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(ask(pk_probe_path(path), NULL, 0), INQUIRY_BAD);
}

/* Listens at a port that nobody else has; the page there. */
static int serve(char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    snprintf(url, size, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    return listener;
}

/* What could not be waited for is given up: the next question is not taken for one that had no answer in time. */
static void an_answer_that_cannot_be_waited_for_is_none(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    struct asker asker;
    char url[64];
    int listener = serve(url, sizeof(url));
    (void)state;
    asker_init(&asker);
    begin(&asker, pk_probe_http(url, 200, 299), PK_SECONDS(5));
    sys_fault_set("epoll_ctl", 0, ENOSPC);
    dispatch(&asker, PK_FOREVER);
    sys_fault_clear();
    assert_int_equal(asker.answers, 1);
    assert_int_equal(asker.answer, INQUIRY_UNASKED);
    inquiry_ask(&asker.inquiry, 0);
    dispatch(&asker, PK_FOREVER);
    assert_int_equal(asker.answers, 1);
    int first = accept4(listener, NULL, NULL, SOCK_CLOEXEC), second = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(write(second, answer, sizeof(answer) - 1), sizeof(answer) - 1);
    while (asker.answers == 1)
        dispatch(&asker, PK_FOREVER);
    assert_int_equal(asker.answer, INQUIRY_GOOD);
    asker_free(&asker);
    close(first);
    close(second);
    close(listener);
}

static pk_probe *probe_of(const char *program)
{
    pk_auto(pk_command) command = pk_command_new(program, NULL);
    return pk_probe_command(command);
}

static void a_command_that_could_not_be_started_says_nothing(void **state)
{
    (void)state;
    static const int short_of[] = {EMFILE, ENFILE, ENOMEM, EAGAIN};
    for (size_t i = 0; i < sizeof(short_of) / sizeof(short_of[0]); i++)
        assert_int_equal(ask(probe_of("true"), "clone3", short_of[i]), INQUIRY_UNASKED);
    assert_int_equal(ask(probe_of("true"), NULL, 0), INQUIRY_GOOD);
    assert_int_equal(ask(probe_of("false"), NULL, 0), INQUIRY_BAD);
    assert_int_equal(ask(probe_of("./no-such-program"), NULL, 0), INQUIRY_BAD);
}

/* ---- Ended meanwhile -------------------------------------------------------------------------------------------- */

static int refuse_for_ever(void *data)
{
    struct asker *asker = data;
    inquiry_end(&asker->inquiry);
    return -EPERM;
}

static void a_callback_may_end_its_inquiry(void **state)
{
    struct asker asker;
    (void)state;
    asker_init(&asker);
    begin(&asker, pk_probe_call(refuse_for_ever, &asker), PK_SECONDS(5));
    dispatch(&asker, 0);
    assert_null(asker.inquiry.probe);
    assert_int_equal(asker.answers, 0);
    asker_free(&asker);
}

static int begin_another(void *data)
{
    struct asker *asker = data;
    inquiry_end(&asker->inquiry);
    begin(asker, pk_probe_path("/"), PK_SECONDS(5));
    return -EPERM;
}

/* The answer to the one is none to the other. */
static void a_callback_may_begin_another(void **state)
{
    struct asker asker;
    (void)state;
    asker_init(&asker);
    begin(&asker, pk_probe_call(begin_another, &asker), PK_SECONDS(5));
    while (asker.answers == 0)
        dispatch(&asker, PK_FOREVER);
    assert_int_equal(asker.answer, INQUIRY_GOOD);
    assert_int_equal(asker.answers, 1);
    asker_free(&asker);
}

static void end_when_stopped(const pk_trace *trace, void *data)
{
    struct asker *asker = data;
    if (trace->kind == PK_TRACE_STOPPED)
        inquiry_end(&asker->inquiry);
}

static void who_traces_a_command_may_end_its_inquiry(void **state)
{
    struct asker asker;
    (void)state;
    asker_init(&asker);
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    pk_command_trace(command, end_when_stopped, &asker);
    begin(&asker, pk_probe_command(command), PK_MILLISECONDS(50));
    while (asker.inquiry.probe)
        dispatch(&asker, PK_FOREVER);
    dispatch(&asker, 0);
    assert_int_equal(asker.answers, 0);
    asker_free(&asker);
}

static const struct test tests[] = {
    PK_TEST(what_is_short_here_says_nothing_and_the_rest_does),
    PK_TEST(a_path_that_nothing_can_have_is_not_good),
    PK_TEST(an_answer_that_cannot_be_waited_for_is_none),
    PK_TEST(a_command_that_could_not_be_started_says_nothing),
    PK_TEST(a_callback_may_end_its_inquiry),
    PK_TEST(a_callback_may_begin_another),
    PK_TEST(who_traces_a_command_may_end_its_inquiry),
};

PK_TEST_MAIN(tests)
