/*
 * Carrying what was started to its end: by a loop, beside which signals and terminals are looked after.
 */
#include "carry.h"

#include "console.h"
#include "message.h"
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int carrier_begin(struct carrier *carrier, const struct request *request)
{
    pk_error error;
    carrier->signals = (struct signals){.fd = -1, .grace = request->grace, .verbose = request->verbose};
    terminal_remember();
    if (pk_loop_create(&carrier->loop, &error) == 0)
        return signals_begin(&carrier->signals, request);
    say("%s", error.message);
    return -1;
}

static int step(struct carrier *carrier, pk_process *process, pk_error *error)
{
    struct signals *signals = &carrier->signals;
    int patience = signals_patience(signals, process);
    struct pollfd fds[2 + CONSOLE_POLLS] = {{.fd = pk_loop_fd(carrier->loop), .events = POLLIN},
                                            {.fd = signals->fd, .events = POLLIN}};
    console_interest(signals->console, fds + 2);
    if (poll(fds, 2 + CONSOLE_POLLS, patience) < 0 && errno != EINTR) {
        snprintf(error->message, sizeof(error->message), "cannot wait: %s", strerror(errno));
        return -1;
    }
    console_handle(signals->console, fds + 2);
    int r = pk_loop_dispatch(carrier->loop, 0, error);
    if (fds[1].revents || patience >= 0)
        signals_handle(signals, process);
    if (carrier->check)
        carrier->check(process, signals, carrier->data);
    return r;
}

int carrier_carry(struct carrier *carrier, pk_process *process)
{
    pk_error error;
    int r = pk_process_watch(process, carrier->loop, carrier->on_event, carrier->data, &error);
    while (r >= 0 && !pk_process_result(process))
        r = step(carrier, process, &error);
    if (r < 0)
        say("%s", error.message);
    return r < 0 ? -1 : 0;
}

void carrier_end(struct carrier *carrier)
{
    pk_loop_free(carrier->loop);
    if (carrier->signals.fd >= 0)
        close(carrier->signals.fd);
}
