/*
 * Memory that runs out when a test says so. In executables that are linked with --wrap for each of these functions;
 * what the C library takes for itself is not counted.
 */
#ifndef PK_TESTS_SCARCE_H
#define PK_TESTS_SCARCE_H

/* From now on each piece of memory is counted, and the one with this number, from 1, cannot be had. 0: all can. */
void scarce_begin(unsigned nth);

/* How many were asked for since then. */
unsigned scarce_end(void);

/* How many there are that were not freed, of those since the beginning of the program. */
long scarce_live(void);

#endif
