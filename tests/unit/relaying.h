/*
 * Relays over real pipes, with all who are around one: who writes, who reads, and where else it goes.
 *
 *     struct rig rig;
 *     rig_open(&rig, &blocking_pipe);
 *     rig_carry(&rig, MUCH, MUCH);
 *     rig_close(&rig);
 */
#ifndef PK_TESTS_RELAYING_H
#define PK_TESTS_RELAYING_H

#include "harness.h"
#include "io/relay.h"

enum { MUCH = 1 << 20, NOTHING = -1 };

/* Where else it goes. */
struct place {
    const char *name;
    int (*open)(int *reader); /* what is passed on to, and where that can be read; NOTHING: nowhere */
};

extern const struct place blocking_pipe, non_blocking_pipe, stream_socket, regular_file, appended_file, null_device;

struct rig {
    struct relay relay;
    int writer, reader, tee, tee_reader; /* NOTHING: closed */
    const char *bytes;                   /* that are written */
    size_t written, read, teed;          /* how far they are */
    bool over;
    unsigned advances; /* for nothing at all */
};

void rig_open(struct rig *rig, const struct place *place);
void rig_close(struct rig *rig);
void rig_close_one(int *fd);

/* Whether something of what it waits for is there. */
bool rig_is_awake(struct rig *rig);

/* False once it is over. */
bool rig_advance(struct rig *rig);

/* Writes what can be written, up to that position. Whether that was something. */
bool rig_write(struct rig *rig, size_t end);

/* What is there, at most so much of it, and it must be what comes next. Whether that was something. */
bool rig_read(struct rig *rig, size_t most);
bool rig_read_tee(struct rig *rig, size_t most);

/* Until the writer is held up, and nothing is done any more. */
void rig_fill(struct rig *rig);

/* Until all of it is where it belongs, each side taking so much at a time. */
void rig_carry(struct rig *rig, size_t step, size_t tee_step);

/* Both have everything, and nothing was done again and again. */
void rig_assert_all_there(struct rig *rig);

/* A test for each place that can be full, and for each there is. */
#define EACH_PIPE(function)                                                                  \
    PK_TEST_NAMED(#function "/pipe", function, .data = &blocking_pipe),                      \
        PK_TEST_NAMED(#function "/non-blocking-pipe", function, .data = &non_blocking_pipe), \
        PK_TEST_NAMED(#function "/socket", function, .data = &stream_socket)

#define EACH_PLACE(function)                                                                \
    EACH_PIPE(function), PK_TEST_NAMED(#function "/file", function, .data = &regular_file), \
        PK_TEST_NAMED(#function "/appended-file", function, .data = &appended_file),        \
        PK_TEST_NAMED(#function "/null", function, .data = &null_device)

#endif
