/* fuzz_copies — a copy row from anywhere: refused, or read and written back to the same bytes. */
#include <stdlib.h>

#include "lictor/arena.h"
#include "lictor/copies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct copy *copies = NULL;
    struct buf again = {0};
    size_t n = 0;

    arena_init(&a, 0);
    if (copies_decode(slice_of(data, size), &a, &copies, &n, NULL) == ST_OK) {
        copies_encode(copies, n, &again);
        MUST(slice_eq(buf_slice(&again), slice_of(data, size)));
        uint32_t *pick = calloc(n + 1, sizeof(*pick));
        size_t all = 0;
        for (uint32_t k = 1; pick && n <= 64 && k <= copies_messages(copies, n, false); k++)
            all += copies_pick(copies, n, false, k, pick);
        MUST(!pick || all == n || n > 64);
        free(pick);
    }
    buf_release(&again);
    arena_release(&a);
    return 0;
}
