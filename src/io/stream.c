/*
 * The way of bytes through a stream: raw ones to the spill file, the callback for chunks, the raw tee and the capture;
 * as text to the capture instead, if that changes them, to the text tee and the callback for lines.
 */
#include "io/stream.h"

#include "base/error.h"
#include "io/pty.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
    USUAL_PIPE = 64 * 1024,
    LEAST_BUFFER = 4096,
    LOUD_PIPE = 256 * 1024, /* bytes, for a child that fills the usual ones */
    MOST_READS = 16,
    MOST_BYTES = 1024 * 1024,
};

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static int open_capture(struct stream *stream, const struct stream_uses *uses, pk_error *error)
{
    stream->overflow = uses->capture.overflow;
    stream->capture = calloc(1, sizeof(*stream->capture));
    if (!stream->capture)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot capture descriptor %d", stream->child_fd);
    return capture_open(stream->capture, &uses->capture, error);
}

static int open_tees(struct stream *stream, const struct stream_uses *uses, pk_error *error)
{
    for (int kind = PK_TEE_RAW; kind <= PK_TEE_TEXT; kind++) {
        if (uses->tees[kind] < 0)
            continue;
        int r = tee_open(&stream->tees[kind], uses->tees[kind]);
        if (r < 0)
            return error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot pass output on to descriptor %d",
                               uses->tees[kind]);
    }
    return 0;
}

static int open_text(struct stream *stream, const struct stream_uses *uses, pk_error *error)
{
    bool wanted = uses->on_line || uses->tees[PK_TEE_TEXT] >= 0 ||
                  (uses->captured && (uses->text.encoding || uses->text.strip_vt || uses->text.redact));
    return wanted ? text_new(&stream->text, &uses->text, stream->child_fd, error) : 0;
}

static int open_uses(struct stream *stream, const struct stream_uses *uses, pk_error *error)
{
    stream->driven = true;
    stream->on_line = uses->on_line;
    stream->line_data = uses->line_data;
    stream->on_chunk = uses->on_chunk;
    stream->chunk_data = uses->chunk_data;
    int r = uses->captured ? open_capture(stream, uses, error) : 0;
    if (r == 0)
        r = open_text(stream, uses, error);
    if (r == 0)
        r = open_tees(stream, uses, error);
    if (r < 0)
        return r;
    r = sys_set_non_blocking(stream->fd);
    return r < 0 ? error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot prepare a pipe") : 0;
}

int stream_open(struct stream *stream, int fd, int child_fd, const struct stream_uses *uses, pk_error *error)
{
    *stream = (struct stream){.fd = fd, .child_fd = child_fd, .tees = {TEE_NONE, TEE_NONE}};
    int r = uses ? open_uses(stream, uses, error) : 0;
    if (r < 0)
        stream_close(stream);
    return r;
}

/* Whoever reads them is to see their end. */
static void close_targets(struct stream *stream)
{
    tee_close(&stream->tees[PK_TEE_RAW]);
    tee_close(&stream->tees[PK_TEE_TEXT]);
    if (stream->capture)
        capture_settle(stream->capture);
}

void stream_close(struct stream *stream)
{
    stream->fd = sys_close_safe(stream->fd);
    close_targets(stream);
    stream->text = text_free(stream->text);
    prompt_reset(&stream->prompt);
    if (stream->capture)
        capture_close(stream->capture);
    free(stream->capture);
    stream->capture = NULL;
    room_free(&stream->buffer);
}

/* ---- Passing on ------------------------------------------------------------------------------------------------- */

static bool captures_text(const struct stream *stream)
{
    return stream->capture && stream->text && text_changes(stream->text);
}

static void capture_line(struct capture *capture, const pk_line *line)
{
    const char *end = text_end_bytes(line->end);
    capture_put(capture, line->text, line->length);
    capture_put(capture, end, strlen(end));
}

static void tee_line(struct tee *tee, const pk_line *line)
{
    tee_write(tee, line->text, line->length);
    if (line->end != PK_LINE_PIECE)
        tee_write(tee, "\n", 1);
}

static void pass_line(struct stream *stream, const pk_line *line)
{
    struct tee *tee = &stream->tees[PK_TEE_TEXT];
    if (captures_text(stream))
        capture_line(stream->capture, line);
    if (tee_is_open(tee))
        tee_line(tee, line);
    if (stream->on_line)
        stream->on_line(stream->process, line, stream->line_data);
}

/* A line that memory was missing for is lost, and the one after it is next. */
static void pass_lines(struct stream *stream)
{
    pk_line line;
    int r = 1;
    while (r != 0 && stream->text && !stream->pulled && !*stream->freed) {
        r = text_next(stream->text, &line);
        if (r > 0)
            pass_line(stream, &line);
        else if (r < 0)
            stream->error = r;
    }
}

static void tell_taps(const struct stream *stream, const char *bytes, size_t length)
{
    for (struct stream_tap *tap = stream->taps; tap; tap = tap->next)
        tap->read(tap, stream->child_fd, bytes, length);
}

/* Lines are the last to have them: they write to them. */
static void pass_on(struct stream *stream, char *bytes, size_t length, bool is_kept)
{
    stream->total += length;
    tell_taps(stream, bytes, length);
    if (stream->capture)
        capture_spill(stream->capture, bytes, length);
    if (is_kept)
        capture_fill(stream->capture, length);
    else if (stream->capture && !captures_text(stream))
        capture_put(stream->capture, bytes, length);
    if (tee_is_open(&stream->tees[PK_TEE_RAW]))
        tee_write(&stream->tees[PK_TEE_RAW], bytes, length);
    if (stream->on_chunk)
        stream->on_chunk(stream->process, stream->child_fd, bytes, length, stream->chunk_data);
    if (stream->text && !*stream->freed) {
        text_feed(stream->text, bytes, length);
        pass_lines(stream);
    }
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

struct place {
    char *bytes;
    size_t room;
    bool is_last; /* of the capture: they need not be moved */
};

/* A buffer grows when it was filled: most children say little, and there may be many of them. What was in it has been
 * used up. */
static void prepare_buffer(struct stream *stream)
{
    size_t size = stream->buffer.size;
    if (size == 0)
        (void)room_reserve(&stream->buffer, LEAST_BUFFER, LEAST_BUFFER);
    else if (stream->filled && size < LOUD_PIPE)
        (void)room_reserve(&stream->buffer, 2 * size, LOUD_PIPE);
    stream->filled = false;
}

/* Nobody else looks at bytes in their last place: who does could have them moved meanwhile. There is room for all that
 * a loud pipe holds: fewer turns of reader and writer, who get into each other's way at the pipe's lock. */
static struct place choose_place(struct stream *stream)
{
    struct place place = {0};
    if (stream->capture && !stream->text && !stream->on_chunk)
        place.bytes = capture_reserve(stream->capture, &place.room);
    place.is_last = place.bytes;
    if (!place.bytes) {
        prepare_buffer(stream);
        place.bytes = stream->buffer.bytes;
        place.room = stream->buffer.size;
    }
    if (place.room > LOUD_PIPE)
        place.room = LOUD_PIPE;
    return place;
}

/* A larger pipe lets the child and us take turns less often. What the user may have of it is limited: then not. */
static void enlarge(struct stream *stream)
{
    if (!stream->enlarged)
        (void)sys_fcntl(stream->fd, F_SETPIPE_SZ, LOUD_PIPE);
    stream->enlarged = true;
}

/* Who is slow is not waited for any more once the stream was cut. */
static bool has_passed_all(struct stream *stream)
{
    bool raw = tee_flush(&stream->tees[PK_TEE_RAW]);
    bool text = tee_flush(&stream->tees[PK_TEE_TEXT]);
    return (raw && text) || stream->cut;
}

static void reach_end(struct stream *stream, int error)
{
    if (error)
        stream->error = error;
    stream->at_end = true;
    if (!error && !stream->cut_off)
        tell_taps(stream, NULL, 0);
    if (!stream->text)
        return;
    text_finish(stream->text);
    pass_lines(stream);
}

/* -EAGAIN: not now. 0: the end. */
static ssize_t read_some(struct stream *stream)
{
    char spare[LEAST_BUFFER];
    struct place place = choose_place(stream);
    if (!place.bytes)
        place = (struct place){.bytes = spare, .room = sizeof(spare)}; /* somebody may want memory more than we do */
    ssize_t length = sys_read(stream->fd, place.bytes, place.room);
    if (length == -EAGAIN)
        stream->owed = stream->total; /* a terminal does not know before how much it holds */
    if (length == -EINTR || length == -EAGAIN)
        return -EAGAIN;
    if (length <= 0) {
        bool hung_up = length == -EIO && stream->is_terminal; /* that nobody holds any more */
        reach_end(stream, hung_up ? 0 : (int)length);
        return 0;
    }
    stream->filled = (size_t)length == place.room;
    if (length >= USUAL_PIPE)
        enlarge(stream);
    pass_on(stream, place.bytes, (size_t)length, place.is_last);
    return length;
}

bool stream_is_held(const struct stream *stream)
{
    return stream->paused || stream->tees[PK_TEE_RAW].rest_length > 0 || stream->tees[PK_TEE_TEXT].rest_length > 0;
}

size_t stream_advance(struct stream *stream)
{
    size_t progress = 0;
    int reads = 0;
    pass_lines(stream); /* that were read when lines were still asked for */
    while (!*stream->freed && !stream->ended && !stream->pulled && has_passed_all(stream)) {
        if (stream->at_end) {
            stream->ended = true;
            break;
        }
        if (stream->paused || reads++ == MOST_READS || progress >= MOST_BYTES)
            break;
        ssize_t length = read_some(stream);
        if (length < 0)
            break;
        progress += (size_t)length;
    }
    return progress;
}

/* The next line for who asked for it, of what was read. */
static int take_line(struct stream *stream, pk_line *line)
{
    while (!*stream->freed) {
        int r = text_next(stream->text, line);
        if (r <= 0)
            return r;
        pass_line(stream, line);
        if (prompt_cut(&stream->prompt, line))
            return 1;
    }
    return 0;
}

/* Whether there is more now. */
static bool read_more(struct stream *stream)
{
    if (!has_passed_all(stream))
        return false;
    if (stream->at_end)
        stream->ended = true;
    return !stream->at_end && !stream->paused && read_some(stream) >= 0;
}

/* Where nothing is left to read it is the end, or nothing yet: that may be asked. */
static bool owes_more(const struct stream *stream)
{
    int count = 0;
    return stream->total < stream->owed || stream->at_end ||
           (sys_readable_bytes(stream->fd, &count) == 0 && count == 0);
}

static int next_line(struct stream *stream, pk_line *line, bool owed)
{
    if (prompt_take_rest(&stream->prompt, line))
        return 1;
    while (!*stream->freed) {
        int r = take_line(stream, line);
        if (r != 0)
            return r;
        if (*stream->freed || (owed && !owes_more(stream)) || !read_more(stream))
            return 0;
    }
    return 0;
}

int stream_next_line(struct stream *stream, pk_line *line)
{
    return next_line(stream, line, false);
}

int stream_next_owed_line(struct stream *stream, pk_line *line)
{
    return next_line(stream, line, true);
}

/* A terminal does not know how much it holds: there is no more when it says so. */
void stream_owe(struct stream *stream)
{
    int count = 0;
    if (!stream->driven || stream->ended || stream->at_end)
        return;
    if (stream->is_terminal)
        stream->owed = stream->total + PTY_HOLDS;
    else if (sys_readable_bytes(stream->fd, &count) == 0)
        stream->owed = stream->total + (uint64_t)count;
}

static bool find_pending(struct stream *stream, const char *text)
{
    const char *bytes;
    size_t length = text_pending(stream->text, &bytes);
    return prompt_find_pending(&stream->prompt, bytes, length, text);
}

int stream_find_text(struct stream *stream, const char *text)
{
    pk_line line;
    bool any = prompt_take_rest(&stream->prompt, &line);
    for (;;) {
        int r = any ? 1 : take_line(stream, &line);
        any = false;
        if (r > 0)
            r = prompt_find(&stream->prompt, &line, text);
        else if (r == 0 && find_pending(stream, text))
            return 1;
        else if (r == 0 && !read_more(stream))
            return 0;
        if (r != 0)
            return r;
    }
}

int stream_pull(struct stream *stream, pk_error *error)
{
    static const pk_text_options usual = PK_TEXT_OPTIONS_INIT;
    int r = stream->text ? 0 : text_new(&stream->text, &usual, stream->child_fd, error);
    if (r < 0)
        return r;
    if (!stream->buffer.bytes)
        prepare_buffer(stream);
    if (!stream->buffer.bytes) /* lines stay in it until they are asked for */
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot read lines");
    r = stream->driven ? 0 : sys_set_non_blocking(stream->fd);
    if (r < 0)
        return error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot prepare a pipe");
    stream->driven = stream->pulled = true;
    prompt_reset(&stream->prompt);
    return 0;
}

void stream_settle(struct stream *stream)
{
    if (stream->at_end)
        stream->fd = sys_close_safe(stream->fd);
    if (stream->ended)
        close_targets(stream);
    tee_settle(&stream->tees[PK_TEE_RAW]);
    tee_settle(&stream->tees[PK_TEE_TEXT]);
}

void stream_cut(struct stream *stream)
{
    stream->cut = true;
    if (!stream->at_end) {
        stream->cut_off = true;
        reach_end(stream, 0);
    }
    stream->ended = !stream->pulled; /* lines that were read may still be asked for */
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

struct pollfd stream_interest(const struct stream *stream)
{
    for (int kind = PK_TEE_RAW; kind <= PK_TEE_TEXT; kind++)
        if (stream->tees[kind].rest_length > 0)
            return tee_interest(&stream->tees[kind]);
    bool reads = !stream->at_end && stream->driven && !stream->paused && (!stream->pulled || stream->awaited);
    return (struct pollfd){.fd = reads ? stream->fd : -1, .events = POLLIN};
}

bool stream_is_over(const struct stream *stream)
{
    return stream->capture && stream->overflow != PK_OVERFLOW_OMIT && capture_is_over(stream->capture);
}

const pk_capture *stream_view(struct stream *stream)
{
    if (!stream->capture)
        return NULL;
    capture_view(stream->capture, &stream->view);
    stream->view.total = stream->total;
    stream->view.cut_off = stream->cut_off;
    return &stream->view;
}
