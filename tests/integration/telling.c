/*
 * Telling what came of a command.
 */
#include "telling.h"

#include <ctype.h>
#include <string.h>

/* ---- What is never the same twice ------------------------------------------------------------------------------- */

static size_t unit_length(const char *text)
{
    static const char *const units[] = {"ms", "us", "ns", "min", "s", "h"};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t length = strlen(units[i]);
        if (strncmp(text, units[i], length) == 0 && !isalnum((unsigned char)text[length]))
            return length;
    }
    return 0;
}

static size_t number_length(const char *text)
{
    size_t length = strspn(text, "0123456789");
    if (length > 0 && text[length] == '.')
        length += 1 + strspn(text + length + 1, "0123456789");
    return length;
}

/* Durations, and pids: before a name in brackets, or after the word. */
static void put_masked(FILE *out, const char *text)
{
    for (const char *at = text; *at;) {
        size_t length = number_length(at), unit = length ? unit_length(at + length) : 0;
        bool is_pid =
            length > 0 && (strncmp(at + length, " (", 2) == 0 || (at - text >= 4 && strncmp(at - 4, "pid ", 4) == 0));
        if (unit > 0 || is_pid) {
            fputs(unit > 0 ? "TIME" : "PID", out);
            at += length + unit;
        } else {
            fwrite(at, 1, length ? length : 1, out);
            at += length ? length : 1;
        }
    }
}

/* ----------------------------------------------------------------------------------------------------------------- */

void tell_returned(FILE *out, int result, const pk_error *error)
{
    fprintf(out, "returned %d\n", result);
    if (result >= 0)
        return;
    fprintf(out, "error %d %s at %s, exit %d, signal %d, path '%s', searched '%s'\n  ", error->number,
            pk_error_kind_name(error->kind), pk_step_name(error->step), error->exit_code, error->signal_number,
            error->path, error->searched);
    put_masked(out, error->message);
    putc('\n', out);
}

void tell_result(FILE *out, const pk_result *result)
{
    char line[256];
    fprintf(out, "%s, leader %d: exit %d%s, signal %d%s; soft %d, hard %d, spared %d, left %d:",
            pk_verdict_name(result->verdict), result->leader_ending, result->exit_code, result->ok_code ? " ok" : "",
            result->signal_number, result->core_dumped ? " dumped" : "", result->soft_signal, result->hard_killed,
            result->spared, result->leftover_count);
    for (int i = 0; i < result->leftover_count && i < PK_RESULT_LEFTOVERS; i++)
        fprintf(out, " %s", result->leftovers[i].name);
    fputs("\n  ", out);
    put_masked(out, pk_result_format(result, line, sizeof(line)));
    putc('\n', out);
}

void tell_bytes(FILE *out, const char *name, const void *bytes, size_t length)
{
    enum { MOST = 120 };
    const unsigned char *text = bytes;
    unsigned sum = 0;
    fprintf(out, "%s %zu '", name, length);
    for (size_t i = 0; i < length; i++) {
        sum = sum * 31 + text[i];
        if (i < MOST)
            fprintf(out, isprint(text[i]) ? "%c" : "\\x%02x", text[i]);
    }
    fprintf(out, "' %08x\n", sum);
}

void tell_capture(FILE *out, int fd, const pk_capture *capture)
{
    if (!capture) {
        fprintf(out, "nothing of %d\n", fd);
        return;
    }
    fprintf(out, "of %d: head %zu, omitted %llu, total %llu, spill error %d%s\n", fd, capture->head_length,
            (unsigned long long)capture->omitted, (unsigned long long)capture->total, capture->spill_error,
            capture->cut_off ? ", cut off" : "");
    tell_bytes(out, "  kept", capture->bytes, capture->length);
}

void tell_line(FILE *out, const pk_line *line)
{
    fprintf(out, "line %llu of %d, end %d: ", (unsigned long long)line->number, line->fd, line->end);
    tell_bytes(out, "", line->text, line->length);
}
