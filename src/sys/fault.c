/*
 * Fault injection, in test builds only. See fault.h.
 */
#include "sys/fault.h"

#include <string.h>

enum { MAX_FAULTS = 8, MAX_CALLS = 96 };

struct fault {
    const char *call;
    unsigned nth;
    int error_number;
};

static struct fault faults[MAX_FAULTS];
static unsigned fault_count;

static struct {
    const char *call;
    unsigned count;
} calls[MAX_CALLS];

/* The child between clone and exec shares this memory while its parent is suspended, so its calls are counted as well.
 * Tests that inject faults have one thread; those with more only let the counters run, where a race does no harm. */
#define RACY __attribute__((no_sanitize("thread")))

RACY static unsigned count_call(const char *call)
{
    for (unsigned i = 0; i < MAX_CALLS; i++) {
        if (!calls[i].call)
            calls[i].call = call;
        if (strcmp(calls[i].call, call) == 0)
            return __atomic_add_fetch(&calls[i].count, 1, __ATOMIC_RELAXED);
    }
    return 0;
}

RACY int sys_fault(const char *call)
{
    unsigned n = count_call(call);
    for (unsigned i = 0; i < fault_count; i++) {
        const struct fault *fault = &faults[i];
        if ((fault->nth == 0 || fault->nth == n) && strcmp(fault->call, call) == 0)
            return fault->error_number < 0 ? fault->error_number : -fault->error_number;
    }
    return 0;
}

static struct {
    const char *call;
    unsigned nth; /* 0: none */
} early_end;

RACY bool sys_fault_early_end(const char *call)
{
    return early_end.nth > 0 && strcmp(early_end.call, call) == 0 && sys_fault_count(call) == early_end.nth;
}

void sys_fault_set_early_end(const char *call, unsigned nth)
{
    early_end.call = call;
    early_end.nth = nth;
}

RACY int sys_fault_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (unsigned i = 0; i < fault_count; i++)
        if (faults[i].nth == 0 && strcmp(faults[i].call, name) == 0)
            return faults[i].error_number < 0 ? faults[i].error_number : -faults[i].error_number;
    return 0;
}

void sys_fault_set(const char *call, unsigned nth, int error_number)
{
    if (fault_count < MAX_FAULTS)
        faults[fault_count++] = (struct fault){call, nth, error_number};
}

static const char *redirected_from, *redirected_to;

void sys_fault_redirect(const char *from, const char *to)
{
    redirected_from = from;
    redirected_to = to;
}

RACY const char *sys_fault_path(const char *path)
{
    return redirected_from && strcmp(path, redirected_from) == 0 ? redirected_to : path;
}

void sys_fault_clear(void)
{
    fault_count = 0;
    early_end.nth = 0;
    memset(calls, 0, sizeof(calls));
}

unsigned sys_fault_count(const char *call)
{
    for (unsigned i = 0; i < MAX_CALLS && calls[i].call; i++)
        if (strcmp(calls[i].call, call) == 0)
            return calls[i].count;
    return 0;
}

void sys_fault_each(void (*callback)(const char *call, unsigned count, void *data), void *data)
{
    for (unsigned i = 0; i < MAX_CALLS && calls[i].call; i++)
        callback(calls[i].call, calls[i].count, data);
}
