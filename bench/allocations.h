/*
 * Counting what is allocated in this program, by whomever.
 */
#ifndef BENCH_ALLOCATIONS_H
#define BENCH_ALLOCATIONS_H

/* So far: calls of malloc and its kin; realloc counts as one. Of the one thread that there is. */
extern unsigned long allocations;

#endif
