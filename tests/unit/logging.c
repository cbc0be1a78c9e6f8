/*
 * Logs of services, in tests.
 */
#include "logging.h"

#include "harness.h"

#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void log_rotated(struct service_log *log, const char *path, uint64_t most_bytes, unsigned keep)
{
    pk_error error;
    pk_log_options options = PK_LOG_OPTIONS_INIT;
    options.path = path;
    options.most_bytes = most_bytes;
    options.keep = keep;
    options.times = false;
    if (log_open(log, &options, "web", &error) < 0)
        fail_msg("%s", error.message);
    assert_true(log_is_open(log));
}

void log_to(struct service_log *log, const char *path)
{
    log_rotated(log, path, 0, 0);
}

void say_part(struct service_log *log, int fd, uint64_t number, const char *text, pk_line_end end)
{
    log_line(log, &(pk_line){.text = text, .length = strlen(text), .fd = fd, .end = end, .number = number}, NOON);
}

void say_at(struct service_log *log, const char *text, uint64_t realtime)
{
    log_line(log, &(pk_line){.text = text, .length = strlen(text), .fd = 1, .end = PK_LINE_LF, .number = 1}, realtime);
}

void say(struct service_log *log, const char *text)
{
    say_at(log, text, NOON);
}

const char *content(const char *path)
{
    static char *texts[4];
    static unsigned turn;
    size_t length = 0, most = 8 << 20;
    char **text = &texts[turn++ % 4];
    free(*text);
    *text = malloc(most + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return strcpy(*text, "(none)");
    for (ssize_t r; (r = read(fd, *text + length, most - length)) > 0;)
        length += (size_t)r;
    close(fd);
    (*text)[length] = '\0';
    return *text;
}

void expect_news(struct service_log *log, int number, uint64_t count)
{
    struct log_news news;
    assert_true(log_news(log, &news));
    assert_int_equal(news.number, number);
    assert_int_equal(news.count, count);
}

void expect_no_news(struct service_log *log)
{
    struct log_news news;
    assert_false(log_news(log, &news));
}

static const char tail[] = " and what belongs to it";

void say_numbered_at(struct service_log *log, unsigned number, uint64_t realtime)
{
    char text[4096];
    int length = snprintf(text, sizeof(text), "line %u%s", number, tail);
    for (unsigned i = 0; i < number % 7; i++)
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%s", tail);
    say_at(log, text, realtime);
}

void say_numbered(struct service_log *log, unsigned number)
{
    say_numbered_at(log, number, NOON);
}

void remove_files(const char *begin)
{
    char pattern[64];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s*", begin);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            assert_int_equal(unlink(found.gl_pathv[i]), 0);
    globfree(&found);
}

/* A number after these words; false: there is none. Not by sscanf, which looks for the end of all that follows. */
static bool read_number(const char **text, const char *words, unsigned *number)
{
    const char *digits = *text + strlen(words);
    if (strncmp(*text, words, strlen(words)) != 0 || !isdigit((unsigned char)*digits))
        return false;
    char *end;
    *number = (unsigned)strtoul(digits, &end, 10);
    *text = end;
    return true;
}

static unsigned read_line(const char **text)
{
    unsigned number = 0;
    if (!read_number(text, "line ", &number))
        fail_msg("no line: %.200s", *text);
    for (unsigned i = 0; i <= number % 7; i++, *text += strlen(tail))
        if (strncmp(*text, tail, strlen(tail)) != 0)
            fail_msg("not whole: line %u%.200s", number, *text);
    if (*(*text)++ != '\n')
        fail_msg("line %u has no end", number);
    return number;
}

unsigned expect_whole_lines(const char *text, unsigned *lost)
{
    unsigned last = 0, noted = 0, count;
    while (*text) {
        if (*text == '[') {
            noted += read_number(&text, "[", &count) ? count : 0; /* or it could not be rotated */
            text = strchr(text, '\n') + 1;
            continue;
        }
        unsigned number = read_line(&text);
        if (number != last + noted + 1)
            fail_msg("after line %u and %u lost ones comes line %u", last, noted, number);
        *lost += noted;
        noted = 0;
        last = number;
    }
    *lost += noted;
    return last + noted;
}

void note_losses(char *text, unsigned lines, int number)
{
    sprintf(text + strlen(text), "[%u line%s lost: %s]\n", lines, lines == 1 ? " was" : "s were", strerror(number));
}
