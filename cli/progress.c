/*
 * Drawing how a batch goes.
 */
#include "progress.h"

#include <processkit/parse.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SHORTEST PK_MILLISECONDS(100) /* between two drawings */
#define LONGEST  PK_SECONDS(1)        /* if nothing but time has passed */

enum { MOST_COLUMNS = 250, LEAST_BAR = 10, MOST_BAR = 40, FOR_RATE = 24 };

/* One that understands "\r" and "erase to the end of the line". */
static bool is_screen(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void progress_begin(struct progress *progress, enum progress_mode mode)
{
    bool screen = is_screen();
    *progress = (struct progress){.began = pk_now()};
    progress->is_on = mode == PROGRESS_ALWAYS || (mode == PROGRESS_AUTO && screen);
    progress->is_plain = !screen;
    progress->next = progress->began + (screen ? SHORTEST : LONGEST);
}

/* ---- The line --------------------------------------------------------------------------------------------------- */

static size_t columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return 80;
    return size.ws_col > MOST_COLUMNS ? MOST_COLUMNS : size.ws_col;
}

static double seconds(pk_duration duration)
{
    return (double)duration / (double)PK_SECONDS(1);
}

static size_t format_counts(const struct tally *tally, char *text, size_t size)
{
    int length = tally->total == SIZE_MAX ? snprintf(text, size, "%zu", tally->done)
                                          : snprintf(text, size, "%zu/%zu", tally->done, tally->total);
    length +=
        snprintf(text + length, size - (size_t)length, " done, %zu failed, %zu running", tally->failed, tally->running);
    return (size_t)length;
}

/* ", 12/s, ETA 3m20s", as far as there is something to tell. */
static void format_rate(const struct tally *tally, pk_duration elapsed, char *text, size_t size)
{
    char left[32];
    double rate = elapsed > 0 ? (double)tally->now / seconds(elapsed) : 0;
    *text = '\0';
    if (rate <= 0)
        return;
    int length = snprintf(text, size, ", %.*f/s", rate < 10 ? 1 : 0, rate);
    if (tally->total == SIZE_MAX || tally->total <= tally->done)
        return;
    double rest = (double)(tally->total - tally->done) / rate;
    pk_duration time = rest < 1e9 ? (pk_duration)rest * PK_SECONDS(1) : PK_FOREVER;
    if (rest < 60)
        snprintf(left, sizeof(left), "%.0fs", rest);
    else
        pk_format_duration(time, left, sizeof(left));
    snprintf(text + length, size - (size_t)length, ", ETA %s", left);
}

/* "[####......] ", if the terminal is wide enough for it beside the text. */
static void format_bar(const struct tally *tally, size_t room, char *bar)
{
    *bar = '\0';
    if (tally->total == SIZE_MAX || tally->total == 0 || room < LEAST_BAR + 3)
        return;
    size_t width = room - 3 > MOST_BAR ? MOST_BAR : room - 3;
    size_t full = (size_t)((double)width * (double)tally->done / (double)tally->total);
    *bar++ = '[';
    for (size_t i = 0; i < width; i++)
        *bar++ = i < full ? '#' : '.';
    memcpy(bar, "] ", 3);
}

/* ---- The terminal ----------------------------------------------------------------------------------------------- */

/* What is lost of it is drawn soon again. */
static void show(const char *text, size_t length)
{
    if (write(STDERR_FILENO, text, length) < 0)
        return;
}

/* The bar is as long whether there is a rate or not. */
static void draw_screen(const struct progress *progress, const char *text, size_t counts, bool at_line_start)
{
    char bar[MOST_BAR + 4], line[MOST_COLUMNS + sizeof(bar) + 16];
    size_t width = columns() - 1, length = strlen(text); /* the last column would begin the next line */
    if (length < counts + FOR_RATE)
        length = counts + FOR_RATE;
    format_bar(&progress->drawn, width > length ? width - length : 0, bar);
    int used = snprintf(line, sizeof(line), "%s\r%s%.*s\x1b[K", at_line_start ? "" : "\n", bar, (int)width, text);
    show(line, (size_t)used);
}

static bool is_same(const struct tally *a, const struct tally *b)
{
    return a->done == b->done && a->failed == b->failed && a->running == b->running && a->total == b->total;
}

int progress_patience(const struct progress *progress, const struct tally *tally)
{
    if (!progress->is_on)
        return -1;
    bool news = !progress->is_drawn || !is_same(&progress->drawn, tally);
    pk_time now = pk_now(), when = progress->next + (news || progress->is_plain ? 0 : LONGEST - SHORTEST);
    return when <= now ? 0 : (int)((when - now) / PK_MILLISECONDS(1)) + 1;
}

void progress_draw(struct progress *progress, const struct tally *tally, bool *at_line_start)
{
    char text[MOST_COLUMNS], line[MOST_COLUMNS + 8];
    if (!progress->is_on || progress_patience(progress, tally) > 0)
        return;
    pk_time now = pk_now();
    progress->drawn = *tally;
    progress->next = now + (progress->is_plain ? LONGEST : SHORTEST);
    size_t counts = format_counts(tally, text, sizeof(text));
    format_rate(tally, now - progress->began, text + counts, sizeof(text) - counts);
    if (progress->is_plain) {
        show(line, (size_t)snprintf(line, sizeof(line), "pk: %s\n", text));
        return;
    }
    draw_screen(progress, text, counts, *at_line_start);
    *at_line_start = true;
    progress->is_drawn = true;
}

void progress_erase(struct progress *progress)
{
    if (progress->is_drawn)
        show("\r\x1b[K", 4);
    progress->is_drawn = false;
}
