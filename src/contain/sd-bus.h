/*
 * The bus library of systemd, loaded when it is first needed.
 *
 * Where no service manager is asked for anything the library is not needed, and most programs would never use it: so
 * nothing is linked with it, and its headers are not needed either. What is used of it is declared here, as its manual
 * pages have it. Since it makes its own system calls, none of which goes through src/sys, it is used for conversations
 * only: this library makes the connection, and does the waiting.
 */
#ifndef PK_CONTAIN_SD_BUS_H
#define PK_CONTAIN_SD_BUS_H

#include <processkit/error.h>

#include <stdint.h>

struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;

struct sd_bus_error {
    const char *name;
    const char *message;
    int need_free;
};

typedef int sd_bus_handler(struct sd_bus_message *message, void *data, struct sd_bus_error *error);

/* Its functions, without the "sd_bus_" before their names. They return negative errnos. */
struct sd_bus_api {
    int (*new)(struct sd_bus **bus);
    int (*set_fd)(struct sd_bus *bus, int input, int output); /* which are the bus's from then on */
    int (*set_bus_client)(struct sd_bus *bus, int whether);
    int (*start)(struct sd_bus *bus);
    void (*close)(struct sd_bus *bus);
    struct sd_bus *(*unref)(struct sd_bus *bus);
    int (*get_events)(struct sd_bus *bus);
    int (*get_timeout)(struct sd_bus *bus, uint64_t *microseconds); /* a time of CLOCK_MONOTONIC */
    int (*process)(struct sd_bus *bus, struct sd_bus_message **message);
    int (*add_match_async)(struct sd_bus *bus, struct sd_bus_slot **slot, const char *match, sd_bus_handler *handler,
                           sd_bus_handler *installed, void *data);
    int (*call_async)(struct sd_bus *bus, struct sd_bus_slot **slot, struct sd_bus_message *message,
                      sd_bus_handler *handler, void *data, uint64_t microseconds);
    int (*message_new_method_call)(struct sd_bus *bus, struct sd_bus_message **message, const char *destination,
                                   const char *path, const char *interface, const char *member);
    int (*message_append)(struct sd_bus_message *message, const char *types, ...);
    int (*message_read)(struct sd_bus_message *message, const char *types, ...);
    const struct sd_bus_error *(*message_get_error)(struct sd_bus_message *message);
    struct sd_bus_message *(*message_unref)(struct sd_bus_message *message);
};

/* Loads it unless that is done already. -EOPNOTSUPP, with the reason, if it is not there or too old. Any thread. */
int sd_bus_load(const struct sd_bus_api **api, pk_error *error);

#endif
