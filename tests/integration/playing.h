/*
 * Commands that are played.
 *
 *     pk_auto(pk_script) script = pk_script_new();
 *     pk_script_exit(script, 7);
 *     pk_auto(pk_command) command = play(script);
 */
#ifndef PK_TESTS_PLAYING_H
#define PK_TESTS_PLAYING_H

#include "subject.h"

/* A program that is nowhere, so that nothing but the script can be at work. */
#define PROGRAM "no-such-program-anywhere"

/* One that plays scripts; a failure fails the test. */
pk_runner *make_runner(void);

/* A command of that program that plays the script. The runner goes with it. */
pk_command *play(const pk_script *script);

#endif
