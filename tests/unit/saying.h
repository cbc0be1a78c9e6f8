/*
 * A service that is heard, and what it says: both played by one thread, and what others say by processes that have
 * ended when it is read.
 */
#ifndef PK_TESTS_SAYING_H
#define PK_TESTS_SAYING_H

#include "harness.h"
#include "supervise/notify.h"

#include <sys/types.h>

enum { MOST_WORDS = 200 };

/* What it was heard to say, and what is answered to the question who is a member. */
struct scene {
    pk_loop *loop;
    struct notify notify;
    struct notify_word words[MOST_WORDS];
    size_t count;
    int membership;
    unsigned asked;
    size_t close_after; /* so many words; 0: never */
};

/* With its socket, or with a loop only. */
struct scene *make_scene(void);
struct scene *make_scene_without(void);
void free_scene(struct scene *scene);

/* What it is opened with: the word is kept, and the answer is the scene's. */
void hear_word(const struct notify_word *word, void *data);
int tell_membership(pid_t pid, void *data);

/* Dispatches once what is there already. */
void look(struct scene *scene);

/* A socket that says what is sent to it to the service, or -1; also in a child, where nothing may fail the test. */
int reach(const struct scene *scene);

void say_bytes(const struct scene *scene, const char *bytes, size_t length);
void say_word(const struct scene *scene, const char *text);

/* Another process says it so many times, as this user unless that is 0; it has ended and was waited for. Which one. */
pid_t have_said(const struct scene *scene, const char *text, unsigned times, uid_t user);

#endif
