/*
 * Building commands: what becomes of what the child writes, and what it reads.
 */
#include "process/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Output ----------------------------------------------------------------------------------------------------- */

static const struct stream_uses no_uses = {STREAM_NO_USES};

void uses_free(struct stream_uses *uses)
{
    if (!uses)
        return;
    free((char *)uses->capture.spill);
    free((char *)uses->text.encoding);
    free(uses);
}

struct descriptor *command_find_descriptor(const pk_command *command, int fd)
{
    for (size_t i = 0; command && i < command->descriptor_count; i++)
        if (command->descriptors[i].fd == fd)
            return &command->descriptors[i];
    return NULL;
}

/* The entry of what the owner has another end of: a pipe, unless it is a terminal. */
static struct descriptor *connected(pk_command *command, int fd)
{
    struct descriptor *descriptor = command_find_descriptor(command, fd);
    if (descriptor && (descriptor->kind == DESCRIPTOR_PIPE || descriptor->kind == DESCRIPTOR_TERMINAL))
        return descriptor;
    descriptor = command_descriptor(command, fd);
    if (descriptor)
        descriptor->kind = DESCRIPTOR_PIPE;
    return descriptor;
}

/* What the descriptor is used for so far, to be added to; NULL if that is not possible. */
static struct stream_uses *uses_at(pk_command *command, int fd)
{
    if (fd == 0) {
        command_remember(command, -EINVAL, "descriptor 0 is read by the child, which writes nothing to it");
        return NULL;
    }
    struct descriptor *descriptor = connected(command, fd);
    if (!descriptor)
        return NULL;
    if (descriptor->uses)
        return descriptor->uses;
    descriptor->uses = malloc(sizeof(*descriptor->uses));
    if (descriptor->uses)
        *descriptor->uses = no_uses;
    else
        command_remember(command, -ENOMEM, "out of memory");
    return descriptor->uses;
}

static const char *wrong_with(const pk_capture_options *options)
{
    if (options->size == 0 || options->size > sizeof(*options))
        return "start from PK_CAPTURE_OPTIONS_INIT of this version";
    if (options->overflow > PK_OVERFLOW_KILL)
        return "unknown policy for overflow";
    if (options->head > SIZE_MAX / 4 || options->tail > SIZE_MAX / 4)
        return "more than there can be memory is to be kept";
    return NULL;
}

void pk_command_capture(pk_command *command, int fd, const pk_capture_options *options)
{
    struct stream_uses *uses = uses_at(command, fd);
    if (!uses)
        return;
    const char *wrong = options ? wrong_with(options) : NULL;
    if (wrong)
        command_remember(command, -EINVAL, "cannot capture descriptor %d: %s", fd, wrong);
    free((char *)uses->capture.spill);
    uses->capture = no_uses.capture;
    uses->captured = true;
    if (wrong || !options)
        return;
    memcpy(&uses->capture, options, options->size);
    if (uses->capture.spill)
        uses->capture.spill = command_copy(command, options->spill, "the spill file");
}

void pk_command_text(pk_command *command, int fd, const pk_text_options *options)
{
    struct stream_uses *uses = uses_at(command, fd);
    if (!uses)
        return;
    free((char *)uses->text.encoding);
    uses->text = no_uses.text;
    if (!options)
        return;
    if (options->size == 0 || options->size > sizeof(*options)) {
        command_remember(command, -EINVAL, "invalid text options: start from PK_TEXT_OPTIONS_INIT of this version");
        return;
    }
    memcpy(&uses->text, options, options->size);
    if (uses->text.encoding)
        uses->text.encoding = command_copy(command, options->encoding, "the encoding");
}

void pk_command_on_line(pk_command *command, int fd, pk_line_callback callback, void *data)
{
    struct stream_uses *uses = uses_at(command, fd);
    if (!uses)
        return;
    uses->on_line = callback;
    uses->line_data = data;
}

void pk_command_on_chunk(pk_command *command, int fd, pk_chunk_callback callback, void *data)
{
    struct stream_uses *uses = uses_at(command, fd);
    if (!uses)
        return;
    uses->on_chunk = callback;
    uses->chunk_data = data;
}

void pk_command_tee(pk_command *command, int fd, int owner_fd, pk_tee kind)
{
    struct stream_uses *uses = uses_at(command, fd);
    if (!uses)
        return;
    if (kind > PK_TEE_TEXT)
        command_remember(command, -EINVAL, "unknown kind of tee");
    else if (owner_fd < 0)
        command_remember(command, -EINVAL, "%d is no descriptor to pass output on to", owner_fd);
    else
        uses->tees[kind] = owner_fd;
}

/* ---- Input ------------------------------------------------------------------------------------------------------ */

static bool has_no_input(pk_command *command)
{
    if (!connected(command, 0))
        return false;
    command->input_bytes = shared_unref(command->input_bytes);
    command->input = (struct feed_source){0};
    command->has_input = true;
    return true;
}

/* Where they are to be put; NULL: that is remembered. */
static char *make_input(pk_command *command, size_t length)
{
    struct shared *shared = shared_new(length);
    if (!shared) {
        command_remember(command, -ENOMEM, "out of memory");
        return NULL;
    }
    command->input_bytes = shared;
    command->input = (struct feed_source){.bytes = shared->bytes, .length = length};
    return shared->bytes;
}

void pk_command_input(pk_command *command, const void *bytes, size_t length)
{
    if (!has_no_input(command))
        return;
    char *copy = make_input(command, length);
    if (copy && length)
        memcpy(copy, bytes, length);
}

void pk_command_input_text(pk_command *command, const char *text)
{
    if (!text && command)
        command_remember(command, -EINVAL, "the text of the input is missing");
    else
        pk_command_input(command, text, text ? strlen(text) : 0);
}

void pk_command_input_lines(pk_command *command, const char *const *lines)
{
    size_t length = 0;
    if (!has_no_input(command))
        return;
    for (size_t i = 0; lines[i]; i++)
        length += strlen(lines[i]) + 1;
    char *next = make_input(command, length);
    for (size_t i = 0; next && lines[i]; i++) {
        size_t line = strlen(lines[i]);
        memcpy(next, lines[i], line);
        next[line] = '\n';
        next += line + 1;
    }
}

void pk_command_input_callback(pk_command *command, pk_input_callback callback, void *data)
{
    if (!has_no_input(command))
        return;
    if (!callback)
        command_remember(command, -EINVAL, "the callback of the input is missing");
    command->input = (struct feed_source){.callback = callback, .data = data};
}
