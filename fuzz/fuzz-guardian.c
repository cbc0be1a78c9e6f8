/*
 * What a guardian takes for a message. Its names become paths below the owner's directory, so that nothing but a plain
 * name of an entry may pass.
 */
#include "contain/guardian-protocol.h"
#include "fuzz.h"

/* As a name is meant, written in another way: "g" and digits, and then nothing but zeros, at least one. */
static bool is_name(const char *name)
{
    static const char digits[] = "0123456789";
    const char *end = memchr(name, '\0', GUARDIAN_NAME);
    if (!end || name[0] != 'g' || name[1] == '\0' || strspn(name + 1, digits) != strlen(name + 1))
        return false;
    for (; end < name + GUARDIAN_NAME; end++)
        if (*end != '\0')
            return false;
    return true;
}

/* In memory of just that size, so that reading beyond its end is seen. */
static void check_name(const uint8_t *bytes, size_t size)
{
    char *name = calloc(1, GUARDIAN_NAME);
    if (!name)
        abort();
    memcpy(name, bytes, size < GUARDIAN_NAME ? size : GUARDIAN_NAME);
    bool valid = guardian_name_is_valid(name);
    HOLDS(valid == is_name(name));
    if (valid) {
        HOLDS(memchr(name, '\0', GUARDIAN_NAME));
        HOLDS(!strchr(name, '/') && !strchr(name, '.'));
    }
    free(name);
}

/* As it is received: into a buffer of a message's size, with the size of what came. */
static void check_message(const uint8_t *bytes, size_t size)
{
    struct guardian_message *message = calloc(1, sizeof(*message));
    if (!message)
        abort();
    memcpy(message, bytes, size < sizeof(*message) ? size : sizeof(*message));
    if (guardian_message_is_valid(message, size)) {
        HOLDS(size == sizeof(*message));
        HOLDS(message->magic == GUARDIAN_MAGIC && message->version == GUARDIAN_VERSION);
        HOLDS(message->kind == GUARDIAN_SPARE || message->kind == GUARDIAN_UNSPARE || message->kind == GUARDIAN_TAKE);
        HOLDS(is_name(message->name));
        HOLDS(!guardian_message_is_valid(message, size - 1) && !guardian_message_is_valid(message, size + 1));
    }
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_message(bytes, size);
    check_name(bytes, size);
    if (size > sizeof(struct guardian_message) - GUARDIAN_NAME)
        check_name(bytes + sizeof(struct guardian_message) - GUARDIAN_NAME,
                   size - (sizeof(struct guardian_message) - GUARDIAN_NAME));
    return 0;
}
