/*
 * Writing as fast as a plain program can.
 */
#include "io-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, FIRST_LINE = 91 };

static char block[BLOCK] __attribute__((aligned(4096)));

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static int write_bytes(unsigned long long count)
{
    while (count > 0) {
        ssize_t r = write(1, block, count < BLOCK ? (size_t)count : BLOCK);
        if (r < 0)
            fail("write");
        count -= (unsigned long long)r;
    }
    return 0;
}

static int gift_bytes(unsigned long long count)
{
    while (count > 0) {
        struct iovec bytes = {block, count < BLOCK ? (size_t)count : BLOCK};
        ssize_t r = vmsplice(1, &bytes, 1, 0);
        if (r < 0)
            fail("vmsplice");
        count -= (unsigned long long)r;
    }
    return 0;
}

static int write_lines(unsigned long long count)
{
    memset(block, 'x', sizeof(block));
    for (size_t end = FIRST_LINE; end <= BLOCK; end += WRITER_LINE)
        block[end - 1] = '\n';
    return write_bytes(count);
}

static int write_tiny(unsigned long long count)
{
    static const char line[WRITER_TINY + 1] = "1234567\n";
    for (; count > 0; count--)
        if (write(1, line, WRITER_TINY) != WRITER_TINY)
            fail("write");
    return 0;
}

static void say(int count, const char *name)
{
    char text[64];
    for (int i = 0; i < count; i++) {
        int length = snprintf(text, sizeof(text), "%s\n", name);
        if (write(1, text, (size_t)length) != length)
            fail("write");
    }
}

static int visit(const char *name, bool stays)
{
    char byte;
    say(WRITER_GREETING, name);
    if (stays)
        for (;;)
            pause();
    if (read(0, &byte, 1) != 0)
        fail("read");
    say(WRITER_FAREWELL, name);
    return atoi(name);
}

int writer_main(char **arguments)
{
    const char *how = arguments[0], *what = how ? arguments[1] : NULL;
    unsigned long long count = what ? strtoull(what, NULL, 10) : 0;
    if (what && strcmp(how, "bytes") == 0)
        return write_bytes(count);
    if (what && strcmp(how, "gift") == 0)
        return gift_bytes(count);
    if (what && strcmp(how, "lines") == 0)
        return write_lines(count);
    if (what && strcmp(how, "tiny") == 0)
        return write_tiny(count);
    if (what && strcmp(how, "guest") == 0)
        return visit(what, false);
    if (what && strcmp(how, "lodger") == 0)
        return visit(what, true);
    fprintf(stderr, "the children of the bench are not for people\n");
    return 2;
}
