/*
 * Carrying bytes from one descriptor to another, without waiting and without loss.
 */
#ifndef PK_CLI_FORWARD_H
#define PK_CLI_FORWARD_H

#include <stdbool.h>
#include <stddef.h>

/* One end. What others have open as well is not made nonblocking for them. */
struct end {
    int fd;
    size_t most;   /* bytes that can be written at once without waiting, when poll has said so */
    bool is_alone; /* with a description of its own, to be closed */
};

/* The end at a descriptor that pk was started with, to be read or written (O_RDONLY, O_WRONLY). */
struct end end_of(int fd, int access);

/* The end at one that nobody else has. */
struct end end_own(int fd);

void end_close(struct end *end);

struct flow {
    struct end from, to;
    size_t begin, length; /* of what was read and not yet written */
    bool is_over;         /* nothing more can be read */
    int error;            /* why nothing more can be written: an errno; 0: it can. Then what is read is thrown away */
    char bytes[65536];
};

/* Whether the one end or the other is to be polled for. Both are false when all is over. */
bool flow_reads(const struct flow *flow);
bool flow_writes(const struct flow *flow);

/* After poll. */
void flow_read(struct flow *flow);
void flow_write(struct flow *flow);

/* In the place of something that was read, when everything was written. */
void flow_put(struct flow *flow, const char *bytes, size_t length);

#endif
