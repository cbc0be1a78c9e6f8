/*
 * Everything that happens to a process, in one order.
 */
#include "course.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const pk_duration patience = PK_SECONDS(60);

static pk_process *start(const pk_command *command)
{
    pk_error error;
    pk_process *process = NULL;
    assert_ok(pk_command_start(command, &process, &error), error);
    return process;
}

static pk_process_event next(pk_process *process)
{
    pk_error error;
    pk_process_event event = {0};
    assert_ok(pk_process_next_event(process, &event, pk_deadline(patience), &error), error);
    assert_int_equal(event.pid, event.kind ? pk_process_pid(process) : 0);
    assert_int_equal(event.result != NULL, event.kind == PK_EVENT_ENDED);
    return event;
}

static pk_process_event expect(pk_process *process, pk_event kind)
{
    pk_process_event event = next(process);
    assert_int_equal(event.kind, kind);
    return event;
}

static void expect_line(pk_process *process, int fd, const char *text)
{
    pk_process_event event = expect(process, PK_EVENT_OUTPUT);
    assert_int_equal(event.line.fd, fd);
    assert_string_equal(event.line.text, text);
}

static void expect_nothing(pk_process *process, pk_duration wait)
{
    pk_error error;
    pk_process_event event = {.exit_code = 77};
    assert_int_equal(pk_process_next_event(process, &event, wait ? pk_deadline(wait) : 0, &error), -ETIMEDOUT);
    assert_int_equal(error.kind, PK_ERROR_TIMEOUT);
    assert_int_equal(event.exit_code, 77);
}

static void expect_no_more(pk_process *process)
{
    assert_int_equal(next(process).kind, 0);
    assert_int_equal(next(process).kind, 0);
}

/* ---- The order -------------------------------------------------------------------------------------------------- */

static void all_events_come_in_order(void **state)
{
    pk_auto(pk_command) command = course_command(state, "print one -- print two -- exit 3");
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    expect(process, PK_EVENT_STARTED);
    expect_line(process, 1, "one");
    expect_line(process, 1, "two");
    pk_process_event event = expect(process, PK_EVENT_LEADER_EXITED);
    assert_int_equal(event.ending, PK_ENDING_EXITED);
    assert_int_equal(event.exit_code, 3);
    expect(process, PK_EVENT_TREE_EMPTY);
    event = expect(process, PK_EVENT_ENDED);
    assert_int_equal(event.exit_code, 3);
    assert_int_equal(event.result->verdict, PK_VERDICT_EXITED);
    assert_ptr_equal(event.result, pk_process_result(process));
    expect_no_more(process);
}

/* However late somebody asks. */
static void a_run_that_has_ended_tells_all_of_it(void **state)
{
    char name[32];
    pk_auto(pk_command) command = course_command(state, "lines 1000 -- print-to 2 last -- die KILL");
    pk_command_pipe(command, 1);
    pk_command_pipe(command, 2);
    pk_auto(pk_process) process = start(command);
    assert_true(pidfd_is_dead(pk_process_pidfd(process), 20000));
    expect(process, PK_EVENT_STARTED);
    int seen[3] = {0};
    for (int i = 0; i < 1001; i++) {
        pk_process_event event = expect(process, PK_EVENT_OUTPUT);
        snprintf(name, sizeof(name), "line %d", ++seen[event.line.fd]);
        assert_string_equal(event.line.text, event.line.fd == 1 ? name : "last");
    }
    pk_process_event event = expect(process, PK_EVENT_LEADER_EXITED);
    assert_int_equal(event.ending, PK_ENDING_SIGNALLED);
    assert_int_equal(event.signal_number, SIGKILL);
    expect(process, PK_EVENT_TREE_EMPTY);
    expect(process, PK_EVENT_ENDED);
    expect_no_more(process);
}

static void a_process_without_streams_has_events_too(void **state)
{
    pk_auto(pk_command) command = course_command(state, "exit 0");
    pk_auto(pk_process) process = start(command);
    expect(process, PK_EVENT_STARTED);
    expect(process, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_TREE_EMPTY);
    expect(process, PK_EVENT_ENDED);
    expect_no_more(process);
}

/* Neither lines nor bytes of it are lost, nor is the half line at the end. */
static void half_a_line_is_told_before_the_end(void **state)
{
    pk_auto(pk_command) command = course_command(state, "bytes 70000 -- exit 0");
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    size_t length = 0;
    expect(process, PK_EVENT_STARTED);
    pk_process_event event;
    while (event = next(process), event.kind == PK_EVENT_OUTPUT)
        length += event.line.length;
    assert_int_equal(length, 70000);
    assert_int_equal(event.kind, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_TREE_EMPTY);
    expect(process, PK_EVENT_ENDED);
}

static void a_million_lines_come_before_the_end(void **state)
{
    char words[32];
    unsigned count = fewer(1000000);
    snprintf(words, sizeof(words), "lines %u", count);
    pk_auto(pk_command) command = course_command(state, words);
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    expect(process, PK_EVENT_STARTED);
    for (uint64_t i = 1; i <= count; i++) {
        pk_process_event event = next(process);
        if (event.kind != PK_EVENT_OUTPUT || event.line.number != i)
            fail_msg("event %d instead of line %llu", (int)event.kind, (unsigned long long)i);
    }
    expect(process, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_TREE_EMPTY);
    expect(process, PK_EVENT_ENDED);
}

/* One that never rests does not keep the other's lines waiting. */
static void streams_are_heard_by_turns(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "leave 0 -- print-to 2 here -- flood");
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_command_pipe(command, 1);
    pk_command_pipe(command, 2);
    pk_auto(pk_process) process = start(command);
    bool line = false, leader = false;
    for (int i = 0; i < 1000000 && !(line && leader); i++) {
        pk_process_event event = next(process);
        line |= event.kind == PK_EVENT_OUTPUT && event.line.fd == 2;
        leader |= event.kind == PK_EVENT_LEADER_EXITED;
    }
    assert_true(line);
    assert_true(leader);
    assert_ok(pk_process_stop(process, &(pk_stop_options){.size = sizeof(pk_stop_options)}, &error), error);
    pk_event kind;
    while ((kind = next(process).kind) == PK_EVENT_OUTPUT)
        ;
    assert_int_equal(kind, PK_EVENT_TREE_EMPTY);
    expect(process, PK_EVENT_ENDED);
}

/* ---- The leader, and the tree ------------------------------------------------------------------------------------ */

static void the_tree_may_be_empty_long_after_the_leader(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "print leader -- leave 4 -- read-bytes 1 -- print member");
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    expect(process, PK_EVENT_STARTED);
    expect_line(process, 1, "leader");
    assert_int_equal(expect(process, PK_EVENT_LEADER_EXITED).exit_code, 4);
    expect_nothing(process, PK_MILLISECONDS(50));
    expect_nothing(process, 0);
    assert_ok(pk_process_write(process, "a", 1, NULL, PK_FOREVER, &error), error);
    expect_line(process, 1, "member");
    expect(process, PK_EVENT_TREE_EMPTY);
    assert_int_equal(expect(process, PK_EVENT_ENDED).result->verdict, PK_VERDICT_EXITED);
    expect_no_more(process);
}

static void leftovers_that_are_killed_are_told_of(void **state)
{
    pk_auto(pk_command) command = course_command(state, "leave 0 -- hold");
    pk_command_leftovers(command, PK_LEFTOVERS_FAIL);
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    expect(process, PK_EVENT_STARTED);
    expect(process, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_TREE_EMPTY);
    assert_int_equal(expect(process, PK_EVENT_ENDED).result->verdict, PK_VERDICT_LEFTOVERS);
}

static void in_a_shared_group_no_tree_becomes_empty(void **state)
{
    const struct way *way = *state;
    pk_error error;
    pk_process *process;
    pk_command *command = cast_command(NULL, "print hello");
    pk_group *group = cast_group(way->mechanism);
    pk_command_pipe(command, 1);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    expect(process, PK_EVENT_STARTED);
    expect_line(process, 1, "hello");
    expect(process, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_ENDED);
    expect_no_more(process);
    pk_process_free(process);
    pk_group_free(group);
    pk_command_free(command);
}

/* ---- Ended by the owner ------------------------------------------------------------------------------------------ */

static void deadlines_of_the_command_are_kept(void **state)
{
    pk_auto(pk_command) command = course_command(state, "print first -- hold");
    pk_command_pipe(command, 1);
    pk_command_timeout(command, PK_MILLISECONDS(300));
    pk_auto(pk_process) process = start(command);
    expect(process, PK_EVENT_STARTED);
    expect_line(process, 1, "first");
    assert_int_equal(expect(process, PK_EVENT_LEADER_EXITED).signal_number, SIGTERM);
    expect(process, PK_EVENT_TREE_EMPTY);
    assert_int_equal(expect(process, PK_EVENT_ENDED).result->verdict, PK_VERDICT_TIMED_OUT);
}

static void a_cancelled_run_tells_its_end(void **state)
{
    pk_error error;
    pk_auto(pk_cancel) cancel = NULL;
    pk_auto(pk_command) command = course_command(state, "print first -- hold");
    assert_ok(pk_cancel_create(&cancel, &error), error);
    pk_command_pipe(command, 1);
    pk_command_cancel(command, cancel);
    pk_auto(pk_process) process = start(command);
    expect(process, PK_EVENT_STARTED);
    expect_line(process, 1, "first");
    pk_cancel_now(cancel);
    expect(process, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_TREE_EMPTY);
    assert_int_equal(expect(process, PK_EVENT_ENDED).result->verdict, PK_VERDICT_CANCELLED);
}

static void it_may_be_freed_in_between(void **state)
{
    pk_auto(pk_command) command = course_command(state, "lines 1000000");
    pk_command_pipe(command, 1);
    for (int count = 0; count < 4; count++) {
        pk_process *process = start(command);
        for (int i = 0; i < count; i++)
            next(process);
        pk_process_free(process);
    }
}

static void free_it(pk_process *process, const pk_line *line, void *data)
{
    (void)line, (void)data;
    pk_process_free(process);
}

static void a_callback_may_free_it(void **state)
{
    pk_error error;
    pk_process_event event;
    pk_auto(pk_command) command = course_command(state, "lines 1000000");
    pk_command_on_line(command, 1, free_it, NULL);
    pk_process *process = start(command);
    expect(process, PK_EVENT_STARTED);
    assert_int_equal(pk_process_next_event(process, &event, PK_FOREVER, &error), -ECANCELED);
}

/* ---- Beside other calls ------------------------------------------------------------------------------------------ */

static void a_line_is_given_once(void **state)
{
    pk_error error;
    pk_line line;
    pk_auto(pk_command) command = course_command(state, "lines 3");
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    assert_ok(pk_process_next_line(process, 1, &line, pk_deadline(patience), &error), error);
    assert_string_equal(line.text, "line 1");
    expect(process, PK_EVENT_STARTED);
    expect_line(process, 1, "line 2");
    assert_ok(pk_process_next_line(process, -1, &line, pk_deadline(patience), &error), error);
    assert_string_equal(line.text, "line 3");
    assert_int_equal(pk_process_next_line(process, -1, &line, pk_deadline(patience), &error), 0);
    expect(process, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_TREE_EMPTY);
    expect(process, PK_EVENT_ENDED);
}

static void after_a_wait_the_rest_is_told_without_lines(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "lines 3");
    pk_command_capture(command, 1, NULL);
    pk_auto(pk_process) process = start(command);
    expect(process, PK_EVENT_STARTED);
    expect_line(process, 1, "line 1");
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_int_equal(pk_process_capture(process, 1)->total, strlen("line 1\nline 2\nline 3\n"));
    expect(process, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_TREE_EMPTY);
    expect(process, PK_EVENT_ENDED);
    expect_no_more(process);
}

static void a_paused_stream_comes_late(void **state)
{
    pk_auto(pk_command) command = course_command(state, "print late");
    pk_command_capture(command, 1, NULL);
    pk_auto(pk_process) process = start(command);
    assert_int_equal(pk_process_pause(process, 1), 0);
    expect(process, PK_EVENT_STARTED);
    expect(process, PK_EVENT_LEADER_EXITED);
    expect(process, PK_EVENT_TREE_EMPTY);
    expect_nothing(process, PK_MILLISECONDS(200)); /* longer than a run that has ended is drained */
    assert_int_equal(pk_process_unpause(process, 1), 0);
    expect_line(process, 1, "late");
    expect(process, PK_EVENT_ENDED);
}

static void count_events(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(unsigned *)data |= 1U << event;
}

static void a_loop_has_its_own_events(void **state)
{
    unsigned seen = 0;
    pk_error error;
    pk_process_event event;
    pk_auto(pk_loop) loop = NULL;
    pk_auto(pk_command) command = course_command(state, "exit 0");
    pk_process *process = start(command);
    expect(process, PK_EVENT_STARTED);
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, count_events, &seen, &error), error);
    assert_int_equal(pk_process_next_event(process, &event, PK_FOREVER, &error), -EBUSY);
    while (!pk_process_result(process))
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_int_equal(seen, 1U << PK_EVENT_LEADER_EXITED | 1U << PK_EVENT_TREE_EMPTY | 1U << PK_EVENT_ENDED);
    pk_process_free(process);
}

/* ---- The same order from a loop ---------------------------------------------------------------------------------- */

struct diary {
    char text[256];
    bool ended;
};

static void write_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process;
    struct diary *diary = data;
    snprintf(diary->text + strlen(diary->text), sizeof(diary->text) - strlen(diary->text), "%s ", line->text);
}

static void write_event(pk_process *process, pk_event event, void *data)
{
    static const char *const names[] = {
        [PK_EVENT_LEADER_EXITED] = "-leader", [PK_EVENT_TREE_EMPTY] = "-tree", [PK_EVENT_ENDED] = "-ended"};
    struct diary *diary = data;
    write_line(process, &(pk_line){.text = names[event]}, data);
    diary->ended = event == PK_EVENT_ENDED;
}

static void a_loop_tells_in_the_same_order(void **state)
{
    struct diary diary = {0};
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    pk_auto(pk_command) command =
        course_command(state, "print one -- print two -- leave 0 -- read-bytes 1 -- print three");
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_command_pipe(command, 0);
    pk_command_on_line(command, 1, write_line, &diary);
    pk_process *process = start(command);
    assert_true(pidfd_is_dead(pk_process_pidfd(process), 20000)); /* all at once is what is hard to order */
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, write_event, &diary, &error), error);
    while (!strstr(diary.text, "-leader"))
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_string_equal(diary.text, "one two -leader ");
    pk_process_close_input(process);
    while (!diary.ended)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_string_equal(diary.text, "one two -leader three -tree -ended ");
    pk_process_free(process);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct test tests[] = {
    EACH_MECHANISM(all_events_come_in_order),
    EACH_MECHANISM(a_run_that_has_ended_tells_all_of_it),
    EACH_MECHANISM(a_process_without_streams_has_events_too),
    EACH_MECHANISM(half_a_line_is_told_before_the_end),
    EACH_MECHANISM(a_million_lines_come_before_the_end, .deadline_s = 120),
    EACH_MECHANISM(streams_are_heard_by_turns),
    EACH_MECHANISM(the_tree_may_be_empty_long_after_the_leader),
    EACH_MECHANISM(leftovers_that_are_killed_are_told_of),
    EACH_MECHANISM(in_a_shared_group_no_tree_becomes_empty),
    EACH_MECHANISM(deadlines_of_the_command_are_kept),
    EACH_MECHANISM(a_cancelled_run_tells_its_end),
    EACH_MECHANISM(it_may_be_freed_in_between),
    EACH_MECHANISM(a_callback_may_free_it),
    EACH_MECHANISM(a_line_is_given_once),
    EACH_MECHANISM(after_a_wait_the_rest_is_told_without_lines),
    EACH_MECHANISM(a_paused_stream_comes_late),
    EACH_MECHANISM(a_loop_has_its_own_events),
    EACH_MECHANISM(a_loop_tells_in_the_same_order),
};
PK_TEST_MAIN(tests)
