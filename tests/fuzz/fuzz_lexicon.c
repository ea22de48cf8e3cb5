/* fuzz_lexicon — a lexicon from anywhere. Input: u32 terms, u32 length of the directory, the
 * directory, the lexicon. A walk ascends; what it gives out can be opened or is refused. */
#include "fuzz_segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct segment *s, struct slice from)
{
    struct term_iter *it = NULL;
    struct term_entry e;
    uint8_t last[TERM_MAX];
    size_t len = 0;

    if (term_iter_open(s, from, &it, NULL) != ST_OK)
        return;
    while (term_iter_next(it, &e, NULL) == ST_OK) {
        struct posting_iter *p = NULL;
        uint32_t doc = 0;
        MUST(e.term.len >= 1 && e.term.len <= TERM_MAX && e.docs >= 1 && e.docs <= FUZZ_DOCS);
        MUST(slice_cmp(e.term, from) >= 0 && slice_cmp(e.term, slice_of(last, len)) > 0);
        memcpy(last, e.term.data, e.term.len);
        len = e.term.len;
        if (posting_iter_open(s, e.handle, &p, NULL) == ST_OK)
            (void)!posting_iter_seek(p, 0, &doc, NULL);
        posting_iter_close(p);
    }
    term_iter_close(it);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice sections[SEC_COUNT];
    const struct slice *files[1] = {sections};
    struct cursor c = cursor_of(slice_of(data, size));
    struct segment *s = NULL;
    struct segment_scratch *x = NULL;
    struct term_entry e;

    uint32_t terms = cursor_u32(&c), n = cursor_u32(&c);
    if (c.bad || n > cursor_left(&c) || n != (terms / LEXICON_BLOCK + 1) * 8)
        return 0;
    fuzz_sections(sections);
    MUST(segment_open_memory(files, 1, &s, NULL) == ST_OK);
    MUST(segment_scratch_new(&x, NULL) == ST_OK);
    sections[SEC_LEXICON_DIR] = cursor_bytes(&c, n);
    sections[SEC_LEXICON] = cursor_bytes(&c, cursor_left(&c));
    s->files[0].meta.terms = terms;
    s->lexicon.n = terms / LEXICON_BLOCK + (terms % LEXICON_BLOCK != 0);
    walk(s, slice_of("", 0));
    walk(s, slice_str("wm"));
    (void)!segment_term(s, x, slice_str("wword"), &e, NULL);
    (void)!segment_term(s, x, slice_str("fa"), &e, NULL);
    segment_scratch_free(x);
    segment_close(s);
    return 0;
}
