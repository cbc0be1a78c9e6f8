/*
 * The rule of pipelines: every way in which three stages can end, each against the rule as its page has it. The tables
 * of the page are what the library says.
 */
#include "harness.h"
#include "pipeline/pipefail.h"

#include <processkit/pipeline.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = 3 };

/* One way for a stage to end, and what the rule calls that: where the stage is not the last, and where it is. */
struct ending {
    const char *name;
    const char *word; /* in the table of the page; NULL: it is not there, being like another */
    pk_verdict verdict;
    int exit_code;
    int signal_number;
    bool unchecked;
    bool torn_down;
    enum fate fate, fate_of_last;
};

static const struct ending endings[] = {
    {"succeeds", "ok", PK_VERDICT_EXITED, .fate = FATE_CLEAN, .fate_of_last = FATE_CLEAN},
    {"exits with 1", "exit", PK_VERDICT_EXITED, .exit_code = 1, .fate = FATE_FAILED, .fate_of_last = FATE_FAILED},
    {"dies by SIGSEGV", "signal", PK_VERDICT_SIGNALLED, .signal_number = SIGSEGV, .fate = FATE_FAILED,
     .fate_of_last = FATE_FAILED},
    {"dies by SIGPIPE", "SIGPIPE", PK_VERDICT_SIGNALLED, .signal_number = SIGPIPE, .fate = FATE_CUT_OFF,
     .fate_of_last = FATE_FAILED},
    {"times out", "timeout", PK_VERDICT_TIMED_OUT, .signal_number = SIGTERM, .fate = FATE_FAILED,
     .fate_of_last = FATE_FAILED},
    {"is torn down", NULL, PK_VERDICT_STOPPED, .signal_number = SIGTERM, .torn_down = true, .fate = FATE_TORN_DOWN,
     .fate_of_last = FATE_TORN_DOWN},
    {"is stopped by its owner", NULL, PK_VERDICT_STOPPED, .signal_number = SIGTERM, .fate = FATE_FAILED,
     .fate_of_last = FATE_FAILED},
    {"exits with 1 before it is torn down", NULL, PK_VERDICT_EXITED, .exit_code = 1, .torn_down = true,
     .fate = FATE_FAILED, .fate_of_last = FATE_FAILED},
    {"exits with 1, unchecked", "unchecked", PK_VERDICT_EXITED, .exit_code = 1, .unchecked = true, .fate = FATE_CLEAN,
     .fate_of_last = FATE_CLEAN},
    {"dies by SIGPIPE, unchecked", NULL, PK_VERDICT_SIGNALLED, .signal_number = SIGPIPE, .unchecked = true,
     .fate = FATE_CLEAN, .fate_of_last = FATE_CLEAN},
    {"times out, unchecked", NULL, PK_VERDICT_TIMED_OUT, .signal_number = SIGTERM, .unchecked = true,
     .fate = FATE_FAILED, .fate_of_last = FATE_FAILED},
    {"runs out of memory, unchecked", NULL, PK_VERDICT_OOM_KILLED, .signal_number = SIGKILL, .unchecked = true,
     .fate = FATE_FAILED, .fate_of_last = FATE_FAILED},
};

enum { ENDINGS = sizeof(endings) / sizeof(endings[0]) };

static enum fate fate_of(const struct ending *ending, bool last)
{
    pk_result result = {
        .verdict = ending->verdict,
        .leader_ending = ending->signal_number ? PK_ENDING_SIGNALLED : PK_ENDING_EXITED,
        .exit_code = ending->exit_code,
        .signal_number = ending->signal_number,
        .ok_code = !ending->signal_number && ending->exit_code == 0,
    };
    struct circumstances circumstances = {ending->unchecked, last, ending->torn_down};
    return pipefail_fate(&result, &circumstances);
}

static void each_end_has_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < ENDINGS; i++) {
        print_message("%s\n", endings[i].name);
        assert_int_equal(fate_of(&endings[i], false), endings[i].fate);
        assert_int_equal(fate_of(&endings[i], true), endings[i].fate_of_last);
    }
}

/* The rule in the words of the page, in another way than the library has it. */
static size_t by_the_rule(const enum fate *fates)
{
    size_t first_failed = PK_NO_STAGE, first_cut_off = PK_NO_STAGE;
    for (size_t i = STAGES; i-- > 0;) {
        first_failed = fates[i] == FATE_FAILED ? i : first_failed;
        first_cut_off = fates[i] == FATE_CUT_OFF ? i : first_cut_off;
    }
    return first_failed == PK_NO_STAGE ? first_cut_off : first_failed;
}

/* All that there are: 1728. */
static void the_whole_table_is_by_the_rule(void **state)
{
    (void)state;
    unsigned rows = 0;
    for (int a = 0; a < ENDINGS; a++)
        for (int b = 0; b < ENDINGS; b++)
            for (int c = 0; c < ENDINGS; c++, rows++) {
                enum fate fates[STAGES] = {fate_of(&endings[a], false), fate_of(&endings[b], false),
                                           fate_of(&endings[c], true)};
                enum fate expected[STAGES] = {endings[a].fate, endings[b].fate, endings[c].fate_of_last};
                if (pipefail_culprit(fates, STAGES) != by_the_rule(expected))
                    fail_msg("%s | %s | %s", endings[a].name, endings[b].name, endings[c].name);
            }
    assert_int_equal(rows, ENDINGS * ENDINGS * ENDINGS);
}

/* What people know from their shells. */
static void the_table_has_what_is_well_known(void **state)
{
    (void)state;
    static const struct {
        enum fate fates[STAGES];
        size_t culprit;
    } rows[] = {
        {{FATE_CLEAN, FATE_CLEAN, FATE_CLEAN}, PK_NO_STAGE}, {{FATE_CUT_OFF, FATE_CLEAN, FATE_CLEAN}, 0},
        {{FATE_CUT_OFF, FATE_FAILED, FATE_CLEAN}, 1},        {{FATE_CUT_OFF, FATE_CUT_OFF, FATE_FAILED}, 2},
        {{FATE_FAILED, FATE_FAILED, FATE_FAILED}, 0},        {{FATE_TORN_DOWN, FATE_TORN_DOWN, FATE_FAILED}, 2},
        {{FATE_FAILED, FATE_CLEAN, FATE_TORN_DOWN}, 0},      {{FATE_TORN_DOWN, FATE_CLEAN, FATE_CLEAN}, PK_NO_STAGE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(pipefail_culprit(rows[i].fates, STAGES), rows[i].culprit);
    assert_int_equal(pipefail_culprit(NULL, 0), PK_NO_STAGE);
}

/* ---- The page --------------------------------------------------------------------------------------------------- */

static const unsigned char page[] = {
#include "pipeline-page.inc"
    0,
};

static void assert_on_page(const char *expected)
{
    if (strstr((const char *)page, expected))
        return;
    fputs(expected, stdout); /* cmocka's messages are too short for it */
    fflush(stdout);
    fail_msg("man/pk_pipeline.3.scd does not have this");
}

static void the_page_names_each_end(void **state)
{
    static const char *const names[] = {
        [FATE_CLEAN] = "clean", [FATE_TORN_DOWN] = "torn down", [FATE_CUT_OFF] = "cut off", [FATE_FAILED] = "failed"};
    char *text;
    size_t size;
    (void)state;
    FILE *table = open_memstream(&text, &size);
    fprintf(table, "```\n%-38s%-12s%s\n", "", "not last", "last");
    for (int i = 0; i < ENDINGS; i++)
        fprintf(table, "%-38s%-12s%s\n", endings[i].name, names[fate_of(&endings[i], false)],
                names[fate_of(&endings[i], true)]);
    fputs("```\n", table);
    fclose(table);
    assert_on_page(text);
    free(text);
}

static const struct ending *after(const struct ending *ending)
{
    do
        ending++;
    while (ending < endings + ENDINGS && !ending->word);
    return ending < endings + ENDINGS ? ending : NULL;
}

static void print_row(FILE *table, const struct ending *first, const struct ending *second)
{
    fprintf(table, "%-11s%-11s", first->word, second->word);
    for (const struct ending *third = endings; third; third = after(third)) {
        enum fate fates[STAGES] = {fate_of(first, false), fate_of(second, false), fate_of(third, true)};
        size_t culprit = pipefail_culprit(fates, STAGES);
        fprintf(table, "%*c", (int)strlen(third->word) + 2, culprit == PK_NO_STAGE ? '-' : '0' + (char)culprit);
    }
    fputc('\n', table);
}

static void the_page_has_the_whole_table(void **state)
{
    char *text;
    size_t size;
    (void)state;
    FILE *table = open_memstream(&text, &size);
    fprintf(table, "```\n%-11s%-11s  third\n%-11s%-11s", "", "", "first", "second");
    for (const struct ending *third = endings; third; third = after(third))
        fprintf(table, "  %s", third->word);
    fputc('\n', table);
    for (const struct ending *first = endings; first; first = after(first))
        for (const struct ending *second = endings; second; second = after(second))
            print_row(table, first, second);
    fputs("```\n", table);
    fclose(table);
    assert_on_page(text);
    free(text);
}

static const struct test tests[] = {
    PK_TEST(each_end_has_its_name),
    PK_TEST(the_whole_table_is_by_the_rule),
    PK_TEST(the_table_has_what_is_well_known),
    PK_TEST(the_page_names_each_end),
    PK_TEST(the_page_has_the_whole_table),
};

PK_TEST_MAIN(tests)
