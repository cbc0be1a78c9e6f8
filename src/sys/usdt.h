/*
 * Probes for tracers from outside, such as bpftrace: USDT(name, ...) is one instruction that does nothing, and a note
 * in the ELF file that tells where it is and where its arguments are. So arguments are what is there anyway.
 *
 * docs/tracing.md lists all of them; the check `probes` compares.
 */
#ifndef PK_SYS_USDT_H
#define PK_SYS_USDT_H

#ifdef PK_HAVE_SDT
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#define USDT(...) STAP_PROBEV(processkit, __VA_ARGS__)
#else
#define USDT(...) ((void)0)
#endif

#endif
