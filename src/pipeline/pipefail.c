/*
 * The rule of pipelines, apart from everything it is applied to.
 */
#include "pipeline/pipefail.h"

#include <processkit/pipeline.h>

#include <signal.h>

/* Only the program's own doing is forgiven. */
static bool is_forgiven(const pk_result *result)
{
    return result->verdict == PK_VERDICT_EXITED || result->verdict == PK_VERDICT_SIGNALLED;
}

static bool was_cut_off(const pk_result *result)
{
    return result->verdict == PK_VERDICT_SIGNALLED && result->signal_number == SIGPIPE;
}

enum fate pipefail_fate(const pk_result *result, const struct circumstances *circumstances)
{
    if (pk_result_is_success(result) || (circumstances->unchecked && is_forgiven(result)))
        return FATE_CLEAN;
    if (circumstances->torn_down && result->verdict == PK_VERDICT_STOPPED)
        return FATE_TORN_DOWN;
    return !circumstances->last && was_cut_off(result) ? FATE_CUT_OFF : FATE_FAILED;
}

static size_t leftmost(const enum fate *fates, size_t count, enum fate fate)
{
    for (size_t i = 0; i < count; i++)
        if (fates[i] == fate)
            return i;
    return PK_NO_STAGE;
}

size_t pipefail_culprit(const enum fate *fates, size_t count)
{
    size_t failed = leftmost(fates, count, FATE_FAILED);
    return failed != PK_NO_STAGE ? failed : leftmost(fates, count, FATE_CUT_OFF);
}
