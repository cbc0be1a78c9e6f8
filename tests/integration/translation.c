/*
 * From the adversary's words to the steps of a script.
 */
#include "translation.h"

#include "cast.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ARGUMENTS = 4 };

static long number_of(const char *word)
{
    return strtol(word, NULL, 10);
}

static int signal_of(const char *word)
{
    int number;
    pk_error error;
    assert_ok(pk_parse_signal(word, &number, &error), error);
    return number;
}

/* ---- Output and input ------------------------------------------------------------------------------------------- */

static void write_line(pk_script *script, int fd, const char *text)
{
    char line[512];
    int length = snprintf(line, sizeof(line), "%s\n", text);
    pk_script_write(script, fd, line, (size_t)length);
}

static void print(pk_script *script, char **arguments)
{
    write_line(script, 1, arguments[0]);
}

static void print_to(pk_script *script, char **arguments)
{
    write_line(script, (int)number_of(arguments[0]), arguments[1]);
}

static void lines(pk_script *script, char **arguments)
{
    char line[32];
    for (long i = 1; i <= number_of(arguments[0]); i++) {
        snprintf(line, sizeof(line), "line %ld", i);
        write_line(script, 1, line);
    }
}

static void alternate(pk_script *script, char **arguments)
{
    char line[32];
    for (long i = 1; i <= number_of(arguments[0]); i++) {
        snprintf(line, sizeof(line), "out %ld", i);
        write_line(script, 1, line);
        snprintf(line, sizeof(line), "err %ld", i);
        write_line(script, 2, line);
    }
}

static void bytes(pk_script *script, char **arguments)
{
    size_t length = (size_t)number_of(arguments[0]);
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'x', length);
    pk_script_write(script, 1, text, length);
    free(text);
}

static void octets(pk_script *script, char **arguments)
{
    for (const char *digits = arguments[0]; digits[0] && digits[1]; digits += 2) {
        unsigned value;
        assert_int_equal(sscanf(digits, "%2x", &value), 1);
        pk_script_write(script, 1, &(unsigned char){(unsigned char)value}, 1);
    }
}

static void half_line(pk_script *script, char **arguments)
{
    (void)arguments;
    pk_script_write(script, 1, "half a line", 11);
}

static void echo(pk_script *script, char **arguments)
{
    (void)arguments;
    pk_script_copy(script, 1);
}

static void expect(pk_script *script, char **arguments)
{
    pk_script_expect(script, arguments[0]);
}

static void close_one(pk_script *script, char **arguments)
{
    pk_script_close(script, (int)number_of(arguments[0]));
}

/* ---- Signals and ends ------------------------------------------------------------------------------------------- */

static void ignore(pk_script *script, char **arguments)
{
    char *rest = NULL;
    for (char *name = strtok_r(arguments[0], ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        pk_script_on_signal(script, signal_of(name), -1);
}

static void catch_exit(pk_script *script, char **arguments)
{
    pk_script_on_signal(script, signal_of(arguments[0]), (int)number_of(arguments[1]));
}

static void pause_for(pk_script *script, char **arguments)
{
    pk_script_pause(script, PK_MILLISECONDS(number_of(arguments[0])));
}

static void hold(pk_script *script, char **arguments)
{
    (void)arguments;
    pk_script_hang(script);
}

static void exit_with(pk_script *script, char **arguments)
{
    pk_script_exit(script, (int)number_of(arguments[0]));
}

static void die(pk_script *script, char **arguments)
{
    pk_script_die(script, signal_of(arguments[0]));
}

static const struct word {
    const char *name;
    void (*add)(pk_script *script, char **arguments);
    int arguments;
    bool lasts;
} words_known[] = {
    {"print", print, 1, false},        {"print-to", print_to, 2, false},
    {"lines", lines, 1, false},        {"alternate", alternate, 1, false},
    {"bytes", bytes, 1, false},        {"octets", octets, 1, false},
    {"half-line", half_line, 0, true}, {"echo", echo, 0, false},
    {"expect", expect, 1, false},      {"close", close_one, 1, false},
    {"ignore", ignore, 1, true},       {"catch-exit", catch_exit, 2, true},
    {"sleep", pause_for, 1, false},    {"hold", hold, 0, true},
    {"exit", exit_with, 1, false},     {"die", die, 1, false},
};

/* ---- Children --------------------------------------------------------------------------------------------------- */

static bool take(char **words, const char *word)
{
    if (!*words || strcmp(*words, word) != 0)
        return false;
    *words = NULL; /* used up */
    return true;
}

/* What follows is the child's, and it can do two things. */
static pk_duration life_of(char **words)
{
    assert_true(take(&words[0], "--"));
    if (take(&words[1], "hold"))
        return PK_FOREVER;
    assert_true(take(&words[1], "sleep"));
    return PK_MILLISECONDS(number_of(words[2]));
}

/* Whether this was the last of the verbs. */
static bool add_parents(pk_script *script, char **words)
{
    if (strcmp(words[0], "leave") == 0) {
        pk_script_leave(script, life_of(words + 2));
        pk_script_exit(script, (int)number_of(words[1]));
    } else if (strcmp(words[0], "leave-by") == 0) {
        pk_script_leave(script, life_of(words + 2));
        pk_script_die(script, signal_of(words[1]));
    } else if (strcmp(words[0], "double-fork") == 0) {
        pk_script_leave(script, life_of(words + 1));
        pk_script_hang(script);
    } else {
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct word *find_word(const char *name)
{
    for (size_t i = 0; i < sizeof(words_known) / sizeof(words_known[0]); i++)
        if (strcmp(words_known[i].name, name) == 0)
            return &words_known[i];
    fail_msg("'%s' cannot be played", name);
    return NULL;
}

pk_script *translate(const char *text)
{
    char copy[512], *words[64] = {NULL}, *rest = NULL;
    size_t count = 0;
    bool lasts = false;
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word && count < 60; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;

    pk_script *script = pk_script_new();
    for (size_t i = 0; i < count && !add_parents(script, words + i);) {
        const struct word *word = find_word(words[i]);
        word->add(script, words + i + 1);
        lasts = word->lasts;
        i += (size_t)word->arguments + 1;
        if (i < count)
            assert_string_equal(words[i++], "--");
    }
    if (lasts)
        pk_script_hang(script);
    return script;
}
