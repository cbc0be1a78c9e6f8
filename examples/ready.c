/*
 * Starts a server, waits until it can be used, and uses it. The server is this program once more.
 */
#include <processkit.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int serve(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&address, length) < 0 || listen(server, 16) < 0 ||
        getsockname(server, (struct sockaddr *)&address, &length) < 0)
        return 1;
    printf("using port %u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int client = accept(server, NULL, NULL);
        send(client, "hello", 5, MSG_NOSIGNAL);
        close(client);
    }
}

static int use(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char said[16] = "";
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&address, sizeof(address)) < 0 || read(client, said, sizeof(said) - 1) < 0)
        return perror("client"), 1;
    close(client);
    printf("the server says %s\n", said);
    return 0;
}

static bool names_port(const pk_line *line, void *data)
{
    (void)data;
    return strncmp(line->text, "using port ", 11) == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return serve();

    pk_error error;
    char *line = NULL;
    unsigned port = 0;
    pk_time deadline = pk_deadline(PK_SECONDS(30));
    pk_auto(pk_command) command = pk_command_new("/proc/self/exe", "serve", NULL);
    pk_auto(pk_process) process = NULL; /* with which the server ends */
    pk_command_pipe(command, 1);
    int r = pk_command_start(command, &process, &error);
    if (r == 0)
        r = pk_process_wait_line(process, 1, names_port, NULL, &line, deadline, &error);
    if (r == 0) {
        port = (unsigned)strtoul(line + 11, NULL, 10);
        r = pk_process_wait_port(process, "127.0.0.1", port, deadline, &error);
    }
    free(line);
    if (r < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    return use(port);
}
