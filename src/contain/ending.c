/*
 * Killing, and waiting until nothing is left.
 */
#include "contain/ending.h"

#include "base/time.h"
#include "contain/broadcast.h"
#include "contain/cgroup.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>

/* Member by member where the kernel has no cgroup.kill (before Linux 5.14) or refuses: 1 then, since some may have been
 * missed if not all stood still. SIGKILL reaches the frozen. */
int ending_kill(int dir)
{
    int r = cgroup_kill(dir);
    if (r == 0 || r == -ENODEV)
        return 0;
    bool still = broadcast_freeze(dir) == 1;
    r = broadcast(dir, SIGKILL, still, 0);
    return r < 0 ? r : 1;
}

/* The kernel may hold the notification back for 10 ms, so the file is also looked at in growing steps. */
static void wait_for_change(int events, pk_duration pause)
{
    char text[64];
    struct pollfd poll = {.fd = events, .events = POLLPRI};
    struct timespec timeout = time_to_timespec(pause);
    if (sys_pread(events, text, sizeof(text), 0) < 0)
        poll.fd = -1;
    sys_ppoll(&poll, 1, &timeout);
}

int ending_wait(int dir, pk_time deadline)
{
    static const pk_duration longest = PK_MILLISECONDS(10);
    pk_duration pause = PK_MICROSECONDS(20);
    int events = sys_openat(dir, "cgroup.events", O_RDONLY, 0);
    int r;
    for (bool repeat = true; (r = cgroup_is_populated(dir)) == 1; pause = time_earlier(pause * 2, longest)) {
        if (repeat || pause == longest)
            repeat = ending_kill(dir) != 0;
        if (pause == longest) /* cgroup.kill does not reach a process whose main thread has ended; a pidfd does */
            broadcast(dir, SIGKILL, false, 0);
        if (sys_now() >= deadline) {
            r = -EBUSY;
            break;
        }
        wait_for_change(events, pause);
    }
    sys_close_safe(events);
    return r;
}
