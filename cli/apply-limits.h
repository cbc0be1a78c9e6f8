/*
 * The options of pk run that limit the tree. Their target is a struct run_request.
 */
#ifndef PK_CLI_APPLY_LIMITS_H
#define PK_CLI_APPLY_LIMITS_H

int apply_memory_max(void *target, const char *value);
int apply_memory_high(void *target, const char *value);
int apply_swap_max(void *target, const char *value);
int apply_oom(void *target, const char *value);
int apply_pids_max(void *target, const char *value);
int apply_cpu_max(void *target, const char *value);
int apply_cpu_weight(void *target, const char *value);
int apply_cpus(void *target, const char *value);
int apply_memory_nodes(void *target, const char *value);
int apply_io_weight(void *target, const char *value);
int apply_io_max(void *target, const char *value);
int apply_limits_by(void *target, const char *value);

#endif
