/*
 * What is kept of a stream, against a model that has all of it.
 */
#include "harness.h"
#include "io/capture.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct capture new_capture(size_t head, size_t tail)
{
    struct capture capture;
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = head;
    options.tail = tail;
    assert_int_equal(capture_open(&capture, &options, NULL), 0);
    return capture;
}

/* ---- The model -------------------------------------------------------------------------------------------------- */

struct model {
    size_t head, tail;
    struct report all;
};

/* Head and tail of everything there was, put together anew. */
static void assert_as_model(struct capture *capture, const struct model *model)
{
    pk_capture view;
    size_t length = model->all.length;
    size_t head = length < model->head ? length : model->head;
    size_t tail = length - head < model->tail ? length - head : model->tail;
    size_t omitted = length - head - tail;
    capture_view(capture, &view);
    assert_int_equal(view.length, head + tail);
    assert_int_equal(view.omitted, omitted);
    assert_int_equal(view.head_length, omitted ? head : head + tail);
    assert_int_equal(capture_is_over(capture), omitted > 0);
    assert_int_equal(view.bytes[view.length], '\0');
    if (head)
        assert_memory_equal(view.bytes, model->all.bytes, head);
    if (tail)
        assert_memory_equal(view.bytes + head, model->all.bytes + length - tail, tail);
}

/* No two neighbourhoods look alike. */
static void invent(char *bytes, size_t length, size_t position)
{
    for (size_t i = 0; i < length; i++, position++)
        bytes[i] = (char)(position * 2654435761U >> 13);
}

static void add(struct capture *capture, struct model *model, size_t length, bool in_place)
{
    size_t room = 0;
    char *bytes = malloc(length + 1);
    assert_non_null(bytes);
    invent(bytes, length, model->all.length);
    char *place = in_place ? capture_reserve(capture, &room) : NULL;
    if (place && room < length)
        length = room;
    if (place) {
        memcpy(place, bytes, length);
        capture_fill(capture, length);
    } else {
        capture_put(capture, bytes, length);
    }
    report_append(&model->all, bytes, length);
    free(bytes);
}

/* ---- Head and tail ---------------------------------------------------------------------------------------------- */

struct shape {
    size_t head, tail, most; /* most: bytes that come at once */
};

static const struct shape shapes[] = {{0, 0, 100},
                                      {0, 1, 3},
                                      {1, 0, 3},
                                      {1, 1, 3},
                                      {10, 0, 7},
                                      {0, 10, 7},
                                      {10, 10, 7},
                                      {10, 10, 200},
                                      {100, 3, 1000},
                                      {3, 100, 1000},
                                      {4095, 0, 9000},
                                      {4096, 0, 9000},
                                      {0, 4095, 9000},
                                      {0, 4096, 9000},
                                      {0, 4097, 9000},
                                      {4096, 4096, 9000},
                                      {5000, 20000, 9000},
                                      {20000, 5000, 9000},
                                      {0, 100000, 70000},
                                      {1 << 20, 1 << 20, 70000},
                                      {65536, 300000, 70000}};

static void play(const struct shape *shape, unsigned seed, bool looking)
{
    struct model model = {.head = shape->head, .tail = shape->tail};
    struct capture capture = new_capture(shape->head, shape->tail);
    size_t enough = 3 * (shape->head + shape->tail) + 3 * shape->most;
    if (enough > 1500000)
        enough = 1500000;
    while (model.all.length < enough) {
        add(&capture, &model, (size_t)rand_r(&seed) % (shape->most + 1), rand_r(&seed) % 2);
        if (looking && rand_r(&seed) % 4 == 0)
            assert_as_model(&capture, &model);
    }
    assert_as_model(&capture, &model);
    assert_as_model(&capture, &model); /* looking changes nothing */
    capture_close(&capture);
    report_free(&model.all);
}

static void head_and_tail_are_what_a_model_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        play(&shapes[i], (unsigned)i + 1, false);
        play(&shapes[i], (unsigned)i + 100, true);
    }
}

static void any_small_shape_is_what_a_model_says(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int i = 0; i < 3000; i++) {
        struct shape shape = {(size_t)rand_r(&seed) % 40, (size_t)rand_r(&seed) % 40, (size_t)rand_r(&seed) % 60 + 1};
        play(&shape, (unsigned)i, i % 2);
    }
}

static void nothing_is_a_capture_too(void **state)
{
    (void)state;
    pk_capture view;
    struct capture capture = new_capture(10, 10);
    capture_view(&capture, &view);
    assert_string_equal(view.bytes, "");
    assert_int_equal(view.length, 0);
    assert_int_equal(view.head_length, 0);
    assert_int_equal(view.omitted, 0);
    assert_false(capture_is_over(&capture));
    capture_close(&capture);
}

static void what_fits_exactly_is_not_over(void **state)
{
    (void)state;
    struct model model = {.head = 5, .tail = 6};
    struct capture capture = new_capture(5, 6);
    add(&capture, &model, 11, false);
    assert_false(capture_is_over(&capture));
    assert_as_model(&capture, &model);
    add(&capture, &model, 1, false);
    assert_true(capture_is_over(&capture));
    assert_as_model(&capture, &model);
    capture_close(&capture);
    report_free(&model.all);
}

/* ---- Places ----------------------------------------------------------------------------------------------------- */

/* A read into the rest of a ring would be a read of a byte. */
static void no_place_is_too_small_to_read_into(void **state)
{
    (void)state;
    size_t room;
    char bytes[3000] = "";
    struct capture capture = new_capture(0, 8192);
    while (!capture_is_over(&capture))
        capture_put(&capture, bytes, sizeof(bytes));
    for (int i = 0; i < 100; i++) {
        if (capture_reserve(&capture, &room))
            assert_true(room >= 4096);
        capture_put(&capture, bytes, sizeof(bytes));
    }
    capture_close(&capture);
}

static void there_is_no_place_where_nothing_is_kept(void **state)
{
    (void)state;
    size_t room;
    struct capture capture = new_capture(0, 0);
    assert_null(capture_reserve(&capture, &room));
    capture_put(&capture, "abc", 3);
    assert_null(capture_reserve(&capture, &room));
    assert_true(capture_is_over(&capture));
    capture_close(&capture);
}

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

static void memory_does_not_depend_on_the_volume(void **state)
{
    (void)state;
    static char bytes[65536];
    struct capture capture = new_capture(512, 512);
    for (uint64_t total = 0; total < UINT64_C(4) << 30; total += sizeof(bytes))
        capture_put(&capture, bytes, sizeof(bytes));
    pk_capture view;
    capture_view(&capture, &view);
    assert_int_equal(view.omitted, (UINT64_C(4) << 30) - 1024);
    assert_true(capture.capacity <= 1025);
    capture_close(&capture);
}

/* A bound is no reservation: so much could not be had. */
static void memory_is_taken_as_bytes_come(void **state)
{
    (void)state;
    struct capture capture = new_capture((size_t)1 << 40, (size_t)1 << 40);
    pk_capture view;
    capture_put(&capture, "abc", 3);
    assert_true(capture.capacity <= 4096);
    capture_view(&capture, &view);
    assert_string_equal(view.bytes, "abc");
    capture_close(&capture);
}

/* ---- Spilling --------------------------------------------------------------------------------------------------- */

static struct capture new_spill(const char *path)
{
    struct capture capture;
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = options.tail = 1;
    options.spill = path;
    assert_int_equal(capture_open(&capture, &options, NULL), 0);
    return capture;
}

static void spill(struct capture *capture, const char *text)
{
    capture_spill(capture, text, strlen(text));
    capture_put(capture, text, strlen(text));
}

static void the_spill_file_has_every_byte(void **state)
{
    (void)state;
    char text[64] = "";
    struct stat status;
    struct capture capture = new_spill(scratch("spill"));
    spill(&capture, "one ");
    spill(&capture, "two");
    capture_close(&capture);
    int fd = open(scratch("spill"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof(text)), 7);
    assert_string_equal(text, "one two");
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    close(fd);

    capture = new_spill(scratch("spill")); /* emptied by the next run */
    capture_close(&capture);
    assert_int_equal(stat(scratch("spill"), &status), 0);
    assert_int_equal(status.st_size, 0);
}

static void a_full_disk_ends_the_spilling_only(void **state)
{
    (void)state;
    pk_capture view;
    struct capture capture = new_spill("/dev/full");
    spill(&capture, "abc");
    assert_int_equal(capture.spill, -1);
    spill(&capture, "def");
    capture_view(&capture, &view);
    assert_int_equal(view.spill_error, -ENOSPC);
    assert_string_equal(view.bytes, "af");
    assert_int_equal(view.omitted, 4);
    capture_close(&capture);
}

static void a_spill_file_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    pk_error error = {0};
    struct capture capture;
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.spill = "/nowhere/spill";
    assert_int_equal(capture_open(&capture, &options, &error), -ENOENT);
    assert_int_equal(error.step, PK_STEP_OPEN_STDIO);
    assert_string_equal(error.path, "/nowhere/spill");
    capture_close(&capture);
    options.spill = scratch("fifo"); /* nobody reads it, and nobody is waited for */
    assert_int_equal(mkfifo(options.spill, 0600), 0);
    assert_int_equal(capture_open(&capture, &options, &error), -ENXIO);
}

static const struct test tests[] = {
    PK_TEST_WITH(head_and_tail_are_what_a_model_says, .deadline_s = 120),
    PK_TEST_WITH(any_small_shape_is_what_a_model_says, .deadline_s = 120),
    PK_TEST(nothing_is_a_capture_too),
    PK_TEST(what_fits_exactly_is_not_over),
    PK_TEST(no_place_is_too_small_to_read_into),
    PK_TEST(there_is_no_place_where_nothing_is_kept),
    PK_TEST_WITH(memory_does_not_depend_on_the_volume, .deadline_s = 120),
    PK_TEST(memory_is_taken_as_bytes_come),
    PK_TEST(the_spill_file_has_every_byte),
    PK_TEST(a_full_disk_ends_the_spilling_only),
    PK_TEST(a_spill_file_that_cannot_be_made_is_an_error),
};

PK_TEST_MAIN(tests)
