/*
 * Telling what is wrong with a file.
 */
#include "faults.h"

#include "message.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_before(struct toml_place a, struct toml_place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

void fault_add(struct faults *faults, struct toml_place place, const char *format, ...)
{
    size_t kept = faults->count < MOST_FAULTS ? faults->count : MOST_FAULTS;
    size_t at = kept;
    while (at > 0 && is_before(place, faults->first[at - 1].place))
        at--;
    faults->count++;
    if (at == MOST_FAULTS)
        return;
    if (kept == MOST_FAULTS)
        kept--;
    memmove(&faults->first[at + 1], &faults->first[at], (kept - at) * sizeof(faults->first[0]));
    struct fault *fault = &faults->first[at];
    fault->place = place;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
}

/* The last line stands for all that there is no line for. */
void faults_tell(const struct faults *faults, const char *file)
{
    for (size_t i = 0; i < faults->count && i < MOST_FAULTS; i++) {
        const struct fault *fault = &faults->first[i];
        if (i == MOST_FAULTS - 1 && faults->count > MOST_FAULTS)
            say("%s:%u:%u: %zu more mistakes from here on", file, fault->place.line, fault->place.column,
                faults->count - i);
        else
            say("%s:%u:%u: %s", file, fault->place.line, fault->place.column, fault->text);
    }
}
