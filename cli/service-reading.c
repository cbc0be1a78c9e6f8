/*
 * The one way in which all tables of a service file are read: by their rows.
 */
#include "service-reading.h"

#include "apply-birth.h"
#include "apply-common.h"
#include "apply-limits.h"
#include "message.h"
#include "nearest.h"
#include "service-value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- Complaints -------------------------------------------------------------------------------------------------- */

int complain(struct reading *reading, const struct setting *setting, struct toml_node *value, const char *format, ...)
{
    char text[400];
    if (value->told)
        return -1;
    value->told = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fault_add(reading->faults, value->place, "%s%s: %s", reading->prefix, setting->key, text);
    return -1;
}

int complain_of_kind(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    return complain(reading, setting, value, "%s is expected, and this is %s", value_expected(setting->kind),
                    toml_kind_name(value->kind));
}

/* Options are named by themselves there, and by the key here: "--uid: there is no user 'x'". */
static void hear(const char *message, void *data)
{
    const struct ear *ear = data;
    if (strncmp(message, "--", 2) == 0)
        message += strcspn(message, ": ");
    if (*message == ':')
        message += strspn(message, ": ");
    complain(ear->reading, ear->setting, ear->value, "%s", message + (*message == ' '));
}

void listen_begin(struct ear *ear, struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    *ear = (struct ear){reading, setting, value};
    say_to(hear, ear);
}

void listen_end(void)
{
    say_to(NULL, NULL);
}

static void complain_of_key(const struct reading *reading, const struct setting *settings, struct toml_node *item,
                            const char *name)
{
    struct nearest nearest = {.to = item->key};
    if (item->told)
        return;
    item->told = true;
    for (; settings->key; settings++)
        if (!settings->own || !reading->defaults)
            nearest_try(&nearest, settings->key);
    fault_add(reading->faults, item->key_place, "unknown key '%s%.64s' in %s%s%s%s", reading->prefix, item->key, name,
              nearest.word ? " (did you mean '" : "", nearest.word ? nearest.word : "", nearest.word ? "'?)" : "");
}

static const struct setting *find_setting(const struct setting *settings, const char *key)
{
    while (settings->key && strcmp(settings->key, key) != 0)
        settings++;
    return settings->key ? settings : NULL;
}

static void look_for_unknown_keys(struct reading *reading, const struct setting *settings, struct toml_node *table,
                                  const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = find_setting(settings, table->items[i].key);
        if (!setting)
            complain_of_key(reading, settings, &table->items[i], name);
        else if (setting->own && reading->defaults)
            complain(reading, setting, &table->items[i], "this is each service's own");
    }
}

/* ---- What was said ----------------------------------------------------------------------------------------------- */

/* A text without line feeds in it, and without the end that it has in quotes. */
static void put_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

void note_setting(struct reading *reading, const char *key, const char *text)
{
    note_vector(reading, key, (const char *const[]){text, NULL});
}

void note_vector(struct reading *reading, const char *key, const char *const *texts)
{
    FILE *out = reading->settings;
    fputs(reading->prefix, out);
    put_text(out, key); /* names of variables may be any text without '=' */
    fputs(" =", out);
    for (; *texts; texts++) {
        fputs(" \"", out);
        put_text(out, *texts);
        fputc('"', out);
    }
    fputc('\n', out);
}

static void note_value(struct reading *reading, const struct setting *setting, const char *text)
{
    char said[VALUE_BUFFER], usual[VALUE_BUFFER];
    const char *canonical = value_canonical(setting->kind, text, said);
    if (!setting->otherwise || strcmp(canonical, value_canonical(setting->kind, setting->otherwise, usual)) != 0)
        note_setting(reading, setting->key, canonical);
}

/* What is in a field, if it was something else. */
static void note_field(struct reading *reading, const struct setting *setting, const struct toml_node *value)
{
    char buffer[NUMBER_SIZE];
    const char *field = (const char *)reading->plan + setting->offset;
    size_t size = value_size(setting->kind);
    if (size == 0)
        note_value(reading, setting, *(char *const *)(const void *)field);
    else if (memcmp(field, (const char *)&reading->initial + setting->offset, size) != 0)
        note_value(reading, setting,
                   setting->kind == VALUE_FLAG ? (value->truth ? "true" : "false") : value_text(value, buffer));
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

char *absolute_path(const struct reading *reading, const char *path)
{
    char *absolute = NULL;
    if (*path == '/')
        return strdup(path);
    return asprintf(&absolute, "%s/%s", reading->directory, path) < 0 ? NULL : absolute;
}

const char **read_vector(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    if (value->kind != TOML_ARRAY || value->count == 0) {
        complain(reading, setting, value, "%s is expected, and this is %s", value_expected(VALUE_STRINGS),
                 value->kind == TOML_ARRAY ? "an empty one" : toml_kind_name(value->kind));
        return NULL;
    }
    const char **vector = calloc(value->count + 1, sizeof(*vector));
    if (!vector)
        complain(reading, setting, value, "out of memory");
    for (size_t i = 0; vector && i < value->count; i++) {
        if (value->items[i].kind == TOML_STRING) {
            vector[i] = value->items[i].text;
            continue;
        }
        complain(reading, setting, &value->items[i], "a string is expected, and this is %s",
                 toml_kind_name(value->items[i].kind));
        free(vector);
        vector = NULL;
    }
    return vector;
}

static int (*find_option(const struct setting *setting))(void *target, const char *value)
{
    const struct option_row *const tables[] = {birth_options, limit_options, stop_options, containment_options};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct option_row *row = tables[i]; row->name; row++)
            if (strcmp(row->name, setting->option) == 0)
                return row->apply;
    abort(); /* the schema names one that there is not */
}

int apply_option(struct reading *reading, const struct setting *setting, struct toml_node *value, const char *text)
{
    struct ear ear;
    listen_begin(&ear, reading, setting, value);
    int r = (setting->option ? find_option(setting) : setting->apply)(reading->plan, text);
    listen_end();
    return r;
}

static int apply_text(struct reading *reading, const struct setting *setting, struct toml_node *value, const char *text)
{
    int r = apply_option(reading, setting, value, text);
    if (r == 0)
        note_value(reading, setting, text);
    return r;
}

static void apply_path(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    char *path = *value->text ? absolute_path(reading, value->text) : strdup("");
    if (path)
        apply_text(reading, setting, value, path);
    else
        complain(reading, setting, value, "out of memory");
    free(path);
}

/* As one text, with commas. */
static void apply_list(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    char *text = NULL, buffer[NUMBER_SIZE];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < value->count; i++) {
        const char *part = value_text(&value->items[i], buffer);
        if (!part) {
            complain(reading, setting, &value->items[i], "a string is expected, and this is %s",
                     toml_kind_name(value->items[i].kind));
            fclose(out);
            free(text);
            return;
        }
        fprintf(out, "%s%s", i ? "," : "", part);
    }
    if (!out || fclose(out) != 0)
        complain(reading, setting, value, "out of memory");
    else
        apply_text(reading, setting, value, text);
    free(text);
}

static void apply_each(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    const char **vector = read_vector(reading, setting, value);
    for (size_t i = 0; vector && vector[i]; i++)
        apply_text(reading, setting, &value->items[i], vector[i]);
    free(vector);
}

static void apply_value(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    char buffer[NUMBER_SIZE];
    if (setting->kind == VALUE_FLAG) {
        if (value->truth)
            apply_text(reading, setting, value, "true");
    } else if (setting->kind == VALUE_PATH) {
        apply_path(reading, setting, value);
    } else if (value->kind != TOML_ARRAY) {
        apply_text(reading, setting, value, value_text(value, buffer));
    } else if (setting->kind == VALUE_LIST) {
        apply_list(reading, setting, value);
    } else {
        apply_each(reading, setting, value);
    }
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static struct toml_node *find_value(struct toml_node *table, const char *key, const char *shortly)
{
    if (table && table->kind == TOML_STRING)
        return shortly && strcmp(key, shortly) == 0 ? table : NULL;
    return toml_find(table, key);
}

static bool is_table(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    if (!value || value->kind == TOML_TABLE || (setting->shortly && value->kind == TOML_STRING))
        return true;
    complain(reading, setting, value, "a table%s is expected, and this is %s", setting->shortly ? " or a string" : "",
             toml_kind_name(value->kind));
    return false;
}

static void read_fields(struct reading *reading, const struct setting *setting, const struct source *source)
{
    struct toml_node *own = find_value(source->own, setting->key, source->shortly);
    struct toml_node *otherwise = find_value(source->otherwise, setting->key, NULL);
    if (own && setting->whole)
        otherwise = NULL;
    if ((!own && !otherwise) || !is_table(reading, setting, own) || !is_table(reading, setting, otherwise))
        return;
    snprintf(reading->prefix, sizeof(reading->prefix), "%s.", setting->key);
    read_settings(reading, setting->fields, &(struct source){own, otherwise, source->name, setting->shortly});
    reading->prefix[0] = '\0';
    if (setting->read)
        setting->read(reading, setting, own ? own : otherwise);
}

static void read_value(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    if (!value_is_allowed(setting->kind, value->kind))
        complain_of_kind(reading, setting, value);
    else if (setting->read)
        setting->read(reading, setting, value);
    else if (setting->option || setting->apply)
        apply_value(reading, setting, value);
    else if (value_store(reading, setting, value) == 0)
        note_field(reading, setting, value);
}

/* A table of names that each file chooses: those of the other one first, where this one says nothing else. */
static void read_variables(struct reading *reading, const struct setting *setting, const struct source *source)
{
    struct toml_node *own = toml_find(source->own, setting->key);
    struct toml_node *otherwise = toml_find(source->otherwise, setting->key);
    struct toml_node *tables[] = {otherwise, own};
    for (size_t i = 0; i < 2; i++) {
        if (!tables[i] || !is_table(reading, setting, tables[i]))
            continue;
        for (size_t j = 0; j < tables[i]->count; j++) {
            struct toml_node *item = &tables[i]->items[j];
            if (i == 1 || !toml_find(own, item->key))
                setting->read(reading, setting, item);
        }
    }
}

void read_settings(struct reading *reading, const struct setting *settings, const struct source *source)
{
    if (source->own && source->own->kind == TOML_TABLE)
        look_for_unknown_keys(reading, settings, source->own, source->name);
    for (const struct setting *setting = settings; setting->key; setting++) {
        struct toml_node *own = find_value(source->own, setting->key, source->shortly);
        struct toml_node *value = own ? own : find_value(source->otherwise, setting->key, source->shortly);
        if (setting->own && reading->defaults)
            continue;
        if (setting->kind == VALUE_TABLE)
            read_fields(reading, setting, source);
        else if (setting->kind == VALUE_VARIABLES)
            read_variables(reading, setting, source);
        else if (value)
            read_value(reading, setting, value);
    }
}
