/*
 * Keeping a guardian.
 */
#include "contain/guardian-link.h"

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "contain/counters.h"
#include "contain/spawner.h"
#include "sys/sys.h"
#include "sys/usdt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* A guardian that is lost so soon, so often, cannot live here: a filter kills it, say. Then there is none, and the
 * guarantee bits say so. */
#define SOON PK_SECONDS(1)
enum { MOST_QUICK = 3 };

struct guardian_note {
    struct guardian_note *next;
    bool spared;
    bool taken;
    char name[GUARDIAN_NAME];
};

/* ---- Notes ------------------------------------------------------------------------------------------------------ */

static struct guardian_note **find_note(struct guardian_link *link, const char *entry)
{
    struct guardian_note **at = &link->notes;
    while (*at && strcmp((*at)->name, entry) != 0)
        at = &(*at)->next;
    return at;
}

static void drop_note(struct guardian_link *link, struct guardian_note **at)
{
    struct guardian_note *note = *at;
    *at = note->next;
    link->note_count--;
    free(note);
}

static struct guardian_note *add_note(struct guardian_link *link, struct guardian_note **at)
{
    *at = calloc(1, sizeof(**at));
    if (*at)
        link->note_count++;
    return *at;
}

static void change_note(struct guardian_note *note, enum guardian_kind kind)
{
    switch (kind) {
    case GUARDIAN_SPARE:
        note->spared = true;
        break;
    case GUARDIAN_UNSPARE:
        note->spared = false;
        break;
    case GUARDIAN_TAKE:
        note->taken = true;
        break;
    }
}

/* Without memory a later guardian would not be told; this one is. */
static void write_note(struct guardian_link *link, enum guardian_kind kind, const char *entry)
{
    struct guardian_note **at = find_note(link, entry);
    if (!*at && kind == GUARDIAN_UNSPARE)
        return;
    if (!*at && !add_note(link, at))
        return;
    memcpy((*at)->name, entry, strnlen(entry, sizeof((*at)->name) - 1));
    change_note(*at, kind);
    if (!(*at)->spared && !(*at)->taken)
        drop_note(link, at);
}

static void forget_removed(struct guardian_link *link, int parent, const char *name)
{
    int dir = sys_openat(parent, name, O_RDONLY | O_DIRECTORY, 0);
    for (struct guardian_note **at = &link->notes; dir >= 0 && *at;) {
        if (sys_faccessat(dir, (*at)->name, 0) == -ENOENT)
            drop_note(link, at);
        else
            at = &(*at)->next;
    }
    sys_close_safe(dir);
}

/* What was handed over goes without our hearing of it. */
static void forget_some(struct guardian_link *link, int parent, const char *name)
{
    enum { LEAST = 64 };
    if (link->note_count < link->note_limit)
        return;
    forget_removed(link, parent, name);
    link->note_limit = link->note_count < LEAST / 2 ? LEAST : 2 * link->note_count;
}

static int tell_note(const struct guardian *guardian, const struct guardian_note *note)
{
    int r = note->spared ? guardian_tell(guardian, GUARDIAN_SPARE, note->name) : 0;
    return r == 0 && note->taken ? guardian_tell(guardian, GUARDIAN_TAKE, note->name) : r;
}

static int tell_notes(const struct guardian_link *link)
{
    int r = 0;
    for (const struct guardian_note *note = link->notes; note && r == 0; note = note->next)
        r = tell_note(&link->guardian, note);
    return r;
}

/* ---- Beginning and ending --------------------------------------------------------------------------------------- */

static void set_refusal(struct guardian_link *link, const char *text)
{
    text_copy(link->refusal, sizeof(link->refusal), text);
}

/* A spawner that is lost cannot replace what is lost: then it is born here. */
static int give_birth(struct guardian_link *link, int parent, const char *name, bool make, pk_error *error)
{
    int r = -EPIPE;
    if (link->spawner)
        r = spawner_start_guardian(link->spawner, &link->guardian, parent, name, make, error);
    return r == -EPIPE ? guardian_start(&link->guardian, parent, name, make, error) : r;
}

/* 0 also where no guardian can be had: then the refusal says why. */
static int start(struct guardian_link *link, int parent, const char *name, bool make, pk_error *error)
{
    pk_error why = {0};
    int r = give_birth(link, parent, name, make, &why);
    link->started = sys_now();
    set_refusal(link, r < 0 ? why.message : "");
    if (r < 0 && r != -EOPNOTSUPP && error)
        *error = why;
    return r == -EOPNOTSUPP ? 0 : r;
}

int guardian_link_begin(struct guardian_link *link, int parent, const char *name, pk_error *error)
{
    link->quick = 0;
    link->owed = false;
    set_refusal(link, "the guardian was switched off by the program");
    int r = link->off ? 0 : start(link, parent, name, true, error);
    if (r < 0 || guardian_link_is_up(link))
        return r;
    r = sys_mkdirat(parent, name, 0755);
    return r < 0 ? error_errno(error, r, PK_STEP_MAKE_CGROUP, NULL, "cannot make a cgroup") : 0;
}

bool guardian_link_is_up(const struct guardian_link *link)
{
    return link->guardian.control >= 0;
}

static void hang_up(struct guardian_link *link)
{
    link->guardian.control = sys_close_safe(link->guardian.control);
    link->guardian.pid = 0;
}

static void note_loss(struct guardian_link *link)
{
    hang_up(link);
    link->losses++;
    counter_add(COUNTER_GUARD_LOSSES);
    USDT(guardian_lost, link->losses);
    link->quick = sys_now() - link->started < SOON ? link->quick + 1 : 0;
    link->owed = link->quick <= MOST_QUICK;
    if (!link->owed)
        set_refusal(link, "the guardian was lost again and again (does a seccomp filter kill it?)");
}

void guardian_link_end(struct guardian_link *link)
{
    hang_up(link);
    while (link->notes)
        drop_note(link, &link->notes);
}

/* Who contains this process in turn would take a guardian that is still about to go for something left running. It has
 * nothing more to do, so it takes no longer than it takes to be scheduled; one that is stopped is not waited for. */
void guardian_link_dismiss(struct guardian_link *link)
{
    struct timespec patience = time_to_timespec(PK_MILLISECONDS(100));
    struct pollfd poll = {.fd = guardian_link_is_up(link) ? guardian_open(&link->guardian) : -1, .events = POLLIN};
    guardian_link_end(link);
    if (poll.fd < 0)
        return;
    sys_ppoll(&poll, 1, &patience);
    sys_close(poll.fd);
}

/* ---- Keeping it ------------------------------------------------------------------------------------------------- */

/* Each round either keeps a guardian or counts one more loss. */
static void replace(struct guardian_link *link, int parent, const char *name)
{
    do {
        link->owed = start(link, parent, name, false, NULL) < 0;
        if (!guardian_link_is_up(link) || tell_notes(link) == 0)
            return;
        guardian_kill(&link->guardian);
        if (!guardian_is_lost(&link->guardian))
            return;
        note_loss(link);
    } while (link->owed);
}

void guardian_link_check(struct guardian_link *link, int parent, const char *name)
{
    if (guardian_link_is_up(link) && !guardian_is_lost(&link->guardian))
        return;
    if (guardian_link_is_up(link))
        note_loss(link);
    if (link->owed) {
        forget_removed(link, parent, name);
        replace(link, parent, name);
    }
}

static void say(struct guardian_link *link, int parent, const char *name, enum guardian_kind kind, const char *entry)
{
    if (!guardian_link_is_up(link) || guardian_tell(&link->guardian, kind, entry) == 0)
        return;
    guardian_kill(&link->guardian);
    guardian_link_check(link, parent, name);
}

void guardian_link_tell(struct guardian_link *link, int parent, const char *name, enum guardian_kind kind,
                        const char *entry)
{
    forget_some(link, parent, name);
    write_note(link, kind, entry);
    say(link, parent, name, kind, entry);
}

void guardian_link_forget(struct guardian_link *link, int parent, const char *name, const char *entry)
{
    struct guardian_note **at = find_note(link, entry);
    if (!*at)
        return;
    drop_note(link, at);
    say(link, parent, name, GUARDIAN_UNSPARE, entry);
}
