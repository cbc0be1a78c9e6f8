/*
 * What a verb makes of a run that has ended: the same, whoever has waited for it.
 */
#ifndef PK_PROCESS_ANSWER_H
#define PK_PROCESS_ANSWER_H

#include "process/output.h"

#include <processkit/task.h>

struct wish;

/* All zero at first. */
struct answer {
    pk_output *output; /* of the last run that came to its end */
    char *text;        /* what the verb gives besides a number; NULL: nothing */
};

struct verb {
    enum process_stdio stdio;
    bool whole;   /* stdout is wanted: a command that sends it elsewhere is refused */
    bool retries; /* as the command says */
    int (*judge)(const struct wish *wish, struct answer *answer, pk_error *error);
};

/* NULL: there is no such verb. */
const struct verb *verb_of(pk_verb verb);
extern const struct verb verb_parse, verb_first_line; /* which need more than a number to say what they are */
extern const struct verb verb_check_uncaptured;       /* PK_VERB_CHECK with the owner's stdout and stderr */

struct wish {
    const struct verb *verb;
    pk_parse_callback parse;
    pk_match_callback match;
    void *data; /* of the callback */
};

/* Asked before anything is started. */
int answer_check(const struct wish *wish, const pk_command *command, pk_error *error);

/* Takes what a process that has ended has to say. It can be freed then, before that is judged. */
int answer_take(struct answer *answer, pk_process *process, pk_error *error);

/* The number that the verb returns. Calls the callback of a wish. */
int answer_judge(struct answer *answer, const struct wish *wish, pk_error *error);

void answer_clear(struct answer *answer);

#endif
