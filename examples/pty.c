/*
 * Answers a program that insists on asking a person.
 */
#include <processkit.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a password prompt does as well: it asks at the terminal, wherever its output goes. */
static const char program[] = "printf 'What is your name? ' >/dev/tty; read name </dev/tty\n"
                              "echo \"Hello, $name. Your terminal has $(stty size) rows and columns.\"\n";

/* Shows what is said at the terminal, until it ends with these words, or altogether. */
static void hear(int screen, const char *words)
{
    char said[1024];
    size_t length = 0, enough = strlen(words);
    while (length < sizeof(said) && read(screen, said + length, 1) == 1) {
        putchar(said[length++]);
        if (length >= enough && memcmp(said + length - enough, words, enough) == 0)
            break;
    }
}

int main(void)
{
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    options.columns = 132;
    options.rows = 43;
    options.echo = true;

    pk_auto(pk_command) command = pk_command_new("sh", "-c", program, NULL);
    pk_command_pty(command, &options);
    pk_command_timeout(command, PK_SECONDS(10));

    pk_error error;
    pk_result result;
    pk_auto(pk_process) process = NULL;
    if (pk_command_start(command, &process, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 125;
    int screen = pk_process_pipe(process, 1), keys = pk_process_pipe(process, 0);
    hear(screen, "? ");
    if (write(keys, "Ada\n", 4) == 4)
        hear(screen, "columns.\r\n");
    if (pk_process_wait(process, PK_FOREVER, &result, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 125;
    return pk_result_is_success(&result) ? 0 : 1;
}
