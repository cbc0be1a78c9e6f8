/*
 * Finding a text in a line that need not have ended, and going on right behind it.
 *
 * What the search has gone past is gone for who asks for lines: of a line that has ended the rest is kept, of one that
 * has not is remembered how much of it that was. How the bytes were cut makes no difference.
 */
#ifndef PK_IO_PROMPT_H
#define PK_IO_PROMPT_H

#include <processkit/stream.h>

struct prompt {
    size_t passed; /* bytes of the line that has not ended */
    char *rest;    /* of the line that has */
    pk_line line;  /* which that is */
    bool has_rest;
};

/* Whether there is a rest, which is then the next line: valid until the next search. */
bool prompt_take_rest(struct prompt *prompt, pk_line *line);

/* Each line that is read for somebody goes through it: cuts off what is gone. False: nothing is left of it. */
bool prompt_cut(struct prompt *prompt, pk_line *line);

/* Looks for a text in a line, whose rest is kept if it is there: 1. 0: it is not. */
int prompt_find(struct prompt *prompt, const pk_line *line, const char *text);

/* The same with what there is of a line that has not ended. */
bool prompt_find_pending(struct prompt *prompt, const char *bytes, size_t length, const char *text);

/* Forgets everything. */
void prompt_reset(struct prompt *prompt);

#endif
