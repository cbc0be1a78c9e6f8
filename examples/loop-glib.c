/*
 * In a program that has a main loop of GLib, as GTK programs do.
 */
#include "job.h"

#include <glib-unix.h>

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
    pk_error error;
    (void)fd, (void)condition;
    if (pk_loop_dispatch(data, 0, &error) < 0)
        job_fail(&error);
    return G_SOURCE_CONTINUE;
}

static void on_end(void *data)
{
    g_main_loop_quit(data);
}

int main(void)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    g_autoptr(GMainLoop) main_loop = g_main_loop_new(NULL, FALSE);

    if (pk_loop_create(&loop, &error) < 0 || job_start(loop, on_end, main_loop, &error) < 0)
        return job_fail(&error);

    guint source = g_unix_fd_add(pk_loop_fd(loop), G_IO_IN, on_readable, loop);
    g_main_loop_run(main_loop);
    g_source_remove(source);
    return 0;
}
