/*
 * The log of a service.
 *
 * The buffer has whole lines, but for its beginning, which may be the rest of one that is in the file in part, and its
 * end, where the next piece of a long one may belong. A note is put before the first line after others that were lost.
 * At most one is in the buffer, so that it can be taken back, and made anew with the right number, if it is lost
 * itself.
 */
#include "supervise/log.h"

#include "base/date.h"
#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART = 32 << 10, /* of a line that is taken at once */
    NOTE = 160,
    OVERHEAD =
        1 + sizeof(((struct service_log *)NULL)->before) + 2 * (sizeof(((struct service_log *)NULL)->before) + NOTE)
};

static const uint64_t one_second = 1000000000, never = 1; /* which is no second */

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static const char times[] = "0000-00-00T00:00:00.000Z ";

int log_open(struct service_log *log, const pk_log_options *options, const char *name, pk_error *error)
{
    *log = (struct service_log){.times = options->times, .second = never, .unrotated_second = never};
    int length = snprintf(log->before, sizeof(log->before), "%s%s%s", options->times ? times : "",
                          options->path ? "" : name, options->path ? "" : " | ");
    log->before_length = (unsigned)length;
    int r = log_file_open(&log->file, options, error);
    if (r < 0)
        return r;
    log->bytes = malloc(LOG_MOST);
    if (log->bytes)
        return 0;
    log_file_close(&log->file);
    return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot keep a log");
}

/* ---- Losing ----------------------------------------------------------------------------------------------------- */

static void lose(struct service_log *log, uint64_t lines, int number)
{
    if (lines > 0 && log->missing == 0)
        log->error = number;
    log->missing += lines;
    log->lost += lines;
}

/* What it would have said is to be said again. */
static void take_back_note(struct service_log *log)
{
    log->missing += log->note.missing;
    log->unrotated_noted = log->unrotated_noted && !log->note.unrotated;
    log->note.lines = 0;
}

/* Leaves out what is in the buffer from there on. What has no end is of the last line, which may be lost already. */
static void lose_from(struct service_log *log, size_t from, int number)
{
    uint64_t lines = 0;
    const char *end = log->bytes + log->length, *line_end;
    const char *at = log->bytes + from;
    for (; (line_end = memchr(at, '\n', (size_t)(end - at))) != NULL; lines++)
        at = line_end + 1;
    if (at < end) {
        lines += !log->line.is_lost;
        log->line.is_lost = true;
    }
    if (log->note.lines > 0 && log->note.at >= from) {
        lines -= log->note.lines;
        take_back_note(log);
    }
    lose(log, lines, number);
    log->length = from;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* Of a line that is in the file in part: how much of it is at the beginning of the buffer. 0 if its end is not. */
static size_t measure_rest(const struct service_log *log)
{
    if (!log->file.unfinished || log->length == 0)
        return 0;
    const char *end = memchr(log->bytes, '\n', log->length);
    return end ? (size_t)(end - log->bytes) + 1 : 0;
}

static void remove_first(struct service_log *log, size_t length)
{
    if (length == 0)
        return;
    if (log->note.lines > 0 && log->note.at < length)
        log->note.lines = 0; /* it has begun, and will come to its end */
    log->note.at -= log->note.lines > 0 ? length : 0;
    log->length -= length;
    memmove(log->bytes, log->bytes + length, log->length);
}

/* Where there is nothing, nothing is waited for, also if it was left out by somebody else. */
static void write_out(struct service_log *log)
{
    int number = 0;
    if (log->length > 0)
        remove_first(log, log_file_write(&log->file, log->bytes, log->length, &number));
    if (number < 0)
        lose_from(log, measure_rest(log), number);
    log->waits = number == 0 && log->length > 0;
    log->full = log->full && log->length > 0;
}

/* Whether there is room. */
static bool reserve(struct service_log *log, size_t size)
{
    if (log->full || log->length + size > (log->waits ? LOG_MOST : LOG_GATHERED))
        write_out(log);
    if (!log->full && log->length + size <= LOG_MOST)
        return true;
    log->full = true;
    return false;
}

static void put(struct service_log *log, const char *bytes, size_t length)
{
    memcpy(log->bytes + log->length, bytes, length);
    log->length += length;
}

/* ---- Between two lines ------------------------------------------------------------------------------------------ */

static bool is_unfinished(const struct service_log *log)
{
    return log->length > 0 ? log->bytes[log->length - 1] != '\n' : log->file.unfinished;
}

/* Whatever was the last line, the next one is to begin where none is. */
static void end_last_line(struct service_log *log)
{
    if (is_unfinished(log) && reserve(log, 1) && is_unfinished(log))
        put(log, "\n", 1);
}

/* Somebody else may have moved the file away. A rest that it did not take has no use in another one. */
static void look_after_file(struct service_log *log)
{
    if (!log_file_is_elsewhere(&log->file))
        return;
    write_out(log);
    size_t rest = measure_rest(log);
    bool stays = log_file_renew(&log->file) < 0 && log->file.out.fd >= 0;
    if (stays || rest == 0)
        return;
    remove_first(log, rest);
    lose(log, 1, -ENOENT);
}

static void rotate(struct service_log *log)
{
    if (log->unrotated_second == log->second)
        return;
    write_out(log);
    if (log->length > 0 || !log_file_is_due(&log->file, 0))
        return;
    log->unrotated = log_file_rotate(&log->file);
    log->unrotated_noted = log->unrotated_noted && log->unrotated < 0;
    log->unrotated_second = log->unrotated < 0 ? log->second : never;
}

static void begin_second(struct service_log *log, uint64_t second)
{
    log->second = second * one_second;
    if (log->times)
        date_write(log->before, second);
    look_after_file(log);
}

static void take_time(struct service_log *log, uint64_t realtime)
{
    if (realtime - log->second >= one_second)
        begin_second(log, realtime / one_second);
    log->milliseconds = (unsigned)(realtime - log->second) / 1000000;
}

static void put_before(struct service_log *log)
{
    char *digits = log->bytes + log->length + DATE_LENGTH + 1;
    put(log, log->before, log->before_length);
    if (!log->times)
        return;
    digits[0] = (char)('0' + log->milliseconds / 100);
    digits[1] = (char)('0' + log->milliseconds / 10 % 10);
    digits[2] = (char)('0' + log->milliseconds % 10);
}

/* ---- Notes ------------------------------------------------------------------------------------------------------ */

static void put_note(struct service_log *log, const char *text)
{
    put_before(log);
    put(log, text, strlen(text));
    log->note.lines++;
}

static void put_notes(struct service_log *log)
{
    char text[NOTE];
    bool is_unrotated = log->unrotated < 0 && !log->unrotated_noted;
    if (log->note.lines > 0 || (log->missing == 0 && !is_unrotated))
        return;
    log->note.at = log->length;
    log->note.missing = log->missing;
    log->note.unrotated = is_unrotated;
    if (log->missing > 0) {
        snprintf(text, sizeof(text), "[%" PRIu64 " line%s lost: %s]\n", log->missing,
                 log->missing == 1 ? " was" : "s were", error_text(log->error));
        put_note(log, text);
    }
    if (is_unrotated) {
        snprintf(text, sizeof(text), "[the log could not be rotated: %s]\n", error_text(log->unrotated));
        put_note(log, text);
    }
    log->missing = 0;
    log->unrotated_noted |= is_unrotated;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static bool is_continued(const struct service_log *log, const pk_line *line)
{
    return log->line.is_open && log->line.fd == line->fd && log->line.number == line->number;
}

static size_t first_part(size_t length)
{
    return length < PART ? length : PART;
}

static void lose_line(struct service_log *log)
{
    log->line.is_lost = true;
    lose(log, 1, -ENOBUFS);
}

static void begin_line(struct service_log *log, const pk_line *line, uint64_t realtime)
{
    end_last_line(log);
    take_time(log, realtime);
    if (log_file_is_due(&log->file, log->length))
        rotate(log);
    bool has_room = reserve(log, OVERHEAD + first_part(line->length) + 1);
    log->line.is_lost = false; /* what was lost until here is not of this one */
    log->line.fd = line->fd;
    log->line.number = line->number;
    if (!has_room) {
        lose_line(log);
        return;
    }
    if (is_unfinished(log)) /* since lines were lost meanwhile */
        put(log, "\n", 1);
    put_notes(log);
    put_before(log);
}

static void put_text(struct service_log *log, const char *text, size_t length)
{
    size_t part;
    do {
        part = first_part(length);
        if (!log->line.is_lost && !reserve(log, part + 1))
            lose_line(log);
        if (log->line.is_lost)
            return;
        put(log, text, part);
        text += part;
        length -= part;
    } while (length > 0);
}

void log_line(struct service_log *log, const pk_line *line, uint64_t realtime)
{
    if (!is_continued(log, line))
        begin_line(log, line, realtime);
    put_text(log, line->text, line->length);
    log->line.is_open = line->end == PK_LINE_PIECE;
    if (!log->line.is_open && !log->line.is_lost)
        put(log, "\n", 1);
}

void log_finish(struct service_log *log)
{
    log->line.is_open = false;
    end_last_line(log);
}

/* ---- From time to time ------------------------------------------------------------------------------------------ */

void log_flush(struct service_log *log)
{
    write_out(log);
}

struct pollfd log_interest(const struct service_log *log)
{
    return (struct pollfd){.fd = log->waits ? log->file.out.fd : -1, .events = POLLOUT};
}

bool log_news(struct service_log *log, struct log_news *news)
{
    bool works = log->missing == 0 && log->note.lines == 0;
    if (log->lost == log->told || (log->telling && !works))
        return false;
    *news = (struct log_news){.number = log->error};
    if (log->telling) {
        *news = (struct log_news){.count = log->lost - log->told};
        log->told = log->lost;
    }
    log->telling = !log->telling;
    return true;
}

void log_close(struct service_log *log)
{
    if (!log->bytes)
        return;
    log_finish(log);
    if (reserve(log, OVERHEAD))
        put_notes(log);
    write_out(log);
    log_file_close(&log->file);
    free(log->bytes);
    *log = (struct service_log){.lost = log->lost};
}
