/*
 * TOML: where everything was written, and input of which nothing can be made.
 */
#include "harness.h"
#include "toml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct toml_node *read_text(const char *text)
{
    struct toml_fault fault;
    struct toml_node *root = toml_read(text, strlen(text), &fault);
    if (!root)
        fail_msg("%u:%u: %s", fault.place.line, fault.place.column, fault.text);
    return root;
}

static void is_at(struct toml_place place, unsigned line, unsigned column)
{
    if (place.line != line || place.column != column)
        fail_msg("%u:%u instead of %u:%u", place.line, place.column, line, column);
}

static void refused(const char *bytes, size_t length, unsigned line, unsigned column, const char *words)
{
    struct toml_fault fault;
    struct toml_node *root = toml_read(bytes, length, &fault);
    if (root)
        fail_msg("taken: %.60s", bytes);
    if (!strstr(fault.text, words))
        fail_msg("'%s' instead of '%s'", fault.text, words);
    is_at(fault.place, line, column);
}

/* ---- Places ------------------------------------------------------------------------------------------------------ */

static void keys_and_values_have_places(void **state)
{
    struct toml_node *root = read_text("# one\n"
                                       "[a.b]\n"
                                       "\tx = \"ü\"\n"
                                       "\"ü\" = [ 1,\n"
                                       "  2.5 ]\n"
                                       "c.d = true\n");
    (void)state;
    struct toml_node *b = toml_find(toml_find(root, "a"), "b");
    is_at(b->key_place, 2, 4);
    is_at(toml_find(b, "x")->key_place, 3, 2);
    is_at(toml_find(b, "x")->place, 3, 6);
    assert_string_equal(toml_find(b, "x")->text, "ü");
    const struct toml_node *array = toml_find(b, "ü");
    is_at(array->place, 4, 7);
    is_at(array->items[0].place, 4, 9);
    is_at(array->items[1].place, 5, 3);
    assert_int_equal(array->items[0].integer, 1);
    assert_true(array->items[1].real == 2.5);
    is_at(toml_find(toml_find(b, "c"), "d")->key_place, 6, 3);
    assert_true(toml_find(toml_find(b, "c"), "d")->truth);
    assert_null(toml_find(b, "y"));
    assert_null(toml_find(array, "x"));
    toml_free(root);
}

static void tables_are_in_the_order_of_the_file(void **state)
{
    struct toml_node *root = read_text("[s.c]\n[s.a]\n[s.b]\n");
    (void)state;
    const struct toml_node *table = toml_find(root, "s");
    assert_int_equal(table->count, 3);
    assert_string_equal(table->items[0].key, "c");
    assert_string_equal(table->items[1].key, "a");
    assert_string_equal(table->items[2].key, "b");
    toml_free(root);
}

static void files_of_other_systems_are_read(void **state)
{
    struct toml_node *root = read_text("\xef\xbb\xbf"
                                       "a = 1\r\nb = \"\"\"\r\ntwo\"\"\"\r\n");
    (void)state;
    is_at(toml_find(root, "b")->place, 2, 5);
    assert_int_equal(toml_find(root, "a")->integer, 1);
    toml_free(root);
}

/* ---- What cannot be read ----------------------------------------------------------------------------------------- */

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    refused("a = \"\xff\"\n", 8, 1, 5, "utf-8");
    refused("a = \"\xc3", 6, 1, 5, "utf-8");
    refused("a = \"\0\"\n", 8, 1, 6, "control character");
    refused("\0", 1, 1, 1, "expected keys");
    refused("a = 1\nb = \"\\u0000\"\n", 19, 2, 5, "NUL character");
    refused("\"\\u0000\" = 1\n", 13, 1, 1, "NUL character");
}

/* A letter whose number is near that of a blank, where the library believes that none can be. */
static void letters_where_none_may_be_are_refused(void **state)
{
    struct toml_fault fault;
    char text[32];
    (void)state;
    for (unsigned letter = 0x80; letter < 0x800; letter++) {
        int length = snprintf(text, sizeof(text), "a = 1 %c%c\n", 0xc0 | letter >> 6, 0x80 | (letter & 0x3f));
        struct toml_node *root = toml_read(text, (size_t)length, &fault);
        assert_true(root == NULL || letter == 0x85 || letter == 0xa0);
        toml_free(root);
    }
}

static void refused_when_repeated(const char *begin, const char *part, size_t times, unsigned column, const char *words)
{
    size_t length = strlen(begin), step = strlen(part);
    char *text = malloc(length + times * step + 1);
    strcpy(text, begin);
    for (size_t i = 0; i < times; i++)
        memcpy(text + length + i * step, part, step + 1);
    refused(text, length + times * step, 1, column, words);
    free(text);
}

static void what_is_nested_too_deeply_is_refused(void **state)
{
    enum { MANY = 1 << 20 };
    (void)state;
    refused_when_repeated("", "[", MANY, 3, "expected bare key");
    refused_when_repeated("a = ", "[", MANY, 37, "depth");
    refused_when_repeated("a = ", "{a=", MANY / 3, 101, "depth");
    refused_when_repeated("a", ".a", MANY / 2, 32, "too many parts");
    refused_when_repeated("[a", ".a", MANY / 2, 33, "too many parts");
    refused_when_repeated("a = {\"b\"", ". \"b\"", MANY / 5, 84, "too many parts");
}

static void dots_in_other_places_do_not_count(void **state)
{
    static const char dots[] =
        "a = \"................................\"\n"
        "b = '................................' # ................................\n"
        "c = \"\"\"................\\\"\"\".................\"\"\"\"\"\n"
        "d = '''................'.................'''''\n"
        "e = [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]\n"
        "a2.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p = 1\n";
    (void)state;
    toml_free(read_text(dots));
}

static void what_is_too_large_is_refused(void **state)
{
    char *text = malloc(TOML_MOST_BYTES + 1);
    struct toml_fault fault;
    (void)state;
    memset(text, '\n', TOML_MOST_BYTES + 1);
    struct toml_node *root = toml_read(text, TOML_MOST_BYTES, &fault);
    assert_non_null(root);
    toml_free(root);
    refused(text, TOML_MOST_BYTES + 1, 1, 1, "8 MiB");
    free(text);
}

static const struct test tests[] = {
    PK_TEST(keys_and_values_have_places),           PK_TEST(tables_are_in_the_order_of_the_file),
    PK_TEST(files_of_other_systems_are_read),       PK_TEST(bytes_that_are_no_text_are_refused),
    PK_TEST(letters_where_none_may_be_are_refused), PK_TEST(what_is_nested_too_deeply_is_refused),
    PK_TEST(dots_in_other_places_do_not_count),     PK_TEST(what_is_too_large_is_refused),
};
PK_TEST_MAIN(tests)
