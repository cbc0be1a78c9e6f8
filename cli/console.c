/*
 * pk run --pty.
 */
#include "console.h"

#include "message.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Asking for it ---------------------------------------------------------------------------------------------- */

/* What is forwarded must not be a descriptor that something else gets by chance. */
static void fill_gaps(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Pk's own terminal is raw, or goes on doing what it does: then its part is not done twice, and input that is not typed
 * is not in the output twice. */
void console_ask(pk_command *command, bool has_keys)
{
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    struct termios settings;
    fill_gaps();
    bool is_typed = has_keys && isatty(STDIN_FILENO);
    if (raw_settings(&settings)) {
        options.settings = &settings;
        options.echo = is_typed && settings.c_lflag & ECHO;
        if (!is_typed && isatty(STDOUT_FILENO))
            settings.c_oflag &= ~(tcflag_t)ONLCR;
    }
    if (!raw_size(&options.columns, &options.rows))
        options.columns = options.rows = 0;
    pk_command_pty(command, &options);
}

/* ---- Beginning and ending --------------------------------------------------------------------------------------- */

struct console *console_new(pk_duration grace, bool has_keys)
{
    struct console *console = calloc(1, sizeof(*console));
    if (!console) {
        say("out of memory");
        return NULL;
    }
    console->grace = grace;
    console->has_keys = has_keys;
    console->keys.from = has_keys ? end_of(STDIN_FILENO, O_RDONLY) : (struct end){.fd = -1};
    console->keys.is_over = !has_keys;
    console->screen.to = end_of(STDOUT_FILENO, O_WRONLY);
    signal(SIGPIPE, SIG_IGN); /* the program ends first, then pk */
    if (has_keys)
        raw_begin();
    return console;
}

/* Whichever of its descriptors is at the terminal. */
static int find_master(const pk_process *process)
{
    int master = -EBADF;
    for (int fd = STDIN_FILENO; master < 0 && fd <= STDERR_FILENO; fd++)
        master = pk_process_pipe(process, fd);
    return master;
}

void console_begin(struct console *console, pk_process *process, bool shows)
{
    console->process = process;
    console->keys.to = console->screen.from = end_own(find_master(process));
    console->screen.is_over = !shows;
    console_resize(console); /* the signal for that was not looked at yet */
}

struct console *console_free(struct console *console)
{
    if (!console)
        return NULL;
    raw_end();
    end_close(&console->keys.from);
    end_close(&console->screen.to);
    free(console);
    return NULL;
}

/* ---- Forwarding ------------------------------------------------------------------------------------------------- */

static struct pollfd poll_for(int fd, int events)
{
    return (struct pollfd){.fd = events ? fd : -1, .events = (short)events}; /* a hangup is always reported */
}

static bool reads_keys(const struct console *console)
{
    return flow_reads(&console->keys) && !(console->has_keys && raw_is_elsewhere());
}

void console_interest(const struct console *console, struct pollfd *polls)
{
    for (size_t i = 0; i < CONSOLE_POLLS; i++)
        polls[i] = poll_for(-1, 0);
    if (!console)
        return;
    polls[0] = poll_for(console->keys.from.fd, reads_keys(console) ? POLLIN : 0);
    polls[1] = poll_for(console->screen.from.fd,
                        (flow_reads(&console->screen) ? POLLIN : 0) | (flow_writes(&console->keys) ? POLLOUT : 0));
    polls[2] = poll_for(console->screen.to.fd, flow_writes(&console->screen) ? POLLOUT : 0);
}

/* As pk_process_close_input does it: the first character ends a line that was begun. */
static void give_end(struct console *console)
{
    struct termios settings;
    console->end_given = true;
    if (tcgetattr(console->keys.to.fd, &settings) == 0 && settings.c_cc[VEOF] != _POSIX_VDISABLE)
        flow_put(&console->keys, (const char[]){(char)settings.c_cc[VEOF], (char)settings.c_cc[VEOF]}, 2);
}

/* As when a window is closed. */
static void hang_up(struct console *console)
{
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.signal_number = SIGHUP;
    options.grace = console->grace;
    console->hung_up = true;
    if (console->screen.error != EPIPE && console->screen.error != EIO)
        say("cannot write to stdout: %s", strerror(console->screen.error));
    pk_process_stop(console->process, &options, NULL);
}

void console_fail(struct console *console, int error)
{
    console->screen.error = error;
    hang_up(console);
}

void console_handle(struct console *console, const struct pollfd *polls)
{
    if (!console)
        return;
    if (polls[2].revents && flow_writes(&console->screen))
        flow_write(&console->screen);
    if (polls[1].revents && flow_writes(&console->keys))
        flow_write(&console->keys);
    if (polls[1].revents && flow_reads(&console->screen))
        flow_read(&console->screen);
    if (polls[0].revents && reads_keys(console))
        flow_read(&console->keys);
    if (console->keys.error) /* what is typed now is for others */
        console->keys.is_over = console->end_given = true;
    if (console->keys.is_over && !flow_writes(&console->keys) && !console->end_given)
        give_end(console);
    if (console->screen.error && !console->hung_up)
        hang_up(console);
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

void console_resize(struct console *console)
{
    unsigned columns, rows;
    if (console && raw_size(&columns, &rows))
        (void)!pk_process_resize(console->process, columns, rows, NULL);
}

void console_pause(struct console *console)
{
    if (console)
        raw_end();
}

void console_resume(struct console *console)
{
    if (!console)
        return;
    if (console->has_keys)
        raw_begin();
    console_resize(console);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* How long to wait for it, as poll has it. */
static int patience_until(pk_time deadline)
{
    pk_time now = pk_now();
    if (deadline == PK_FOREVER)
        return -1;
    return now < deadline ? (int)((deadline - now + PK_MILLISECONDS(1) - 1) / PK_MILLISECONDS(1)) : 0;
}

/* False if there will not be. */
static bool await_room(const struct console *console, struct signals *signals, pk_time deadline)
{
    struct pollfd polls[] = {{.fd = console->screen.to.fd, .events = POLLOUT}, {.fd = signals->fd, .events = POLLIN}};
    while (polls[0].revents == 0) {
        int r = poll(polls, 2, patience_until(deadline));
        if (r == 0 || (r < 0 && errno != EINTR) || signals_ask_for_end(signals))
            return false;
    }
    return true;
}

/* What the program wrote is in the terminal by now. Whoever was spared may go on writing. */
void console_drain(struct console *console, struct signals *signals, pk_duration most)
{
    enum { HELD = 1 << 20 }; /* no terminal holds more */
    if (!console)
        return;
    pk_time deadline = most == PK_FOREVER ? PK_FOREVER : pk_deadline(most);
    struct flow *screen = &console->screen;
    for (size_t drained = 0; drained < HELD && screen->error == 0;) {
        if (flow_reads(screen)) {
            flow_read(screen);
            drained += screen->length;
        }
        if (!flow_writes(screen) || !await_room(console, signals, deadline))
            return;
        flow_write(screen);
    }
}

int console_ending(const struct console *console, int ending)
{
    if (!console || !console->hung_up || console->screen.error == EIO)
        return ending;
    if (console->screen.error != EPIPE)
        return STATUS_FAILED;
    return ending == -SIGHUP || ending == -SIGKILL ? -SIGPIPE : ending; /* as the program would have died by itself */
}
