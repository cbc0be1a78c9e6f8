/*
 * Verbs about stdin, stdout, stderr and the terminal.
 */
#include "adversary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void put(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            give_up("write");
        bytes += written;
        length -= (size_t)written;
    }
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* In one piece: whoever has seen some of it has seen all of it. */
static void put_line(int fd, const char *text)
{
    size_t length = strlen(text);
    char *line = malloc(length + 2);
    if (!line)
        give_up("malloc");
    char *end = stpcpy(line, text);
    *end = '\n';
    put(fd, line, length + 1);
    free(line);
}

static void run_print(char **arguments)
{
    put_line(STDOUT_FILENO, arguments[0]);
}

static void run_print_to(char **arguments)
{
    put_line((int)number(arguments[0]), arguments[1]);
}

static void run_lines(char **arguments)
{
    char line[32];
    long count = number(arguments[0]);
    for (long i = 1; i <= count; i++)
        put(STDOUT_FILENO, line, (size_t)snprintf(line, sizeof(line), "line %ld\n", i));
}

static void run_bytes(char **arguments)
{
    char block[4096];
    memset(block, 'x', sizeof(block));
    for (long left = number(arguments[0]); left > 0; left -= (long)sizeof(block))
        put(STDOUT_FILENO, block, left < (long)sizeof(block) ? (size_t)left : sizeof(block));
}

static void run_octets(char **arguments)
{
    for (const char *digits = arguments[0]; digits[0] && digits[1]; digits += 2) {
        char pair[3] = {digits[0], digits[1], '\0'};
        unsigned char byte = (unsigned char)strtoul(pair, NULL, 16);
        put(STDOUT_FILENO, (const char *)&byte, 1);
    }
}

/* Two streams in turns. */
static void run_alternate(char **arguments)
{
    char line[32];
    long count = number(arguments[0]);
    for (long i = 1; i <= count; i++) {
        put(STDOUT_FILENO, line, (size_t)snprintf(line, sizeof(line), "out %ld\n", i));
        put(STDERR_FILENO, line, (size_t)snprintf(line, sizeof(line), "err %ld\n", i));
    }
}

static void run_flood(char **arguments)
{
    char block[4096];
    (void)arguments;
    memset(block, 'x', sizeof(block));
    stand();
    for (;;)
        put(STDOUT_FILENO, block, sizeof(block));
}

static void run_close(char **arguments)
{
    close((int)number(arguments[0]));
}

static void run_half_line(char **arguments)
{
    (void)arguments;
    put(STDOUT_FILENO, "half a line", 11);
}

static void run_chatter(char **arguments)
{
    char line[32];
    long pause_ms = number(arguments[0]);
    stand();
    for (unsigned i = 1;; i++) {
        put(STDOUT_FILENO, line, (size_t)snprintf(line, sizeof(line), "chatter %u\n", i));
        sleep_ms(pause_ms);
    }
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static ssize_t get(char *buffer, size_t size)
{
    ssize_t length;
    do
        length = read(STDIN_FILENO, buffer, size);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        give_up("read");
    return length;
}

static void run_echo(char **arguments)
{
    char buffer[65536];
    (void)arguments;
    stand();
    for (ssize_t length; (length = get(buffer, sizeof(buffer))) > 0;)
        put(STDOUT_FILENO, buffer, (size_t)length);
}

/* Nothing after the text is taken. */
static void run_expect(char **arguments)
{
    const char *text = arguments[0];
    size_t length = strlen(text), used = 0;
    char *last = calloc(1, length + 1);
    stand();
    while (last && strcmp(last, text) != 0) {
        memmove(last, last + (used == length), length);
        used -= used == length;
        if (get(last + used, 1) == 0)
            leave(1);
        used++;
    }
    free(last);
}

static void run_count(char **arguments)
{
    char buffer[65536], line[32];
    long total = 0;
    (void)arguments;
    stand();
    for (ssize_t length; (length = get(buffer, sizeof(buffer))) > 0;)
        total += length;
    put(STDOUT_FILENO, line, (size_t)snprintf(line, sizeof(line), "%ld\n", total));
}

static void run_read_slowly(char **arguments)
{
    char buffer[4096];
    size_t size = (size_t)number(arguments[0]);
    long pause_ms = number(arguments[1]);
    stand();
    while (get(buffer, size < sizeof(buffer) ? size : sizeof(buffer)) > 0)
        sleep_ms(pause_ms);
}

static void run_read_bytes(char **arguments)
{
    char byte;
    stand();
    for (long left = number(arguments[0]); left > 0 && get(&byte, 1) > 0;)
        left--;
}

/* ---- The terminal ----------------------------------------------------------------------------------------------- */

static int open_terminal(void)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0)
        give_up("no terminal");
    return terminal;
}

static void run_steal_terminal(char **arguments)
{
    (void)arguments;
    int terminal = open_terminal();
    setpgid(0, 0); /* fails only for the leader of a session, which has a process group already */
    signal(SIGTTOU, SIG_IGN);
    if (tcsetpgrp(terminal, getpgrp()) < 0)
        give_up("tcsetpgrp");
    signal(SIGTTOU, SIG_DFL);
    close(terminal);
}

static void run_read_terminal(char **arguments)
{
    char byte;
    (void)arguments;
    int terminal = open_terminal();
    stand();
    if (read(terminal, &byte, 1) < 0)
        give_up("read the terminal");
    close(terminal);
}

static void print_size(void)
{
    char line[32];
    struct winsize size;
    int terminal = open_terminal();
    if (ioctl(terminal, TIOCGWINSZ, &size) < 0)
        give_up("the size of the terminal");
    put(STDOUT_FILENO, line, (size_t)snprintf(line, sizeof(line), "%ux%u\n", size.ws_col, size.ws_row));
    close(terminal);
}

/* Blocked, so that none is lost between two looks. */
static void run_sizes(char **arguments)
{
    sigset_t changes;
    int number;
    (void)arguments;
    sigemptyset(&changes);
    sigaddset(&changes, SIGWINCH);
    sigprocmask(SIG_BLOCK, &changes, NULL);
    stand();
    do
        print_size();
    while (sigwait(&changes, &number) == 0);
}

const struct verb stream_verbs[] = {
    {"print", 1, 1, false, run_print, "TEXT: a line on stdout"},
    {"print-to", 2, 2, false, run_print_to, "FD TEXT: a line on any descriptor"},
    {"lines", 1, 1, false, run_lines, "N: N lines on stdout"},
    {"bytes", 1, 1, false, run_bytes, "N: N bytes on stdout, without an end of line"},
    {"octets", 1, 1, false, run_octets, "HEX: these bytes on stdout, one by one"},
    {"alternate", 1, 1, false, run_alternate, "N: N lines on stdout and N on stderr, by turns"},
    {"flood", 0, 0, true, run_flood, "writes to stdout for ever, as fast as it can"},
    {"close", 1, 1, false, run_close, "FD: closes it"},
    {"half-line", 0, 0, true, run_half_line, "prints half a line"},
    {"chatter", 1, 1, true, run_chatter, "MS: a line on stdout every MS, for ever"},
    {"echo", 0, 0, false, run_echo, "copies stdin to stdout"},
    {"expect", 1, 1, false, run_expect, "TEXT: reads stdin until it comes; exits with 1 if it does not"},
    {"count", 0, 0, false, run_count, "reads stdin to its end and prints how many bytes there were"},
    {"read-bytes", 1, 1, false, run_read_bytes, "N: reads N bytes of stdin, or to its end"},
    {"read-slowly", 2, 2, false, run_read_slowly, "BYTES MS: reads stdin in such steps, to its end"},
    {"steal-terminal", 0, 0, true, run_steal_terminal, "becomes the foreground of its terminal"},
    {"read-terminal", 0, 0, false, run_read_terminal, "reads a byte from its terminal"},
    {"sizes", 0, 0, true, run_sizes, "prints the size of its terminal, and again whenever it changes"},
    {NULL},
};
