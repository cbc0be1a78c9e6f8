/*
 * Runs a command with a deadline, and leaves nothing behind.
 */
#include <processkit.h>

#include <stdio.h>

int main(void)
{
    pk_auto(pk_command) command = pk_command_new("sh", "-c", "sleep 60 & sleep 61", NULL);
    pk_command_timeout(command, PK_MILLISECONDS(200));

    pk_result result;
    pk_error error;
    char text[128];
    if (pk_command_status(command, &result, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 125;
    puts(pk_result_format(&result, text, sizeof(text)));
    return pk_result_is_success(&result) ? 0 : 1;
}
