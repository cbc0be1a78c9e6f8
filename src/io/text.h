/*
 * The text view of a stream: bytes are decoded, stripped of escape sequences, split into lines, and redacted, in this
 * order, as far as the options ask for it.
 *
 * Memory: two times TEXT_CHUNK with an encoding or stripping, from the beginning; a line of up to `line_max` bytes, as
 * long as the longest so far that came in parts, when the first of those comes; with redaction twice a line in
 * addition. Nothing depends on how much comes.
 *
 * Each piece of a long line is redacted by itself: a secret that lies across two of them is not seen whole by the hook.
 * `line_max` is to be so long that there is no piece of a line that matters.
 */
#ifndef PK_IO_TEXT_H
#define PK_IO_TEXT_H

#include <processkit/error.h>
#include <processkit/stream.h>

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_CHUNK = 4096 };

struct text;

/* `fd` is for the lines and the hook, and not used otherwise. `given` NULL: the options of PK_TEXT_OPTIONS_INIT.
 * -EINVAL: they make no sense, or the C library does not know the encoding. */
int text_new(struct text **ret, const pk_text_options *given, int fd, pk_error *error);
struct text *text_free(struct text *text);

/* Lines are not just pieces of the bytes: there is an encoding, stripping or redaction. */
bool text_changes(const struct text *text);

/* More bytes. They are written to, and stay until text_next has returned 0; and it has for those before. */
void text_feed(struct text *text, char *bytes, size_t length);

/* Nothing more will be fed: what is left is a line. */
void text_finish(struct text *text);

/*
 * 1: the next line, valid until the next call with this text. 0: more bytes are needed, or after text_finish that was
 * all. -ENOMEM: a line is lost, or the rest of it, and not shown; the one after it is next, and its number tells.
 */
int text_next(struct text *text, pk_line *line);

/*
 * What there is of an unfinished line when text_next has returned 0, redacted: a prompt. It is not consumed, and comes
 * again as part of its line. Valid until the next call with this text. 0 as well if there is no memory to redact it.
 */
size_t text_pending(struct text *text, const char **bytes);

/* What ended a line: "\n", "\r\n", "\r", or "" where nothing did. */
const char *text_end_bytes(pk_line_end end);

#endif
