/*
 * Writing what items have written.
 */
#include "outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum stage { STAGE_STDOUT, STAGE_STDERR, STAGE_NOTE, STAGES };

/* Pieces in one step: signals and deadlines are to be seen to as well. */
enum { MOST_PIECES = 16 };

void outlet_open(struct outlet *outlet)
{
    for (int i = 0; i < 2; i++) {
        int fd = STDOUT_FILENO + i;
        outlet->flows[i].to = end_of(fd, O_WRONLY);
        outlet->is_terminal[i] = isatty(fd);
    }
    outlet->at_line_start = true;
}

/* ---- The queue -------------------------------------------------------------------------------------------------- */

static void pop(struct outlet *outlet, bool complete)
{
    struct print *print = outlet->first;
    outlet->first = print->next;
    if (!outlet->first)
        outlet->last = NULL;
    outlet->waiting--;
    outlet->done(print, complete, outlet->data);
}

static void drop_all(struct outlet *outlet)
{
    for (int i = 0; i < 2; i++)
        outlet->flows[i].length = 0;
    while (outlet->first)
        pop(outlet, false);
}

void outlet_close(struct outlet *outlet)
{
    drop_all(outlet);
    for (int i = 0; i < 2; i++)
        end_close(&outlet->flows[i].to);
}

void outlet_fail(struct outlet *outlet, const char *what, int error)
{
    if (!outlet->error) {
        outlet->error = error;
        outlet->failed = what;
    }
    drop_all(outlet);
}

void outlet_add(struct outlet *outlet, struct print *print)
{
    print->next = NULL;
    if (outlet->last)
        outlet->last->next = print;
    else
        outlet->first = print;
    outlet->last = print;
    outlet->waiting++;
    if (outlet->error)
        drop_all(outlet);
}

/* ---- Pieces ----------------------------------------------------------------------------------------------------- */

static struct flow *flow_of(struct outlet *outlet, const struct print *print)
{
    return &outlet->flows[print->stage == STAGE_STDOUT ? 0 : 1];
}

/* How much was read; 0 at the end, and after a failure. */
static size_t read_file(struct outlet *outlet, struct print *print, char *bytes, size_t size)
{
    ssize_t length = pread(print->files[print->stage], bytes, size, print->offset);
    if (length < 0) {
        outlet->reads = true;
        outlet_fail(outlet, "what an item has written", errno);
    }
    if (length <= 0)
        return 0;
    print->offset += length;
    print->had_bytes = true;
    return (size_t)length;
}

static void put(struct flow *flow, const char *bytes, size_t length)
{
    memcpy(flow->bytes + flow->length, bytes, length);
    flow->length += length;
}

/* One line, or as much of it as there is room for. */
static void put_line(struct outlet *outlet, struct flow *flow)
{
    const char *begin = outlet->raw + outlet->raw_begin;
    size_t length = outlet->raw_end - outlet->raw_begin, room = sizeof(flow->bytes) - flow->length;
    const char *end = memchr(begin, '\n', length);
    if (end)
        length = (size_t)(end - begin) + 1;
    if (length > room)
        length = room;
    put(flow, begin, length);
    outlet->raw_begin += length;
    outlet->in_line = begin[length - 1] != '\n';
}

/* A last line without an end gets one: the next tag is to be at the beginning of a line. */
static void fill_tagged(struct outlet *outlet, struct print *print, struct flow *flow)
{
    size_t tag = strlen(print->tag);
    while (flow->length + tag < sizeof(flow->bytes)) {
        if (outlet->raw_begin == outlet->raw_end) {
            outlet->raw_begin = 0;
            outlet->raw_end = read_file(outlet, print, outlet->raw, sizeof(outlet->raw));
        }
        if (outlet->raw_end == 0)
            break;
        if (!outlet->in_line)
            put(flow, print->tag, tag);
        put_line(outlet, flow);
    }
    if (outlet->raw_end == 0 && outlet->in_line && flow->length < sizeof(flow->bytes)) {
        put(flow, "\n", 1);
        outlet->in_line = false;
    }
}

/* The next piece of this stage; none: it is over. */
static void fill(struct outlet *outlet, struct print *print, struct flow *flow)
{
    flow->begin = 0;
    if (print->stage == STAGE_NOTE) {
        if (print->note && print->offset == 0)
            flow_put(flow, print->note, strlen(print->note));
        print->offset = 1;
    } else if (print->files && print->tag) {
        fill_tagged(outlet, print, flow);
    } else if (print->files) {
        flow->length = read_file(outlet, print, flow->bytes, sizeof(flow->bytes));
    }
}

static void next_stage(struct outlet *outlet)
{
    struct print *print = outlet->first;
    print->offset = 0;
    if (++print->stage == STAGES)
        pop(outlet, true);
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* Whether it would not wait. What is alone says so itself. */
static bool is_ready(const struct flow *flow)
{
    struct pollfd fd = {.fd = flow->to.fd, .events = POLLOUT};
    return flow->to.most == SIZE_MAX || poll(&fd, 1, 0) > 0;
}

static bool write_piece(struct outlet *outlet, struct flow *flow)
{
    if (!is_ready(flow))
        return false;
    size_t length = flow->length;
    size_t which = (size_t)(flow - outlet->flows);
    outlet->before(outlet->data);
    flow_write(flow);
    if (flow->error) {
        outlet_fail(outlet, which == 0 ? "stdout" : "stderr", flow->error);
        return false;
    }
    if (flow->length == length)
        return false;
    if (outlet->is_terminal[which])
        outlet->at_line_start = flow->bytes[flow->begin - 1] == '\n';
    return true;
}

bool outlet_step(struct outlet *outlet)
{
    bool wrote = false;
    for (int pieces = 0; outlet->first && pieces < MOST_PIECES;) {
        struct print *print = outlet->first;
        struct flow *flow = flow_of(outlet, print);
        if (!flow_writes(flow))
            fill(outlet, print, flow);
        if (outlet->error)
            return wrote;
        if (!flow_writes(flow)) {
            next_stage(outlet);
            continue;
        }
        if (!write_piece(outlet, flow))
            return wrote;
        wrote = true;
        pieces++;
    }
    return wrote;
}

void outlet_interest(const struct outlet *outlet, struct pollfd *fd)
{
    const struct print *print = outlet->first;
    *fd = (struct pollfd){.fd = -1, .events = POLLOUT};
    if (print)
        fd->fd = outlet->flows[print->stage == STAGE_STDOUT ? 0 : 1].to.fd;
}
