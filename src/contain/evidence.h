/*
 * Evidence: the counters of a cgroup that say which limit was hit.
 */
#ifndef PK_CONTAIN_EVIDENCE_H
#define PK_CONTAIN_EVIDENCE_H

#include <processkit/evidence.h>

#include <stdbool.h>

/* What was counted in one directory, or in several. */
struct evidence {
    pk_evidence counts; /* without what is concluded from it and the limits: evidence_tell */
    uint64_t ooms;      /* how often memory ran out at the limit of the directory itself */
    uint64_t ooms_deep; /* the same, or at that of a directory below */
};

/*
 * Reads a directory. What has no file there, or one that is not understood, is unavailable, and so is all of a
 * directory that was deleted. Without controllers that is known beforehand for all but pressure.
 *
 * Returns the first other error of reading; the rest is read all the same.
 */
int evidence_read(int dir, bool controllers, struct evidence *evidence);

/* Each file by itself, from its text; what was not there before is added. -ENODATA, and nothing changed, if it is not
 * what the kernel writes. */
int evidence_parse_memory(const char *events, const char *local, struct evidence *evidence);
int evidence_parse_pids(const char *text, struct evidence *evidence);
int evidence_parse_cpu(const char *text, struct evidence *evidence);
int evidence_parse_io(const char *text, struct evidence *evidence);
int evidence_parse_pressure(const char *text, pk_pressure *pressure);

/* Adds `more`: counts add up, and of peaks the larger counts. Sums saturate. */
void evidence_add(struct evidence *evidence, const struct evidence *more);

/* Takes away what had been counted `before`; peaks stay. */
void evidence_subtract(struct evidence *evidence, const struct evidence *before);

/* As the public sees it: the counts, what is to be concluded from them, and the limits. */
void evidence_tell(const struct evidence *evidence, const pk_limits *limits, pk_evidence *told);

#endif
