/*
 * Probes and who answers them, both played by one thread: neither of them waits for the other. Time is what the test
 * says.
 */
#ifndef PK_TESTS_ASKING_H
#define PK_TESTS_ASKING_H

#include "harness.h"
#include "io/probe.h"

struct server {
    int fd;
    unsigned port;
};

/* Has a port of the loopback interface, or a path, but does not listen yet. Skips the test where there is no such
 * address. */
struct server take_port(int family);
void take_path(struct server *server, int type, const char *path);
void begin_to_listen(struct server *server);
int take_connection(struct server *server);
void let_go(struct server *server);

/* Carries an attempt to its result, however long the kernel takes for it. */
int carry_through(struct probe *probe, pk_time now);

/* When the next attempt is due. */
pk_time next_time(const struct probe *probe);

/* What it says now. */
void must_say(const struct probe *probe, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));

/* Carries an attempt through, which must be refused. */
void must_be_refused(struct probe *probe, pk_time now);

/* It was refused as an argument, with this number and for this reason. */
void expect_invalid(int r, int number, const pk_error *error, const char *message);

#endif
