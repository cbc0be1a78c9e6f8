/*
 * Recording and playing, for tests.
 */
#include "taping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *tape_path(void)
{
    return scratch("tape.json");
}

pk_runner *tape_recorder(const pk_cassette_options *options, pk_runner *inner)
{
    pk_error error;
    pk_runner *recorder;
    int r = pk_runner_create_recorder(tape_path(), options, inner, &recorder, &error);
    if (r == -EOPNOTSUPP)
        skip_test("libjansson.so.4");
    assert_ok(r, error);
    return recorder;
}

pk_runner *tape_player(const pk_cassette_options *options)
{
    pk_error error;
    pk_runner *player;
    assert_ok(pk_runner_create_player(tape_path(), options, &player, &error), error);
    return player;
}

void tape_end(pk_runner *recorder)
{
    pk_error error;
    assert_ok(pk_cassette_save(recorder, &error), error);
    pk_runner_free(recorder);
}

char *tape_text(void)
{
    struct stat status;
    int fd = open(tape_path(), O_RDONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_return_code(fstat(fd, &status), errno);
    char *text = calloc(1, (size_t)status.st_size + 1);
    assert_non_null(text);
    assert_int_equal(read(fd, text, (size_t)status.st_size), status.st_size);
    close(fd);
    return text;
}

void tape_write(const char *text, size_t length)
{
    int fd = open(tape_path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_return_code(fd, errno);
    assert_int_equal(write(fd, text, length), length);
    close(fd);
}

int tape_run(pk_runner *runner, const char *script, char output[256])
{
    pk_error error;
    pk_auto(pk_output) ran = NULL;
    pk_auto(pk_command) command = pk_command_new("sh", "-c", script, NULL);
    pk_command_runner(command, runner);
    int r = pk_command_output(command, &ran, &error);
    if (r < 0) {
        printf("%s\n", error.message);
        return r;
    }
    if (output)
        snprintf(output, 256, "%s", pk_output_text(ran, 1));
    return pk_output_result(ran)->exit_code;
}
