/*
 * The matrix: every bad habit of a child, against every mechanism, killed at once and stopped by the ladder, as root
 * and as an ordinary user. Each cell proves that nothing is left, or the weakness that the documentation admits.
 */
#include "cast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a process group does not hold. The leader's own setsid does not count: its number stays that of its group. */
enum escape { HELD, ESCAPES };

static const struct habit {
    const char *name;
    const char *words;
    enum escape from_process_group;
} habits[] = {
    {"obedient", "wide 3", HELD},
    {"setsid", "double-fork -- setsid", ESCAPES},
    {"setpgid", "child -- setpgid", ESCAPES},
    {"double-fork", "double-fork -- hold", HELD},
    {"daemon", "daemonise", ESCAPES},
    {"deep", "deep 12", HELD},
    {"ignores-TERM", "ignore TERM,INT,HUP -- wide 2", HELD},
    {"blocks-all", "block-all -- wide 2", HELD},
    {"leader-leaves", "leave 0 -- ignore TERM -- hold", HELD},
    {"leader-leaves-daemon", "leave 0 -- daemonise", ESCAPES},
    {"subreaper", "subreaper -- wide 2 -- double-fork", HELD},
    {"zombies", "wide 3 -- zombie", HELD},
    {"stopped", "child -- stop", HELD},
    {"threads", "wide 2 -- threads 4", HELD},
    {"no-main-thread", "child -- lose-main-thread", HELD},
    {"forks-on-TERM", "fork-on TERM -- wide 3", HELD},
    {"renames-itself", "wide 2 -- name a)R(1", HELD},
    {"memory", "wide 2 -- memory 16", HELD},
    {"chatter", "wide 2 -- chatter 1", HELD},
    {"everything", "tree 40", ESCAPES},
};

enum { HABITS = sizeof(habits) / sizeof(habits[0]) };

struct cell {
    const struct habit *habit;
    pk_mechanism mechanism;
    bool by_ladder;
};

static void end_group(pk_group *group, bool by_ladder)
{
    pk_error error;
    pk_stop_options stop = PK_STOP_OPTIONS_INIT;
    stop.grace = PK_MILLISECONDS(30);
    if (by_ladder)
        assert_ok(pk_group_stop(group, &stop, NULL, &error), error);
    else
        assert_ok(pk_group_kill(group, &error), error);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
}

static pk_process *start_quietly(pk_group *group, struct witness *witness, const char *words)
{
    pk_error error;
    pk_process *process = NULL;
    pk_auto(pk_command) command = cast_command(witness, words);
    pk_command_null(command, 1);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    witness_ready(witness);
    return process;
}

static void cell_holds(void **state)
{
    const struct cell *cell = *state;
    pk_group *group = cast_group(cell->mechanism);
    struct witness *witness = witness_new();
    pk_process *process = start_quietly(group, witness, cell->habit->words);

    end_group(group, cell->by_ladder);
    witness_update(witness); /* those born on the way */
    if (cell->mechanism != PK_MECHANISM_PROCESS_GROUP || cell->habit->from_process_group == HELD) {
        witness_assert_dead(witness, GONE_MS);
    } else {
        assert_true(witness_alive(witness) > 0); /* if none escapes, the documentation is wrong */
        assert_false(pk_group_guarantees(group) & PK_GUARANTEE_WHOLE_TREE);
    }
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static const pk_mechanism mechanisms[] = {PK_MECHANISM_CGROUP2, PK_MECHANISM_REAPER, PK_MECHANISM_PROCESS_GROUP};

enum { MECHANISMS = 3, CELLS = HABITS * MECHANISMS * 2 };

int main(int argc, char **argv)
{
    static struct cell cells[CELLS];
    static struct test tests[CELLS * 2];
    static char names[CELLS * 2][96];
    size_t count = 0;

    for (size_t i = 0; i < CELLS; i++) {
        bool by_ladder = i & 1;
        pk_mechanism mechanism = mechanisms[i / 2 % MECHANISMS];
        bool cgroup = mechanism == PK_MECHANISM_CGROUP2;
        cells[i] = (struct cell){&habits[i / 2 / MECHANISMS], mechanism, by_ladder};
        for (int as_user = 0; as_user < 2; as_user++) {
            enum test_identity as = !as_user ? TEST_AS_IS : cgroup ? TEST_AS_DELEGATED_USER : TEST_AS_USER;
            snprintf(names[count], sizeof(names[count]), "%s/%s/%s%s", cells[i].habit->name,
                     pk_mechanism_name(mechanism), by_ladder ? "stop" : "kill", as_user ? "@user" : "");
            tests[count] = (struct test){.name = names[count],
                                         .body = cell_holds,
                                         .data = &cells[i],
                                         .as = as,
                                         .needs = cgroup && !as_user ? NEEDS_CGROUP2 : 0};
            count++;
        }
    }
    return test_main(argc, argv, tests, count);
}
