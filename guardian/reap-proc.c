/*
 * Reading /proc: children, parents.
 */
#include "reap-proc.h"

static struct {
    int dir; /* -1: there is none, or it is not ours */
    int self;
    bool has_children;
} proc = {.dir = -1};

int proc_number(const char *text)
{
    int number = 0;
    while (*text >= '0' && *text <= '9')
        number = number * 10 + (*text++ - '0');
    return *text ? -1 : number;
}

/* Writes "PID/NAME". `path` takes as much as 32 bytes and the name. */
static const char *path_of(int pid, const char *name, char *path)
{
    size_t length = format_number((unsigned)pid, path);
    path[length] = '/';
    memcpy(path + length + 1, name, strlen(name) + 1);
    return path;
}

void proc_open(void)
{
    char target[12] = "", path[64];
    proc.self = (int)CALL0(getpid);
    proc.dir = (int)open_at(-1, "/proc", O_RDONLY | O_DIRECTORY);
    /* A mount from outside a container has other numbers for the same processes. */
    long length = CALL4(readlinkat, proc.dir, "self", target, sizeof(target) - 1);
    if (length <= 0 || proc_number(target) != proc.self) {
        close_fd(proc.dir);
        proc.dir = -1;
        return;
    }
    long fd = open_at(proc.dir, path_of(proc.self, "task", path), O_RDONLY | O_DIRECTORY);
    proc.has_children = fd >= 0 && CALL3(faccessat, fd, path_of(proc.self, "children", path), 0) == 0;
    close_fd((int)fd);
}

int proc_self(void)
{
    return proc.self;
}

bool proc_has_children(void)
{
    return proc.has_children;
}

/* "PID (NAME) STATE PARENT ...", and the name can be anything. */
int proc_parent(int pid)
{
    char path[64], text[160];
    if (read_file(proc.dir, path_of(pid, "stat", path), text, sizeof(text)) <= 0)
        return -1;
    char *end = NULL;
    for (char *next = text; *next; next++)
        if (*next == ')')
            end = next;
    if (!end || strlen(end) < 5)
        return -1;
    char *number = end + 4, *after = number;
    while (*after >= '0' && *after <= '9')
        after++;
    *after = '\0';
    return proc_number(number);
}

/* ---- Children --------------------------------------------------------------------------------------------------- */

struct search {
    void (*found)(int pid, void *data);
    void *data;
};

static void each_number(int fd, const struct search *search)
{
    char buffer[1024] = "";
    int number = 0;
    long size;
    while ((size = CALL3(read, fd, buffer, sizeof(buffer))) > 0) {
        for (long i = 0; i < size; i++) {
            if (buffer[i] >= '0' && buffer[i] <= '9') {
                number = number * 10 + (buffer[i] - '0');
            } else {
                if (number > 0)
                    search->found(number, search->data);
                number = 0;
            }
        }
    }
}

/* Each thread has children of its own. */
static long visit_thread(int dir, const char *name, int type, void *data)
{
    char path[64];
    (void)type;
    long fd = open_at(dir, path_of(proc_number(name), "children", path), O_RDONLY);
    if (fd >= 0)
        each_number((int)fd, data);
    close_fd((int)fd);
    return 0;
}

void proc_each_child(int pid, void (*found)(int pid, void *data), void *data)
{
    char path[64];
    struct search search = {found, data};
    long dir = proc.dir < 0 ? -1 : open_at(proc.dir, path_of(pid, "task", path), O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return;
    each_entry((int)dir, visit_thread, &search);
    close_fd((int)dir);
}

/* ---- Everybody -------------------------------------------------------------------------------------------------- */

static long visit_process(int dir, const char *name, int type, void *data)
{
    const struct search *search = data;
    int pid = proc_number(name);
    (void)dir;
    (void)type;
    if (pid > 0)
        search->found(pid, search->data);
    return 0;
}

void proc_each_process(void (*found)(int pid, void *data), void *data)
{
    struct search search = {found, data};
    if (proc.dir < 0)
        return;
    CALL3(lseek, proc.dir, 0, 0);
    each_entry(proc.dir, visit_process, &search);
}
