/*
 * The manual page of service files: it has every key, and no other, and its examples are taken.
 */
#include "harness.h"
#include "reading.h"
#include "service-setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_page(void)
{
    const char *path = getenv("PK_SERVICE_PAGE");
    char *text = NULL;
    size_t size = 0;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        skip_test("the page, by PK_SERVICE_PAGE");
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    return text;
}

static bool has_key(const struct setting *settings, const char *key, size_t length)
{
    for (; settings->key; settings++)
        if ((strlen(settings->key) == length && memcmp(settings->key, key, length) == 0) ||
            (settings->fields && has_key(settings->fields, key, length)))
            return true;
    return false;
}

/* Lines that begin with a key, after tabs perhaps, have up to " = " nothing else. Calls back with each. */
static void each_key(char *page, void (*visit)(const char *key, size_t length, void *data), void *data)
{
    for (char *line = strstr(page, "# KEYS"); line && strncmp(line, "\n# WHAT", 7) != 0; line = strchr(line, '\n')) {
        line += 1 + strspn(line + 1, "\t");
        if (*line != '*')
            continue;
        for (const char *next = line; *next && *next != '\n'; next++)
            if (*next == '*' && (next == line || next[-1] == ' ')) {
                size_t length = strcspn(next + 1, "*\n");
                visit(next + 1, length, data);
                next += length + 1;
            }
    }
}

static void is_a_setting(const char *key, size_t length, void *data)
{
    (void)data;
    if (!has_key(service_settings, key, length))
        fail_msg("there is no key '%.*s'", (int)length, key);
}

static void the_page_has_no_other_keys(void **state)
{
    char *page = read_page();
    (void)state;
    each_key(page, is_a_setting, NULL);
    free(page);
}

struct wanted {
    const char *key;
    bool found;
};

static void compare(const char *key, size_t length, void *data)
{
    struct wanted *wanted = data;
    wanted->found |= strlen(wanted->key) == length && memcmp(wanted->key, key, length) == 0;
}

static void has_all(char *page, const struct setting *settings)
{
    for (; settings->key; settings++) {
        struct wanted wanted = {settings->key, false};
        each_key(page, compare, &wanted);
        if (!wanted.found)
            fail_msg("the page does not have '%s'", settings->key);
        if (settings->fields)
            has_all(page, settings->fields);
    }
}

static void the_page_has_every_key(void **state)
{
    char *page = read_page();
    (void)state;
    has_all(page, service_settings);
    free(page);
}

static void its_examples_are_taken(void **state)
{
    char *page = read_page(), *next = page;
    size_t count = 0;
    (void)state;
    while ((next = strstr(next, "\n```\n"))) {
        struct service_plans plans;
        char *begin = next + 5, *end = strstr(begin, "\n```\n");
        assert_non_null(end);
        *end = '\0';
        take_services(begin, &plans);
        count += plans.count;
        service_plans_free(&plans);
        next = end + 4;
    }
    assert_int_equal(count, 5);
    free(page);
}

static const struct test tests[] = {
    PK_TEST(the_page_has_every_key),
    PK_TEST(the_page_has_no_other_keys),
    PK_TEST(its_examples_are_taken),
};
PK_TEST_MAIN(tests)
