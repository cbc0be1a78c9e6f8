/*
 * Streams: what a child writes, on its way to whoever wants it.
 *
 * A command says for each descriptor that the child writes to what becomes of the bytes: they can be kept (captured),
 * passed on to descriptors (tees), and given to callbacks as they come, in chunks or line by line. All of it goes
 * together. Such a descriptor is a pipe, whose other end the library reads whenever it is waiting for the process: in
 * pk_process_wait and the verbs of run.h, or in a loop that watches it. The child is never blocked or killed for being
 * loud, unless that is asked for.
 *
 *     pk_command_capture(make, 1, NULL);
 *     pk_command_on_line(make, 2, show, window);
 *
 * Bytes are the truth: captures and raw tees have them as they were written. Text is a view: lines, as pk_command_text
 * describes them.
 */
#ifndef PROCESSKIT_STREAM_H
#define PROCESSKIT_STREAM_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PK_BEGIN_DECLS

typedef struct pk_process pk_process;

/* ---- Capture ---------------------------------------------------------------------------------------------------- */

/* What happens when a child has written more than is kept. */
typedef enum pk_overflow {
    PK_OVERFLOW_OMIT, /* what lies between head and tail is counted and not kept; the default */
    PK_OVERFLOW_FAIL, /* the same, and the verdict of the run is `overflow`, whatever the leader did */
    PK_OVERFLOW_KILL, /* the hard kill at once, and that verdict */
} pk_overflow;

#define PK_CAPTURE_HEAD ((size_t)8 << 20) /* bytes of the beginning that are kept unless something else is said */
#define PK_CAPTURE_TAIL ((size_t)1 << 20) /* and bytes of the end: what fits into a processor's cache costs nothing */

typedef struct pk_capture_options {
    size_t size;          /* PK_CAPTURE_OPTIONS_INIT sets it */
    size_t head;          /* bytes that are kept of the beginning; memory is taken as they come */
    size_t tail;          /* bytes that are kept of the end, beyond those */
    pk_overflow overflow; /* what happens beyond both */
    const char *spill;    /* a file that gets every byte, made with 0600 or emptied; NULL: none */
} pk_capture_options;

#define PK_CAPTURE_OPTIONS_INIT                                                                   \
    {                                                                                             \
        sizeof(pk_capture_options), PK_CAPTURE_HEAD, PK_CAPTURE_TAIL, PK_OVERFLOW_OMIT, (void *)0 \
    }

/* What was kept of a stream. */
typedef struct pk_capture {
    const char *bytes;  /* the head and, right behind it, the tail; then a NUL that does not count. Never NULL */
    size_t length;      /* of both */
    size_t head_length; /* of the head; all of it if nothing was omitted */
    uint64_t omitted;   /* bytes between head and tail that were not kept */
    uint64_t total;     /* bytes that were read from the child */
    int spill_error;    /* why the spill file does not have all of them: a negative errno, or 0 */
    bool cut_off;       /* somebody still held the stream when the run had ended; see pk_command_drain */
    uint64_t reserved[4];
} pk_capture;

/* Keeps what the child writes to `fd`, in memory that does not depend on how much that is. `options` may be NULL. */
PK_API void pk_command_capture(pk_command *command, int fd, const pk_capture_options *options);

/* ---- Text ------------------------------------------------------------------------------------------------------- */

typedef enum pk_invalid_bytes {
    PK_INVALID_REPLACE, /* each becomes U+FFFD; the default */
    PK_INVALID_ESCAPE,  /* each becomes \xNN */
    PK_INVALID_DROP,
} pk_invalid_bytes;

#define PK_LINE_MAX ((size_t)64 << 10) /* bytes of a line that comes in one piece, unless something else is said */

/*
 * Changes a line before anything is kept or passed on but raw tees, chunks and spill files: a hook to take secrets out.
 * `text` has room for `capacity` bytes, `length` of them used; returns the new length.
 *
 * It is called for each line as a whole; for a line longer than `line_max` it is called for each piece by itself. A
 * secret that lies across two pieces is whole in neither, and gets through. So where there is a hook, `line_max` should
 * be larger than any line: that costs nothing until there is one, since memory grows with the longest line, to about
 * three times its length. The first pieces of a line have from `line_max` - 3 to `line_max` bytes. While a text is
 * waited for (ready.h), it is also called for what there is of an unfinished line, and later for all of that line.
 */
typedef size_t (*pk_redact_callback)(int fd, char *text, size_t length, size_t capacity, void *data);

/* How bytes become lines. */
typedef struct pk_text_options {
    size_t size;              /* PK_TEXT_OPTIONS_INIT sets it */
    const char *encoding;     /* as iconv_open knows it: lines come as UTF-8. NULL: bytes stay as they are */
    pk_invalid_bytes invalid; /* with an encoding: what does not belong to it */
    bool strip_vt;            /* leaves out escape sequences of terminals, and control characters but tabs */
    bool split_at_cr;         /* a carriage return alone ends a line, as progress bars have it */
    size_t line_max;          /* longer lines come in pieces; 0: PK_LINE_MAX. See pk_redact_callback */
    pk_redact_callback redact;
    void *redact_data;
} pk_text_options;

#define PK_TEXT_OPTIONS_INIT                                                                  \
    {                                                                                         \
        sizeof(pk_text_options), (void *)0, PK_INVALID_REPLACE, false, false, 0, 0, (void *)0 \
    }

/*
 * With an encoding, stripping or redaction a capture has the text, line by line with its ends as they were, instead of
 * the bytes.
 */
PK_API void pk_command_text(pk_command *command, int fd, const pk_text_options *options);

/* How a line ended, wherever lines are delivered. */
typedef enum pk_line_end {
    PK_LINE_LF = 1, /* by a line feed */
    PK_LINE_CRLF,   /* by a carriage return and a line feed */
    PK_LINE_CR,     /* by a carriage return alone; with split_at_cr only */
    PK_LINE_PIECE,  /* it did not: more of the same line follows */
    PK_LINE_EOF,    /* by the end of the stream, without any of them; never empty */
} pk_line_end;

typedef struct pk_line {
    const char *text; /* without what ended it; a NUL follows, and there may be others in it */
    size_t length;
    int fd; /* that the child wrote to */
    pk_line_end end;
    uint64_t number; /* of the line, from 1; pieces of one have the same */
} pk_line;

/* ---- Passing on ------------------------------------------------------------------------------------------------- */

/*
 * Called on the thread that waits for the process, or dispatches its loop, for one stream in order. Lines of two
 * streams come in the order they were read in, which need not be the order they were written in: see pk_command_same.
 * The line is gone after the call. Callbacks may stop, pause and free the process.
 */
typedef void (*pk_line_callback)(pk_process *process, const pk_line *line, void *data);
typedef void (*pk_chunk_callback)(pk_process *process, int fd, const void *bytes, size_t length, void *data);

PK_API void pk_command_on_line(pk_command *command, int fd, pk_line_callback callback, void *data);

/* Bytes as they were read, at once, a prompt without an end of line too. */
PK_API void pk_command_on_chunk(pk_command *command, int fd, pk_chunk_callback callback, void *data);

typedef enum pk_tee {
    PK_TEE_RAW,  /* bytes as they were read */
    PK_TEE_TEXT, /* lines as pk_command_text describes them, each with a line feed */
} pk_tee;

/*
 * Passes everything on to a descriptor of the owner, which stays the caller's and must be open when the command is
 * started. If it does not take more at the moment, the stream is not read until it does: the child waits then,
 * deadlines do not. If it fails, it gets nothing more: see pk_process_tee_error. One for each `fd` and kind.
 */
PK_API void pk_command_tee(pk_command *command, int fd, int owner_fd, pk_tee kind);

/* ---- A live process --------------------------------------------------------------------------------------------- */

/* Why a tee of this stream got nothing more: a negative errno, or 0. */
PK_API int pk_process_tee_error(const pk_process *process, int fd);

/* Bytes read so far from this stream. */
PK_API uint64_t pk_process_bytes(const pk_process *process, int fd);

/* Stops reading a stream, so that the child waits once its pipe is full, and goes on. A run that has ended is not over
 * before that, unless it has a deadline. Deadlines do not wait. -EBADF for
 * what is no stream. */
PK_API int pk_process_pause(pk_process *process, int fd);
PK_API int pk_process_unpause(pk_process *process, int fd);

/* Reads nothing more of a stream: a child that goes on writing gets a SIGPIPE, as if the reader of a pipeline had
 * ended. */
PK_API int pk_process_close_output(pk_process *process, int fd);

/* What was kept so far; valid until the process is waited for again, or its loop dispatched. NULL if the stream is not
 * captured. */
PK_API const pk_capture *pk_process_capture(pk_process *process, int fd);

/*
 * The next line of a stream, or of any (`fd` -1): 1, or 0 after the last one. Waits until the deadline at most, for
 * everything else of the process meanwhile: -ETIMEDOUT. The stream is read only as far as lines are asked for, but to
 * its end by pk_process_wait. Lines that a callback gets come here too. -EBADF: not a stream (any descriptor with
 * pk_command_pipe will do). -EBUSY: a loop watches the process.
 */
PK_API PK_NODISCARD int pk_process_next_line(pk_process *process, int fd, pk_line *line, pk_time deadline,
                                             pk_error *error);

/* The same with bytes: how many, or 0 at the end, or when pk_command_drain has passed after the end of the run. Not
 * after pk_process_next_line of the same stream. */
PK_API PK_NODISCARD ssize_t pk_process_read(pk_process *process, int fd, void *buffer, size_t size, pk_time deadline,
                                            pk_error *error);

PK_END_DECLS

#endif
