/*
 * What a guardian is told over its socket: nothing but a whole, valid message has an effect, whoever sends the rest.
 */
#include "contain/guardian-protocol.h"
#include "contain/owner.h"
#include "sys/fault.h"
#include "testator.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The household that must not be harmed ---------------------------------------------------------------------- */

struct household {
    pk_group *groups[2]; /* the first is spared */
    pk_process *processes[2];
    struct witness *witnesses[2];
    int guardian;
    char directory[512]; /* beside the groups: nothing that a group's name means */
};

static struct household begin(void)
{
    struct household household = {.guardian = -1};
    for (int i = 0; i < 2; i++) {
        household.groups[i] = cast_group(PK_MECHANISM_CGROUP2);
        household.witnesses[i] = witness_new();
        household.processes[i] = cast_adversary(household.groups[i], household.witnesses[i], "wide 2 -- setsid");
    }
    pk_group_spare(household.groups[0]);
    household.guardian = guardian_pidfd();
    snprintf(household.directory, sizeof(household.directory), "%s", pk_group_path(household.groups[0]));
    strcpy(strrchr(household.directory, '/'), "/h1");
    assert_return_code(mkdir(household.directory, 0755), errno);
    return household;
}

static void assert_unharmed(struct household *household)
{
    guardian_is_asked(); /* it has read everything, and works */
    assert_false(pidfd_is_dead(household->guardian, 0));
    assert_int_equal(pk_guardian_losses(), 0);
    for (int i = 0; i < 2; i++)
        witness_assert_alive(household->witnesses[i]);
    assert_int_equal(access(household->directory, F_OK), 0);
}

static void end(struct household *household)
{
    pk_error error;
    assert_return_code(rmdir(household->directory), errno);
    for (int i = 0; i < 2; i++) {
        assert_ok(pk_group_kill(household->groups[i], &error), error);
        pk_process_free(household->processes[i]);
        pk_group_free(household->groups[i]);
        witness_free(household->witnesses[i]);
    }
    close(household->guardian);
}

/* ---- Sending ---------------------------------------------------------------------------------------------------- */

static void send_bytes(const void *bytes, size_t size)
{
    int control = owner_guard_fd(SITE_OWN);
    assert_true(control >= 0);
    assert_int_equal(send(control, bytes, size, MSG_NOSIGNAL), (ssize_t)size); /* waits where the socket is full */
}

static struct guardian_message message(const char *name)
{
    struct guardian_message message = {.magic = GUARDIAN_MAGIC, .version = GUARDIAN_VERSION, .kind = GUARDIAN_TAKE};
    memcpy(message.name, name, strnlen(name, sizeof(message.name)));
    return message;
}

static const char *own_name(const struct household *household)
{
    static char name[GUARDIAN_NAME];
    pk_group *group = household->groups[1];
    snprintf(name, sizeof(name), "%s", strrchr(pk_group_path(group), '/') + 1);
    return name;
}

/* ---- What is no message ----------------------------------------------------------------------------------------- */

static void truncated_and_oversized_messages_are_passed_over(void **state)
{
    (void)state;
    struct household household = begin();
    char bytes[4096] = "";
    struct guardian_message take = message(own_name(&household));
    memcpy(bytes, &take, sizeof(take));
    for (size_t size = 0; size < sizeof(bytes); size += size < 100 ? 1 : 499)
        if (size != sizeof(take))
            send_bytes(bytes, size);
    assert_unharmed(&household);
    end(&household);
}

static void wrong_headers_are_passed_over(void **state)
{
    (void)state;
    struct household household = begin();
    const struct guardian_message right = message(own_name(&household));
    struct guardian_message wrong;
    for (int bit = 0; bit < 32; bit++) {
        wrong = right;
        wrong.magic ^= UINT32_C(1) << bit;
        send_bytes(&wrong, sizeof(wrong));
    }
    for (unsigned number = 0; number <= UINT16_MAX; number += number < 16 ? 1 : 997) {
        wrong = right;
        wrong.version = (uint16_t)number;
        if (number != GUARDIAN_VERSION)
            send_bytes(&wrong, sizeof(wrong));
        wrong = right;
        wrong.kind = (uint16_t)number;
        if (number < GUARDIAN_SPARE || number > GUARDIAN_TAKE)
            send_bytes(&wrong, sizeof(wrong));
    }
    assert_unharmed(&household);
    end(&household);
}

static void names_lead_nowhere(void **state)
{
    (void)state;
    struct household household = begin();
    const char *own = own_name(&household);
    const char *const names[] = {"",     "g",    "g/",   "g1/..", "../x", "..",     ".",      "/",    "h1",
                                 "g-1",  "g 1",  "g1 ",  "g1\n",  "G1",   "1",      "g1a",    "ga",   "gg1",
                                 "g0/h", "./g0", "g0/.", "*",     "g*",   "g1\xff", "\xffg1", "g0x1", "cgroup.procs"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct guardian_message wrong = message(names[i]);
        assert_false(guardian_message_is_valid(&wrong, sizeof(wrong)));
        send_bytes(&wrong, sizeof(wrong));
    }
    struct guardian_message wrong = message("g11111111111111111111111"); /* without an end */
    assert_int_equal(wrong.name[GUARDIAN_NAME - 1], '1');
    send_bytes(&wrong, sizeof(wrong));
    wrong = message(own);
    wrong.name[strlen(own) + 1] = 'x'; /* something after the end */
    send_bytes(&wrong, sizeof(wrong));
    wrong.name[GUARDIAN_NAME - 1] = 'x';
    send_bytes(&wrong, sizeof(wrong));
    assert_unharmed(&household);
    end(&household);
}

static void descriptors_are_not_taken(void **state)
{
    (void)state;
    struct household household = begin();
    struct guardian_message take = message("g4711"); /* valid, and there is none */
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec bytes = {.iov_base = &take, .iov_len = sizeof(take)};
    int pipes[2];
    assert_return_code(pipe2(pipes, O_CLOEXEC), errno);
    memcpy(CMSG_DATA(&control.header), &pipes[1], sizeof(int));
    struct msghdr header = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    assert_int_equal(sendmsg(owner_guard_fd(SITE_OWN), &header, MSG_NOSIGNAL), sizeof(take));
    assert_unharmed(&household);
    close(pipes[1]);
    struct pollfd fd = {.fd = pipes[0]};
    assert_int_equal(poll(&fd, 1, 10000), 1); /* nobody else holds the other end */
    close(pipes[0]);
    end(&household);
}

/* ---- Anything --------------------------------------------------------------------------------------------------- */

static uint32_t next_number(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Half of them are valid but for a few bits; what is valid by chance spares or unspares directories that are not there.
 */
static void ten_thousand_random_messages_do_no_harm(void **state)
{
    (void)state;
    enum { MESSAGES = 10000, MOST_BYTES = 80 };
    struct household household = begin();
    uint32_t seed = 20240607;
    unsigned valid = 0;
    for (int i = 0; i < MESSAGES; i++) {
        union {
            struct guardian_message message;
            unsigned char bytes[MOST_BYTES];
        } any;
        for (int k = 0; k < MOST_BYTES; k++)
            any.bytes[k] = (unsigned char)next_number(&seed);
        size_t size = next_number(&seed) % (MOST_BYTES + 1);
        if (i % 2) {
            char name[GUARDIAN_NAME];
            snprintf(name, sizeof(name), "g%u", 100000 + next_number(&seed) % 1000);
            any.message = message(name);
            any.message.kind = (uint16_t)(next_number(&seed) % 5);
            any.bytes[next_number(&seed) % sizeof(any.message)] ^= (unsigned char)(1 << next_number(&seed) % 8);
            size = sizeof(any.message);
        }
        valid += guardian_message_is_valid(&any.message, size);
        send_bytes(any.bytes, size);
    }
    print_message("%u of %d were valid\n", valid, MESSAGES);
    assert_in_range(valid, 1, MESSAGES / 2);
    assert_unharmed(&household);
    end(&household);
}

static void hear_nonsense_and_be_killed(struct testator *testator, const void *data)
{
    char nonsense[64];
    cast_start(cast_group(PK_MECHANISM_CGROUP2), data, "wide 2 -- setsid");
    memset(nonsense, 'g', sizeof(nonsense));
    for (size_t size = 0; size <= sizeof(nonsense); size++)
        send_bytes(nonsense, size);
    guardian_is_asked();
    testator_say(testator);
    testator_listen(testator);
    raise(SIGKILL);
}

static void it_does_its_work_afterwards(void **state)
{
    (void)state;
    struct witness *witness = witness_new();
    struct testator *testator = testator_begin(hear_nonsense_and_be_killed, witness);
    testator_hear(testator);
    witness_ready(witness);
    witness_assert_alive(witness);
    testator_tell(testator);
    testator_assert_nothing_left(testator);
    witness_assert_dead(witness, GONE_MS);
    testator_close(testator);
    witness_free(witness);
}

static const struct test tests[] = {
    PK_TEST_WITH(truncated_and_oversized_messages_are_passed_over, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(wrong_headers_are_passed_over, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(names_lead_nowhere, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(descriptors_are_not_taken, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(ten_thousand_random_messages_do_no_harm, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(it_does_its_work_afterwards, .needs = NEEDS_CGROUP2),
};

PK_TEST_MAIN(tests)
