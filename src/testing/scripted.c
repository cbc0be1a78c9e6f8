/*
 * Choosing the script for a command.
 */
#include "base/array.h"
#include "base/error.h"
#include "testing/double.h"
#include "testing/script.h"
#include "testing/stage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    struct rule *next;
    char **words; /* that arguments begin with */
    size_t word_count;
    pk_command_callback takes; /* instead of words */
    void *data;
    pk_script *script;
    bool played;
};

struct scripted {
    struct double_runner base;
    struct rule *rules; /* in the order they were made in */
};

/* ---- Rules ------------------------------------------------------------------------------------------------------ */

static void free_rule(struct rule *rule)
{
    for (size_t i = 0; i < rule->word_count; i++)
        free(rule->words[i]);
    free(rule->words);
    pk_script_free(rule->script);
    free(rule);
}

/* Only a runner that plays has rules; what is said of another would be believed for nothing. */
static int start_scripted(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                          pk_error *error);

static void add_rule(pk_runner *runner, struct rule *rule)
{
    struct scripted *scripted = (struct scripted *)runner;
    struct rule **link = &scripted->rules;
    pthread_mutex_lock(&scripted->base.lock);
    while (*link)
        link = &(*link)->next;
    *link = rule;
    pthread_mutex_unlock(&scripted->base.lock);
}

static void remember(pk_runner *runner, int number)
{
    struct double_runner *base = (struct double_runner *)runner;
    pthread_mutex_lock(&base->lock);
    if (base->problem == 0)
        base->problem = number;
    pthread_mutex_unlock(&base->lock);
}

/* NULL: that is remembered. */
static struct rule *new_rule(pk_runner *runner, const pk_script *script)
{
    if (runner->start != start_scripted) {
        remember(runner, -EINVAL);
        return NULL;
    }
    struct rule *rule = calloc(1, sizeof(*rule));
    if (rule)
        rule->script = script_copy(script);
    if (rule && rule->script)
        return rule;
    free(rule);
    remember(runner, -ENOMEM);
    return NULL;
}

static bool add_word(struct rule *rule, const char *word)
{
    if (!array_grow(&rule->words, rule->word_count, sizeof(char *)))
        return false;
    rule->words[rule->word_count] = strdup(word);
    return rule->words[rule->word_count++] != NULL;
}

void pk_runner_on(pk_runner *runner, const pk_script *script, ...)
{
    struct rule *rule = new_rule(runner, script);
    va_list words;
    va_start(words, script);
    const char *word;
    bool good = true;
    while (rule && good && (word = va_arg(words, const char *)))
        good = add_word(rule, word);
    va_end(words);
    if (rule && good) {
        add_rule(runner, rule);
    } else if (rule) {
        free_rule(rule);
        remember(runner, -ENOMEM);
    }
}

void pk_runner_when(pk_runner *runner, const pk_script *script, pk_command_callback takes, void *data)
{
    struct rule *rule = new_rule(runner, script);
    if (!rule)
        return;
    rule->takes = takes;
    rule->data = data;
    add_rule(runner, rule);
}

/* ---- Choosing --------------------------------------------------------------------------------------------------- */

static bool begins_with(const pk_command *command, const struct rule *rule)
{
    if (rule->word_count > command->argc)
        return false;
    for (size_t i = 0; i < rule->word_count; i++)
        if (strcmp(rule->words[i], command->argv[i]) != 0)
            return false;
    return true;
}

/* The one after this; NULL: the first. They stay until the runner goes. */
static struct rule *next_rule(struct scripted *scripted, struct rule *rule)
{
    pthread_mutex_lock(&scripted->base.lock);
    rule = rule ? rule->next : scripted->rules;
    pthread_mutex_unlock(&scripted->base.lock);
    return rule;
}

/* Without the lock: a callback may do what it likes. */
static struct rule *ask_callbacks(struct scripted *scripted, const pk_command *command)
{
    struct rule *rule = NULL;
    while ((rule = next_rule(scripted, rule)))
        if (rule->takes && rule->takes(command, rule->data))
            return rule;
    return NULL;
}

/* Of equally long beginnings the first that was not played yet, or the last. */
static bool is_better(const struct rule *rule, const struct rule *best)
{
    if (!best || rule->word_count != best->word_count)
        return !best || rule->word_count > best->word_count;
    return best->played;
}

static struct rule *match_words(struct rule *rule, const pk_command *command)
{
    struct rule *best = NULL;
    for (; rule; rule = rule->next)
        if (!rule->takes && begins_with(command, rule) && is_better(rule, best))
            best = rule;
    return best;
}

static struct rule *choose(struct scripted *scripted, const pk_command *command)
{
    struct rule *rule = ask_callbacks(scripted, command);
    if (rule)
        return rule;
    pthread_mutex_lock(&scripted->base.lock);
    rule = match_words(scripted->rules, command);
    if (rule)
        rule->played = true;
    pthread_mutex_unlock(&scripted->base.lock);
    return rule;
}

static int start_scripted(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                          pk_error *error)
{
    struct scripted *scripted = (struct scripted *)runner;
    int r = double_note(&scripted->base, command, error);
    if (r < 0)
        return r;
    const struct rule *rule = choose(scripted, command);
    if (rule)
        return stage_start(rule->script, command, stdio, process, error);
    return error_set(error, -ENOMSG, PK_ERROR_UNEXPECTED, PK_STEP_ARGUMENTS, command->argv[0],
                     "cannot play '%s': there is no script for it", command->argv[0]);
}

/* ---- Making one ------------------------------------------------------------------------------------------------- */

static void free_scripted(pk_runner *runner)
{
    struct scripted *scripted = (struct scripted *)runner;
    while (scripted->rules) {
        struct rule *rule = scripted->rules;
        scripted->rules = rule->next;
        free_rule(rule);
    }
    double_close(&scripted->base);
    free(scripted);
}

int pk_runner_create_scripted(pk_runner **runner, pk_error *error)
{
    struct scripted *scripted = double_new(sizeof(*scripted), start_scripted, free_scripted, error);
    if (!scripted)
        return -ENOMEM;
    *runner = &scripted->base.runner;
    return 0;
}
