/*
 * Making and looking at groups with limits.
 */
#include "limited.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

pk_group *limited_group(const pk_limits *limits)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_group *group = NULL;
    pk_error error;
    options.limits = *limits;
    int r = pk_group_create(&options, &group, &error);
    if (r == -EOPNOTSUPP && (strstr(error.message, "'io'") || strstr(error.message, "'cpuset'")))
        skip_test("a controller: %s", error.message);
    assert_ok(r, error);
    assert_true(pk_group_guarantees(group) & PK_GUARANTEE_LIMITS);
    assert_true(pk_group_delegation(group) != 0);
    return group;
}

static int read_group_file(pk_group *group, const char *name, char *text, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", pk_group_path(group), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[length < 0 ? 0 : length] = '\0';
    return length < 0 ? -errno : 0;
}

bool limited_has(pk_group *group, const char *name)
{
    char text[4096];
    return read_group_file(group, name, text, sizeof(text)) == 0;
}

void limited_expect(pk_group *group, const char *name, const char *words)
{
    char text[4096];
    assert_int_equal(read_group_file(group, name, text, sizeof(text)), 0);
    if (!strstr(text, words))
        fail_msg("'%s' is not in %s: '%s'", words, name, text);
}

long limited_count(pk_group *group, const char *name, const char *word)
{
    char text[4096];
    assert_int_equal(read_group_file(group, name, text, sizeof(text)), 0);
    const char *found = strstr(text, word);
    assert_non_null(found);
    return strtol(found + strlen(word), NULL, 10);
}

void limited_end(pk_process *process, pk_ending ending, int number)
{
    pk_result result;
    pk_error error;
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_int_equal(result.leader_ending, ending);
    assert_int_equal(ending == PK_ENDING_SIGNALLED ? result.signal_number : result.exit_code, number);
    pk_process_free(process);
}

pk_process *limited_start(pk_group *group, const char *program, const char *word, const char *last)
{
    pk_auto(pk_command) command = pk_command_new(program, word, last, NULL);
    pk_process *process = NULL;
    pk_error error;
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    return process;
}
