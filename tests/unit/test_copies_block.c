/* Unit tests of blocks of copies: what goes in comes back, in any order; cut, changed or lying
 * blocks are refused. */
#include <criterion/criterion.h>

#include "segment_testing.h"
#include "store/copies_block.h"

#define ROWS 700
#define SENT INT64_C(1585699200500)

static struct memory_file file;
static struct source src;
static struct copies_block block;
static struct arena arena;

/* A row of copies and what it is made of. */
struct made {
    struct copy copies[300];
    struct copy_version versions[310];
    struct sighting sightings[320];
    char extra[300][80];
    size_t n;
    int64_t sent;
};

static int64_t sent_of(uint32_t row)
{
    return row % 41 == 7 ? TIME_NONE : SENT + row * INT64_C(61007);
}

static void copy_make(struct made *m, uint32_t row, uint32_t k)
{
    struct copy_version *v = &m->versions[k];
    int64_t base = m->sent == TIME_NONE ? 0 : m->sent;

    m->sightings[k] = (struct sighting){.dump = k % 5, .line = row + 2 + k};
    *v = (struct copy_version){.origin = k % 5 + row / 200,
                               .delivered = (row + k) % 7 ? base + 1000 + row : TIME_NONE,
                               .read = (row + k) % 3 ? base + (int64_t)(mix(row + k) % 100000)
                                                     : TIME_NONE,
                               .collected = row % 11 == 4 ? INT64_MAX - (int64_t)k : TIME_NONE,
                               .sightings = &m->sightings[k],
                               .n_sightings = 1};
    if ((row + k) % 4 == 1) {
        int n = snprintf(m->extra[k], sizeof m->extra[k], "{\"n\":%u}", row % 9 ? k : row);
        v->extra = slice_of(m->extra[k], (size_t)n);
    }
    if ((row + k) % 4 == 2 && m->sent != TIME_NONE) {
        char text[TIME_TEXT_SIZE];
        time_text(m->sent + 7200000, text);
        int n = snprintf(m->extra[k], sizeof m->extra[k],
                         "{\"burn\":60,\"sent\":\"%.23s+02:00\",\"z\":%u}", text, row / 50);
        v->extra = slice_of(m->extra[k], (size_t)n);
    }
    m->copies[k] = (struct copy){
        .stream = k % 5, .seq = row * UINT64_C(3) + k / 5, .versions = v, .n_versions = 1};
}

static void made_make(struct made *m, uint32_t row)
{
    m->sent = sent_of(row);
    m->n = row % 13 == 5 ? 0 : row % 211 == 9 ? 300 : row % 97 == 3 ? 255 : 1 + row % 6;
    for (uint32_t k = 0; k < m->n; k++)
        copy_make(m, row, k);
    if (m->n && row % 31 == 2) { /* two versions */
        m->versions[m->n] = m->versions[m->n - 1];
        m->versions[m->n].read = 5;
        m->copies[m->n - 1].n_versions = 2;
    }
    if (m->n && row % 37 == 2) { /* two sightings */
        m->sightings[m->n] = (struct sighting){9, UINT64_MAX};
        m->versions[m->n - 1].n_sightings = 2;
    }
}

static void block_make(void)
{
    struct sink out = {.mem = file.bufs};
    struct copies_writer *w = calloc(1, sizeof *w);
    struct made *m = malloc(sizeof *m);

    cr_assert_eq(copies_writer_init(w, &out, SEC_COPIES, SEC_COPIES_DIR, NULL), ST_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        made_make(m, i);
        cr_assert_eq(copies_add(w, m->copies, m->n, m->sent, NULL), ST_OK);
    }
    cr_assert_eq(copies_finish(w, NULL), ST_OK);
    copies_writer_release(w);
    free(w);
    free(m);
    for (unsigned i = 0; i < SEC_COUNT; i++)
        file.slices[i] = buf_slice(&file.bufs[i]);
    src = (struct source){.mem = file.slices};
    arena_init(&arena, 0);
}

static void teardown(void)
{
    memory_release(&file);
    copies_block_release(&block);
    arena_release(&arena);
}

TestSuite(copies_block, .fini = teardown);

static enum status row_get(uint32_t i, struct copy **copies, size_t *n)
{
    arena_reset(&arena);
    return copies_read(&src, SEC_COPIES, SEC_COPIES_DIR, ROWS, &block, i, sent_of(i), &arena,
                       copies, n, NULL);
}

static void row_check(uint32_t i)
{
    struct made *m = malloc(sizeof *m);
    struct buf want = {0}, got = {0};
    struct copy *copies = NULL;
    size_t n = 0;

    made_make(m, i);
    cr_assert_eq(row_get(i, &copies, &n), ST_OK, "row %u", i);
    /* One spelling: equal bytes are equal copies. */
    copies_encode(m->copies, m->n, &want);
    copies_encode(copies, n, &got);
    cr_assert(slice_eq(buf_slice(&want), buf_slice(&got)), "row %u", i);
    buf_release(&want);
    buf_release(&got);
    free(m);
}

Test(copies_block, rows_come_back_in_order_backwards_and_at_random)
{
    block_make();
    for (uint32_t i = 0; i < ROWS; i++)
        row_check(i);
    for (uint32_t i = ROWS; i-- > 0;)
        row_check(i);
    for (uint32_t i = 0; i < ROWS; i++)
        row_check((uint32_t)(mix(i) % ROWS));
}

Test(copies_block, refuses_a_number_that_is_not_there)
{
    struct copy *copies;
    size_t n;
    block_make();
    cr_assert_eq(row_get(ROWS, &copies, &n), ST_NOT_FOUND);
}

Test(copies_block, refuses_every_truncation)
{
    struct copy *copies;
    size_t n;
    block_make();
    struct slice data = file.slices[SEC_COPIES], dir = file.slices[SEC_COPIES_DIR];
    uint64_t last = load_u64(dir.data + dir.len - 8);
    for (size_t len = 0; len<data.len; len += len> last ? 1 : 997) {
        file.slices[SEC_COPIES].len = len;
        block.valid = false;
        cr_assert_eq(row_get(ROWS - 1, &copies, &n), ST_DAMAGED, "%zu", len);
    }
    file.slices[SEC_COPIES] = data;
    for (size_t len = 0; len < dir.len; len++) {
        file.slices[SEC_COPIES_DIR].len = len;
        block.valid = false;
        cr_assert_eq(row_get(ROWS - 1, &copies, &n), ST_DAMAGED, "%zu", len);
    }
}

Test(copies_block, survives_every_bit_flip_of_the_directory_and_of_a_block)
{
    struct copy *copies;
    size_t n;
    block_make();
    struct buf *dir = &file.bufs[SEC_COPIES_DIR], *data = &file.bufs[SEC_COPIES];
    for (size_t bit = 0; bit < dir->len * 8; bit++) {
        dir->data[bit / 8] = (uint8_t)(dir->data[bit / 8] ^ 1u << bit % 8);
        for (uint32_t i = 0; i < ROWS; i += 97) {
            block.valid = false;
            (void)!row_get(i, &copies, &n);
        }
        dir->data[bit / 8] = (uint8_t)(dir->data[bit / 8] ^ 1u << bit % 8);
    }
    uint64_t end = load_u64(dir->data + COPIES_ENTRY + 4);
    for (size_t bit = 0; bit < 8 * end; bit++) {
        data->data[bit / 8] = (uint8_t)(data->data[bit / 8] ^ 1u << bit % 8);
        block.valid = false;
        for (uint32_t i = 0; i < 12; i++)
            (void)!row_get(i, &copies, &n);
        data->data[bit / 8] = (uint8_t)(data->data[bit / 8] ^ 1u << bit % 8);
    }
}

/* ---- texts with the time of the message in them ---- */

static void extra_check(const char *text, int64_t sent, unsigned form, int offset)
{
    struct extra_time e;
    struct slice again = {0};

    arena_reset(&arena);
    extra_take_apart(slice_str(text), sent, &e);
    cr_assert_eq(e.form, form, "%s: %u", text, e.form);
    cr_assert_eq(e.offset, offset, "%s: %d", text, e.offset);
    cr_assert_eq(extra_put_together(&e, sent, &arena, &again, NULL), ST_OK);
    cr_assert(slice_eq_str(again, text), "%s", text);
}

Test(copies_block, the_time_of_the_message_as_text_is_kept_as_its_offset)
{
    arena_init(&arena, 0);
    extra_check("{\"sent\":\"2020-04-01T02:00:00.500+02:00\"}", SENT, EXTRA_TIME | EXTRA_MS, 120);
    extra_check("{\"a\":1,\"sent\":\"2020-03-31T20:30:00.500-03:30\",\"t\":2}", SENT,
                EXTRA_TIME | EXTRA_MS, -210);
    extra_check("{\"sent\":\"2020-04-01T00:00:00.500Z\"}", SENT, EXTRA_TIME | EXTRA_MS | EXTRA_UTC,
                0);
    extra_check("{\"sent\":\"2020-04-01T00:00:00Z\"}", SENT - 500, EXTRA_TIME | EXTRA_UTC, 0);
    extra_check("{\"sent\":\"2020-04-01T01:00:00+01:00\"}", SENT - 500, EXTRA_TIME, 60);
}

Test(copies_block, any_other_text_stands_as_it_is)
{
    static const char *const texts[] = {
        "{}",
        "{\"sent\":\"",
        "{\"sent\":\"2020-04-01T00:00:00.500\"}",
        "{\"sent\":\"2020-04-01T00:00:00.5Z\"}",
        "{\"sent\":\"2020-04-01T00:00:00.5001Z\"}",
        "{\"sent\":\"2020-04-01T00:00:00.500z\"}",
        "{\"sent\":\"2020-04-01 00:00:00.500Z\"}",
        "{\"sent\":\"2020-04-01T00:00:00.501Z\"}",
        "{\"sent\":\"2020-04-01T00:00:00.500-00:00\"}",
        "{\"sent\":\"yesterday\"}",
    };

    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        extra_check(texts[i], SENT, 0, 0);
    extra_check("{\"sent\":\"1970-01-01T00:00:00.005Z\"}", 5, 0, 0);
    extra_check("{\"sent\":\"2020-04-01T00:00:00.500Z\"}", TIME_NONE, 0, 0);
}
