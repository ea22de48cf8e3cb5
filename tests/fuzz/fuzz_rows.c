/* fuzz_rows — rows from anywhere. Input: u32 rows, u32 length of the directory, the directory, the
 * blocks. A row is given out whole or refused. */
#include "store/rows.h"
#include "store/segment_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice sections[SEC_COUNT] = {0};
    struct source src = {.mem = sections};
    struct rows_block block = {0};
    struct cursor c = cursor_of(slice_of(data, size));
    unsigned sum = 0;

    uint32_t rows = cursor_u32(&c), n = cursor_u32(&c);
    if (c.bad || n > cursor_left(&c))
        return 0;
    sections[SEC_BODIES_DIR] = cursor_bytes(&c, n);
    sections[SEC_BODIES] = cursor_bytes(&c, cursor_left(&c));
    for (uint32_t i = 0; i < rows && i < 200; i++) {
        struct slice row = {0};
        uint32_t number = i < 100 ? i : rows - 1 - (i - 100);
        if (rows_read(&src, SEC_BODIES, SEC_BODIES_DIR, rows, &block, number, i, &row, NULL) ==
            ST_OK)
            for (size_t k = 0; k < row.len; k += 64)
                sum += row.data[k];
    }
    rows_block_release(&block);
    return sum == UINT32_MAX; /* the sum is used, so every row was read */
}
