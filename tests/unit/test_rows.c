/* Unit tests of rows: every row comes back in any order; cut, changed or lying blocks are refused.
 */
#include <criterion/criterion.h>

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
        cr_assert_eq(rows_add(&w, buf_slice(&row), NULL), ST_OK);
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
    return rows_read(&src, SEC_BODIES, SEC_BODIES_DIR, ROWS, &block, i, row, NULL);
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
        if (load_u32(e + 4) <= 4096 + 3)
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
    cr_assert_eq(rows_read(&none, SEC_BODIES, SEC_BODIES_DIR, ROWS, &block, 3, &row, NULL),
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
    cr_assert_leq(block.raw.cap, 1 << 20);
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
