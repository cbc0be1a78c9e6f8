/*
 * The library's version.
 */
#include <processkit/version.h>

const char *pk_version(void)
{
    return PK_VERSION_STRING;
}
