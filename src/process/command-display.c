/*
 * Displaying commands as a shell reads them.
 *
 * Where the shell has words for what the command does to its environment, they are used, since they read best.
 * Otherwise env(1) does it, which takes its operands in order, so that the last one of a name holds.
 */
#include "process/command.h"

#include <stdlib.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789"

/* ---- Words ------------------------------------------------------------------------------------------------------ */

/* Everything is measured, and then written. */
struct writer {
    char *text; /* NULL while it is measured */
    size_t used;
};

static void put(struct writer *writer, const char *text, size_t length)
{
    if (writer->text)
        memcpy(writer->text + writer->used, text, length);
    writer->used += length;
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_quoted(struct writer *writer, const char *text)
{
    put_text(writer, "'");
    for (size_t length; *text; text += length) {
        length = strcspn(text, "'");
        put(writer, text, length);
        if (text[length] == '\'') {
            put_text(writer, "'\\''");
            length++;
        }
    }
    put_text(writer, "'");
}

/* What means nothing to a shell, wherever it stands. */
static bool is_plain(const char *text)
{
    return text[0] != '\0' && text[strspn(text, LETTERS "@%+=:,./-")] == '\0';
}

static void put_word(struct writer *writer, const char *text)
{
    if (is_plain(text))
        put_text(writer, text);
    else
        put_quoted(writer, text);
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* Variables that shells have for themselves, and will not let be set. */
static const char *const guarded[] = {
    "BASHOPTS", "BASH_VERSINFO", "EUID", "LINENO", "OPTIND", "PPID", "SHELLOPTS", "UID", NULL,
};

/* A name that the shell lets be set. */
static bool is_variable(const char *name)
{
    return name[strspn(name, LETTERS)] == '\0' && !strchr("0123456789", name[0]) && !is_one_of(name, guarded);
}

/* ---- Environment ------------------------------------------------------------------------------------------------ */

/* The environment that was cleared last is what there is to begin with. */
static size_t find_begin(const pk_command *command)
{
    size_t i = command->environment_count;
    while (i > 0 && command->environment[i - 1].kind != ENVIRONMENT_CLEAR)
        i--;
    return i;
}

static bool is_cleared(const pk_command *command)
{
    return find_begin(command) > 0;
}

/* Whether another change of the same name makes this one pointless. What is inherited need not be there. */
static bool is_undone(const pk_command *command, size_t i)
{
    const char *name = command->environment[i].name;
    for (size_t j = i + 1; j < command->environment_count; j++) {
        const struct environment_change *later = &command->environment[j];
        if (later->kind != ENVIRONMENT_INHERIT && strcmp(later->name, name) == 0)
            return true;
    }
    return false;
}

/* Whether the owner's value is there anyway. */
static bool is_inherited(const pk_command *command, size_t i)
{
    if (is_cleared(command))
        return false;
    for (size_t j = 0; j < i; j++)
        if (strcmp(command->environment[j].name, command->environment[i].name) == 0)
            return false;
    return true;
}

/* Whether there is anything to be done, by whoever does it. */
static bool matters(const pk_command *command, size_t i)
{
    const struct environment_change *change = &command->environment[i];
    if (is_undone(command, i))
        return false;
    if (change->kind == ENVIRONMENT_UNSET)
        return !is_cleared(command);
    if (change->kind == ENVIRONMENT_INHERIT)
        return is_variable(change->name) && !is_inherited(command, i);
    return true;
}

/* What the shell has a meaning of its own for, and does not look for in PATH, however it is quoted. */
static const char *const builtins[] = {
    ".",      ":",     "alias", "bg",      "break",  "cd",    "command", "continue", "eval",     "exec",   "exit",
    "export", "fc",    "fg",    "getopts", "hash",   "jobs",  "kill",    "read",     "readonly", "return", "set",
    "shift",  "times", "trap",  "type",    "ulimit", "umask", "unalias", "unset",    "wait",     NULL,
};

/* A % is the beginning of a job's name. */
static bool is_builtin(const char *program)
{
    return program[0] == '%' || is_one_of(program, builtins);
}

static bool needs_env(const pk_command *command)
{
    bool needs = is_cleared(command) || is_builtin(command->argv[0]);
    for (size_t i = find_begin(command); i < command->environment_count; i++) {
        const struct environment_change *change = &command->environment[i];
        needs |= matters(command, i) && (change->kind != ENVIRONMENT_SET || !is_variable(change->name));
    }
    return needs;
}

/* Whether env would take the program for a variable, or for an option that stands behind all others. */
static bool is_mistaken(const char *program)
{
    return strchr(program, '=') || strcmp(program, "-") == 0;
}

static void put_options(struct writer *writer, const pk_command *command)
{
    bool needs_end = command->argv[0][0] == '-' && !is_mistaken(command->argv[0]);
    put_text(writer, is_cleared(command) ? "env -i " : "env ");
    for (size_t i = find_begin(command); i < command->environment_count; i++) {
        const struct environment_change *change = &command->environment[i];
        if (!matters(command, i))
            continue;
        if (change->kind == ENVIRONMENT_UNSET) {
            put_text(writer, "-u ");
            put_word(writer, change->name);
            put_text(writer, " ");
        }
        needs_end |= change->kind != ENVIRONMENT_UNSET && change->name[0] == '-';
    }
    if (needs_end)
        put_text(writer, "-- ");
}

/* Quoted is the value only, so that the shell sees an assignment; unless it would not see one anyway. */
static void put_setting(struct writer *writer, const struct environment_change *change)
{
    const char *value = change->value + strlen(change->name) + 1;
    if (is_variable(change->name)) {
        put(writer, change->value, (size_t)(value - change->value));
        if (*value)
            put_word(writer, value);
    } else {
        put_word(writer, change->value);
    }
    put_text(writer, " ");
}

static void put_inherited(struct writer *writer, const char *name)
{
    put_text(writer, "${");
    put_text(writer, name);
    put_text(writer, "+");
    put_text(writer, name);
    put_text(writer, "=\"$");
    put_text(writer, name);
    put_text(writer, "\"} ");
}

static void put_environment(struct writer *writer, const pk_command *command)
{
    bool by_env = needs_env(command);
    if (by_env)
        put_options(writer, command);
    for (size_t i = find_begin(command); i < command->environment_count; i++) {
        const struct environment_change *change = &command->environment[i];
        if (!matters(command, i))
            continue;
        if (change->kind == ENVIRONMENT_SET)
            put_setting(writer, change);
        else if (change->kind == ENVIRONMENT_INHERIT)
            put_inherited(writer, change->name);
    }
    if (by_env && is_mistaken(command->argv[0]))
        put_text(writer, "sh -c '\"$@\"' sh ");
}

/* ---- Directory and program -------------------------------------------------------------------------------------- */

static bool goes_up(const char *directory)
{
    for (const char *up = directory; (up = strstr(up, "..")); up += 2)
        if ((up == directory || up[-1] == '/') && (up[2] == '/' || up[2] == '\0'))
            return true;
    return false;
}

static bool begins_with_dots(const char *directory)
{
    size_t dots = strspn(directory, ".");
    return (dots == 1 || dots == 2) && (directory[dots] == '/' || directory[dots] == '\0');
}

/* A name alone could be an option, or be looked for in CDPATH. And for a shell, up is where it came from. */
static void put_directory(struct writer *writer, const char *directory)
{
    put_text(writer, goes_up(directory) ? "cd -P " : "cd ");
    if (directory[0] != '/' && !begins_with_dots(directory))
        put_text(writer, "./");
    put_word(writer, directory);
    put_text(writer, " && ");
}

/* Words that are the shell's own where a command begins, unless they are quoted. */
static const char *const reserved[] = {
    "case",     "coproc", "do", "done",   "elif", "else", "esac",  "fi",    "for",
    "function", "if",     "in", "select", "then", "time", "until", "while", NULL,
};

static void put_program(struct writer *writer, const char *program)
{
    if (strchr(program, '=') || is_one_of(program, reserved))
        put_quoted(writer, program);
    else
        put_word(writer, program);
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

static void put_all(struct writer *writer, const pk_command *command)
{
    if (command->directory)
        put_directory(writer, command->directory);
    if (command->argc > 0) {
        put_environment(writer, command);
        put_program(writer, command->argv[0]);
    }
    for (size_t i = 1; i < command->argc; i++) {
        put_text(writer, " ");
        put_word(writer, command->argv[i]);
    }
    put(writer, "", 1);
}

char *pk_command_display(const pk_command *command)
{
    struct writer writer = {NULL, 0};
    if (!command)
        return NULL;
    put_all(&writer, command);
    writer = (struct writer){malloc(writer.used), 0};
    if (writer.text)
        put_all(&writer, command);
    return writer.text;
}
