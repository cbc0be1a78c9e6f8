/*
 * Making pipelines of words.
 */
#include "plumbing.h"

#include <stdlib.h>
#include <string.h>

pk_pipeline *plumb_plainly(const char *stages)
{
    pk_pipeline *pipeline = pk_pipeline_new(NULL, NULL);
    char *words = strdup(stages), *rest = words;
    assert_non_null(words);
    while (rest) {
        char *next = strstr(rest, " | ");
        if (next) {
            *next = '\0';
            next += strlen(" | ");
        }
        pk_auto(pk_command) command = cast_command(NULL, rest);
        pk_pipeline_add(pipeline, command);
        rest = next;
    }
    free(words);
    return pipeline;
}

pk_pipeline *plumb(void **state, const char *stages)
{
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_pipeline *pipeline = plumb_plainly(stages);
    options.mechanism = way->mechanism;
    pk_pipeline_contain(pipeline, &options);
    return pipeline;
}

const pk_result *plumbing_run(struct course *course, void **state, const pk_pipeline *pipeline)
{
    pk_auto(pk_command) command = pk_command_copy(pk_pipeline_command(pipeline));
    pk_command_capture(command, 1, NULL);
    course_start(course, state, command);
    return course_end(course);
}
