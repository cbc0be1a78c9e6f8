/*
 * Stages, as the process of the last one tells of them.
 */
#include "process/company.h"

#include <processkit/pipeline.h>

#include <errno.h>

const pk_process *company_judged(const pk_process *process)
{
    const struct company *company = process->company;
    return company && company->culprit != PK_NO_STAGE ? company->stages[company->culprit] : process;
}

pk_process *company_first(const pk_process *process)
{
    return process->company ? process->company->stages[0] : (pk_process *)process;
}

bool company_is_forgiven(const pk_process *process)
{
    return process->company && process->company->culprit == PK_NO_STAGE;
}

size_t pk_process_stage_count(const pk_process *process)
{
    return process->company ? process->company->count : 1;
}

pk_process *pk_process_stage(const pk_process *process, size_t stage)
{
    if (stage >= pk_process_stage_count(process))
        return NULL;
    return process->company ? process->company->stages[stage] : (pk_process *)process;
}

const pk_result *pk_process_stage_result(const pk_process *process, size_t stage)
{
    const pk_process *one = pk_process_stage(process, stage);
    return one && process->finished ? &one->run.result : NULL;
}

size_t pk_process_culprit(const pk_process *process)
{
    if (!process->finished)
        return PK_NO_STAGE;
    if (process->company)
        return process->company->culprit;
    return pk_result_is_success(&process->run.result) ? PK_NO_STAGE : 0;
}

int pk_process_stage_tee_error(const pk_process *process, size_t stage)
{
    const struct company *company = process->company;
    return company && stage < company->count ? company->tee_error(company, stage) : -EBADF;
}

pk_group *pk_process_pipeline_group(const pk_process *process)
{
    return process->company ? process->company->group : process->run.group;
}
