/*
 * What the kinds of probes are made of.
 */
#ifndef PK_IO_PROBE_KIND_H
#define PK_IO_PROBE_KIND_H

#include "io/probe.h"

/* How a step of an attempt ended, if not by a negative errno. */
enum { PROBE_WAITS, PROBE_READY, PROBE_REFUSED };

struct probe_kind {
    int (*attempt)(struct probe *probe); /* begins one. If it is to wait for something, that is open now */
    int (*proceed)(struct probe *probe); /* goes on with it; the descriptor need not have fired */
    void (*end)(struct probe *probe);    /* NULL: nothing to free */
};

/* An empty probe of that kind. */
void probe_init(struct probe *probe, const struct probe_kind *kind);

/* Says why, and returns PROBE_REFUSED. */
int probe_refuse(struct probe *probe, const char *format, ...) PK_PRINTF(2, 3);

/* Whether a path may be asked for at all. */
int probe_check_path(const char *path, pk_error *error);

/* probe-connect.c: tries the addresses one after the other. PROBE_READY: connected, and the socket is open. */
int probe_set_host(struct probe *probe, const char *host, unsigned port, pk_error *error);
int probe_connect(struct probe *probe);
int probe_go_on_connecting(struct probe *probe);

/* PROBE_REFUSED for what may be otherwise the next time; any other errno is returned. */
int probe_refuse_errno(struct probe *probe, int number);

#endif
