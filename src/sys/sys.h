/*
 * Every system call the library makes, as a function that returns a negative errno.
 *
 * This is the only place with raw system calls, so that it is the only place where tests have to inject faults, and so
 * that nothing else depends on errno. The functions add no behaviour: no retries, no fallbacks. All of them are
 * async-signal-safe unless they say otherwise; the child runs on them between clone and exec.
 */
#ifndef PK_SYS_SYS_H
#define PK_SYS_SYS_H

#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

/*
 * For what a child does in the memory of its parent: kept out of the books of sanitizers, which a function that never
 * returns would leave unbalanced for the parent's thread.
 */
#define SYS_CHILD __attribute__((no_sanitize("address", "undefined", "thread"), noinline))

/* ---- Files ------------------------------------------------------------------------------------------------------ */

int sys_openat(int dir, const char *path, int flags, mode_t mode);
int sys_close(int fd);
ssize_t sys_read(int fd, void *buffer, size_t size);
ssize_t sys_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t sys_write(int fd, const void *bytes, size_t size);
int sys_mkdirat(int dir, const char *name, mode_t mode);
int sys_unlinkat(int dir, const char *name, int flags);
int sys_renameat(int dir, const char *name, const char *new_name);
int sys_fsync(int fd);
int sys_fchown(int fd, uid_t user);
int sys_fstat(int fd, struct stat *status);
int sys_fstatat(int dir, const char *path, struct stat *status, int flags);
int sys_faccessat(int dir, const char *path, int mode);

/* Whether a file can be executed, or a directory gone through, by the effective user. -ENOSYS before 5.8, and -EPERM
 * where a seccomp filter does not know it. */
int sys_may_execute(int dir, const char *path);

/* Whether names can be made in this directory, by the effective user: -EACCES or -EROFS if not. -ENOSYS before 5.8. */
int sys_may_write(int dir);

/* What sys_getdents fills its buffer with, one after the other, each `length` bytes on from the one before. */
struct sys_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type; /* 4: a directory */
    char name[];
};
ssize_t sys_getdents(int dir, void *buffer, size_t size);
int sys_flock(int fd, int operation);
int sys_fsetxattr(int fd, const char *name, const void *value, size_t size);
ssize_t sys_fgetxattr(int fd, const char *name, void *value, size_t size);
int sys_fremovexattr(int fd, const char *name);
int sys_statfs_type(int fd, long *type);
ssize_t sys_readlinkat(int dir, const char *path, char *buffer, size_t size);

/* The working directory, from the root on: -ENOENT if it is deleted, or beyond the root. */
int sys_getcwd(char *buffer, size_t size);

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

int sys_pipe(int fds[2], int flags);
int sys_dup3(int fd, int target, int flags);
int sys_fcntl(int fd, int operation, long argument);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_ppoll(struct pollfd *fds, size_t count, const struct timespec *timeout);
int sys_epoll_create(void);
int sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int sys_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms);
int sys_timerfd_create(void);
int sys_timerfd_settime(int timer, const struct itimerspec *when);

/* As sys_write, and neither the signal of a broken pipe nor that of a file which is too large reaches the program. */
ssize_t sys_write_quietly(int fd, const void *bytes, size_t size);

/*
 * Between pipes, without waiting and as quietly: at most `size` bytes are given to `to` also, or passed on to it. 0 at
 * the end of what `from` has. For tee both are pipes; for splice `from` is.
 */
ssize_t sys_tee(int from, int to, size_t size);
ssize_t sys_splice(int from, int to, size_t size);

/* How many bytes can be read from a pipe, a socket or a terminal. */
int sys_readable_bytes(int fd, int *count);

/* A counter that is readable once it was written to; non-blocking. */
int sys_eventfd(void);

/* A pair of connected sockets that keep messages apart; the end of one is seen by the other. */
int sys_socketpair(int fds[2]);

/* One message, without waiting and without SIGPIPE. */
int sys_send(int socket, const void *bytes, size_t size);

/* The next message, without waiting: its size, 0 at the end, -EAGAIN if there is none yet. An empty message is passed
 * over; two in a row look like the end. */
int sys_receive(int socket, void *bytes, size_t size);

/* The same with descriptors, which stay the caller's too: at most SYS_MOST_PASSED. */
enum { SYS_MOST_PASSED = 253 };
int sys_send_with(int socket, const void *bytes, size_t size, const int *fds, size_t count);

/* The same, with at most one descriptor, which is the caller's then; -1 if none came, or none could be had. */
int sys_receive_with(int socket, void *bytes, size_t size, int *fd);

/* A stream to whoever listens at this path, which answers at once or not at all: it waits for nothing, -EAGAIN if that
 * is what it would take. */
int sys_connect(const char *path);

/* Where to connect to. */
struct sys_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* -EINVAL for what is no numeric address of IPv4 or IPv6; a port has 16 bits. -ENAMETOOLONG for a path. */
int sys_address_of_host(struct sys_address *address, const char *host, unsigned port);
int sys_address_of_path(struct sys_address *address, const char *path);

/* In the abstract namespace, where a name is gone with whoever has it. */
int sys_address_of_name(struct sys_address *address, const char *name);

/* A stream socket for such an address that waits for nothing; and its connection, which may be -EINPROGRESS: then the
 * socket becomes writable, and the next call tells how it went. */
int sys_stream_socket(const struct sys_address *address);
int sys_connect_to(int socket, const struct sys_address *address);
int sys_socket_error(int socket);

/* Whether it is connected to itself: 1 or 0. That can come of connecting, where nobody listens, to a port which the
 * kernel may also give to the one who connects. */
int sys_is_own_peer(int socket);

/* When it is closed, nothing of the connection is to be left. */
int sys_reset_on_close(int socket);

/* The process that began to listen there, as it is numbered here; 0 if it is not. */
int sys_peer_pid(int socket, pid_t *pid);

/* A socket for whole messages, from whoever knows its address, that waits for nothing. */
int sys_datagram_socket(void);
int sys_bind(int socket, const struct sys_address *address);

/* From now on each message comes with its sender. */
int sys_pass_credentials(int socket);

/* Who that is, by the kernel's word: root may claim to be somebody else. */
struct sys_sender {
    pid_t pid; /* as it is numbered here; 0: it is not */
    uid_t user;
    bool cut; /* the message did not fit */
};

/* The next message: its size, which may be 0. Descriptors that it brings are closed. */
int sys_receive_from(int socket, void *bytes, size_t size, struct sys_sender *sender);

/* A file in memory: one that can be executed, where the kernel lets it, or one for data, which it always lets. */
int sys_memfd_create(const char *name, bool executable);
int sys_ftruncate(int fd, size_t size);

/* ---- Terminals -------------------------------------------------------------------------------------------------- */

/* Before the other side of a new master can be opened. */
int sys_unlock_terminal(int master);

/* Opens the other side. Linux 4.13. */
int sys_open_terminal(int master, int flags);

/* Makes it the controlling terminal of the calling process, which leads a session that has none. */
int sys_take_terminal(int terminal);

/* These on either side. */
int sys_get_terminal(int terminal, struct termios *settings);
int sys_set_terminal(int terminal, const struct termios *settings);
int sys_resize_terminal(int terminal, unsigned columns, unsigned rows);

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

/* Anonymous private memory; the lowest page is a guard page if `guard`. NULL on failure. */
void *sys_map(size_t size, bool guard);

/* The same, shared with forked children. */
void *sys_map_shared(size_t size);
void sys_unmap(void *memory, size_t size);

/* A file, shared with whoever else maps it. NULL on failure. */
void *sys_map_file(int fd, size_t size);

/* Fills at most 256 bytes with random ones, without waiting: -EAGAIN before the kernel has any. */
int sys_random(void *bytes, size_t size);

/* ---- Processes -------------------------------------------------------------------------------------------------- */

/*
 * Makes a child that shares the memory of its parent, if the flags say so, on a stack of its own, and suspends the
 * calling thread until the child has exec'd or ended. `run` must not return. `args->stack` and `args->stack_size` must
 * be set. sys_clone3 is -ENOSYS on architectures without an entry of ours; sys_clone knows neither `cgroup` nor flags
 * beyond 32 bits.
 */
int sys_clone3(struct clone_args *args, size_t size, int (*run)(void *), void *data);
int sys_clone(struct clone_args *args, int (*run)(void *), void *data);

int sys_execve(const char *path, char *const argv[], char *const environment[]);
int sys_fexecve(int fd, char *const argv[], char *const environment[]);
_Noreturn void sys_exit(int status);

/* Waits for the child with this pid, and takes it. Also one without an exit signal. `status` may be NULL. */
int sys_wait_child(pid_t pid, int *status);

/* Waits until the word is zero or may be; wakes without reason too. */
int sys_futex_wait(const _Atomic int *word, int while_it_is);

int sys_waitid_pidfd(int pidfd, siginfo_t *info, int options, struct rusage *usage);
int sys_pidfd_open(pid_t pid);
int sys_pidfd_send_signal(int pidfd, int signal_number);

/* To the process group that the process leads or led. -EINVAL before Linux 6.9. */
int sys_pidfd_signal_group(int pidfd, int signal_number);

/* The wait status of a process that was waited for by somebody else (Linux 6.15). */
int sys_pidfd_exit_status(int pidfd, int *status);

int sys_kill(pid_t pid, int signal_number);
pid_t sys_getpid(void);
pid_t sys_getppid(void);
uid_t sys_getuid(void);
uid_t sys_geteuid(void);
pid_t sys_getsid(void);
pid_t sys_getpgrp(void);
int sys_getpgid(pid_t pid);
int sys_setsid(void);
int sys_setpgid(pid_t pid, pid_t pgid);
int sys_setgroups(size_t count, const gid_t *groups);
int sys_setgid(gid_t gid);
int sys_setuid(uid_t uid);
int sys_umask(mode_t mask);
int sys_chdir(const char *path);
int sys_setpriority(int value);
int sys_getpriority(int *value);
int sys_ioprio_set(int io_class, int level);
int sys_ioprio_get(int *io_class, int *level);
int sys_sched_setaffinity(size_t size, const void *mask);
int sys_sched_getaffinity(size_t size, void *mask);
int sys_setrlimit(int resource, uint64_t soft, uint64_t hard);
int sys_getrlimit(int resource, uint64_t *soft, uint64_t *hard);
int sys_parent_death_signal(int signal_number);

/* From now on orphans below this process come to it. */
int sys_become_subreaper(void);

/* A table of descriptors of its own, for a process that shares that of another. */
int sys_unshare_descriptors(void);

/* Writes "0" to a cgroup.procs file: the calling process moves there. */
int sys_join_cgroup(int procs_fd);

/* Sets a signal to its default. Also the C library's own signals, which its functions would refuse. */
int sys_signal_default(int signal_number);
int sys_signal_is_ignored(int signal_number);

/* Blocks every signal, the C library's own included, and tells what was blocked; and puts that back. */
int sys_block_signals(uint64_t *previous);
int sys_restore_signals(uint64_t previous);

/* ---- Time, and after fork --------------------------------------------------------------------------------------- */

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t sys_now(void);

/* CLOCK_REALTIME in nanoseconds since 1970: for people, not to reckon with. */
uint64_t sys_realtime(void);

/* The same as of the last tick of the kernel, some milliseconds ago: for a quarter of the price. */
uint64_t sys_now_roughly(void);

/*
 * A number that is different in a forked child from what it was in its parent, and never 0. What was made in one epoch
 * belongs to that process alone. Not async-signal-safe the first time.
 */
uint64_t sys_epoch(void);

/* ---- Libraries -------------------------------------------------------------------------------------------------- */

/* Loads a library for the rest of the process's life, none of its names visible to others. -ELIBACC if it is not there
 * or cannot be used: `why` says what the loader said. Not async-signal-safe. */
int sys_load_library(const char *name, void **library, char *why, size_t size);

/* NULL if it has no such function. */
void *sys_library_symbol(void *library, const char *name);

/* Fills a table with its functions, each at its offset: NULL, or the name of the first that it does not have. */
struct sys_symbol {
    const char *name;
    size_t offset;
};
const char *sys_library_fill(void *library, const struct sys_symbol *symbols, size_t count, void *table);

/* ---- Put together ----------------------------------------------------------------------------------------------- */

/* Writes everything. A short write that cannot be continued is -EIO. */
int sys_write_all(int fd, const void *bytes, size_t size);

/* For a file that nobody else has open, or whose other users do not mind. */
int sys_set_non_blocking(int fd);

/* Whether there is something to read, without waiting. A pidfd is readable when the process has ended. */
bool sys_is_readable(int fd);

/* Either end of one. */
bool sys_is_terminal(int fd);

/* Reads a small file whole, at most size - 1 bytes, and ends it with NUL. The length, or -EFBIG if it was longer. */
ssize_t sys_read_file(int dir, const char *name, char *buffer, size_t size);

/* The same for a file that the kernel gives in one read, as the attributes of cgroups are: saves the second, which
 * would only tell that there is no more. Not for lists. */
ssize_t sys_read_attribute(int dir, const char *name, char *buffer, size_t size);

/* Writes a string to an existing file in one write. */
int sys_write_file(int dir, const char *name, const char *text);

/*
 * For a descriptor that is kept: the same one, or a duplicate above 2. In a program that has 0, 1 or 2 closed it would
 * stand there, and be closed when the program opens its own again. Takes an errno and returns it.
 */
int sys_keep(int fd);

/* A pipe whose ends are both kept. */
int sys_kept_pipe(int ends[2]);

/* Closes if not -1. Returns -1: `fd = sys_close_safe(fd);` */
int sys_close_safe(int fd);

#endif
