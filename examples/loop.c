/*
 * Commands in the event loop a program already has; here that is poll.
 */
#include <processkit.h>

#include <poll.h>
#include <stdio.h>

enum { COMMANDS = 4 };

static int running;

static void on_event(pk_process *process, pk_event event, void *data)
{
    char text[128];
    if (event != PK_EVENT_ENDED)
        return;
    printf("%s: %s\n", (const char *)data, pk_result_format(pk_process_result(process), text, sizeof(text)));
    pk_process_free(process);
    running--;
}

static int start(pk_loop *loop, const char *code, pk_error *error)
{
    pk_auto(pk_command) command = pk_command_new("sh", "-c", "exit $0", code, NULL);
    pk_process *process = NULL;
    int r = pk_command_start(command, &process, error);
    if (r == 0)
        r = pk_process_watch(process, loop, on_event, (void *)code, error);
    if (r < 0)
        pk_process_free(process);
    return r;
}

int main(void)
{
    static const char *const codes[COMMANDS] = {"0", "1", "2", "3"};
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    int r = pk_loop_create(&loop, &error);

    for (int i = 0; r == 0 && i < COMMANDS; i++) {
        r = start(loop, codes[i], &error);
        running += r == 0;
    }
    while (r >= 0 && running > 0) {
        struct pollfd ours = {.fd = pk_loop_fd(loop), .events = POLLIN}; /* beside whatever else there is */
        poll(&ours, 1, -1);
        r = pk_loop_dispatch(loop, 0, &error);
    }
    if (r < 0)
        fprintf(stderr, "%s\n", error.message);
    return r < 0;
}
