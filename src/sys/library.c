/*
 * Loading a library at run time.
 *
 * The loader leaves no errno. What it says in words has the description of one in it, in whatever language: that tells
 * a shortage, which will pass, from a library that is not there.
 */
#include "sys/fault.h"
#include "sys/sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int judge(const char *why)
{
    static const int shortages[] = {EMFILE, ENFILE, ENOMEM};
    for (size_t i = 0; i < sizeof(shortages) / sizeof(shortages[0]); i++)
        if (strstr(why, strerror(shortages[i])))
            return -shortages[i];
    return -ELIBACC;
}

static int load(const char *name, void **library)
{
    SYS_FAULT("dlopen");
    *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return *library ? 0 : -ELIBACC;
}

int sys_load_library(const char *name, void **library, char *why, size_t size)
{
    int r = load(name, library);
    if (r == 0)
        return 0;
    const char *said = r == -ELIBACC ? dlerror() : NULL;
    snprintf(why, size, "%s", said ? said : strerror(-r));
    return judge(why);
}

void *sys_library_symbol(void *library, const char *name)
{
#ifdef PK_FAULTS
    if (sys_fault("dlsym") < 0)
        return NULL;
#endif
    return dlsym(library, name);
}

const char *sys_library_fill(void *library, const struct sys_symbol *symbols, size_t count, void *table)
{
    for (size_t i = 0; i < count; i++) {
        void *symbol = sys_library_symbol(library, symbols[i].name);
        if (!symbol)
            return symbols[i].name;
        memcpy((char *)table + symbols[i].offset, &symbol, sizeof(symbol));
    }
    return NULL;
}
