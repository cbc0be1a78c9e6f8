/*
 * What a child writes: kept, passed on line by line, and both.
 */
#include <processkit.h>

#include <stdio.h>

static void show(pk_process *process, const pk_line *line, void *data)
{
    (void)process;
    printf("%s %llu: %s\n", (const char *)data, (unsigned long long)line->number, line->text);
}

int main(void)
{
    pk_error error;
    pk_auto(pk_output) output = NULL;
    pk_auto(pk_command) build = pk_command_new("sh", "-c", "echo compiling; echo oops >&2; seq 100000; exit 3", NULL);

    pk_capture_options little = PK_CAPTURE_OPTIONS_INIT;
    little.head = 10; /* bytes; the child is not held up, whatever it writes beyond both */
    little.tail = 13;
    pk_command_capture(build, 1, &little);
    pk_command_on_line(build, 2, show, (void *)"stderr");

    if (pk_command_output(build, &output, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    const pk_capture *kept = pk_output_capture(output, 1);
    printf("%.*s[%llu bytes]\n%s", (int)kept->head_length, kept->bytes, (unsigned long long)kept->omitted,
           kept->bytes + kept->head_length);
    printf("exited with %d\n", pk_output_result(output)->exit_code);
    return 0;
}
