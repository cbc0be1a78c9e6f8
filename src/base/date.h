/*
 * The time of day in UTC.
 */
#ifndef PK_BASE_DATE_H
#define PK_BASE_DATE_H

#include <stdint.h>

enum { DATE_LENGTH = sizeof("2026-11-27T06:52:41") - 1 };

/* Seconds since 1970 as RFC 3339 has them, without fraction, zone and NUL. The year has four digits: what comes after
 * 9999 is its last second. */
void date_write(char text[DATE_LENGTH], uint64_t seconds);

#endif
