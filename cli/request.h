/*
 * What the options say that commands have in common which run programs.
 */
#ifndef PK_CLI_REQUEST_H
#define PK_CLI_REQUEST_H

#include <processkit.h>

#include <stdbool.h>

struct request {
    pk_command **commands; /* those that the options are about, the first of them at the left */
    size_t count;
    pk_group_options group; /* around all of them */
    pk_duration timeout;    /* 0: none */
    pk_duration grace;
    bool stats;
    bool quiet;
    bool verbose;
};

#define for_each_command(command, request)                   \
    for (pk_command **next_ = (request)->commands, *command; \
         next_ < (request)->commands + (request)->count && (command = *next_, true); next_++)

#endif
