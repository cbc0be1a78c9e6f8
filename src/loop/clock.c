/*
 * The public clock.
 */
#include "base/time.h"
#include "sys/sys.h"

pk_time pk_now(void)
{
    return sys_now();
}

pk_time pk_deadline(pk_duration ahead)
{
    return time_add(sys_now(), ahead);
}
