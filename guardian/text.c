/*
 * The little of a C library that the helper needs.
 */
#include "calls.h"

/* Or the compiler would see what such a loop does, and make it a call of the function it is in. */
#define KEEP_LOOP() __asm__ volatile("" : : : "memory")

void *memset(void *place, int byte, size_t size)
{
    unsigned char *next = place;
    while (size-- > 0) {
        *next++ = (unsigned char)byte;
        KEEP_LOOP();
    }
    return place;
}

void *memcpy(void *to, const void *from, size_t size)
{
    unsigned char *next = to;
    const unsigned char *source = from;
    while (size-- > 0) {
        *next++ = *source++;
        KEEP_LOOP();
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *next = to;
    const unsigned char *source = from;
    if (next <= source)
        return memcpy(to, from, size);
    while (size-- > 0) {
        next[size] = source[size];
        KEEP_LOOP();
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *one = a, *other = b;
    for (size_t i = 0; i < size; i++)
        if (one[i] != other[i])
            return one[i] < other[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length]) {
        length++;
        KEEP_LOOP();
    }
    return length;
}

bool same_text(const char *a, const char *b)
{
    size_t length = strlen(a);
    return strlen(b) == length && memcmp(a, b, length) == 0;
}

size_t format_number(unsigned number, char *buffer)
{
    char digits[12];
    size_t count = 0, length = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        buffer[length++] = digits[--count];
    buffer[length] = '\0';
    return length;
}

long find_number(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; *line;) {
        const char *next = line;
        if (strlen(line) > length && memcmp(line, key, length) == 0 && line[length] == ' ') {
            long number = 0;
            for (next = line + length + 1; *next >= '0' && *next <= '9'; next++)
                number = number * 10 + (*next - '0');
            return number;
        }
        while (*next && *next != '\n')
            next++;
        line = *next ? next + 1 : next;
    }
    return -1;
}

long read_file(int dir, const char *name, char *buffer, size_t size)
{
    long fd = open_at(dir, name, O_RDONLY);
    if (fd < 0)
        return fd;
    long length = CALL3(read, fd, buffer, size - 1);
    close_fd((int)fd);
    buffer[length > 0 ? length : 0] = '\0';
    return length;
}

long write_file(int dir, const char *name, const char *text)
{
    long fd = open_at(dir, name, O_WRONLY);
    if (fd < 0)
        return fd;
    long r = CALL3(write, fd, text, strlen(text));
    close_fd((int)fd);
    return r < 0 ? r : 0;
}
