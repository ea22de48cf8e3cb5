/* Unit tests of rows: every row comes back in any order; cut, changed or lying blocks are refused.
 */
#include <criterion/criterion.h>

#include "lictor/arena.h"
#include "lictor/content.h"
#include "segment_testing.h"
#include "store/rows.h"

#define ROWS 700

static struct memory_file file;
static struct source src;
static struct rows_block block;

static void rows_make(uint32_t n)
{
    struct sink out = {.mem = file.bufs};
    struct rows_writer w;
    struct buf row = {0};

    cr_assert_eq(rows_writer_init(&w, &out, SEC_BODIES, SEC_BODIES_DIR, 4096, NULL), ST_OK);
    for (uint32_t i = 0; i < n; i++) {
        made_row(i, &row);
        if (i % 9 == 4)
            buf_clear(&row); /* empty rows too */
        cr_assert_eq(rows_add(&w, buf_slice(&row), made_sent(i), NULL), ST_OK);
    }
    cr_assert_eq(rows_finish(&w, NULL), ST_OK);
    rows_writer_release(&w);
    buf_release(&row);
    for (unsigned i = 0; i < SEC_COUNT; i++)
        file.slices[i] = buf_slice(&file.bufs[i]);
    src = (struct source){.mem = file.slices};
}

static void teardown(void)
{
    memory_release(&file);
    rows_block_release(&block);
}

TestSuite(rows, .fini = teardown);

static enum status row_get(uint32_t i, struct slice *row)
{
    return rows_read(&src, SEC_BODIES, SEC_BODIES_DIR, ROWS, &block, i, made_sent(i), row, NULL);
}

static void row_check(uint32_t i)
{
    struct buf want = {0};
    struct slice row = {0};
    made_row(i, &want);
    if (i % 9 == 4)
        buf_clear(&want);
    cr_assert_eq(row_get(i, &row), ST_OK);
    cr_assert(slice_eq(row, buf_slice(&want)), "row %u", i);
    buf_release(&want);
}

Test(rows, come_back_in_order_backwards_and_at_random)
{
    rows_make(ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        row_check(i);
    for (uint32_t i = ROWS; i-- > 0;)
        row_check(i);
    for (uint32_t i = 0; i < ROWS; i++)
        row_check((uint32_t)(mix(i) % ROWS));
}

Test(rows, a_row_longer_than_a_block_stands_alone)
{
    rows_make(ROWS);
    uint64_t n = file.slices[SEC_BODIES_DIR].len / ROWS_ENTRY;
    bool seen = false;
    for (uint64_t i = 0; i + 1 < n; i++) {
        const uint8_t *e = file.slices[SEC_BODIES_DIR].data + i * ROWS_ENTRY;
        if (load_u32(e + 4) + load_u32(e + 12) <= 4096 + 8)
            continue;
        cr_assert_eq(load_u32(e + ROWS_ENTRY) - load_u32(e), 1);
        seen = true;
    }
    cr_assert(seen);
}

Test(rows, one_cache_serves_two_files_without_mixing_them)
{
    rows_make(ROWS);
    struct slice other[SEC_COUNT];
    struct source none = {.mem = other, .id = {1}};
    struct slice row = {0};
    memcpy(other, file.slices, sizeof(other));
    other[SEC_BODIES_DIR] = slice_of("", 0);
    row_check(3);
    cr_assert_eq(rows_read(&none, SEC_BODIES, SEC_BODIES_DIR, ROWS, &block, 3, 0, &row, NULL),
                 ST_DAMAGED);
}

Test(rows, refuses_a_number_that_is_not_there)
{
    struct slice row;
    rows_make(ROWS);
    cr_assert_eq(row_get(ROWS, &row), ST_NOT_FOUND);
}

Test(rows, refuses_every_truncation_of_data_and_directory)
{
    struct slice row;
    rows_make(ROWS);
    struct slice data = file.slices[SEC_BODIES], dir = file.slices[SEC_BODIES_DIR];
    for (size_t n = 0; n < data.len; n += 1 + n / 50) {
        file.slices[SEC_BODIES].len = n;
        rows_block_release(&block);
        cr_assert_eq(row_get(ROWS - 1, &row), ST_DAMAGED, "%zu", n);
    }
    file.slices[SEC_BODIES] = data;
    for (size_t n = 0; n < dir.len; n++) {
        file.slices[SEC_BODIES_DIR].len = n;
        rows_block_release(&block);
        cr_assert_eq(row_get(ROWS - 1, &row), ST_DAMAGED, "%zu", n);
    }
}

Test(rows, survives_every_bit_flip_of_the_directory_and_of_a_block)
{
    struct slice row;
    rows_make(ROWS);
    struct buf *dir = &file.bufs[SEC_BODIES_DIR], *data = &file.bufs[SEC_BODIES];
    for (size_t bit = 0; bit < dir->len * 8; bit++) {
        dir->data[bit / 8] = (uint8_t)(dir->data[bit / 8] ^ 1u << bit % 8);
        for (uint32_t i = 0; i < ROWS; i += 97) {
            rows_block_release(&block);
            (void)!row_get(i, &row);
        }
        dir->data[bit / 8] = (uint8_t)(dir->data[bit / 8] ^ 1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * 600; bit++) {
        data->data[bit / 8] = (uint8_t)(data->data[bit / 8] ^ 1u << bit % 8);
        rows_block_release(&block);
        (void)!row_get(0, &row);
        (void)!row_get(7, &row);
        data->data[bit / 8] = (uint8_t)(data->data[bit / 8] ^ 1u << bit % 8);
    }
}

Test(rows, a_block_that_claims_to_inflate_to_much_is_refused_before_memory_is_taken)
{
    struct slice row;
    rows_make(ROWS);
    store_u32(file.bufs[SEC_BODIES_DIR].data + 4, (uint32_t)ROWS_RAW_MAX);
    cr_assert_eq(row_get(0, &row), ST_DAMAGED);
    cr_assert_leq(block.heads.cap, 1 << 20);
}

Test(rows, refuses_a_block_whose_rows_do_not_fill_it)
{
    struct slice row;
    rows_make(ROWS);
    /* The first block ends a row early: its last row is then followed by another one. */
    uint8_t *next = file.bufs[SEC_BODIES_DIR].data + ROWS_ENTRY;
    uint32_t first = load_u32(next);
    store_u32(next, first - 1);
    cr_assert_eq(row_get(first - 2, &row), ST_DAMAGED);
}

static void parts_check(const struct content *c, int64_t sent, unsigned form, size_t head)
{
    struct buf row = {0}, heads = {0}, again = {0};
    struct row_parts p;

    content_encode(c, &row);
    row_take_apart(buf_slice(&row), sent, &p);
    cr_assert_eq(p.form, form, "%u", p.form);
    buf_put_slice(&heads, p.before);
    buf_put_slice(&heads, p.after);
    cr_assert_eq(heads.len, head, "%zu", heads.len);
    cr_assert(row_put_together(buf_slice(&heads), p.form, sent, p.text, &again) || !form);
    cr_assert(!form || slice_eq(buf_slice(&again), buf_slice(&row)));
    buf_release(&row);
    buf_release(&heads);
    buf_release(&again);
}

Test(rows, a_body_stands_without_its_text_and_the_time_that_its_document_has)
{
    struct content c = {.kind = DOC_MESSAGE,
                        .from = slice_str("ann"),
                        .sent = 1585699200500,
                        .text = slice_str("at nine"),
                        .id = slice_str("m1"),
                        .body_kind = BODY_TEXT};
    const uint8_t hash[32] = {1};

    parts_check(&c, c.sent, ROW_HAS_TEXT | ROW_HAS_TIME, 2 + 4 + 3);
    parts_check(&c, c.sent + 1, 0, 2 + 4 + 6 + 8 + 3);
    parts_check(&c, TIME_NONE, 0, 2 + 4 + 6 + 8 + 3);
    c.sent = TIME_NONE;
    parts_check(&c, TIME_NONE, ROW_HAS_TEXT, 2 + 4 + 3);
    c.from = (struct slice){0};
    c.text = slice_str("");
    parts_check(&c, TIME_NONE, ROW_HAS_TEXT, 2 + 3);
    c.sent = -1;
    c.text = (struct slice){0};
    c.body_kind = BODY_NONE;
    parts_check(&c, -1, ROW_HAS_TIME, 2 + 3);
    c.kind = DOC_CALL;
    c.stored_hash = hash;
    parts_check(&c, -1, ROW_HAS_TIME, 2 + 32 + 3);
}

Test(rows, a_row_that_is_no_body_row_is_all_head)
{
    struct row_parts p;

    for (size_t n = 0; n < 3; n++) {
        row_take_apart(slice_of("\0\7\5", n), 5, &p);
        cr_assert_eq(p.form, 0);
        cr_assert_eq(p.before.len, n);
    }
}

/* ROWS_KEPT blocks and more, asked for to and fro: always the row that was asked for. */
Test(rows, are_the_same_from_any_of_the_blocks_kept)
{
    struct rows_cache cache = {0};
    rows_make(ROWS);
    for (uint32_t step = 1; step < ROWS; step += 37) {
        for (uint32_t i = 0, at = 0; i < 200; i++, at = (at + step) % ROWS) {
            struct buf want = {0};
            struct slice row = {0};
            made_row(at, &want);
            if (at % 9 == 4)
                buf_clear(&want);
            cr_assert_eq(rows_cached(&src, SEC_BODIES, SEC_BODIES_DIR, ROWS, &cache, at,
                                     made_sent(at), &row, NULL),
                         ST_OK);
            cr_assert(slice_eq(row, buf_slice(&want)), "row %u", at);
            buf_release(&want);
        }
    }
    rows_cache_release(&cache);
}
