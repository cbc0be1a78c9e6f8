/*
 * Reading and writing durations, sizes and signal names, as the pk command does.
 *
 * All of these are pure functions, usable from any thread. They take the whole string or nothing: leading or trailing
 * space, signs, an empty string and everything that does not fit are -EINVAL, a number too large is -ERANGE.
 */
#ifndef PROCESSKIT_PARSE_H
#define PROCESSKIT_PARSE_H

#include <processkit/error.h>
#include <processkit/time.h>

#include <stddef.h>
#include <stdint.h>

PK_BEGIN_DECLS

/*
 * A duration: "250ms", "1.5s", "90" (seconds), "5m", "2h", "1h30m". Units: us, ms, s, m, h, d; in a compound each
 * unit is smaller than the one before it, and only the last number may have a fraction. Zero is valid here; whoever
 * has no use for it refuses it.
 */
PK_API PK_NODISCARD int pk_parse_duration(const char *text, pk_duration *duration, pk_error *error);

/* A size in bytes: "1073741824", "512M", "2G", "1.5G". Units K, M, G, T, P are binary; "KiB", "MiB", ... and a
 * final "B" are accepted. */
PK_API PK_NODISCARD int pk_parse_size(const char *text, uint64_t *bytes, pk_error *error);

/* A number of processors: "2", "0.5". Greater than zero and finite, at most 1e6. */
PK_API PK_NODISCARD int pk_parse_cores(const char *text, double *cores, pk_error *error);

/* A whole number from `least` to `most`. */
PK_API PK_NODISCARD int pk_parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *number,
                                        pk_error *error);

/* A signal: "TERM", "SIGTERM", "term", "15", "RTMIN+2". From 1 to SIGRTMAX. */
PK_API PK_NODISCARD int pk_parse_signal(const char *text, int *signal_number, pk_error *error);

/* The name of a signal without "SIG", such as "TERM" or "RTMIN+2"; "0" and unknown numbers are written as decimal
 * numbers. Writes at most `size` bytes with the final NUL and returns `buffer`. */
PK_API const char *pk_format_signal(int signal_number, char *buffer, size_t size);

/* A duration for people: "250ms", "1.50s", "2m05s"; "forever" for PK_FOREVER. Returns `buffer`. */
PK_API const char *pk_format_duration(pk_duration duration, char *buffer, size_t size);

/* A size for people: "512 B", "1.5 MiB". Returns `buffer`. */
PK_API const char *pk_format_size(uint64_t bytes, char *buffer, size_t size);

/*
 * Text that is safe to show: control characters, escape sequences, bidirectional overrides and bytes that are not
 * UTF-8 are replaced by escapes (\n, \x1b, \u202e). Cut at a character boundary to fit. Returns `buffer`.
 */
PK_API const char *pk_format_text(const char *text, char *buffer, size_t size);

PK_END_DECLS

#endif
