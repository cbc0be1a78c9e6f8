/*
 * Writing, reading and judging marks.
 */
#include "contain/mark.h"

#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#define OWNER    "user.processkit.owner"
#define SPARED   "user.processkit.spared"
#define DETACHED "user.processkit.detached"

enum { VERSION = 1 };

/* ---- The text --------------------------------------------------------------------------------------------------- */

void mark_format(const struct mark *mark, char text[MARK_TEXT_SIZE])
{
    int length = snprintf(text, MARK_TEXT_SIZE, "version=%d pid=%d start=%llu pidns=%llu timens=%llu", VERSION,
                          mark->pid, (unsigned long long)mark->start, (unsigned long long)mark->pid_namespace,
                          (unsigned long long)mark->time_namespace);
    if (mark->boot[0])
        length += snprintf(text + length, MARK_TEXT_SIZE - (size_t)length, " boot=%s", mark->boot);
    if (mark->time)
        length +=
            snprintf(text + length, MARK_TEXT_SIZE - (size_t)length, " time=%llu", (unsigned long long)mark->time);
    if (mark->name[0])
        snprintf(text + length, MARK_TEXT_SIZE - (size_t)length, " name=%s", mark->name);
}

static int parse_number(const char *text, size_t length, uint64_t most, uint64_t *value)
{
    uint64_t number = 0;
    if (length == 0)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9 || number > (most - digit) / 10)
            return -EINVAL;
        number = number * 10 + digit;
    }
    *value = number;
    return 0;
}

static bool is_key(const char *word, size_t length, const char *key)
{
    return length == strlen(key) && memcmp(word, key, length) == 0;
}

static int copy_value(const char *value, size_t length, char *place, size_t size)
{
    if (length >= size)
        return -EINVAL;
    memcpy(place, value, length);
    place[length] = '\0';
    return 0;
}

static int take_word(const char *word, size_t length, struct mark *mark, uint64_t *version)
{
    const char *equals = memchr(word, '=', length);
    if (!equals)
        return 0;
    size_t key = (size_t)(equals - word);
    const char *value = equals + 1;
    size_t size = length - key - 1;
    uint64_t pid;

    if (is_key(word, key, "version"))
        return parse_number(value, size, UINT64_MAX, version);
    if (is_key(word, key, "start"))
        return parse_number(value, size, UINT64_MAX, &mark->start);
    if (is_key(word, key, "pidns"))
        return parse_number(value, size, UINT64_MAX, &mark->pid_namespace);
    if (is_key(word, key, "timens"))
        return parse_number(value, size, UINT64_MAX, &mark->time_namespace);
    if (is_key(word, key, "pid")) {
        int r = parse_number(value, size, INT32_MAX, &pid);
        if (r == 0)
            mark->pid = (pid_t)pid;
        return r;
    }
    if (is_key(word, key, "time"))
        return parse_number(value, size, UINT64_MAX, &mark->time);
    if (is_key(word, key, "boot"))
        return copy_value(value, size, mark->boot, sizeof(mark->boot));
    if (is_key(word, key, "name"))
        return copy_value(value, size, mark->name, sizeof(mark->name));
    return 0;
}

int mark_parse(const char *text, struct mark *mark)
{
    struct mark found = {0};
    uint64_t version = 0;
    for (const char *word = text + strspn(text, " \n"); *word;) {
        size_t length = strcspn(word, " \n");
        int r = take_word(word, length, &found, &version);
        if (r < 0)
            return r;
        word += length;
        word += strspn(word, " \n");
    }
    if (version != VERSION || found.pid == 0)
        return -EINVAL;
    *mark = found;
    return 0;
}

/* ---- This process ----------------------------------------------------------------------------------------------- */

/* By the thread: what a process whose main thread has ended has below /proc/self is empty. */
static uint64_t namespace_number(const char *name)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", name);
    return sys_fstatat(AT_FDCWD, path, &status, 0) < 0 ? 0 : status.st_ino;
}

static void read_boot(char boot[MARK_BOOT_SIZE])
{
    if (sys_read_attribute(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, MARK_BOOT_SIZE) < 0)
        boot[0] = '\0';
    boot[strcspn(boot, " \n")] = '\0';
}

/* Not by the number: /proc may be that of another pid namespace. */
static uint64_t own_start(void)
{
    char text[1024];
    struct proc_stat self;
    if (sys_read_attribute(AT_FDCWD, "/proc/self/stat", text, sizeof(text)) < 0 || proc_stat_parse(text, &self) < 0)
        return 0;
    return self.start_ticks;
}

void mark_self(struct mark *mark)
{
    *mark = (struct mark){
        .pid = sys_getpid(),
        .start = own_start(),
        .pid_namespace = namespace_number("pid"),
        .time_namespace = namespace_number("time"),
    };
    read_boot(mark->boot);
}

/* ---- The attribute ---------------------------------------------------------------------------------------------- */

/* Before Linux 5.7 cgroups have no attributes of users. */
static bool is_without(int number)
{
    return number == -EOPNOTSUPP || number == -EPERM;
}

static int write_attribute(int dir, const char *name, const char *text)
{
    int r = sys_fsetxattr(dir, name, text, strlen(text));
    return is_without(r) ? 0 : r;
}

int mark_write(int dir)
{
    struct mark mark;
    char text[MARK_TEXT_SIZE];
    mark_self(&mark);
    mark_format(&mark, text);
    return write_attribute(dir, OWNER, text);
}

static int read_attribute(int dir, const char *name, struct mark *mark)
{
    char text[MARK_TEXT_SIZE * 2];
    ssize_t length = sys_fgetxattr(dir, name, text, sizeof(text) - 1);
    if (length < 0)
        return length == -ERANGE ? -EINVAL : is_without((int)length) ? -ENODATA : (int)length;
    text[length] = '\0';
    return mark_parse(text, mark);
}

int mark_read(int dir, struct mark *mark)
{
    return read_attribute(dir, OWNER, mark);
}

int mark_write_detached(int dir, const struct mark *mark)
{
    char text[MARK_TEXT_SIZE];
    mark_format(mark, text);
    return write_attribute(dir, DETACHED, text);
}

int mark_read_detached(int dir, struct mark *mark)
{
    return read_attribute(dir, DETACHED, mark);
}

int mark_spared(int dir, bool spared)
{
    if (spared)
        return write_attribute(dir, SPARED, "1");
    int r = sys_fremovexattr(dir, SPARED);
    return r == -ENODATA || is_without(r) ? 0 : r;
}

int mark_is_spared(int dir)
{
    ssize_t length = sys_fgetxattr(dir, SPARED, NULL, 0);
    if (length == -ENODATA || is_without((int)length))
        return 0;
    return length < 0 ? (int)length : 1;
}

/* ---- Judging ---------------------------------------------------------------------------------------------------- */

/* Whether the numbers of the mark mean here what they meant where it was written. */
static bool is_comparable(const struct mark *mark)
{
    char boot[MARK_BOOT_SIZE];
    read_boot(boot);
    return mark->start != 0 && boot[0] != '\0' && strcmp(boot, mark->boot) == 0 && mark->pid_namespace != 0 &&
           mark->pid_namespace == namespace_number("pid") && mark->time_namespace == namespace_number("time");
}

/* The start of the process a pidfd stands for. By the number that /proc has for it, which is another one if /proc is
 * that of another pid namespace. */
static int start_of(int pidfd, uint64_t *start)
{
    char path[64], text[1024];
    struct proc_stat stat;
    int pid;
    snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", pidfd);
    ssize_t length = sys_read_file(AT_FDCWD, path, text, sizeof(text));
    if (length < 0)
        return (int)length;
    const char *line = strstr(text, "\nPid:");
    if (!line || sscanf(line, "\nPid: %d", &pid) != 1 || pid == 0)
        return -ENODATA;
    if (pid < 0)
        return -ESRCH;
    int r = proc_stat_read_listed(pid, &stat);
    if (r == 0)
        *start = stat.start_ticks;
    return r == -ESRCH ? -ENODATA : r; /* may be hidden only */
}

static enum mark_verdict judge_by_pid(const struct mark *mark)
{
    int pidfd = sys_pidfd_open(mark->pid);
    if (pidfd < 0)
        return pidfd == -ESRCH ? MARK_DEAD : MARK_UNKNOWN;
    struct pollfd poll = {.fd = pidfd, .events = POLLIN};
    struct timespec at_once = {0};
    enum mark_verdict verdict = MARK_UNKNOWN;
    uint64_t start;
    if (sys_ppoll(&poll, 1, &at_once) > 0) {
        verdict = MARK_DEAD; /* a zombie: if that is not the owner, the owner is gone all the more */
    } else {
        int r = start_of(pidfd, &start);
        if (r == 0)
            verdict = start == mark->start ? MARK_ALIVE : MARK_DEAD;
        else if (r == -ESRCH)
            verdict = MARK_DEAD;
    }
    sys_close(pidfd);
    return verdict;
}

enum mark_verdict mark_judge(const struct mark *mark, int dir)
{
    enum mark_verdict verdict = is_comparable(mark) ? judge_by_pid(mark) : MARK_UNKNOWN;
    if (verdict == MARK_UNKNOWN && sys_flock(dir, LOCK_EX | LOCK_NB) == 0)
        verdict = MARK_DEAD;
    return verdict;
}

/* An owner locks before it marks. So a process that lives, and does not hold the lock, has become another program, or
 * is just leaving. */
enum mark_verdict mark_judge_owner(const struct mark *mark, int dir)
{
    enum mark_verdict verdict = mark_judge(mark, dir);
    return verdict == MARK_ALIVE && sys_flock(dir, LOCK_EX | LOCK_NB) == 0 ? MARK_DEAD : verdict;
}

void mark_process(struct mark *mark, pid_t pid, int pidfd)
{
    uint64_t start = 0;
    mark_self(mark);
    mark->pid = pid;
    mark->start = pidfd >= 0 && start_of(pidfd, &start) == 0 ? start : 0;
}
