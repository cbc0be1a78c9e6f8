/*
 * A service that is heard, and what it says.
 */
#include "saying.h"

#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

void hear_word(const struct notify_word *word, void *data)
{
    struct scene *scene = data;
    scene->words[scene->count++ % MOST_WORDS] = *word;
    if (scene->count == scene->close_after)
        notify_close(&scene->notify);
}

int tell_membership(pid_t pid, void *data)
{
    struct scene *scene = data;
    assert_true(pid > 0);
    scene->asked++;
    return scene->membership;
}

struct scene *make_scene_without(void)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->membership = 1;
    scene->notify.fd = -1;
    assert_int_equal(pk_loop_create(&scene->loop, NULL), 0);
    return scene;
}

struct scene *make_scene(void)
{
    pk_error error;
    struct scene *scene = make_scene_without();
    if (notify_open(&scene->notify, scene->loop, hear_word, tell_membership, scene, &error) < 0)
        fail_msg("%s", error.message);
    return scene;
}

void free_scene(struct scene *scene)
{
    notify_close(&scene->notify);
    pk_loop_free(scene->loop);
    free(scene);
}

void look(struct scene *scene)
{
    assert_true(pk_loop_dispatch(scene->loop, 0, NULL) >= 0);
}

/* ---- Speaking ---------------------------------------------------------------------------------------------------- */

int reach(const struct scene *scene)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(scene->notify.address);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, scene->notify.address, length);
    address.sun_path[0] = '\0';
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0)
        return fd;
    close(fd);
    return -1;
}

void say_bytes(const struct scene *scene, const char *bytes, size_t length)
{
    int fd = reach(scene);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, bytes, length, 0), length);
    close(fd);
}

void say_word(const struct scene *scene, const char *text)
{
    say_bytes(scene, text, strlen(text));
}

static bool send_all(int fd, const char *text, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        if (send(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
            return false;
    return true;
}

pid_t have_said(const struct scene *scene, const char *text, unsigned times, uid_t user)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (user && (setgroups(0, NULL) < 0 || setgid(user) < 0 || setuid(user) < 0))
            _exit(2);
        int fd = reach(scene);
        _exit(fd < 0 || !send_all(fd, text, times));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return pid;
}
