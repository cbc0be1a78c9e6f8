/*
 * Standard descriptors, and how many there may be.
 */
#include "standard.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

void standard_fill(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

static struct rlimit given; /* 0: it was not raised */

void standard_raise_limit(void)
{
    struct rlimit limit, raised;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    raised = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        given = limit;
}

void standard_keep_limit(pk_command *command)
{
    if (given.rlim_max > 0)
        pk_command_rlimit(command, RLIMIT_NOFILE, given.rlim_cur, given.rlim_max);
}
