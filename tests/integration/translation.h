/*
 * Scripts that do what the adversary does, from the same words.
 */
#ifndef PK_TESTS_TRANSLATION_H
#define PK_TESTS_TRANSLATION_H

#include <processkit/script.h>

/* The words are those of the adversary, separated by spaces; not all of its verbs can be played. */
pk_script *translate(const char *text);

#endif
