/*
 * The plan of a spawn: everything the child will need, laid out in memory before it exists.
 *
 * The child runs between clone and exec in its parent's memory and must not allocate, look things up or take locks, so
 * all of that happens here. The plan also owns what the parent opened for the child.
 */
#ifndef PK_PROCESS_PLAN_H
#define PK_PROCESS_PLAN_H

#include "process/command.h"

/* The child finds at `target` what the owner has at `source`. */
struct plan_move {
    int source;
    int target;
};

/* The owner's end of a pipe. */
struct plan_pipe {
    int child_fd;
    int fd;
    const struct stream_uses *uses; /* NULL: it is for the caller */
    bool is_terminal;               /* the master of one, which can be read and written */
};

struct plan {
    const pk_command *command;
    char **argv;
    char **environment;
    char **candidates;       /* paths to try, in order; ends with NULL */
    bool by_name;            /* they are the program's name in the directories where it is looked for */
    struct plan_move *moves; /* sorted by target */
    size_t move_count;
    int terminal; /* the first move of the terminal that the child takes as its controlling one; -1: none */
    int *scratch; /* for the child: a source by move, as it is at the moment */
    int *opened;  /* the child's ends and files, closed in the parent once the child has them */
    size_t opened_count;
    struct plan_pipe *pipes;
    size_t pipe_count;

    void *argv_copy;
    void *environment_copy;
    char *candidate_text;
};

/* `captures`: stdout and stderr are captured where the command says nothing about them. */
int plan_make(struct plan *plan, const pk_command *command, bool captures, pk_error *error);

/* The part of it that says which program, with what arguments and environment; it opens nothing. */
int plan_program(struct plan *plan, const pk_command *command, pk_error *error);

/* Frees all of it, the owner's ends of pipes included unless they were taken (set to -1). */
void plan_free(struct plan *plan);

/* What is only for the child is closed: the parent must not hold the writing end of a pipe it reads. */
void plan_close_child_ends(struct plan *plan);

/* environment.c */
int plan_environment(struct plan *plan, pk_error *error);
const char *plan_getenv(const struct plan *plan, const char *name);

/* lookup.c */
int plan_candidates(struct plan *plan, pk_error *error);

/* What the candidates are relative to: AT_FDCWD, or the child's directory, to be closed by sys_close_safe. */
int plan_open_directory(const struct plan *plan, int *dir);

/* descriptors.c */
int plan_descriptors(struct plan *plan, bool captures, pk_error *error);

/* Whether the child finds /dev/null where it is to inherit a descriptor, with what F_GETFD says of that one. */
bool descriptor_becomes_null(int fd, int flags);

#endif
