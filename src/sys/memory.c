/*
 * Memory from the kernel: the child's stack, and the mark that tells an owner from its forked copy.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

void *sys_map(size_t size, bool guard)
{
#ifdef PK_FAULTS
    if (sys_fault("mmap") < 0)
        return NULL;
#endif
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (guard && mprotect(memory, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE) < 0) {
        munmap(memory, size);
        return NULL;
    }
    return memory;
}

void *sys_map_shared(size_t size)
{
#ifdef PK_FAULTS
    if (sys_fault("mmap") < 0)
        return NULL;
#endif
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void sys_unmap(void *memory, size_t size)
{
    munmap(memory, size);
}

void *sys_map_file(int fd, size_t size)
{
#ifdef PK_FAULTS
    if (sys_fault("mmap") < 0)
        return NULL;
#endif
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int sys_random(void *bytes, size_t size)
{
    SYS_FAULT("getrandom");
    enum { WITHOUT_WAITING = 1 };
    long r = SYS_RESULT(syscall(SYS_getrandom, bytes, size, WITHOUT_WAITING));
    return r < 0 ? (int)r : 0;
}

int sys_memfd_create(const char *name, bool executable)
{
    SYS_FAULT("memfd_create");
    enum { CLOSE_ON_EXEC = 1, NOT_EXECUTABLE = 8, EXECUTABLE = 0x10 };
    unsigned kind = executable ? EXECUTABLE : NOT_EXECUTABLE;
    int fd = (int)SYS_RESULT(syscall(SYS_memfd_create, name, CLOSE_ON_EXEC | kind));
    if (fd == -EINVAL) /* before Linux 6.3 every one is executable */
        fd = (int)SYS_RESULT(syscall(SYS_memfd_create, name, CLOSE_ON_EXEC));
    return fd;
}

SYS_CHILD int sys_futex_wait(const _Atomic int *word, int while_it_is)
{
    enum { WAIT = 0 };
    return (int)SYS_RESULT(syscall(SYS_futex, word, WAIT, while_it_is, NULL, NULL, 0));
}

/*
 * A page that the kernel wipes in a forked child (Linux 4.14) keeps working where comparing pids would not: the owner
 * may be pid 1, and its child pid 1 of a new namespace. The pid serves where the page cannot be had.
 */
static _Atomic uint64_t *make_epoch_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = sys_map(size, false);
    if (page && madvise(page, size, MADV_WIPEONFORK) < 0) {
        sys_unmap(page, size);
        page = NULL;
    }
    return page;
}

uint64_t sys_epoch(void)
{
    static pthread_mutex_t first_use = PTHREAD_MUTEX_INITIALIZER;
    static _Atomic(_Atomic uint64_t *) page;
    static _Atomic bool tried;
    static _Atomic uint64_t last = 0; /* not wiped: the child goes on counting from its parent's epoch */

    if (!tried) {
        pthread_mutex_lock(&first_use);
        if (!tried)
            page = make_epoch_page();
        tried = true;
        pthread_mutex_unlock(&first_use);
    }
    if (!page)
        return (uint64_t)sys_getpid();
    uint64_t epoch = *page;
    if (epoch == 0) {
        uint64_t next = ++last;
        epoch = atomic_compare_exchange_strong(page, &epoch, next) ? next : epoch;
    }
    return epoch;
}
