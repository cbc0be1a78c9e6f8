/*
 * Values of JSON that several logs have.
 */
#ifndef PK_CLI_JSON_VALUE_H
#define PK_CLI_JSON_VALUE_H

#include <jansson.h>
#include <stdint.h>

/* As it is, where it is UTF-8; otherwise with escapes that people understand. */
json_t *json_text(const char *text);

/* Nanoseconds since 1970, as RFC 3339 has it in UTC: "2026-01-31T12:00:00.000000001Z". */
json_t *json_realtime(uint64_t nanoseconds);

/* Its name without SIG; null for 0. */
json_t *json_signal(int number);

#endif
