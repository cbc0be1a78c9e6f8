/*
 * An owner that is killed, and what becomes of its tree.
 */
#include <processkit.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Starts a process that leaves a daemon behind, says that it did, and works on, until somebody kills it. */
static int own(int tell)
{
    pk_error error;
    pk_auto(pk_process) process = NULL;
    pk_auto(pk_command) command = pk_command_new("sh", "-c", "setsid sleep 60 & echo started; wait", NULL);
    pk_group_options options = PK_GROUP_OPTIONS_INIT;

    options.require = PK_GUARANTEE_OWNER_DEATH; /* or not at all */
    pk_command_fd(command, STDOUT_FILENO, tell);
    pk_command_contain(command, &options);
    if (pk_command_start(command, &process, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    pause();
    return 0;
}

int main(void)
{
    char line[16];
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return 1;

    pid_t owner = fork();
    if (owner == 0)
        return own(ends[1]);
    close(ends[1]);
    if (read(ends[0], line, sizeof(line)) <= 0)
        return 1;
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);

    /* The daemon holds the other end of the socket: its end is the daemon's. */
    struct pollfd end = {.fd = ends[0], .events = POLLIN};
    int gone = poll(&end, 1, 5000) == 1 && read(ends[0], line, sizeof(line)) == 0;
    printf("the owner was killed; its tree is %s\n", gone ? "gone" : "still there");
    return !gone;
}
