/*
 * The link between an owner directory and its guardian: started with the directory, told of what is spared or handed
 * over, noticed when it is lost, and replaced. All functions need the owner's lock.
 */
#ifndef PK_CONTAIN_GUARDIAN_LINK_H
#define PK_CONTAIN_GUARDIAN_LINK_H

#include "contain/guardian.h"

#include <processkit/time.h>

struct guardian_note;
struct spawner;

struct guardian_link {
    struct guardian guardian;
    struct spawner *spawner;             /* by whom it is born, where that lives; or NULL */
    bool off;                            /* by the program's choice */
    bool owed;                           /* it was lost, and for the moment no other could be started */
    unsigned losses;                     /* since the process began */
    unsigned quick;                      /* losses in a row, each soon after its start */
    pk_time started;                     /* the present one */
    char refusal[PK_ERROR_MESSAGE_SIZE]; /* why there is none, or "" */
    struct guardian_note *notes;         /* what a new one has to be told again */
    size_t note_count, note_limit;       /* how many; and how many are worth a look which of them are removed */
};

#define GUARDIAN_LINK_INIT    \
    {                         \
        .guardian = { -1, 0 } \
    }

/* Makes the directory, and starts a guardian for it unless the program does not want one. Without a guardian `refusal`
 * says why. -EEXIST and other errors of making the directory. */
int guardian_link_begin(struct guardian_link *link, int parent, const char *name, pk_error *error);

/* Whether there is one, as far as is known. */
bool guardian_link_is_up(const struct guardian_link *link);

/* Replaces one that was lost. */
void guardian_link_check(struct guardian_link *link, int parent, const char *name);

/* Says something about a directory of a group, now and to whoever replaces the guardian. */
void guardian_link_tell(struct guardian_link *link, int parent, const char *name, enum guardian_kind kind,
                        const char *entry);

/* A directory of a group has been removed: nothing need be known of it. */
void guardian_link_forget(struct guardian_link *link, int parent, const char *name, const char *entry);

/* Lets the guardian end: it ends what is left, and goes. */
void guardian_link_end(struct guardian_link *link);

/* The same when nothing is left, and waits a moment until it has gone. */
void guardian_link_dismiss(struct guardian_link *link);

#endif
