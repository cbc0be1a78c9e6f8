/*
 * How services stand, in columns.
 */
#include "supervise-ask.h"

#include <processkit/parse.h>
#include <processkit/time.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME, STATE, PID, SINCE, CPU, PEAK, RESTARTS, LAST, SAYS, COLUMNS, CELL = 256 };

static const char *const titles[COLUMNS] = {
    [NAME] = "NAME", [STATE] = "STATE",       [PID] = "PID",   [SINCE] = "SINCE", [CPU] = "CPU",
    [PEAK] = "PEAK", [RESTARTS] = "RESTARTS", [LAST] = "LAST", [SAYS] = "SAYS",
};

struct row {
    char cells[COLUMNS][CELL];
};

/* As a terminal may see it. */
static void put_text(char *cell, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    pk_format_text(text ? text : "", cell, CELL);
}

static void put_number(char *cell, const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    if (json_is_integer(number))
        snprintf(cell, CELL, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
    else
        strcpy(cell, "-");
}

static void put_usage(char *cell, const json_t *service, const char *key,
                      const char *(*format)(uint64_t value, char *buffer, size_t size))
{
    const json_t *figure = json_object_get(json_object_get(service, "usage"), key);
    if (json_is_integer(figure))
        format((uint64_t)json_integer_value(figure), cell, CELL);
    else
        strcpy(cell, "-");
}

/* "over (failed)", "ready, reloading" */
static void put_state(char *cell, const json_t *service)
{
    char state[64], end[64];
    put_text(state, service, "state");
    put_text(end, service, "end");
    snprintf(cell, CELL, "%s%s%s%s%s%s", state, end[0] ? " (" : "", end, end[0] ? ")" : "",
             json_is_true(json_object_get(service, "reloading")) ? ", reloading" : "",
             json_is_true(json_object_get(service, "stuck")) ? ", stuck" : "");
}

static struct row make_row(const json_t *service)
{
    struct row row = {0};
    put_text(row.cells[NAME], service, "name");
    put_state(row.cells[STATE], service);
    put_number(row.cells[PID], service, "pid");
    pk_format_duration((pk_duration)json_integer_value(json_object_get(service, "since_ns")), row.cells[SINCE], CELL);
    put_usage(row.cells[CPU], service, "cpu_ns", pk_format_duration);
    put_usage(row.cells[PEAK], service, "memory_peak", pk_format_size);
    put_number(row.cells[RESTARTS], service, "restarts");
    put_text(row.cells[LAST], json_object_get(service, "result"), "how");
    put_text(row.cells[SAYS], service, "text");
    if (!row.cells[LAST][0])
        strcpy(row.cells[LAST], "-");
    return row;
}

/* Characters, not bytes. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

static bool is_number(int column)
{
    return column == PID || column == CPU || column == PEAK || column == RESTARTS;
}

/* Numbers at the right; nothing is filled up behind the last. */
static void print_row(const char *const cells[COLUMNS], const int widths[COLUMNS])
{
    int last = COLUMNS - 1;
    while (last > 0 && !cells[last][0])
        last--;
    for (int i = 0; i <= last; i++) {
        int room = widths[i] - width_of(cells[i]);
        printf("%s%*s%s%*s", i ? "  " : "", is_number(i) ? room : 0, "", cells[i], is_number(i) || i == last ? 0 : room,
               "");
    }
    putchar('\n');
}

static void print_service(const json_t *service, const int widths[COLUMNS])
{
    const char *cells[COLUMNS];
    struct row row = make_row(service);
    for (int i = 0; i < COLUMNS; i++)
        cells[i] = row.cells[i];
    print_row(cells, widths);
}

void supervise_print_table(const json_t *services)
{
    int widths[COLUMNS];
    size_t i;
    const json_t *service;
    for (int column = 0; column < COLUMNS; column++)
        widths[column] = width_of(titles[column]);
    json_array_foreach(services, i, service)
    {
        struct row row = make_row(service);
        for (int column = 0; column < COLUMNS; column++) {
            int width = width_of(row.cells[column]);
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    print_row(titles, widths);
    json_array_foreach(services, i, service)
    {
        print_service(service, widths);
    }
}
