/*
 * Spawners that are killed, stopped or frozen, and messages that are none. A start fails with a name, or succeeds, and
 * loses no child.
 */
#include "base/error.h"
#include "contain/late-child.h"
#include "every-call.h"
#include "hierarchy.h"
#include "kin.h"
#include "lines.h"
#include "process/pack.h"
#include "process/spawn-by-spawner.h"
#include "sys/fault.h"
#include "sys/sys.h"
#include "testator.h"

#undef assert_ok /* the next has a better one */
#include "spawning.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t seed = 0x706b2d7370776e72;

static unsigned draw(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % below;
}

/* Beside the spawner, which is alive. */
static void assert_no_children(const struct spawner *spawner)
{
    assert_false(spawner_is_lost(spawner));
    pid_t child = waitpid(-1, NULL, WNOHANG | __WALL);
    if (child > 0)
        fail_msg("the child %d was lost", child);
}

/* ---- What is no request ----------------------------------------------------------------------------------------- */

/* It has read everything up to here. */
static void assert_alive(pk_group *group, struct spawner *spawner)
{
    assert_false(spawner_is_lost(spawner));
    spawning_works(group);
    spawning_settle(spawner);
}

static void send_random(const struct spawner *spawner, const int *fds)
{
    char bytes[300];
    size_t size = draw(2) ? sizeof(struct spawner_request) : draw(sizeof(bytes));
    struct spawner_request request = {.magic = SPAWNER_MAGIC,
                                      .version = SPAWNER_VERSION,
                                      .kind = (uint16_t)draw(4),
                                      .flags = draw(20),
                                      .descriptors = draw(8),
                                      .parcel_size = draw(2) ? draw(10000) : seed,
                                      .name = "name"};
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)draw(256);
    if (draw(4) != 0)
        memcpy(bytes, &request, sizeof(request));
    if (draw(3) == 0)
        bytes[draw(sizeof(request))] ^= (char)(1 << draw(8));
    while (sys_send_with(spawner->control, bytes, size, fds, draw(8)) == -EAGAIN)
        sched_yield();
}

static bool has_children(pid_t pid)
{
    struct kin_list list = kin_below(pid);
    bool found = list.count > 0;
    kin_free(&list);
    return found;
}

/* Guardians that come of it have no directory, and go. */
static void what_is_no_request_is_passed_over(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    int ends[2], file = sys_memfd_create("no parcel", false);
    assert_int_equal(sys_socketpair(ends), 0);
    assert_int_equal(sys_ftruncate(file, 5000), 0);
    int fds[8] = {ends[1], file, file, ends[1], file, file, ends[1], file};
    for (int i = 0; i < 20000; i++)
        send_random(&spawner, fds);
    assert_int_equal(sys_send(spawner.control, "", 0), 0);
    assert_alive(group, &spawner);
    while (has_children(spawner.pid))
        sched_yield();
    close(ends[0]);
    close(ends[1]);
    close(file);
    spawning_end(group, &spawner);
}

/* A message that is one, with a file that is none, is answered. */
static int ask_with(const struct spawner *spawner, int file, size_t size)
{
    struct spawner_request request = {.magic = SPAWNER_MAGIC,
                                      .version = SPAWNER_VERSION,
                                      .kind = SPAWNER_SPAWN,
                                      .descriptors = 3,
                                      .parcel_size = size};
    struct spawner_answer answer;
    int fds[3] = {-1, file, file}, socket, pidfd;
    assert_int_equal(spawner_ask(spawner, &request, fds, 3, &socket), 0);
    assert_int_equal(spawner_hear(spawner, socket, &answer, &pidfd), 0);
    assert_int_equal(pidfd, -1);
    close(socket);
    return answer.number;
}

static void what_is_no_parcel_is_refused(void **state)
{
    enum { SIZE = 20000 };
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    int file = sys_memfd_create("no parcel", false);
    assert_int_equal(ask_with(&spawner, file, 0), -EPROTO);
    assert_int_equal(ask_with(&spawner, file, 100), -EPROTO);
    assert_int_equal(sys_ftruncate(file, SIZE), 0);
    assert_int_equal(ask_with(&spawner, file, SIZE), -EPROTO);
    assert_int_equal(ask_with(&spawner, file, SIZE - 1), -EPROTO);
    assert_int_equal(ask_with(&spawner, file, SIZE + 1), -EPROTO);
    assert_int_equal(ask_with(&spawner, spawner.pidfd, SIZE), -EPROTO);
    struct parcel *parcel = sys_map_file(file, SIZE);
    assert_non_null(parcel);
    for (int i = 0; i < 2000; i++) {
        static const uint32_t layout[] = PARCEL_LAYOUT;
        for (size_t k = 0; k < sizeof(*parcel); k++)
            ((char *)parcel)[k] = (char)(draw(4) ? 0 : draw(256));
        parcel->magic = PARCEL_MAGIC;
        memcpy(parcel->layout, layout, sizeof(layout));
        parcel->plan.argv = (char **)(uintptr_t)(SIZE + 1 + draw(100000)); /* this for certain is wrong */
        assert_int_equal(ask_with(&spawner, file, SIZE), -EPROTO);
    }
    sys_unmap(parcel, SIZE);
    close(file);
    assert_alive(group, &spawner);
    spawning_end(group, &spawner);
}

/* The kernel may tell of the end ahead of what was said before it. */
static void an_answer_is_heard_though_the_end_seems_to_come_first(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    int file = sys_memfd_create("no parcel", false);
    sys_fault_clear();
    sys_fault_set_early_end("recvmsg", 1);
    int r = ask_with(&spawner, file, 100);
    sys_fault_clear();
    assert_int_equal(r, -EPROTO);
    close(file);
    spawning_end(group, &spawner);
}

/* As one of another version would be. */
static void a_helper_that_does_not_understand_is_named(void **state)
{
    struct spawner spawner;
    struct spawner_request request = {
        .magic = SPAWNER_MAGIC, .version = SPAWNER_VERSION + 1, .kind = SPAWNER_SPAWN, .descriptors = 3};
    struct spawner_answer answer;
    pk_error error;
    int fds[3] = {-1, 2, 2}, socket, pidfd;
    spawning_start(&spawner);
    assert_int_equal(spawner_ask(&spawner, &request, fds, 3, &socket), 0);
    assert_error(spawner_explain(spawner_hear(&spawner, socket, &answer, &pidfd), "a process", &error), error, -EPROTO,
                 PK_STEP_SPAWNER);
    close(socket);
    spawning_stop(&spawner);
}

/* ---- Killed ----------------------------------------------------------------------------------------------------- */

struct killer {
    _Atomic int pidfd; /* -1: rest */
    _Atomic bool done;
};

static void *kill_soon(void *data)
{
    struct killer *killer = data;
    unsigned long spins = 0;
    while (!killer->done) {
        int pidfd = atomic_exchange(&killer->pidfd, -1);
        if (pidfd < 0) {
            sched_yield();
            continue;
        }
        for (unsigned long end = (spins += 977) % 60000; end > 0; end--)
            __asm__ volatile("");
        sys_pidfd_send_signal(pidfd, SIGKILL);
    }
    return NULL;
}

/* The start that fails, and one after another until one does. */
static int start_until_lost(pk_group *group, const pk_command *command, pk_error *error)
{
    for (;;) {
        pk_process *process;
        pk_result result;
        int r = pk_group_spawn(group, command, &process, error);
        if (r < 0)
            return r;
        assert_ok(pk_process_wait(process, PK_FOREVER, &result, error), *error);
        assert_true(pk_result_is_success(&result));
        pk_process_free(process);
    }
}

static void a_killed_spawner_loses_no_child(void **state)
{
    enum { ROUNDS = 300 };
    struct killer killer = {.pidfd = -1};
    struct spawner spawner;
    pthread_t thread;
    pk_group *group = spawning_group(&spawner);
    pk_auto(pk_command) command = pk_command_new("/bin/true", NULL);
    assert_int_equal(pthread_create(&thread, NULL, kill_soon, &killer), 0);
    spawning_works(group); /* a group keeps its last leader */
    int descriptors = cast_count_descriptors();
    for (int i = 0; i < ROUNDS; i++) {
        pk_error error;
        killer.pidfd = spawner.pidfd;
        int r = start_until_lost(group, command, &error);
        if (r != -EPIPE || error.step != PK_STEP_SPAWNER)
            fail_msg("round %d: %d, %s: %s", i, r, pk_step_name(error.step), error.message);
        assert_true(late_child_has_ended(spawner.pidfd, PK_SECONDS(1) * test_slowness())); /* its socket goes first */
        spawner_stop(&spawner);
        assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
        spawning_start(&spawner);
        assert_int_equal(pk_group_members(group, NULL, 0, &error), 0);
        spawning_works(group);
        assert_int_equal(cast_count_descriptors(), descriptors);
    }
    killer.done = true;
    pthread_join(thread, NULL);
    spawning_works(group);
    spawning_end(group, &spawner);
}

/* In the very moment when there is a child and no answer: what the kernel wrote says that there is one. */
static void a_child_without_an_answer_is_ended(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    pk_auto(pk_command) command = pk_command_new("/bin/sleep", "100", NULL);
    pk_process *process;
    pk_error error;
    static const int numbers[] = {EIO, EMFILE};
    for (int i = 0; i < 2; i++) {
        sys_fault_clear();
        sys_fault_set("recvmsg", 1, numbers[i]);
        int r = pk_group_spawn(group, command, &process, &error);
        sys_fault_clear();
        assert_error(r, error, -numbers[i], PK_STEP_SPAWNER);
        assert_no_children(&spawner);
        assert_int_equal(pk_group_members(group, NULL, 0, &error), 0);
        spawning_works(group);
    }
    spawning_end(group, &spawner);
}

/* ---- Stopped ---------------------------------------------------------------------------------------------------- */

static void a_stopped_spawner_is_continued(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    assert_return_code(kill(spawner.pid, SIGSTOP), errno);
    long start = clock_ms();
    spawning_works(group);
    long took = clock_ms() - start;
    print_message("%ld ms\n", took);
    assert_in_range(took, 900, 3000 * test_slowness());
    spawning_end(group, &spawner);
}

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_true(write(fd, text, strlen(text)) > 0);
    close(fd);
}

static void freeze_spawner(const struct spawner *spawner, char path[PATH_MAX + 32])
{
    char own[PATH_MAX], pid[32];
    assert_true(hierarchy_own(own));
    snprintf(path, PATH_MAX + 32, "%s/frozen-%d", own, getpid());
    snprintf(pid, sizeof(pid), "%d", spawner->pid);
    assert_return_code(mkdir(path, 0755), errno);
    write_file(path, "cgroup.procs", pid);
    write_file(path, "cgroup.freeze", "1");
}

/* Nobody can make it go on: the start is withdrawn, and no child comes when it goes on after all. */
static void a_frozen_spawner_is_waited_for_only_so_long(void **state)
{
    struct spawner spawner;
    char path[PATH_MAX + 32], witness[PATH_MAX];
    pk_group *group = spawning_group(&spawner);
    freeze_spawner(&spawner, path);
    snprintf(witness, sizeof(witness), "%s", scratch("witness"));
    long start = clock_ms();
    spawning_fails(group, pk_command_new("/bin/touch", witness, NULL), -ETIMEDOUT, PK_STEP_SPAWNER);
    assert_in_range(clock_ms() - start, 4900, 7000 * test_slowness());
    assert_no_children(&spawner);
    write_file(path, "cgroup.freeze", "0");
    spawning_works(group); /* after that request */
    assert_int_equal(access(witness, F_OK), -1);
    spawning_end(group, &spawner);
    hierarchy_remove(path);
}

/* The socket is full: there is not even room for the request. */
static void a_full_socket_is_waited_for_only_so_long(void **state)
{
    struct spawner spawner;
    char path[PATH_MAX + 32], junk[64] = "junk";
    pk_group *group = spawning_group(&spawner);
    freeze_spawner(&spawner, path);
    while (sys_send(spawner.control, junk, sizeof(junk)) > 0)
        continue;
    long start = clock_ms();
    spawning_fails(group, pk_command_new("/bin/true", NULL), -ETIMEDOUT, PK_STEP_SPAWNER);
    assert_in_range(clock_ms() - start, 4900, 7000 * test_slowness());
    write_file(path, "cgroup.freeze", "0");
    spawning_works(group);
    spawning_end(group, &spawner);
    hierarchy_remove(path);
}

/* Its end cannot come either. It is not waited for, and taken away when it goes on. */
static void a_frozen_spawner_can_be_left(void **state)
{
    struct spawner spawner;
    char path[PATH_MAX + 32];
    spawning_start(&spawner);
    pid_t pid = spawner.pid;
    freeze_spawner(&spawner, path);
    long start = clock_ms();
    spawner_stop(&spawner);
    assert_in_range(clock_ms() - start, 0, 1000 * test_slowness());
    write_file(path, "cgroup.freeze", "0");
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    pk_leave(); /* which takes the late away */
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    hierarchy_remove(path);
}

/* ---- Every call ------------------------------------------------------------------------------------------------- */

struct kept {
    struct spawner spawner;
    int place;
    char name[64];
};

/* Without a group, and waited for without the library: only what a start does is to fail. */
static int spawn_and_wait(void *data, pk_error *error)
{
    struct kept *kept = data;
    pk_auto(pk_command) command = pk_command_new("/bin/true", NULL);
    struct plan plan;
    int r = plan_make(&plan, command, false, error);
    if (r < 0)
        return r;
    struct birth birth = {.plan = &plan, .join_fd = -1, .lease_fd = -1, .owner_pid = getpid()};
    struct errand errand = {.spawner = &kept->spawner, .birth = &birth, .cgroup_fd = kept->place};
    r = spawn_by_spawner(&errand, error);
    plan_free(&plan);
    if (r < 0)
        return errand.refused ? error_errno(error, r, PK_STEP_CLONE, NULL, "refused") : r;
    assert_int_equal(birth.step, PK_STEP_EXEC);
    assert_int_equal(birth.error, 0);
    assert_int_equal(waitpid(r, NULL, 0), r);
    close(errand.pidfd);
    return 0;
}

static void check_kept(void *data, int result)
{
    struct kept *kept = data;
    assert_no_children(&kept->spawner);
    spawning_settle(&kept->spawner);
}

/* By each of the three ways. */
static void every_call_of_a_start_may_fail(void **state)
{
    struct kept kept = {.place = spawning_open_place()};
    spawning_start(&kept.spawner);
    for (int way = WAY_INTO_CGROUP; way <= WAY_LEGACY; way++) {
        kept.spawner.way = way;
        every_call_fails(&(struct every_call){.run = spawn_and_wait, .check = check_kept, .data = &kept});
        assert_int_equal(kept.spawner.way, way);
    }
    spawning_stop(&kept.spawner);
    close(kept.place);
}

static int start_guardian(void *data, pk_error *error)
{
    struct kept *kept = data;
    struct guardian guardian;
    int r = spawner_start_guardian(&kept->spawner, &guardian, kept->place, kept->name, true, error);
    if (r < 0)
        return r;
    int pidfd = guardian_open(&guardian);
    close(guardian.control);
    if (pidfd >= 0) {
        assert_true(pidfd_is_dead(pidfd, 5000));
        close(pidfd);
    }
    return 0;
}

static void check_guardian(void *data, int result)
{
    struct kept *kept = data;
    assert_false(spawner_is_lost(&kept->spawner));
    while (faccessat(kept->place, kept->name, F_OK, 0) == 0) /* a guardian without an owner removes it */
        sched_yield();
}

static void every_call_of_a_guardians_start_may_fail(void **state)
{
    struct kept kept = {.place = spawning_open_place()};
    snprintf(kept.name, sizeof(kept.name), "guarded-%d", getpid());
    spawning_start(&kept.spawner);
    every_call_fails(&(struct every_call){.run = start_guardian, .check = check_guardian, .data = &kept});
    spawning_stop(&kept.spawner);
    close(kept.place);
}

static int start_and_stop(void *data, pk_error *error)
{
    struct spawner spawner;
    int r = spawner_start(&spawner, error);
    spawning_stop(&spawner);
    return r;
}

static void check_started(void *data, int result)
{
    while (waitpid(-1, NULL, WNOHANG | __WALL) >= 0) /* after a failed look it is taken away later */
        pk_leave();
}

static void every_call_of_a_spawners_start_may_fail(void **state)
{
    every_call_fails(&(struct every_call){.run = start_and_stop, .check = check_started});
}

#define HERE(function, ...)                                      \
    PK_TEST_WITH(function, .needs = NEEDS_CGROUP2, __VA_ARGS__), \
        PK_TEST_NAMED(#function "@delegated", function, .as = TEST_AS_DELEGATED_USER, __VA_ARGS__)

static const struct test tests[] = {
    HERE(what_is_no_request_is_passed_over, .deadline_s = 60),
    HERE(what_is_no_parcel_is_refused, .deadline_s = 60),
    HERE(an_answer_is_heard_though_the_end_seems_to_come_first),
    PK_TEST(a_helper_that_does_not_understand_is_named),
    HERE(a_killed_spawner_loses_no_child, .deadline_s = 120),
    HERE(a_child_without_an_answer_is_ended, .deadline_s = 60),
    HERE(a_stopped_spawner_is_continued, .deadline_s = 60),
    HERE(a_frozen_spawner_is_waited_for_only_so_long, .deadline_s = 60),
    HERE(a_full_socket_is_waited_for_only_so_long, .deadline_s = 60),
    HERE(a_frozen_spawner_can_be_left, .deadline_s = 60),
    HERE(every_call_of_a_start_may_fail, .deadline_s = 120),
    HERE(every_call_of_a_guardians_start_may_fail, .deadline_s = 120),
    PK_TEST_WITH(every_call_of_a_spawners_start_may_fail, .deadline_s = 120),
};

PK_TEST_MAIN(tests)
