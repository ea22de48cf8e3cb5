/* fuzz_copies_block — blocks of copies from anywhere. Input: u32 rows, u32 length of the directory,
 * the directory, the blocks. A row is given out whole or refused. */
#include "store/copies_block.h"
#include "store/segment_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice sections[SEC_COUNT] = {0};
    struct source src = {.mem = sections};
    struct copies_block block = {0};
    struct cursor c = cursor_of(slice_of(data, size));
    struct arena a;
    uint64_t sum = 0;

    uint32_t rows = cursor_u32(&c), n = cursor_u32(&c);
    if (c.bad || n > cursor_left(&c))
        return 0;
    sections[SEC_COPIES_DIR] = cursor_bytes(&c, n);
    sections[SEC_COPIES] = cursor_bytes(&c, cursor_left(&c));
    arena_init(&a, 0);
    for (uint32_t i = 0; i < rows && i < 200; i++) {
        struct copy *copies = NULL;
        size_t n_copies = 0;
        uint32_t number = i < 100 ? i : rows - 1 - (i - 100);
        arena_reset(&a);
        if (copies_read(&src, SEC_COPIES, SEC_COPIES_DIR, rows, &block, number,
                        i % 2 ? TIME_NONE : 1585699200500, &a, &copies, &n_copies, NULL) != ST_OK)
            continue;
        for (size_t k = 0; k < n_copies; k++)
            sum += copies[k].seq + copies[k].versions[0].extra.len +
                   copies[k].versions[0].sightings[0].line;
    }
    copies_block_release(&block);
    arena_release(&a);
    return sum == UINT32_MAX - 1; /* the sum is used, so every copy was read */
}
