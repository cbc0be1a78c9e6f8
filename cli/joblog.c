/*
 * Writing the log of a batch.
 */
#include "joblog.h"

#include "digest.h"
#include "json-value.h"
#include "message.h"

#include <processkit/version.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

/* As long as this process lives, and no longer: its children do not have it. */
static int lock(const struct joblog *log)
{
    struct flock mine = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fileno(log->file), F_SETLK, &mine) == 0)
        return 0;
    if (errno == EACCES || errno == EAGAIN)
        say("--log: another pk batch is writing to %s", log->path);
    else
        say("--log: cannot lock %s: %s", log->path, strerror(errno));
    return -1;
}

static int refuse_what_is_there(const struct joblog *log)
{
    struct stat status;
    if (fstat(fileno(log->file), &status) < 0 || !S_ISREG(status.st_mode)) {
        say("--log: %s is no regular file", log->path);
        return -1;
    }
    if (status.st_size == 0)
        return 0;
    say("--log: there is something in %s already (--resume goes on with that batch)", log->path);
    return -1;
}

int joblog_open(struct joblog *log, const char *path, const struct identity *identity, bool resumes)
{
    *log = (struct joblog){.path = path};
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);
    log->file = fd >= 0 ? fdopen(fd, "a+") : NULL;
    if (!log->file) {
        say("--log: cannot open %s: %s", path, strerror(errno));
        return -1;
    }
    if (lock(log) < 0)
        return -1;
    return resumes ? joblog_read(log, identity) : refuse_what_is_there(log);
}

void joblog_close(struct joblog *log)
{
    if (log->file)
        fclose(log->file);
    free(log->past);
}

/* ---- Values ----------------------------------------------------------------------------------------------------- */

uint64_t identity_digest(const struct identity *identity)
{
    uint64_t digest = DIGEST_INIT;
    for (const char *const *argument = identity->template; *argument; argument++)
        digest = digest_add(digest, *argument, strlen(*argument) + 1);
    digest = digest_add_number(digest, identity->null);
    digest = digest_add_number(digest, identity->most_words);
    return identity->directory ? digest_add(digest, identity->directory, strlen(identity->directory) + 1) : digest;
}

const char *fate_name(enum fate fate)
{
    static const char *const names[] = {
        [FATE_NONE] = "not-started",
        [FATE_SUCCEEDED] = "succeeded",
        [FATE_FAILED] = "failed",
        [FATE_STOPPED] = "stopped",
    };
    return names[fate];
}

static json_t *hexadecimal(uint64_t digest)
{
    char text[20];
    snprintf(text, sizeof(text), "%016" PRIx64, digest);
    return json_string(text);
}

static json_t *list_of(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_text(texts[i]));
    return list;
}

/* To the microsecond. */
static json_t *seconds(pk_duration duration)
{
    uint64_t microseconds = duration / PK_MICROSECONDS(1);
    return json_real((double)microseconds / 1e6);
}

static json_t *time_of_day(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    long microseconds = now.tv_nsec / 1000;
    return json_real((double)now.tv_sec + (double)microseconds / 1e6);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

/* By one write: whoever reads finds all of it or nothing, unless that fails. Nothing is written after a part of a line.
 */
static int write_text(struct joblog *log, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fileno(log->file), text, length);
        if (written < 0)
            return log->error = -errno;
        text += written;
        length -= (size_t)written;
    }
    return 0;
}

static int write_line(struct joblog *log, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(16)) : NULL;
    size_t length = text ? strlen(text) : 0;
    json_decref(json);
    if (!text)
        return -ENOMEM;
    text[length] = '\n'; /* in the place of the NUL */
    int r = log->error ? log->error : write_text(log, text, length + 1);
    free(text);
    return r;
}

int joblog_begin(struct joblog *log, const struct identity *identity)
{
    size_t count = 0;
    while (identity->template[count])
        count++;
    if (!log->file)
        return 0;
    return write_line(
        log, json_pack("{s:s, s:i, s:s, s:o, s:o, s:b, s:I, s:o, s:o}", "event", "batch", "schema_version", 1, "pk",
                       pk_version(), "batch", hexadecimal(identity_digest(identity)), "template",
                       list_of(identity->template, count), "null", identity->null, "max_args",
                       (json_int_t)identity->most_words, "directory",
                       identity->directory ? json_text(identity->directory) : json_null(), "time", time_of_day()));
}

int joblog_start(struct joblog *log, const struct item *item)
{
    if (!log->file)
        return 0;
    return write_line(log, json_pack("{s:s, s:I, s:o, s:o, s:o}", "event", "start", "item",
                                     (json_int_t)item->number + 1, "digest", hexadecimal(item->digest), "words",
                                     list_of((const char *const *)item->words, item->count), "time", time_of_day()));
}

int joblog_end(struct joblog *log, const struct item *item, const struct ending *ending)
{
    if (!log->file)
        return 0;
    json_t *code = ending->exit_code >= 0 ? json_integer(ending->exit_code) : json_null();
    return write_line(log, json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:i, s:o, s:o, s:o}", "event", "end", "item",
                                     (json_int_t)item->number + 1, "outcome", fate_name(ending->fate), "how",
                                     json_text(ending->how), "exit_code", code, "signal",
                                     json_signal(ending->signal_number), "attempts", (int)ending->attempts, "wall",
                                     seconds(ending->wall), "cpu", seconds(ending->cpu), "time", time_of_day()));
}
