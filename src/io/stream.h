/*
 * One stream of a child: what is read from its pipe, and everybody who gets it.
 *
 * It does not wait. Callbacks may free the process that the stream belongs to: its memory must stay until the function
 * that called them has returned, and `freed` tells.
 */
#ifndef PK_IO_STREAM_H
#define PK_IO_STREAM_H

#include "io/capture.h"
#include "io/prompt.h"
#include "io/room.h"
#include "io/tee.h"
#include "io/text.h"

#include <processkit/stream.h>

/* What a stream is for. Strings stay the caller's until stream_open returns. */
struct stream_uses {
    bool captured;
    pk_capture_options capture;
    pk_text_options text;
    pk_line_callback on_line;
    void *line_data;
    pk_chunk_callback on_chunk;
    void *chunk_data;
    int tees[2]; /* by pk_tee; -1: none */
};

#define STREAM_NO_USES .capture = PK_CAPTURE_OPTIONS_INIT, .text = PK_TEXT_OPTIONS_INIT, .tees = {-1, -1}

/* Sees all that is read of streams, before anybody else does. */
struct stream_tap {
    struct stream_tap *next;
    void (*read)(struct stream_tap *tap, int child_fd, const char *bytes, size_t length); /* 0: the end */
};

struct stream {
    int fd;       /* ours, non-blocking; -1: it has ended, or was taken */
    bool at_end;  /* nothing more can be read */
    int child_fd; /* what the child knows it by */
    bool is_terminal;
    bool driven;  /* read without being asked to */
    bool pulled;  /* read only as far as its lines are asked for */
    bool awaited; /* pulled, and somebody waits for more of it */
    bool paused;
    bool ended;   /* everybody has all of it */
    bool cut_off; /* it was not the end of the stream */
    bool cut;     /* nobody is waited for any more, whatever there was of it */
    bool enlarged;
    int error; /* of reading, if that is what ended it */
    uint64_t total;
    uint64_t owed; /* the total once everything was read that was written before something happened: stream_owe */

    pk_process *process; /* for the callbacks, with this: */
    const bool *freed;
    pk_line_callback on_line;
    void *line_data;
    pk_chunk_callback on_chunk;
    void *chunk_data;
    struct stream_tap *taps;

    struct capture *capture; /* NULL: nothing is kept */
    pk_capture view;         /* what was told of it last */
    pk_overflow overflow;
    struct text *text; /* NULL: nobody wants lines */
    struct prompt prompt;
    struct tee tees[2];
    struct room buffer; /* for what is not read into its place at once */
    bool filled;        /* by the last read */
};

/* The descriptor is the stream's from now on, also after a failure. `uses` NULL: none, and it is left as it is. */
int stream_open(struct stream *stream, int fd, int child_fd, const struct stream_uses *uses, pk_error *error);
void stream_close(struct stream *stream);

/*
 * Reads and passes on what there is, but only so much that others have their turn: how much, 0 if nothing can be done
 * now or any more. May end the stream.
 */
size_t stream_advance(struct stream *stream);

/* The next line of a pulled stream: 1, 0 if there is none now (see `ended`), or a negative errno. */
int stream_next_line(struct stream *stream, pk_line *line);

/* Takes lines up to the end of that text, whose line need not have ended: 1, 0 if it has not come so far, or a negative
 * errno. */
int stream_find_text(struct stream *stream, const char *text);

/* The same, without reading further than what is owed. */
int stream_next_owed_line(struct stream *stream, pk_line *line);

/* From now on, what can be read now is owed. */
void stream_owe(struct stream *stream);

/* From now on its lines are asked for. */
int stream_pull(struct stream *stream, pk_error *error);

/* Closes what is not needed any more: whoever watches it must have stopped. */
void stream_settle(struct stream *stream);

/* Ends it where it is. */
void stream_cut(struct stream *stream);

/* Whether it is somebody here who holds it up, and not the child. */
bool stream_is_held(const struct stream *stream);

/* What to wait for; -1: nothing. */
struct pollfd stream_interest(const struct stream *stream);

/* Whether more came than is kept, and that matters. */
bool stream_is_over(const struct stream *stream);

/* What was kept; NULL: the stream is not captured. */
const pk_capture *stream_view(struct stream *stream);

#endif
