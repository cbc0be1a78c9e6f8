/*
 * Whether one more command may be started now: how often, and what the machine has left.
 */
#ifndef PK_BATCH_ADMISSION_H
#define PK_BATCH_ADMISSION_H

#include <processkit/time.h>

#include <stdbool.h>
#include <stdint.h>

struct admission {
    pk_duration interval;  /* between two starts; 0: none */
    uint64_t memory_floor; /* 0: any */
    unsigned load;         /* 0: any */
    pk_time next;          /* start, by the interval */
};

/* 0: now; otherwise the time to ask again. `running` is how many there are: one may always run. */
pk_time admission_ask(const struct admission *admission, unsigned running, pk_time now);

/* One was started. */
void admission_note(struct admission *admission, pk_time now);

/* For tests of how the kernel's words are read. False: it does not say so. */
bool admission_parse_available(const char *meminfo, uint64_t *bytes);
bool admission_parse_running(const char *loadavg, unsigned *threads);

#endif
