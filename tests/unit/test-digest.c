/*
 * Base64 and SHA-256, by the examples of their standards.
 */
#include "base/base64.h"
#include "base/sha256.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

static void assert_digest(const char *bytes, size_t length, size_t piece, const char *expected)
{
    struct sha256 hash;
    unsigned char digest[SHA256_SIZE];
    char text[SHA256_TEXT];
    sha256_begin(&hash);
    for (; length > 0; length -= piece, bytes += piece) {
        piece = piece < length ? piece : length;
        sha256_add(&hash, bytes, piece);
    }
    sha256_end(&hash, digest);
    sha256_format(digest, text);
    assert_string_equal(text, expected);
}

static void digests_are_those_of_the_standard(void **state)
{
    (void)state;
    assert_digest("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    enum { MILLION = 1000000 };
    static const size_t pieces[] = {1, 3, 63, 64, 65, 4096, MILLION};
    char *bytes = malloc(MILLION);
    assert_non_null(bytes);
    memset(bytes, 'a', MILLION);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        assert_digest(bytes, MILLION, pieces[i], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(bytes);
}

static void base64_is_that_of_the_standard(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[16];
        size_t length = strlen(pairs[i][0]);
        assert_int_equal(base64_length(length), strlen(pairs[i][1]));
        base64_encode(pairs[i][0], length, text);
        assert_memory_equal(text, pairs[i][1], strlen(pairs[i][1]));
        assert_int_equal(base64_decode(text, strlen(pairs[i][1])), length);
        assert_memory_equal(text, pairs[i][0], length);
    }
}

static void all_bytes_come_back(void **state)
{
    (void)state;
    unsigned char bytes[256];
    char text[400];
    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)i;
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        base64_encode(bytes, length, text);
        assert_int_equal(base64_decode(text, base64_length(length)), length);
        assert_memory_equal(text, bytes, length);
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Z",    "Zg=",  "Zg",   "Z===", "====", "Zg==Zg==", "Zm9v\n",
                                        "Zm9-", "Zm 9", "=m9v", "Zh==", "Zm9=", "Zm=v",     "\xc3\xa4\xc3\xa4"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[16];
        strcpy(text, wrong[i]);
        assert_int_equal(base64_decode(text, strlen(wrong[i])), -1);
    }
    char with_nul[4] = {'Z', '\0', '=', '='};
    assert_int_equal(base64_decode(with_nul, 4), -1);
}

static const struct test tests[] = {
    PK_TEST(digests_are_those_of_the_standard), PK_TEST(pieces_do_not_matter),
    PK_TEST(base64_is_that_of_the_standard),    PK_TEST(all_bytes_come_back),
    PK_TEST(what_is_no_base64_is_refused),
};

PK_TEST_MAIN(tests)
