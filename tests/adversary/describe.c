/*
 * What a process was born with, as lines KEY=VALUE. Control characters and backslashes in values are written
 * as \xHH, so that a line is always one fact.
 */
#include "adversary.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static FILE *output;

static void put_value(const char *value)
{
    for (const char *c = value; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '\\')
            fprintf(output, "\\x%02x", (unsigned char)*c);
        else
            putc(*c, output);
    }
    putc('\n', output);
}

static void put_link(const char *key, const char *path)
{
    char target[4096];
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    target[length < 0 ? 0 : length] = '\0';
    fprintf(output, "%s=", key);
    put_value(target);
}

/* ---- Arguments, environment, directory -------------------------------------------------------------------------- */

/* All of them, from the kernel: the words in argv were cut up. */
static void put_arguments(void)
{
    char bytes[65536];
    unsigned count = 0;
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, bytes, sizeof(bytes));
    close(fd);
    for (const char *argument = bytes; length > 0 && argument < bytes + length; argument += strlen(argument) + 1) {
        fprintf(output, "arg.%u=", count++);
        put_value(argument);
    }
    fprintf(output, "argc=%u\n", count);
}

static void put_environment(void)
{
    for (char **entry = environ; *entry; entry++) {
        fputs("env.", output);
        put_value(*entry);
    }
}

/* ---- Descriptors and signals ------------------------------------------------------------------------------------ */

static void put_descriptors(void)
{
    char key[32], path[320];
    DIR *fds = opendir("/proc/self/fd");
    for (struct dirent *entry; fds && (entry = readdir(fds));) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(fds) || is_aside(fd))
            continue;
        snprintf(key, sizeof(key), "fd.%d", fd);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        put_link(key, path);
        fprintf(output, "flags.%d=%s%s%s\n", fd,
                (const char *[]){"read", "write", "read-write", "none"}[fcntl(fd, F_GETFL) & O_ACCMODE],
                fcntl(fd, F_GETFL) & O_APPEND ? ",append" : "", fcntl(fd, F_GETFL) & O_NONBLOCK ? ",nonblock" : "");
    }
    closedir(fds);
}

static void put_signals(void)
{
    static const struct {
        const char *field;
        const char *key;
    } fields[] = {{"SigBlk:", "blocked"}, {"SigIgn:", "ignored"}, {"SigCgt:", "caught"}, {"SigPnd:", "pending"}};
    char line[256], value[64];
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof(line), status)) {
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
            if (strncmp(line, fields[i].field, 7) == 0 && sscanf(line + 7, " %63s", value) == 1)
                fprintf(output, "%s=%s\n", fields[i].key, value);
        }
    }
    fclose(status);
}

/* ---- Identity and attributes ------------------------------------------------------------------------------------ */

static void put_identity(void)
{
    uid_t uids[3];
    gid_t gids[3], groups[256];
    getresuid(&uids[0], &uids[1], &uids[2]);
    getresgid(&gids[0], &gids[1], &gids[2]);
    fprintf(output, "uid=%u,%u,%u\ngid=%u,%u,%u\ngroups=", uids[0], uids[1], uids[2], gids[0], gids[1], gids[2]);
    int count = getgroups(256, groups);
    for (int i = 0; i < count; i++)
        fprintf(output, "%s%u", i > 0 ? "," : "", groups[i]);
    fprintf(output, "\npid=%d\nppid=%d\npgid=%d\nsid=%d\n", getpid(), getppid(), getpgrp(), getsid(0));
}

static void put_scheduling(void)
{
    cpu_set_t cpus;
    const char *separator = "";
    long priority = syscall(SYS_ioprio_get, 1, 0);
    fprintf(output, "nice=%d\nio_priority=%ld:%ld\ncpus=", getpriority(PRIO_PROCESS, 0), priority >> 13, priority & 7);
    sched_getaffinity(0, sizeof(cpus), &cpus);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &cpus))
            continue;
        fprintf(output, "%s%d", separator, cpu);
        separator = ",";
    }
    putc('\n', output);
}

static void put_limit(const char *name, int resource)
{
    struct rlimit limit;
    getrlimit(resource, &limit);
    fprintf(output, "rlimit.%s=", name);
    fprintf(output, limit.rlim_cur == RLIM_INFINITY ? "unlimited:" : "%llu:", (unsigned long long)limit.rlim_cur);
    fprintf(output, limit.rlim_max == RLIM_INFINITY ? "unlimited\n" : "%llu\n", (unsigned long long)limit.rlim_max);
}

static void put_limits(void)
{
    put_limit("as", RLIMIT_AS);
    put_limit("core", RLIMIT_CORE);
    put_limit("cpu", RLIMIT_CPU);
    put_limit("fsize", RLIMIT_FSIZE);
    put_limit("nofile", RLIMIT_NOFILE);
    put_limit("nproc", RLIMIT_NPROC);
    put_limit("stack", RLIMIT_STACK);
}

/* The controlling one. */
static void put_terminal(void)
{
    struct winsize size = {0};
    struct termios settings = {0};
    struct stat status = {0};
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0)
        return;
    ioctl(terminal, TIOCGWINSZ, &size);
    tcgetattr(terminal, &settings);
    fstat(STDIN_FILENO, &status);
    fprintf(output, "terminal.size=%ux%u\nterminal.echo=%s\nterminal.erase=%u\n", size.ws_col, size.ws_row,
            settings.c_lflag & ECHO ? "yes" : "no", settings.c_cc[VERASE]);
    fprintf(output, "terminal.foreground=%d\nterminal.session=%d\nterminal.owner=%u\n", tcgetpgrp(terminal),
            tcgetsid(terminal), status.st_uid);
    close(terminal);
}

static void put_rest(void)
{
    char name[16], line[4096];
    int parent_death = 0;
    mode_t mask = umask(0);
    prctl(PR_GET_PDEATHSIG, &parent_death);
    prctl(PR_GET_NAME, name);
    fprintf(output, "umask=%04o\nparent_death=%d\nname=", mask, parent_death);
    put_value(name);
    FILE *cgroups = fopen("/proc/self/cgroup", "re");
    while (cgroups && fgets(line, sizeof(line), cgroups)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::", 3) != 0)
            continue;
        fputs("cgroup=", output);
        put_value(line + 3);
    }
    if (cgroups)
        fclose(cgroups);
}

void describe_to(const char *path)
{
    output = fdopen(open_aside(path), "w");
    if (!output)
        give_up(path);
}

void describe(char **arguments)
{
    (void)arguments;
    if (!output)
        output = stdout;
    put_descriptors(); /* first, before anything else opens files */
    put_arguments();
    put_environment();
    put_link("program", "/proc/self/exe");
    put_link("cwd", "/proc/self/cwd");
    put_signals();
    put_identity();
    put_scheduling();
    put_limits();
    put_terminal();
    put_rest();
}
