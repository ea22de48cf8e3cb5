/* fuzz_segment — a small sound segment in memory, some of whose sections a fuzzer then replaces. */
#ifndef TESTS_FUZZ_SEGMENT_H
#define TESTS_FUZZ_SEGMENT_H

#include "store/segment_writer.h"

#define FUZZ_DOCS 1000

static inline void fuzz_sections_write(struct buf bufs[SEC_COUNT])
{
    struct segment_writer w = {.out = {.mem = bufs}};
    struct doc_state state = {.messages = 1, .copies = 1};
    struct conversation c = {.kind = CONV_GROUP, .name = slice_str("g")};
    uint8_t key[KEY_SIZE] = {1};

    MUST(segment_writer_init(&w, NULL, NULL) == ST_OK);
    MUST(segment_add_conversation(&w, key, &c, NULL) == ST_OK);
    for (uint32_t i = 0; i < FUZZ_DOCS; i++) {
        store_u32(key, i * 2654435761u);
        MUST(segment_add_doc(&w, key, 1 + i * INT64_C(100000), slice_of("", 1), &state,
                             slice_of("", 0), NULL) == ST_OK);
    }
    MUST(segment_writer_close(&w, NULL) == ST_OK);
    segment_writer_release(&w);
}

/* The slices of the segment, made at the first call. */
static inline void fuzz_sections(struct slice out[SEC_COUNT])
{
    static struct buf bufs[SEC_COUNT];
    static bool made;

    if (!made)
        fuzz_sections_write(bufs);
    made = true;
    for (unsigned i = 0; i < SEC_COUNT; i++)
        out[i] = buf_slice(&bufs[i]);
}

#endif
