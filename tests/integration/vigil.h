/*
 * A vigil: a supervisor, and a diary of what it tells.
 *
 *     struct vigil vigil = vigil_new();
 *     pk_service *web = vigil_add(&vigil, "web", "exit 3");
 *     vigil_run(&vigil);
 *     assert_string_equal(vigil.diary, "web started, web ready, web ended, web over");
 */
#ifndef PK_TESTS_VIGIL_H
#define PK_TESTS_VIGIL_H

#include "cast.h"

enum { VIGIL_DIARY = 8192 };

struct vigil;

/* Called for each event, after it was noted. */
typedef void (*vigil_callback)(struct vigil *vigil, const pk_service_event *event);

struct vigil {
    pk_supervisor *supervisor;
    char diary[VIGIL_DIARY]; /* "NAME KIND, NAME KIND"; not pauses, nor leaders that end before their trees */
    vigil_callback react;
    void *data;
    pk_service_end end; /* of the service that was over last */
    char text[512];     /* and why */
    pk_duration longest_pause;
    unsigned starts;
    bool live[64]; /* by place */
};

void vigil_init(struct vigil *vigil);
void vigil_free(struct vigil *vigil);

/* A service that is "adversary WORDS", and is restarted after pauses of a millisecond. */
pk_service *vigil_add(struct vigil *vigil, const char *name, const char *words);

/* The same, "sh -c SCRIPT". */
pk_service *vigil_add_script(struct vigil *vigil, const char *name, const char *script);

/* How often it is restarted at most, and when. */
void vigil_restarts(pk_service *service, pk_restart when, unsigned most);

/* Until it has ended; whether it was as it should be. */
void vigil_run(struct vigil *vigil);

#endif
