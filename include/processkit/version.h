/*
 * The version of the library: compiled against, and running with.
 */
#ifndef PROCESSKIT_VERSION_H
#define PROCESSKIT_VERSION_H

#include <processkit/macros.h>

#define PK_VERSION_MAJOR  0
#define PK_VERSION_MINOR  1
#define PK_VERSION_PATCH  0
#define PK_VERSION_STRING "0.1.0"

PK_BEGIN_DECLS

/* The version of the library that is running, as "MAJOR.MINOR.PATCH". Static; any thread. */
PK_API const char *pk_version(void);

PK_END_DECLS

#endif
