/*
 * Asking a service manager for a scope.
 *
 * The conversation: say what we want to hear (the ends of jobs: our unit begins with one), ask for the unit, wait for a
 * refusal or that end. All of it is sent at once, and nothing waits but one poll with one deadline: the
 * library's own blocking calls have deadlines of their own, minutes in all.
 */
#include "contain/scope.h"

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "contain/cgroup.h"
#include "contain/manager.h"
#include "contain/place.h"
#include "contain/refusal.h"
#include "contain/sd-bus.h"
#include "sys/sys.h"

#include <processkit/group.h>
#include <processkit/parse.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define MANAGER   "org.freedesktop.systemd1"
#define OBJECT    "/org/freedesktop/systemd1"
#define INTERFACE MANAGER ".Manager"

#define BROKEN "the conversation with the service manager broke off"

/* What somebody on the bus said against it. */
struct refusal {
    char name[96];
    char words[224];
};

struct talk {
    const struct sd_bus_api *api;
    struct sd_bus *bus;
    int fd; /* the bus's */
    const char *unit;
    pk_duration patience;
    bool is_accepted;
    char result[32]; /* of the job; "": it has not ended */
    struct refusal refusal;
};

/* What is no shortage is a reason not to have a scope. */
static int refuse_or_fail(pk_error *error, int number)
{
    if (error_kind_of(number) == PK_ERROR_NO_MEMORY)
        return error_errno(error, number, PK_STEP_ENABLE_LIMITS, NULL, "cannot ask the service manager for a scope");
    return refuse_limits(error, NULL, BROKEN ": %s", error_text(number));
}

/* ---- What is heard ---------------------------------------------------------------------------------------------- */

static bool note_refusal(struct talk *talk, struct sd_bus_message *message)
{
    const struct sd_bus_error *said = talk->api->message_get_error(message);
    if (said && talk->refusal.name[0] == '\0') {
        text_copy(talk->refusal.name, sizeof(talk->refusal.name), said->name);
        text_copy(talk->refusal.words, sizeof(talk->refusal.words), said->message ? said->message : "");
    }
    return said != NULL;
}

static int hear_listening(struct sd_bus_message *message, void *data, struct sd_bus_error *error)
{
    (void)error;
    note_refusal(data, message);
    return 0;
}

static int hear_answer(struct sd_bus_message *message, void *data, struct sd_bus_error *error)
{
    (void)error;
    struct talk *talk = data;
    talk->is_accepted = !note_refusal(talk, message);
    return 0;
}

static int hear_removed(struct sd_bus_message *message, void *data, struct sd_bus_error *error)
{
    (void)error;
    struct talk *talk = data;
    uint32_t number;
    const char *job, *unit, *result;
    int r = talk->api->message_read(message, "uoss", &number, &job, &unit, &result);
    if (r >= 0 && strcmp(unit, talk->unit) == 0)
        text_copy(talk->result, sizeof(talk->result), result);
    return 0;
}

static bool is_over(const struct talk *talk)
{
    return talk->refusal.name[0] || talk->result[0];
}

/* ---- What is said ----------------------------------------------------------------------------------------------- */

/* The ends of all jobs: the library finds no unit's name behind an argument that is no text. */
static int listen_for_jobs(struct talk *talk)
{
    static const char match[] =
        "type='signal',sender='" MANAGER "',path='" OBJECT "',interface='" INTERFACE "',member='JobRemoved'";
    return talk->api->add_match_async(talk->bus, NULL, match, hear_removed, hear_listening, talk);
}

/*
 * Whatever controllers there are, without the limit on tasks that a manager gives its units unasked, and not kept as
 * failed if it fails. Stopped from outside, its members have as long as members usually have; the helpers among them,
 * which obey their owner alone, would use up the minute and a half that managers give. Everything else is as it is for
 * all scopes: a delegated one outlives the death of a process for want of memory.
 */
static int append_properties(const struct talk *talk, struct sd_bus_message *message, pid_t pid)
{
    enum { PROPERTIES = 6 };
    const uint64_t grace_us = PK_DEFAULT_GRACE / 1000;
    char description[64];
    snprintf(description, sizeof(description), "What process %d runs with limits", sys_getpid());
    return talk->api->message_append(message, "a(sv)", PROPERTIES, "Description", "s", description, "PIDs", "au", 1,
                                     (uint32_t)pid, "Delegate", "b", 1, "TasksMax", "t", UINT64_MAX, "CollectMode", "s",
                                     "inactive-or-failed", "TimeoutStopUSec", "t", grace_us);
}

static int ask(struct talk *talk, pid_t pid)
{
    const struct sd_bus_api *api = talk->api;
    struct sd_bus_message *message = NULL;
    int r = api->message_new_method_call(talk->bus, &message, MANAGER, OBJECT, INTERFACE, "StartTransientUnit");
    if (r >= 0)
        r = api->message_append(message, "ss", talk->unit, "fail");
    if (r >= 0)
        r = append_properties(talk, message, pid);
    if (r >= 0)
        r = api->message_append(message, "a(sa(sv))", 0);
    if (r >= 0)
        r = api->call_async(talk->bus, NULL, message, hear_answer, talk, PK_FOREVER);
    api->message_unref(message);
    return r;
}

static int ask_to_stop(struct talk *talk)
{
    const struct sd_bus_api *api = talk->api;
    struct sd_bus_message *message = NULL;
    int r = api->message_new_method_call(talk->bus, &message, MANAGER, OBJECT, INTERFACE, "StopUnit");
    if (r >= 0)
        r = api->message_append(message, "ss", talk->unit, "replace");
    if (r >= 0)
        r = api->call_async(talk->bus, NULL, message, NULL, NULL, 0);
    api->message_unref(message);
    return r;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

/* Until something comes, the library has something to do at a certain time, or the time is over. */
static int wait_for_bus(struct talk *talk, pk_time deadline)
{
    uint64_t until = UINT64_MAX;
    int events = talk->api->get_events(talk->bus);
    if (events < 0)
        return events;
    int r = talk->api->get_timeout(talk->bus, &until);
    if (r < 0)
        return r;
    if (until < deadline / 1000)
        deadline = until * 1000;
    struct timespec timeout = time_to_timespec(time_left(deadline, sys_now()));
    struct pollfd poll = {.fd = talk->fd, .events = (short)events};
    r = sys_ppoll(&poll, 1, &timeout);
    return r < 0 && r != -EINTR ? r : 0;
}

/* What comes is dealt with one by one. A peer that never stops talking does not stop the clock. */
static int converse(struct talk *talk, pk_time deadline)
{
    while (!is_over(talk)) {
        int r = talk->api->process(talk->bus, NULL);
        if (r < 0)
            return r;
        if (is_over(talk))
            return 0;
        if (sys_now() >= deadline)
            return -ETIMEDOUT;
        if (r == 0)
            r = wait_for_bus(talk, deadline);
        if (r < 0)
            return r;
    }
    return 0;
}

/*
 * It may have heard us and only be slow: then it learns in the end that nobody wants the unit any more. Only what can
 * be written now is: there is no answer to wait for.
 */
static void take_back(struct talk *talk)
{
    pk_time deadline = sys_now() + SCOPE_FAREWELL;
    int r = talk->bus ? ask_to_stop(talk) : -ENOTCONN;
    while (r >= 0 && sys_now() < deadline && (talk->api->get_events(talk->bus) & POLLOUT)) {
        r = wait_for_bus(talk, deadline);
        if (r >= 0)
            r = talk->api->process(talk->bus, NULL);
    }
}

/* ---- What came of it -------------------------------------------------------------------------------------------- */

static int explain_refusal(const struct refusal *refusal, pk_error *error)
{
    if (strcmp(refusal->name, "org.freedesktop.DBus.Error.NoReply") == 0)
        return refuse_limits(error, NULL, BROKEN ": %s", refusal->words);
    return refuse_limits(error, NULL, "the service manager refused a scope: %s: %s", refusal->name, refusal->words);
}

static int explain_silence(const struct talk *talk, const struct scope *scope, pk_error *error)
{
    char time[32];
    pk_format_duration(talk->patience, time, sizeof(time));
    return refuse_limits(error, NULL, "the service manager did not %s within %s (systemctl %sstatus shows how it is)",
                         talk->is_accepted ? "make a scope" : "answer", time, scope->of_system ? "" : "--user ");
}

static int judge_result(const struct talk *talk, pid_t pid, const struct scope *scope, pk_error *error)
{
    if (strcmp(talk->result, "done") == 0)
        return 0;
    if (!scope->of_system && manager_is_alone())
        return refuse_limits(error, NULL,
                             "the user manager could not move process %d to a scope: it has to ask the system's, which "
                             "has no message bus (install dbus)",
                             pid);
    return refuse_limits(error, NULL,
                         "the service manager could not make the scope %s: its job ended with '%s' (journalctl %s%s "
                         "tells why)",
                         talk->unit, talk->result, scope->of_system ? "-u " : "--user-unit ", talk->unit);
}

/* Whether it is ours to divide. */
static int check_rights(const char *path, pk_error *error)
{
    int dir = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    int r = dir < 0 ? dir : cgroup_may_write(dir, "cgroup.subtree_control");
    if (r == 0)
        r = cgroup_may_write(dir, "cgroup.procs");
    if (r == 0)
        r = sys_may_write(dir);
    sys_close_safe(dir);
    if (r == 0 || r == -ENOSYS)
        return 0;
    if (error_kind_of(r) == PK_ERROR_NO_MEMORY)
        return error_errno(error, r, PK_STEP_ENABLE_LIMITS, path, "cannot open the scope %s", path);
    return refuse_limits(error, NULL,
                         "the service manager made the scope %s, but it is not delegated to this process: %s", path,
                         error_text(r));
}

static int check_place(pid_t pid, struct scope *scope, pk_error *error)
{
    struct place place;
    pk_error why = {0};
    int r = place_find_of(pid, &place, &why);
    if (r < 0 && error_kind_of(r) == PK_ERROR_NO_MEMORY) {
        if (error)
            *error = why;
        return r;
    }
    if (r < 0)
        return refuse_limits(error, NULL,
                             "the service manager made the scope %s, but process %d cannot be seen in it: %s",
                             scope->unit, pid, why.message);
    const char *slash = strrchr(place.own, '/');
    if (!slash || strcmp(slash + 1, scope->unit) != 0)
        return refuse_limits(error, NULL, "the service manager made the scope %s, but process %d is in %s", scope->unit,
                             pid, place.own);
    r = check_rights(place.own, error);
    if (r == 0)
        text_copy(scope->path, sizeof(scope->path), place.own);
    return r;
}

/* ---- From beginning to end -------------------------------------------------------------------------------------- */

/* The descriptor is the bus's once that has taken it. */
static int open_bus(struct talk *talk)
{
    const struct sd_bus_api *api = talk->api;
    int r = api->new (&talk->bus);
    if (r >= 0)
        r = api->set_fd(talk->bus, talk->fd, talk->fd);
    if (r < 0) {
        sys_close(talk->fd);
        return r;
    }
    r = api->set_bus_client(talk->bus, 1);
    if (r >= 0)
        r = api->start(talk->bus);
    return r;
}

static int say_everything(struct talk *talk, pid_t pid)
{
    int r = open_bus(talk);
    if (r >= 0)
        r = listen_for_jobs(talk);
    return r < 0 ? r : ask(talk, pid);
}

static int have_it_made(struct talk *talk, pid_t pid, pk_time deadline, struct scope *scope, pk_error *error)
{
    int r = say_everything(talk, pid);
    if (r >= 0)
        r = converse(talk, deadline);
    if (talk->refusal.name[0])
        return explain_refusal(&talk->refusal, error);
    if (r == -ETIMEDOUT)
        r = explain_silence(talk, scope, error);
    else if (r < 0)
        r = refuse_or_fail(error, r);
    else
        r = judge_result(talk, pid, scope, error);
    if (r == 0)
        r = check_place(pid, scope, error);
    if (r < 0)
        take_back(talk);
    return r;
}

int scope_make_within(pid_t pid, pk_duration patience, struct scope *scope, pk_error *error)
{
    pk_time begin = sys_now();
    struct scope made = {0};
    struct talk talk = {.unit = made.unit, .patience = patience};
    snprintf(made.unit, sizeof(made.unit), "run-processkit-%d-%llx.scope", pid, (unsigned long long)begin);

    talk.fd = manager_connect(&made.of_system, error);
    if (talk.fd < 0)
        return talk.fd;
    int r = sd_bus_load(&talk.api, error);
    if (r < 0) {
        sys_close(talk.fd);
        return r;
    }
    r = have_it_made(&talk, pid, begin + patience, &made, error);
    if (talk.bus) {
        talk.api->close(talk.bus);
        talk.api->unref(talk.bus);
    }
    if (r == 0)
        *scope = made;
    return r;
}

int scope_make(pid_t pid, struct scope *scope, pk_error *error)
{
    return scope_make_within(pid, SCOPE_PATIENCE, scope, error);
}
