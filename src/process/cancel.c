/*
 * A token is an eventfd that is written to once and never read, so whoever waits for it is woken, and stays so.
 */
#include "process/cancel.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct pk_cancel {
    _Atomic unsigned references;
    _Atomic bool set;
    int fd;
};

int pk_cancel_create(pk_cancel **ret, pk_error *error)
{
    pk_cancel *cancel = calloc(1, sizeof(*cancel));
    if (!cancel)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a token");
    cancel->fd = sys_keep(sys_eventfd());
    if (cancel->fd < 0) {
        int r = cancel->fd;
        free(cancel);
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot make a token");
    }
    cancel->references = 1;
    *ret = cancel;
    return 0;
}

pk_cancel *cancel_ref(pk_cancel *cancel)
{
    cancel->references++;
    return cancel;
}

pk_cancel *pk_cancel_free(pk_cancel *cancel)
{
    if (cancel && --cancel->references == 0) {
        sys_close(cancel->fd);
        free(cancel);
    }
    return NULL;
}

/* Async-signal-safe. */
void pk_cancel_now(pk_cancel *cancel)
{
    uint64_t one = 1;
    int number = errno; /* of whoever was interrupted */
    if (!atomic_exchange(&cancel->set, true))
        (void)sys_write(cancel->fd, &one, sizeof(one));
    errno = number;
}

bool pk_cancel_is_set(const pk_cancel *cancel)
{
    return cancel->set;
}

int pk_cancel_fd(const pk_cancel *cancel)
{
    return cancel->fd;
}
