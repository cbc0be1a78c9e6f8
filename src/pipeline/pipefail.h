/*
 * The rule by which a pipeline has failed, and which of its stages it was: see pipeline.h.
 */
#ifndef PK_PIPELINE_PIPEFAIL_H
#define PK_PIPELINE_PIPEFAIL_H

#include <processkit/result.h>

#include <stdbool.h>
#include <stddef.h>

enum fate { FATE_RUNNING, FATE_CLEAN, FATE_TORN_DOWN, FATE_CUT_OFF, FATE_FAILED };

/* What there is to know of a stage beside its result. */
struct circumstances {
    bool unchecked;
    bool last;
    bool torn_down; /* it was stopped because another had failed; perhaps too late */
};

enum fate pipefail_fate(const pk_result *result, const struct circumstances *circumstances);

/* The culprit; PK_NO_STAGE: there is none. */
size_t pipefail_culprit(const enum fate *fates, size_t count);

#endif
