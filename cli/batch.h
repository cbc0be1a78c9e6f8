/*
 * pk batch: a command for each item of a list, so many at a time.
 */
#ifndef PK_CLI_BATCH_H
#define PK_CLI_BATCH_H

#include "joblog.h"
#include "options.h"
#include "progress.h"
#include "request.h"
#include "template.h"

/* What the options ask for. */
struct batch_request {
    struct request common; /* first: it is what shared options are applied to */
    struct given given;
    pk_command *command; /* what those of all items have in common */
    struct template template;
    const char *arg_file; /* NULL: stdin */
    bool null;
    size_t most_words; /* of an item */
    unsigned jobs;     /* 0: as many as there are processors */
    unsigned starts;   /* in starts_time; 0: any number */
    pk_duration starts_time;
    uint64_t memory_floor;
    unsigned load;
    bool keep_order;
    pk_batch_failure on_failure;
    pk_duration item_timeout; /* 0: none */
    unsigned retries;
    bool tag;
    enum progress_mode progress;
    const char *log; /* NULL: none */
    struct identity identity;
    bool has_limits;
    bool resumes;
    bool runs_failed;      /* once more */
    bool runs_interrupted; /* once more */
};

int batch_main(int argc, char **argv);

#endif
