/*
 * The log of a service, kept by its loop: written when lines have come, and when there is room.
 */
#include "base/error.h"
#include "supervise/supervise.h"
#include "sys/sys.h"

#include <string.h>

static void leave_unwatched(pk_service *service)
{
    loop_watch_remove(&service->log_watch);
    service->log_watched = -1;
}

void journal_close(pk_service *service)
{
    leave_unwatched(service);
    if (service->supervisor->epoch != sys_epoch())
        service->log.length = 0; /* the owner of that writes it, and not a copy */
    log_close(&service->log);
    service->log_lost += log_lost(&service->log); /* the last ones too */
    memset(&service->log, 0, sizeof(service->log));
    service->log_due = false;
}

int journal_open(pk_service *service, pk_error *error)
{
    if (service->log_changed)
        journal_close(service);
    service->log_changed = false;
    if (!service->logs || log_is_open(&service->log))
        return 0;
    return log_open(&service->log, &service->log_options, service->name, error);
}

void journal_write(pk_service *service, const pk_line *line)
{
    if (!log_is_open(&service->log) || line->fd > 2)
        return;
    if (service->log_watched >= 0)
        leave_unwatched(service); /* the file may become another one */
    log_line(&service->log, line, sys_realtime());
    if (service->log_due)
        return;
    service->log_due = true;
    service_set_timer(service);
}

static void tell_losses(pk_service *service)
{
    struct log_news news;
    while (log_news(&service->log, &news)) {
        pk_error error = {.number = news.number};
        if (news.number < 0)
            error_errno(&error, news.number, PK_STEP_NONE, service->log_path, "cannot write the log of %s",
                        service->name);
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_LOG_LOST,
                                                 .error = news.number < 0 ? &error : NULL,
                                                 .count = news.count});
    }
}

static void on_room(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    journal_flush(data);
}

/* Who cannot wait for room, for want of memory, tries again with the next line. */
static void wait_for_room(pk_service *service)
{
    int fd = log_interest(&service->log).fd;
    if (fd == service->log_watched)
        return;
    leave_unwatched(service);
    if (fd >= 0 && loop_watch_add(service->supervisor->loop, &service->log_watch, fd, EPOLLOUT, on_room, service) == 0)
        service->log_watched = fd;
}

void journal_flush(pk_service *service)
{
    service->log_due = false;
    if (service->log_watched >= 0)
        leave_unwatched(service); /* the file may become another one */
    log_flush(&service->log);
    wait_for_room(service);
    tell_losses(service);
}

void journal_finish(pk_service *service)
{
    if (!log_is_open(&service->log))
        return;
    log_finish(&service->log);
    journal_flush(service);
}
