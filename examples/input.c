/*
 * A child that answers: each question is written to it, each answer read, and neither side can hang the other.
 */
#include <processkit.h>

#include <stdio.h>
#include <string.h>

static int ask(pk_process *calculator, const char *question, pk_error *error)
{
    pk_line answer;
    pk_time deadline = pk_deadline(PK_SECONDS(5));
    int r = pk_process_write(calculator, question, strlen(question), NULL, deadline, error);
    if (r == 0)
        r = pk_process_next_line(calculator, 1, &answer, deadline, error);
    if (r > 0)
        printf("%s= %s\n", question, answer.text);
    return r;
}

int main(void)
{
    pk_error error;
    pk_auto(pk_process) calculator = NULL;
    pk_auto(pk_command) command = pk_command_new("sh", "-c", "while read -r sum; do echo $(($sum)); done", NULL);

    pk_command_pipe(command, 0);
    pk_command_pipe(command, 1);
    if (pk_command_start(command, &calculator, &error) < 0 || ask(calculator, "6 * 7\n", &error) < 0 ||
        ask(calculator, "1 << 20\n", &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;

    pk_process_close_input(calculator); /* it ends by itself now; otherwise freeing it would kill it */
    if (pk_process_wait(calculator, pk_deadline(PK_SECONDS(5)), NULL, &error) < 0 ||
        pk_process_check(calculator, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    return 0;
}
