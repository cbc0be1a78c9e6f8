/*
 * Memory that runs out when a test says so: what --wrap puts in the place of the C library's functions.
 */
#include "scarce.h"

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t number, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t number, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *memory);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t number, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t number, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);

static bool counts;
static unsigned asked, failing;
static long live;

void scarce_begin(unsigned nth)
{
    asked = 0;
    failing = nth;
    counts = true;
}

unsigned scarce_end(void)
{
    counts = false;
    return asked;
}

long scarce_live(void)
{
    return live;
}

static bool is_there(void)
{
    return !counts || ++asked != failing;
}

static void *count(void *memory)
{
    live += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return is_there() ? count(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t number, size_t size)
{
    return is_there() ? count(__real_calloc(number, size)) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (!is_there())
        return NULL;
    void *larger = __real_realloc(memory, size);
    return memory ? larger : count(larger);
}

void *__wrap_reallocarray(void *memory, size_t number, size_t size)
{
    if (!is_there())
        return NULL;
    void *larger = __real_reallocarray(memory, number, size);
    return memory ? larger : count(larger);
}

char *__wrap_strdup(const char *text)
{
    return is_there() ? count(__real_strdup(text)) : NULL;
}

void __wrap_free(void *memory)
{
    live -= memory != NULL;
    __real_free(memory);
}
