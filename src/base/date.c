/*
 * The time of day in UTC. The C library's functions would ask for the zone, by files and the environment.
 */
#include "base/date.h"

#include <string.h>

static void write_digits(char *text, unsigned digits, unsigned number)
{
    while (digits > 0) {
        text[--digits] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* Years begin in March here, so that a leap day is the last one of them, and are counted from the first of 400 that
 * begin with the year 0: within those the leap days repeat. */
static void write_day(char *text, unsigned days)
{
    const unsigned days_to_1970 = 719468, in_400_years = 146097, in_100_years = 36524, in_4_years = 1460;
    unsigned all = days + days_to_1970, day = all % in_400_years;
    unsigned year = (day - day / in_4_years + day / in_100_years - day / (in_400_years - 1)) / 365;
    unsigned of_year = day - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 153 days are five months, from March or August on */
    unsigned of_month = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    write_digits(text, 4, all / in_400_years * 400 + year + (month <= 2));
    write_digits(text + 5, 2, month);
    write_digits(text + 8, 2, of_month);
}

void date_write(char text[DATE_LENGTH], uint64_t seconds)
{
    const uint64_t last = UINT64_C(253402300799);
    if (seconds > last)
        seconds = last;
    unsigned of_day = (unsigned)(seconds % 86400);
    memcpy(text, "0000-00-00T00:00:00", DATE_LENGTH);
    write_day(text, (unsigned)(seconds / 86400));
    write_digits(text + 11, 2, of_day / 3600);
    write_digits(text + 14, 2, of_day / 60 % 60);
    write_digits(text + 17, 2, of_day % 60);
}
