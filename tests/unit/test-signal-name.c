/*
 * Names of signals: there and back, and nothing else.
 */
#include "harness.h"

#include <processkit/parse.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int parse(const char *text)
{
    int number = -1;
    pk_error error;
    int r = pk_parse_signal(text, &number, &error);
    if (r == 0)
        return number;
    assert_int_equal(r, -EINVAL);
    assert_int_equal(number, -1); /* written on success only */
    assert_int_equal(error.number, -EINVAL);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
    assert_int_equal(error.step, PK_STEP_ARGUMENTS);
    assert_non_null(strstr(error.message, "invalid signal"));
    assert_int_equal(pk_parse_signal(text, &number, NULL), -EINVAL);
    return r;
}

static void expect(const char *text, int number)
{
    if (parse(text) != number)
        fail_msg("'%s' is %d instead of %d", text, parse(text), number);
}

static void signals_have_names_and_numbers(void **state)
{
    (void)state;
    static const char *const terms[] = {"TERM", "SIGTERM", "term", "sigterm", "SigTerm", "15", "0015"};
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
        expect(terms[i], SIGTERM);
    expect("1", SIGHUP);
    expect("64", 64);
    expect("KILL", SIGKILL);
    expect("IOT", SIGABRT);
    expect("cld", SIGCHLD);
    expect("POLL", SIGIO);
}

static void realtime_signals_are_counted_from_both_ends(void **state)
{
    (void)state;
    expect("RTMIN", SIGRTMIN);
    expect("rtmin+0", SIGRTMIN);
    expect("SIGRTMIN+2", SIGRTMIN + 2);
    expect("RTMAX", SIGRTMAX);
    expect("RTMAX-1", SIGRTMAX - 1);
    char text[32];
    snprintf(text, sizeof(text), "RTMIN+%d", SIGRTMAX - SIGRTMIN);
    expect(text, SIGRTMAX);
    snprintf(text, sizeof(text), "RTMIN+%d", SIGRTMAX - SIGRTMIN + 1);
    expect(text, -EINVAL);
    snprintf(text, sizeof(text), "RTMAX-%d", SIGRTMAX - SIGRTMIN);
    expect(text, SIGRTMIN);
    snprintf(text, sizeof(text), "RTMAX-%d", SIGRTMAX - SIGRTMIN + 1);
    expect(text, -EINVAL);
}

static void every_number_has_a_name_that_leads_back(void **state)
{
    (void)state;
    char name[16], number[16];
    for (int expected = 1; expected <= SIGRTMAX; expected++) {
        expect(pk_format_signal(expected, name, sizeof(name)), expected);
        snprintf(number, sizeof(number), "%d", expected);
        expect(number, expected);
    }
}

#define NAMED(name)      \
    {                    \
        SIG##name, #name \
    }

static void every_usual_name_is_there(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *name;
    } usual[] = {
        NAMED(HUP),  NAMED(INT),  NAMED(QUIT), NAMED(ILL),  NAMED(TRAP),  NAMED(ABRT),   NAMED(BUS),  NAMED(FPE),
        NAMED(KILL), NAMED(USR1), NAMED(SEGV), NAMED(USR2), NAMED(PIPE),  NAMED(ALRM),   NAMED(TERM), NAMED(CHLD),
        NAMED(CONT), NAMED(STOP), NAMED(TSTP), NAMED(TTIN), NAMED(TTOU),  NAMED(URG),    NAMED(XCPU), NAMED(XFSZ),
        NAMED(PROF), NAMED(IO),   NAMED(PWR),  NAMED(SYS),  NAMED(WINCH), NAMED(VTALRM),
    };
    char name[16];
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        assert_string_equal(pk_format_signal(usual[i].number, name, sizeof(name)), usual[i].name);
        expect(usual[i].name, usual[i].number);
    }
}

static void names_are_the_usual_ones(void **state)
{
    (void)state;
    char name[16];
    assert_string_equal(pk_format_signal(SIGTERM, name, sizeof(name)), "TERM");
    assert_string_equal(pk_format_signal(SIGABRT, name, sizeof(name)), "ABRT"); /* of two names, the first */
    assert_string_equal(pk_format_signal(SIGIO, name, sizeof(name)), "IO");
    assert_string_equal(pk_format_signal(SIGRTMIN, name, sizeof(name)), "RTMIN");
    assert_string_equal(pk_format_signal(SIGRTMIN + 2, name, sizeof(name)), "RTMIN+2");
    assert_string_equal(pk_format_signal(0, name, sizeof(name)), "0");
    assert_string_equal(pk_format_signal(SIGRTMAX + 1, name, sizeof(name)), "65");
    assert_string_equal(pk_format_signal(-7, name, sizeof(name)), "-7");
    assert_string_equal(pk_format_signal(INT32_MIN, name, sizeof(name)), "-2147483648");
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",           "0",
        "65",         "-1",
        "+1",         "SIG",
        "FOO",        "SIGFOO",
        "TERMINAL",   "TER",
        " TERM",      "TERM ",
        "TERM\n",     "SIG15",
        "SIGSIGTERM", "RTMIN+",
        "RTMIN+99",   "RTMIN-1",
        "RTMAX+1",    "RTMAX-",
        "RTMIN2",     "RTMIN+1x",
        "RTMIN+-1",   "RTMIN+ 1",
        "RTMI",       "15x",
        " 15",        "15 ",
        "0x0f",       "1e1",
        "1.0",        "99999999999999999999",
        "999",        "RTMIN+4294967296",
        "4294967311",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect(refused[i], -EINVAL);
}

static void what_was_refused_is_shown_harmless(void **state)
{
    (void)state;
    int number;
    pk_error error;
    assert_int_equal(pk_parse_signal("\x1b[2J\n", &number, &error), -EINVAL);
    assert_non_null(strstr(error.message, "'\\x1b[2J\\n'"));
}

static const struct test tests[] = {
    PK_TEST(signals_have_names_and_numbers),
    PK_TEST(realtime_signals_are_counted_from_both_ends),
    PK_TEST(every_number_has_a_name_that_leads_back),
    PK_TEST(every_usual_name_is_there),
    PK_TEST(names_are_the_usual_ones),
    PK_TEST(other_texts_are_refused),
    PK_TEST(what_was_refused_is_shown_harmless),
};

PK_TEST_MAIN(tests)
