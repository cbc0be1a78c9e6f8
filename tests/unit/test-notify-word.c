/*
 * What a service says of itself, read from bytes.
 */
#include "harness.h"
#include "supervise/notify-word.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In memory of just that size. */
static int parse_bytes(const char *bytes, size_t length, struct notify_word *word)
{
    char *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, bytes, length);
    int r = notify_parse(copy, length, word);
    free(copy);
    return r;
}

static int parse(const char *text, struct notify_word *word)
{
    return parse_bytes(text, strlen(text), word);
}

/* In words: what it says, one after the other. */
static void must_say(const char *text, const char *expected)
{
    struct notify_word word;
    char said[600];
    int r = parse(text, &word);
    snprintf(said, sizeof(said), "%d%s%s%s%s%s", r, word.ready ? " ready" : "", word.reloading ? " reloading" : "",
             word.stopping ? " stopping" : "", word.watchdog ? " well" : "", word.watchdog_trigger ? " trigger" : "");
    size_t used = strlen(said);
    if (word.watchdog_usec)
        used += (size_t)snprintf(said + used, sizeof(said) - used, " watchdog:%ju", (uintmax_t)word.watchdog_usec);
    if (word.extend_usec)
        used += (size_t)snprintf(said + used, sizeof(said) - used, " extend:%ju", (uintmax_t)word.extend_usec);
    if (word.error_number)
        used += (size_t)snprintf(said + used, sizeof(said) - used, " errno:%d", word.error_number);
    if (word.has_status)
        snprintf(said + used, sizeof(said) - used, " <%s>", word.status);
    else
        assert_string_equal(word.status, "");
    if (strcmp(said, expected) != 0)
        fail_msg("\"%s\" says \"%s\" and not \"%s\"", text, said, expected);
}

static void each_assignment_is_known(void **state)
{
    (void)state;
    must_say("READY=1", "1 ready");
    must_say("RELOADING=1", "1 reloading");
    must_say("STOPPING=1", "1 stopping");
    must_say("WATCHDOG=1", "1 well");
    must_say("WATCHDOG=trigger", "1 trigger");
    must_say("WATCHDOG_USEC=20000000", "1 watchdog:20000000");
    must_say("EXTEND_TIMEOUT_USEC=5", "1 extend:5");
    must_say("ERRNO=2", "1 errno:2");
    must_say("STATUS=Completed 66% of file system check...", "1 <Completed 66% of file system check...>");
    must_say("STATUS=", "1 <>");
    must_say("STATUS=a=b", "1 <a=b>");
    must_say("READY=1\n", "1 ready");
    must_say("\n\nREADY=1\n\n", "1 ready");
    must_say("READY=1\nSTATUS=all well\nERRNO=5\nWATCHDOG=1\nWATCHDOG_USEC=7\nEXTEND_TIMEOUT_USEC=8",
             "1 ready well watchdog:7 extend:8 errno:5 <all well>");
    must_say("RELOADING=1\nMONOTONIC_USEC=1234\nSTATUS=again", "1 reloading <again>");
}

static void what_means_nothing_here_is_passed_over(void **state)
{
    (void)state;
    must_say("MAINPID=1", "0");
    must_say("BARRIER=1", "0");
    must_say("FDSTORE=1\nFDNAME=x\nMONOTONIC_USEC=3", "0");
    must_say("X_OF_ITS_OWN=READY=1", "0");
    must_say("MAINPID=4711\nREADY=1\nnothing at all\nBUSERROR=x", "1 ready");
    must_say("ready=1", "0");
    must_say("READYREADY=1", "0");
    must_say("READ=1", "0");
    must_say(" READY=1", "0");
}

static void values_are_taken_to_the_letter(void **state)
{
    (void)state;
    static const char *const not_one[] = {"", "0", "2", "01", "11", " 1", "1 ", "1\r", "yes", "true", "trigger"};
    static const char *const not_numbers[] = {"",
                                              "0",
                                              "-1",
                                              "+1",
                                              " 1",
                                              "1 ",
                                              "1.5",
                                              "0x1",
                                              "1s",
                                              "1_",
                                              "1\r",
                                              "18446744073709551616",
                                              "00000000000000000000000000000001"};
    char text[128];
    for (size_t i = 0; i < sizeof(not_one) / sizeof(not_one[0]); i++) {
        snprintf(text, sizeof(text), "READY=%s\nRELOADING=%s\nSTOPPING=%s", not_one[i], not_one[i], not_one[i]);
        must_say(text, "0");
        snprintf(text, sizeof(text), "WATCHDOG=%s", not_one[i]);
        must_say(text, strcmp(not_one[i], "trigger") == 0 ? "1 trigger" : "0");
    }
    for (size_t i = 0; i < sizeof(not_numbers) / sizeof(not_numbers[0]); i++) {
        snprintf(text, sizeof(text), "WATCHDOG_USEC=%s\nEXTEND_TIMEOUT_USEC=%s\nERRNO=%s", not_numbers[i],
                 not_numbers[i], not_numbers[i]);
        must_say(text, "0");
    }
    must_say("WATCHDOG_USEC=18446744073709551615\nEXTEND_TIMEOUT_USEC=0000000000000000001\nERRNO=4095",
             "1 watchdog:18446744073709551615 extend:1 errno:4095");
    must_say("ERRNO=4096", "0");
}

static void of_several_the_last_counts(void **state)
{
    (void)state;
    must_say("RELOADING=1\nREADY=1", "1 ready");
    must_say("READY=1\nRELOADING=1", "1 reloading");
    must_say("READY=1\nSTOPPING=1\nRELOADING=0", "1 stopping");
    must_say("WATCHDOG=1\nWATCHDOG=trigger", "1 trigger");
    must_say("WATCHDOG=trigger\nWATCHDOG=1", "1 well");
    must_say("STATUS=first\nSTATUS=second", "1 <second>");
    must_say("WATCHDOG_USEC=1\nWATCHDOG_USEC=2\nWATCHDOG_USEC=x", "1 watchdog:2");
}

static void what_is_no_message_is_none(void **state)
{
    (void)state;
    static const char ended[] = "READY=1", split[] = "READY=1\0STATUS=x", ended_twice[] = "READY=1\0";
    struct notify_word word;
    must_say("", "-74");
    must_say("\n", "-74");
    must_say("READY", "-74");
    must_say("=1", "-74");
    must_say("\x1b[2J\xff\xfe nothing", "-74");
    assert_int_equal(notify_parse(NULL, 0, &word), -EBADMSG);
    assert_int_equal(parse_bytes("", 1, &word), -EBADMSG);
    assert_int_equal(parse_bytes(ended, sizeof(ended), &word), 1);
    assert_true(word.ready);
    assert_int_equal(parse_bytes(split, sizeof(split), &word), -EBADMSG);
    assert_false(word.ready);
    assert_int_equal(parse_bytes(ended_twice, sizeof(ended_twice), &word), -EBADMSG);
    assert_int_equal(parse_bytes("\0READY=1", 8, &word), -EBADMSG);
}

static void a_status_is_fit_for_a_terminal(void **state)
{
    (void)state;
    struct notify_word word;
    char text[1000];
    must_say("STATUS=\x1b[31mred\a\ttab\r", "1 <\\x1b[31mred\\x07\\ttab\\r>");
    must_say("STATUS=\xc3\xa4 \xff \xc3", "1 <\xc3\xa4 \\xff \\xc3>");
    must_say("STATUS=\xe2\x80\xaereversed", "1 <\\u202ereversed>");
    /* A character whose first byte is the last for which there is room. */
    char most[NOTIFY_STATUS_SIZE - 1] = "";
    memset(most, 'x', sizeof(most) - 1);
    snprintf(text, sizeof(text), "STATUS=%s\xc3\xa4%s", most, most);
    assert_int_equal(parse(text, &word), 1);
    assert_string_equal(word.status, most);
}

static const struct test tests[] = {
    PK_TEST(each_assignment_is_known),       PK_TEST(what_means_nothing_here_is_passed_over),
    PK_TEST(values_are_taken_to_the_letter), PK_TEST(of_several_the_last_counts),
    PK_TEST(what_is_no_message_is_none),     PK_TEST(a_status_is_fit_for_a_terminal),
};

PK_TEST_MAIN(tests)
