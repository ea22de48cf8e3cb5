/* fuzz_postings — postings from anywhere. Input: u64 handle, u32 length of the positions, the
 * positions, and the rest, which stands for the postings and for the lexicon. Whatever comes,
 * documents ascend and exist, and positions ascend. */
#include "fuzz_segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void positions_check(struct posting_iter *it)
{
    const uint32_t *p = NULL;
    uint32_t n = 0;

    if (posting_iter_positions(it, &p, &n, NULL) != ST_OK)
        return;
    for (uint32_t i = 1; i < n; i++)
        MUST(p[i] >= p[i - 1]);
}

/* One walk by `step`, looking at positions where asked. */
static void walk(struct segment *s, uint64_t handle, uint32_t step, bool positions)
{
    struct posting_iter *it = NULL;
    uint32_t from = 0, doc = 0, last = 0;
    int64_t max = 0;

    if (posting_iter_open(s, handle, &it, NULL) != ST_OK)
        return;
    while (posting_iter_seek(it, from, &doc, NULL) == ST_OK && doc != DOC_END) {
        MUST(doc >= from && doc < FUZZ_DOCS);
        if (positions)
            positions_check(it);
        if (posting_iter_bound(it, &max, &last, NULL) == ST_OK)
            MUST(last >= doc && last < FUZZ_DOCS);
        (void)!posting_iter_peek(it, doc + 3 * step, &max, &last, NULL);
        from = doc + step;
    }
    posting_iter_close(it);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice sections[SEC_COUNT];
    const struct slice *files[1] = {sections};
    struct cursor c = cursor_of(slice_of(data, size));
    struct segment *s = NULL;

    uint64_t handle = cursor_u64(&c);
    uint32_t n = cursor_u32(&c);
    if (c.bad || n > cursor_left(&c))
        return 0;
    fuzz_sections(sections);
    sections[SEC_POSITIONS] = cursor_bytes(&c, n);
    sections[SEC_POSTINGS] = cursor_bytes(&c, cursor_left(&c));
    MUST(segment_open_memory(files, 1, &s, NULL) == ST_OK);
    sections[SEC_LEXICON] = sections[SEC_POSTINGS];
    walk(s, handle, 1, true);
    walk(s, handle, 50, true);
    walk(s, handle, 300, false);
    segment_close(s);
    return 0;
}
