/*
 * Logs of services, in tests: lines into them, and what is in the files then.
 */
#ifndef PK_TESTS_LOGGING_H
#define PK_TESTS_LOGGING_H

#include "supervise/log.h"

/* 2026-11-27T06:52:41Z, in nanoseconds. */
#define NOON UINT64_C(1795762361000000000)

/* Of a service "web"; `most_bytes` 0 and no times. The path must last. */
void log_to(struct service_log *log, const char *path);

/* The same with rotation. */
void log_rotated(struct service_log *log, const char *path, uint64_t most_bytes, unsigned keep);

/* A line that the child wrote to stdout. */
void say(struct service_log *log, const char *text);
void say_at(struct service_log *log, const char *text, uint64_t realtime);

/* A line or a piece of any stream. */
void say_part(struct service_log *log, int fd, uint64_t number, const char *text, pk_line_end end);

/* Whole, as text; valid until the fourth call after this one. "(none)" if there is no file. */
const char *content(const char *path);

/* Removes the files whose names begin so. */
void remove_files(const char *begin);

/* What the next news are. */
void expect_news(struct service_log *log, int number, uint64_t count);
void expect_no_news(struct service_log *log);

/*
 * Reads numbered lines "line N and what belongs to it" from a text, in order, with notes of lost ones between them:
 * lines are whole, and there are as many between two of them as the notes say. Those before the first that is there
 * must have been noted as well. Returns the number of the last one, and adds the lost ones up.
 */
unsigned expect_whole_lines(const char *text, unsigned *lost);
void say_numbered(struct service_log *log, unsigned number);
void say_numbered_at(struct service_log *log, unsigned number, uint64_t realtime);

/* Adds the note on so many lost lines to the text, as the C library says why. */
void note_losses(char *text, unsigned lines, int number);

#endif
