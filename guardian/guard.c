/*
 * The guardian: waits for the owner's end, and then ends what the owner would have ended.
 *
 * While the owner lives it sleeps in one poll. It knows the owner is gone from the pidfd, or from the end of the
 * control socket, which closes when the owner becomes another program. Then every group that was not spared is killed
 * and removed; spared ones are removed when they have emptied; and it ends, since there is nothing left to guard.
 */
#include "cgroup.h"
#include "contain/guardian-protocol.h"
#include "roles.h"

#include <linux/mman.h>
#include <linux/prctl.h>

enum { CONTROL, OWNER, PARENT }; /* the descriptors it is given */

/* ---- What it was told ------------------------------------------------------------------------------------------- */

/* A directory of which the owner said something. */
struct note {
    char name[GUARDIAN_NAME];
    bool spared;
    bool taken; /* the owner is done with it */
    int events; /* its cgroup.events, while it is waited for; -1: not open */
};

static struct {
    const char *name; /* of the owner's directory */
    int dir;          /* it; -1: gone */
    struct note *notes;
    size_t count, capacity;
    struct pollfd *fds; /* as many as notes, and three */
    int most_watched;   /* descriptors from here on are for work: without any it could kill nothing */
} guardian;

static void *grow(void *memory, size_t from, size_t to)
{
    if (!memory)
        return (void *)CALL6(mmap, NULL, to, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return (void *)CALL5(mremap, memory, from, to, MREMAP_MAYMOVE, 0);
}

static bool is_failure(const void *memory)
{
    return (unsigned long)memory > -4096UL;
}

static bool make_room(void)
{
    enum { FIRST = 64 };
    if (guardian.count < guardian.capacity)
        return true;
    size_t from = guardian.capacity, to = from ? from * 2 : FIRST;
    void *fds = grow(guardian.fds, (from + 3) * sizeof(*guardian.fds), (to + 3) * sizeof(*guardian.fds));
    if (is_failure(fds))
        return false;
    guardian.fds = fds;
    void *notes = grow(guardian.notes, from * sizeof(*guardian.notes), to * sizeof(*guardian.notes));
    if (is_failure(notes))
        return false;
    guardian.notes = notes;
    guardian.capacity = to;
    return true;
}

static struct note *find_note(const char *name)
{
    for (size_t i = 0; i < guardian.count; i++)
        if (same_text(guardian.notes[i].name, name))
            return &guardian.notes[i];
    return NULL;
}

static struct note *need_note(const char *name)
{
    struct note *note = find_note(name);
    if (note)
        return note;
    if (!make_room())
        return NULL;
    note = &guardian.notes[guardian.count++];
    memset(note, 0, sizeof(*note));
    memcpy(note->name, name, GUARDIAN_NAME);
    note->events = -1;
    return note;
}

static void drop_note(size_t index)
{
    struct note *note = &guardian.notes[index];
    if (note->events >= 0)
        close_fd(note->events);
    *note = guardian.notes[--guardian.count];
}

/* ---- Directories ------------------------------------------------------------------------------------------------ */

static void kill_directory(const char *name)
{
    long dir = open_at(guardian.dir, name, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return;
    kill_all((int)dir);
    close_fd((int)dir);
}

static void kill_stragglers(const char *name)
{
    long dir = open_at(guardian.dir, name, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return;
    write_file((int)dir, "cgroup.kill", "1"); /* who was being born into it at the first */
    kill_members((int)dir);
    close_fd((int)dir);
}

/* Reading arms the file: it reports the next change. */
static void watch(struct note *note)
{
    char text[128];
    if (note->events < 0) {
        long dir = open_at(guardian.dir, note->name, O_RDONLY | O_DIRECTORY);
        if (dir < 0)
            return;
        note->events = (int)open_at((int)dir, "cgroup.events", O_RDONLY);
        close_fd((int)dir);
        if (note->events >= guardian.most_watched) {
            close_fd(note->events);
            note->events = -1;
        }
    }
    if (note->events >= 0)
        CALL4(pread64, note->events, text, sizeof(text), 0);
}

/* Directories that somebody else has removed: their files would report that for ever. */
static void forget_removed(void)
{
    char text[128];
    for (size_t i = guardian.count; i-- > 0;)
        if (guardian.notes[i].events >= 0 &&
            CALL4(pread64, guardian.notes[i].events, text, sizeof(text), 0) == ERROR_NO_DEVICE)
            drop_note(i);
}

/* ---- While the owner lives -------------------------------------------------------------------------------------- */

static void take_message(const struct guardian_message *message)
{
    struct note *note = need_note(message->name);
    if (!note)
        return; /* no memory for a name: the directory is killed and removed with the rest, at the owner's end */
    switch (message->kind) {
    case GUARDIAN_SPARE:
        note->spared = true;
        break;
    case GUARDIAN_UNSPARE:
        note->spared = false;
        break;
    case GUARDIAN_TAKE:
        note->taken = true;
        if (!note->spared)
            kill_directory(note->name);
        break;
    }
    if (!note->spared && !note->taken)
        drop_note((size_t)(note - guardian.notes));
}

/* An empty message looks like the end of the socket, and what comes like the end may be a moment ahead of the last
 * message: only what is read after this was true is the end for certain. */
static bool is_closed(void)
{
    struct pollfd control = {.fd = CONTROL};
    return poll_fds(&control, 1, 0) > 0;
}

/* False once the owner has closed its end. What is no message is passed over: there is nobody to tell. */
static bool read_messages(void)
{
    enum { DO_NOT_WAIT = 0x40 };
    for (bool closed = false;;) {
        char bytes[sizeof(struct guardian_message) + 1]; /* one more: a longer one does not pass for a message */
        struct guardian_message message;
        long size = CALL6(recvfrom, CONTROL, bytes, sizeof(bytes), DO_NOT_WAIT, NULL, NULL);
        if (size == ERROR_AGAIN || size == ERROR_INTERRUPTED)
            return true;
        if (size < 0 || (size == 0 && closed))
            return false;
        if (size == 0) {
            closed = is_closed();
            continue;
        }
        memcpy(&message, bytes, sizeof(message));
        if (guardian_message_is_valid(&message, (size_t)size))
            take_message(&message);
    }
}

/* Removes what the owner handed over and what has become empty, and watches the rest. True if something is to be looked
 * at again without being told: a directory that cannot be watched, or one whose members are dying. */
static bool tend_taken(bool stragglers)
{
    bool again = false;
    for (size_t i = guardian.count; i-- > 0;) {
        struct note *note = &guardian.notes[i];
        if (!note->taken)
            continue;
        watch(note); /* before the look, so that no change falls between */
        if (remove_directory(guardian.dir, note->name)) {
            drop_note(i);
            continue;
        }
        if (stragglers && !note->spared)
            kill_stragglers(note->name);
        again = again || !note->spared || note->events < 0;
    }
    return again;
}

static size_t fill_fds(bool with_owner)
{
    size_t count = 0;
    if (with_owner) {
        guardian.fds[count++] = (struct pollfd){.fd = CONTROL, .events = POLLIN};
        guardian.fds[count++] = (struct pollfd){.fd = OWNER, .events = POLLIN};
    }
    for (size_t i = 0; i < guardian.count; i++)
        if (guardian.notes[i].events >= 0)
            guardian.fds[count++] = (struct pollfd){.fd = guardian.notes[i].events, .events = POLLPRI};
    return count;
}

/* Pauses double, from where a killed tree is usually gone to where looking costs nothing. */
enum { SHORTEST = 50 * 1000, LONGEST = 500 * 1000 * 1000, STRAGGLING = 20 * 1000 * 1000 };

static int64_t longer(int64_t pause)
{
    return pause < LONGEST ? pause * 2 : pause;
}

/* Returns when the owner is gone. */
static void guard_owner(void)
{
    int64_t pause = SHORTEST;
    for (;;) {
        bool again = tend_taken(pause > STRAGGLING);
        pause = again ? longer(pause) : SHORTEST;
        size_t count = fill_fds(true);
        poll_fds(guardian.fds, count, again ? pause : -1);
        bool open = true;
        if (guardian.fds[0].revents) {
            open = read_messages();
            pause = SHORTEST;
        }
        if (open && !guardian.fds[1].revents)
            continue;
        read_messages(); /* the last ones may have come since the poll looked at the socket */
        return;
    }
}

/* ---- After its end ---------------------------------------------------------------------------------------------- */

/*
 * A removed directory wakes nobody who waits for its events, and a change is reported 10 ms after the one before, or
 * not at all if the directory is gone by then. So what others remove is learnt from the directory it was in. -1 where
 * that is not to be had.
 */
static int watch_removals(void)
{
    enum { NO_WAITING = 04000, CLOSE_ON_EXEC = 02000000, REMOVED = 0x200 }; /* IN_NONBLOCK, IN_CLOEXEC, IN_DELETE */
    int fd = (int)CALL1(inotify_init1, NO_WAITING | CLOSE_ON_EXEC);
    long r = fd < 0 ? fd : CALL1(fchdir, guardian.dir); /* its path may not be ours to see */
    if (r >= 0)
        r = CALL3(inotify_add_watch, fd, ".", REMOVED);
    CALL1(chdir, "/");
    if (r >= 0)
        return fd;
    if (fd >= 0)
        close_fd(fd);
    return -1;
}

static void take_removals(int fd)
{
    char events[1024];
    while (fd >= 0 && CALL3(read, fd, events, sizeof(events)) > 0)
        continue;
}

struct round {
    bool kill;       /* the first: everything is to be killed before anything is waited for */
    bool stragglers; /* a late one: what the first did not reach */
    size_t dying;
    size_t spared;
    bool unwatched;
};

static long visit_to_end(int dir, const char *name, void *data)
{
    struct round *round = data;
    struct note *note = find_note(name);
    bool spared = note && note->spared;
    if (spared)
        watch(note);
    if (round->kill && !spared) {
        kill_directory(name);
        round->dying++;
    } else if (remove_directory(dir, name)) {
        if (note)
            drop_note((size_t)(note - guardian.notes));
    } else if (spared) {
        round->spared++;
        round->unwatched = round->unwatched || note->events < 0;
    } else {
        if (round->stragglers)
            kill_stragglers(name);
        round->dying++;
    }
    return 0;
}

static bool has_spared(void)
{
    for (size_t i = 0; i < guardian.count; i++)
        if (guardian.notes[i].spared)
            return true;
    return false;
}

static void end_groups(void)
{
    int64_t pause = SHORTEST;
    int removals = -1;
    bool at_once = !has_spared();
    if (at_once)
        kill_all(guardian.dir);
    else
        removals = watch_removals();
    for (bool first = true;; first = false) {
        struct round round = {.kill = first && !at_once, .stragglers = pause > STRAGGLING, .unwatched = removals < 0};
        take_removals(removals); /* first: what is removed from now on ends the poll */
        forget_removed();
        each_directory(guardian.dir, visit_to_end, &round);
        if (round.dying == 0 && round.spared == 0 && !round.kill && remove_directory(PARENT, guardian.name))
            return;
        bool again = round.dying > 0 || round.unwatched || round.spared == 0;
        size_t count = fill_fds(false);
        if (removals >= 0)
            guardian.fds[count++] = (struct pollfd){.fd = removals, .events = POLLIN};
        poll_fds(guardian.fds, count, again ? pause : -1);
        pause = again ? longer(pause) : SHORTEST;
    }
}

/* ---- The role --------------------------------------------------------------------------------------------------- */

/* As many descriptors as it may have, half of them to watch with: a spared group takes one. */
static void prepare_descriptors(void)
{
    enum { DESCRIPTORS = 7, SOME = 64 }; /* RLIMIT_NOFILE */
    uint64_t limit[2] = {SOME, SOME};
    CALL4(prlimit64, 0, DESCRIPTORS, NULL, limit);
    limit[0] = limit[1];
    CALL4(prlimit64, 0, DESCRIPTORS, limit, NULL);
    guardian.most_watched = limit[0] < INT32_MAX ? (int)(limit[0] / 2) : INT32_MAX;
}

/* Nothing of the owner is kept: no descriptor, no working directory; and no session, which it left before. */
static void let_go_of_owner(void)
{
    close_from(PARENT + 1);
    CALL1(chdir, "/");
    CALL2(prctl, PR_SET_NAME, "pk-guardian");
}

int guard(const char *name)
{
    let_go_of_owner();
    prepare_descriptors();
    guardian.name = name;
    guardian.dir = (int)open_at(PARENT, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (guardian.dir < 0 || !make_room())
        return 1;
    guard_owner();
    end_groups();
    return 0;
}
