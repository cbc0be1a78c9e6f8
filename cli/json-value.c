/*
 * Making values of JSON.
 */
#include "json-value.h"

#include <processkit/parse.h>
#include <processkit/time.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *json_text(const char *text)
{
    json_t *json = json_string(text);
    size_t size = 6 * strlen(text) + 1;
    char *safe = json ? NULL : malloc(size);
    if (safe)
        json = json_string(pk_format_text(text, safe, size));
    free(safe);
    return json;
}

json_t *json_realtime(uint64_t nanoseconds)
{
    char day[32], text[64];
    struct tm parts;
    time_t seconds = (time_t)(nanoseconds / PK_SECONDS(1));
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &parts));
    snprintf(text, sizeof(text), "%s.%09luZ", day, (unsigned long)(nanoseconds % PK_SECONDS(1)));
    return json_string(text);
}

json_t *json_signal(int number)
{
    char name[16];
    return number ? json_string(pk_format_signal(number, name, sizeof(name))) : json_null();
}
