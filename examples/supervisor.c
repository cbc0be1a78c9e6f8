/*
 * A server that needs a database, and crashes twice before it stays. Both are stopped when it can be used.
 */
#include <processkit.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char database_script[] = "echo recovering; echo ready for connections; exec sleep 1000";
static const char server_script[] = "read bug && exit 3; echo listening; exec sleep 1000";

static bool is_ready(const pk_line *line, void *data)
{
    (void)data;
    return strncmp(line->text, "ready", 5) == 0;
}

static void tell(pk_supervisor *supervisor, const pk_service_event *event, void *server)
{
    char line[256];
    if (event->kind != PK_SERVICE_STARTED) /* its pid is another one each time */
        puts(pk_service_event_format(event, line, sizeof(line)));
    if (event->kind == PK_SERVICE_IS_READY && event->service == server)
        pk_supervisor_stop(supervisor, NULL);
}

static void add_database(pk_supervisor *supervisor)
{
    pk_auto(pk_command) command = pk_command_new("sh", "-c", database_script, NULL);
    pk_service *database = pk_supervisor_add(supervisor, "database", command);
    pk_service_ready_line(database, 1, is_ready, NULL);
}

/* Each of its incarnations finds one bug, as long as there are any. */
static pk_service *add_server(pk_supervisor *supervisor, int bugs)
{
    pk_restart_options restarts = PK_RESTART_OPTIONS_INIT;
    restarts.first_pause = PK_MILLISECONDS(20);
    restarts.jitter = false;
    restarts.most = 5;

    pk_auto(pk_command) command = pk_command_new("sh", "-c", server_script, NULL);
    pk_command_fd(command, 0, bugs);
    pk_service *server = pk_supervisor_add(supervisor, "server", command);
    pk_service_needs(server, "database");
    pk_service_restarts(server, &restarts);
    pk_service_ready_line(server, 1, NULL, NULL);
    return server;
}

int main(void)
{
    pk_error error;
    pk_service_status status;
    int bugs[2];
    if (pipe(bugs) < 0 || write(bugs[1], "1\n2\n", 4) < 0 || close(bugs[1]) < 0)
        return perror("pipe"), 1;

    pk_auto(pk_supervisor) supervisor = pk_supervisor_new();
    pk_service *server = add_server(supervisor, bugs[0]);
    add_database(supervisor);
    pk_supervisor_on_event(supervisor, tell, server);
    if (pk_supervisor_run(supervisor, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    pk_service_look(server, &status);
    printf("the server was started %u times\n", status.incarnation);
    return 0;
}
