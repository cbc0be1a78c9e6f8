/*
 * Bytes that several have and nobody changes: the last one who lets go of them frees them. Any thread.
 */
#ifndef PK_BASE_SHARED_H
#define PK_BASE_SHARED_H

#include <stddef.h>

struct shared {
    _Atomic unsigned references;
    size_t length;
    char bytes[];
};

/* With room for so many bytes, to be filled in before anybody else has them. One reference; NULL without memory. */
struct shared *shared_new(size_t length);

/* Take NULL; shared_unref returns NULL. */
struct shared *shared_ref(struct shared *shared);
struct shared *shared_unref(struct shared *shared);

#endif
