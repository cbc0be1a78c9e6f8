/*
 * Output that goes through pk: the library reads it, passes it on to where it would have gone, and keeps it in files.
 */
#include "output.h"

#include "console.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = {[STDOUT_FILENO] = "stdout", [STDERR_FILENO] = "stderr"};

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

bool output_is_wanted(const struct run_request *request)
{
    return request->idle_timeout || request->capture;
}

static int refuse(const char *why)
{
    say("%s", why);
    return -1;
}

static int make_directory(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return 0;
    say("cannot make the directory %s: %s", path, strerror(errno));
    return -1;
}

/* The whole of it goes to the file as it comes; of a part only the end tells what it is. */
static int keep(const struct run_request *request, int fd)
{
    char path[4096];
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = request->capture_max - request->capture_max / 2;
    options.tail = request->capture_max / 2;
    if (snprintf(path, sizeof(path), "%s/%s", request->capture, names[fd]) >= (int)sizeof(path))
        return refuse("--capture: the path is too long");
    if (request->capture_max == 0)
        options.spill = path;
    pk_command_capture(request->command, fd, &options);
    return 0;
}

/* What pk has closed stays so for the program: it would find /dev/null there. A terminal is shown on stdout, whichever
 * of them the program has it at. */
static void show(const struct run_request *request, int fd)
{
    int own = request->pty ? STDOUT_FILENO : fd;
    if (fcntl(own, F_GETFD) >= 0)
        pk_command_tee(request->command, fd, own, PK_TEE_RAW);
    else
        pk_command_on_chunk(request->command, fd, NULL, NULL);
}

int output_ask(struct run_request *request, const struct given *given)
{
    if (request->capture_max && !request->capture)
        return refuse("--capture-max is for --capture, which was not given");
    if (!output_is_wanted(request))
        return 0;
    bool any = false;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        if (options_have(given, names[fd]) || (any && request->pty))
            continue; /* it goes elsewhere, or is the same terminal */
        any = true;
        show(request, fd);
        if (request->capture && keep(request, fd) < 0)
            return -1;
    }
    if (!any)
        return refuse("--idle-timeout and --capture are about output through pk, and all of it goes to files "
                      "(leave out --stdout or --stderr)");
    if (request->capture && make_directory(request->capture) < 0)
        return -1;
    if (request->idle_timeout)
        pk_command_idle_timeout(request->command, request->idle_timeout);
    return 0;
}

/* ---- While it runs ---------------------------------------------------------------------------------------------- */

/* Nobody reads it, or it cannot be written: the program finds that as it would have without pk. */
static void close_for_program(struct run_request *request, pk_process *process, int fd, int error,
                              const struct signals *signals)
{
    request->closed[fd] = true;
    request->lost |= error != EPIPE;
    if (signals->console) {
        console_fail(signals->console, error);
        return;
    }
    if (error != EPIPE)
        say("cannot write to %s: %s", names[fd], strerror(error));
    pk_process_close_output(process, fd);
}

void output_check(struct run_request *request, pk_process *process, const struct signals *signals)
{
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        int r = pk_process_tee_error(process, fd);
        if (request->closed[fd] || r == -EBADF)
            continue;
        if (r < 0)
            close_for_program(request, process, fd, -r, signals);
        else if (request->tree_empty && signals->received)
            pk_process_close_output(process, fd);
    }
}

/* ---- After the end ---------------------------------------------------------------------------------------------- */

static bool write_kept(FILE *file, const pk_capture *capture)
{
    fwrite(capture->bytes, 1, capture->head_length, file);
    if (capture->omitted)
        fprintf(file, "\n[%llu bytes left out]\n", (unsigned long long)capture->omitted);
    fwrite(capture->bytes + capture->head_length, 1, capture->length - capture->head_length, file);
    bool good = !ferror(file);
    return fclose(file) == 0 && good;
}

static int write_file(const char *directory, int fd, const pk_capture *capture)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, names[fd]);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
    FILE *stream = file < 0 ? NULL : fdopen(file, "w");
    if (stream && write_kept(stream, capture))
        return 0;
    say("cannot write %s: %s", path, strerror(errno));
    return -1;
}

int output_finish(const struct run_request *request, pk_process *process, int ending)
{
    for (int fd = STDOUT_FILENO; request->capture && fd <= STDERR_FILENO; fd++) {
        const pk_capture *capture = pk_process_capture(process, fd);
        if (!capture)
            continue;
        if (capture->spill_error)
            say("%s/%s is not complete: %s", request->capture, names[fd], strerror(-capture->spill_error));
        bool failed = capture->spill_error || (request->capture_max && write_file(request->capture, fd, capture) < 0);
        ending = failed ? STATUS_FAILED : ending;
    }
    return request->lost ? STATUS_FAILED : ending;
}
