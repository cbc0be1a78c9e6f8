/*
 * Telling of a containment: what it lacks, unless that was asked for, and what it is.
 */
#include "containment.h"

#include "message.h"
#include "stats.h"

/* What a group that is not the best of all cannot promise; NULL if nothing that was not asked for. */
static const char *describe_weakness(const pk_group *group)
{
    unsigned given = pk_group_guarantees(group);
    if (!(given & PK_GUARANTEE_WHOLE_TREE))
        return "contained by a process group only, which setsid leaves";
    return given & PK_GUARANTEE_OWNER_DEATH ? NULL : "nothing ends the tree if pk is killed";
}

void tell_containment(const struct request *request, const pk_group *group, const char *who)
{
    char bits[128];
    const char *weakness = describe_weakness(group);
    if (pk_group_refusal(group) && weakness && !request->quiet) /* a weaker containment is never a silent one */
        say("%s: %s", weakness, pk_group_refusal(group));
    if (!request->verbose)
        return;
    if (pk_group_refusal(group) && !weakness)
        say("no better mechanism: %s", pk_group_refusal(group));
    say("%s, mechanism %s, guarantees: %s", who, pk_mechanism_name(pk_group_mechanism(group)),
        format_guarantees(pk_group_guarantees(group), bits, sizeof(bits)));
    if (pk_group_delegation(group))
        say("limits by delegation: %s", pk_delegation_name(pk_group_delegation(group)));
}
