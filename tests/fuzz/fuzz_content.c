/* fuzz_content — a body row from anywhere: refused, or read and written back to the same bytes. */
#include "lictor/arena.h"
#include "lictor/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct content c = {.conv = {.kind = CONV_GROUP}};
    struct content_hasher h = {0};
    struct buf again = {0};
    uint8_t hash[SHA256_SIZE];

    arena_init(&a, 0);
    if (content_decode(slice_of(data, size), &a, &c, NULL) == ST_OK) {
        content_encode(&c, &again);
        MUST(slice_eq(buf_slice(&again), slice_of(data, size)));
        MUST(content_hasher_init(&h, NULL) == ST_OK);
        MUST(content_rehash(&h, &c, hash, NULL) == ST_OK);
        content_hasher_release(&h);
    }
    buf_release(&again);
    arena_release(&a);
    return 0;
}
