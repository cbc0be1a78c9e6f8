/*
 * Keeping the beginning and the end of a stream, whatever its length.
 */
#ifndef PK_IO_CAPTURE_H
#define PK_IO_CAPTURE_H

#include <processkit/stream.h>

struct capture {
    size_t head;
    size_t tail;
    char *bytes; /* the head, then the tail, then room for a NUL; as much of it as was needed so far */
    size_t capacity;
    size_t used;  /* up to head + tail; from then on the tail is a ring */
    size_t start; /* of the ring: its oldest byte, counted from the end of the head */
    uint64_t seen;
    int spill; /* the file; -1: none, or not any more */
    int spill_error;
};

/* The spill file is made. -EINVAL for options that mean nothing. */
int capture_open(struct capture *capture, const pk_capture_options *options, pk_error *error);
void capture_close(struct capture *capture);

/* Nothing more will come: closes the spill file. */
void capture_settle(struct capture *capture);

/*
 * Where the next bytes may be put, so that they need not be moved, and how many; NULL: nowhere, for want of a place
 * that is worth it. What was put there is then told by capture_fill.
 */
char *capture_reserve(struct capture *capture, size_t *room);
void capture_fill(struct capture *capture, size_t length);

/* Bytes from somewhere else. */
void capture_put(struct capture *capture, const char *bytes, size_t length);

/* To the spill file; a failure is noted, and then it gets nothing more. */
void capture_spill(struct capture *capture, const char *bytes, size_t length);

/* Whether something had to be left out. */
bool capture_is_over(const struct capture *capture);

/* Without what a stream knows. What it points to is valid until the next byte. */
void capture_view(struct capture *capture, pk_capture *view);

#endif
