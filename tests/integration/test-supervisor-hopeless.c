/*
 * Starts that no other try would mend are given up at once.
 */
#include "files.h"
#include "vigil.h"

#include <string.h>

static void expect_to_be_given_up(struct vigil *vigil, const char *why)
{
    vigil_run(vigil);
    assert_string_equal(vigil->diary, "web start-failed, web over");
    assert_int_equal(vigil->end, PK_SERVICE_GAVE_UP);
    if (!strstr(vigil->text, why))
        fail_msg("%s", vigil->text);
    vigil_free(vigil);
}

static void add(struct vigil *vigil, const pk_command *command)
{
    vigil_init(vigil);
    vigil_restarts(pk_supervisor_add(vigil->supervisor, "web", command), PK_RESTART_ON_FAILURE, 2);
}

static void what_cannot_be_executed(void **state)
{
    static const char *const rows[][2] = {
        {"no program at all\n", "it is no program for this machine"},
        {"#!/there/is/no/such/interpreter\n", "its interpreter was not found"},
    };
    struct vigil vigil;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(files_write("program", rows[i][0], 0755));
        pk_auto(pk_command) command = pk_command_new("./program", NULL);
        add(&vigil, command);
        expect_to_be_given_up(&vigil, rows[i][1]);
    }
}

static void limits_that_cannot_be_had(void **state)
{
    struct vigil vigil;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    (void)state;
    options.mechanism = PK_MECHANISM_PROCESS_GROUP;
    options.limits.pids_max = 8;
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    pk_command_contain(command, &options);
    add(&vigil, command);
    expect_to_be_given_up(&vigil, "limit");
}

static const struct test tests[] = {
    PK_TEST(what_cannot_be_executed),
    PK_TEST(limits_that_cannot_be_had),
};

PK_TEST_MAIN(tests)
