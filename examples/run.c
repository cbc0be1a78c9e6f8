/*
 * Commands in one line each, for what they print and for whether they succeed.
 */
#include <processkit.h>

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    pk_error error;
    char *system;

    if (pk_run(&system, &error, "uname", "-s", NULL) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    printf("this is %s\n", system);
    free(system);

    if (pk_check(&error, "ls", "/no/such/directory", NULL) < 0)
        printf("%s\n", error.message);

    pk_auto(pk_command) test = pk_command_new("test", "-d", "/proc/self", NULL);
    int yes = pk_command_probe(test, &error); /* 1, 0 or an error: the three ends of test, grep and diff */
    if (yes < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    printf("there is %s /proc\n", yes ? "a" : "no");
    return 0;
}
