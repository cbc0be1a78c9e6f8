/*
 * An outpost: a spawner in a leaf of a scope that a service manager has made for it. It keeps the scope alive, and
 * starts in it what this process may not start there itself.
 *
 * All functions need the owner's lock.
 */
#ifndef PK_CONTAIN_OUTPOST_H
#define PK_CONTAIN_OUTPOST_H

#include "contain/scope.h"
#include "contain/spawner.h"

struct outpost {
    struct spawner spawner;
    struct scope scope;
    bool needed;    /* for each start: this process may not clone into the scope */
    bool closed;    /* goes with its last user */
    unsigned users; /* starts that are under way */
};

/* Makes one: *ret. *dir becomes the directory of the scope, above 2. A refusal says why there is none; nothing is left.
 */
int outpost_make(struct outpost **ret, int *dir, pk_error *error);

/* Lets it go: the scope ends when nothing else is in it. Takes NULL. */
void outpost_close(struct outpost *outpost);

/* True once its spawner is gone. */
bool outpost_is_lost(const struct outpost *outpost);

/* Who starts something in the scope: NULL if this process does. With `apart`, rather not this process: whoever shares
 * its memory might be killed. It stays until outpost_leave, which follows if it is not NULL. */
struct spawner *outpost_enter(struct outpost *outpost, bool apart);
void outpost_leave(struct spawner *spawner);

/* In a forked child. Takes NULL. */
void outpost_forget(struct outpost *outpost);

#endif
