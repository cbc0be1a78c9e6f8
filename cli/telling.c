/*
 * Telling how a run has ended.
 */
#include "telling.h"

#include "message.h"
#include "stats.h"

bool result_is_out_of_time(const pk_result *result)
{
    return result->verdict == PK_VERDICT_TIMED_OUT || result->verdict == PK_VERDICT_IDLE;
}

void tell_result(const struct request *request, const pk_result *result)
{
    char text[512], names[256];
    if (request->stats) {
        print_stats(result, &request->group.limits);
        return;
    }
    if (!request->quiet && !result->spared && print_limit_hit(result))
        return;
    bool refused = result->verdict == PK_VERDICT_LEFTOVERS || result->verdict == PK_VERDICT_UNKILLABLE;
    if (refused)
        say("%s: %s", pk_result_format(result, text, sizeof(text)), format_leftovers(result, names, sizeof(names)));
    else if (result->verdict == PK_VERDICT_LOST)
        say("%s", pk_result_format(result, text, sizeof(text)));
    else if (!request->quiet && (result_is_out_of_time(result) || result->spared))
        say("%s%s%s", pk_result_format(result, text, sizeof(text)), result->spared ? "; left running: " : "",
            result->spared ? format_leftovers(result, names, sizeof(names)) : "");
}
