/* Unit tests of postings: a walk, a seek, a bound and the positions of every shape of list are what
 * a plain loop says; changed bytes never lead out of bounds. */
#include <criterion/criterion.h>

#include "segment_testing.h"

#define DOCS 20000

static struct memory_file file;
static struct segment *seg;
static struct segment_scratch *x;
static struct err err;

static void made(uint32_t docs)
{
    struct segment_writer w;
    memory_writer(&w, &file, NULL);
    made_segment(&w, docs);
    memory_close(&w, &file);
    seg = memory_open(&file);
    cr_assert_eq(segment_scratch_new(&x, NULL), ST_OK);
}

static void teardown(void)
{
    segment_close(seg);
    segment_scratch_free(x);
    memory_release(&file);
}

TestSuite(postings, .fini = teardown);

static struct posting_iter *opened(uint32_t term, struct term_entry *e)
{
    struct posting_iter *it = NULL;
    char text[16];
    if (segment_term(seg, x, made_term(term, text), e, NULL) != ST_OK)
        return NULL;
    cr_assert_eq(posting_iter_open(seg, e->handle, &it, &err), ST_OK, "%s", err.text);
    return it;
}

static uint32_t next_of(uint32_t term, uint32_t doc)
{
    while (doc < DOCS && !made_has(term, doc))
        doc++;
    return doc < DOCS ? doc : DOC_END;
}

static uint32_t seek(struct posting_iter *it, uint32_t doc)
{
    uint32_t out = 0;
    cr_assert_eq(posting_iter_seek(it, doc, &out, &err), ST_OK, "%s", err.text);
    return out;
}

Test(postings, walking_gives_every_document_of_every_term)
{
    made(DOCS);
    unsigned single = 0, many = 0;
    for (uint32_t t = 0; t < MADE_TERMS; t++) {
        struct term_entry e;
        struct posting_iter *it = opened(t, &e);
        uint32_t n = 0, doc = next_of(t, 0);
        if (!it) {
            cr_assert_eq(doc, DOC_END);
            continue;
        }
        single += !(e.handle & HANDLE_INLINE) && e.docs <= 128;
        many += e.docs > 128;
        for (uint32_t from = 0; doc != DOC_END; n++, from = doc + 1, doc = next_of(t, from))
            cr_assert_eq(seek(it, from), doc);
        cr_assert_eq(e.docs, n);
        cr_assert_eq(seek(it, DOCS), DOC_END);
        posting_iter_close(it);
    }
    cr_assert(single && many);
}

Test(postings, seeking_skips_by_any_step)
{
    made(DOCS);
    for (uint32_t t = 0; t < MADE_TERMS; t += 1 + t / 8)
        for (uint32_t step = 1; step < DOCS; step = step * 3 + 1) {
            struct term_entry e;
            struct posting_iter *it = opened(t, &e);
            for (uint32_t doc = step / 2; it && doc < DOCS; doc += step)
                cr_assert_eq(seek(it, doc), next_of(t, doc), "%u %u", t, doc);
            posting_iter_close(it);
        }
}

Test(postings, never_goes_back_and_stays_at_the_end)
{
    made(DOCS);
    struct term_entry e;
    struct posting_iter *it = opened(1, &e);
    cr_assert_eq(seek(it, 5000), 5000);
    cr_assert_eq(seek(it, 10), 5000);
    cr_assert_eq(seek(it, DOC_END), DOC_END);
    cr_assert_eq(seek(it, 0), DOC_END);
    posting_iter_close(it);
}

static void positions_check(struct posting_iter *it, uint32_t t, uint32_t doc)
{
    const uint32_t *p = NULL;
    uint32_t n = 0;
    cr_assert_eq(posting_iter_positions(it, &p, &n, &err), ST_OK, "%s", err.text);
    if (!made_positional(t)) {
        cr_assert_eq(n, 0);
        return;
    }
    cr_assert_eq(n, made_tf(t, doc), "term %u doc %u", t, doc);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(p[i], made_position(t, doc, i));
}

Test(postings, positions_come_for_every_document_or_for_some)
{
    made(DOCS);
    for (uint32_t t = 0; t < MADE_TERMS; t++)
        for (uint32_t step = 1; step < 400; step = step * 5 + 2) {
            struct term_entry e;
            struct posting_iter *it = opened(t, &e);
            if (!it)
                continue;
            cr_assert_eq(e.has_positions, made_positional(t));
            for (uint32_t doc = seek(it, 0); doc != DOC_END; doc = seek(it, doc + step)) {
                positions_check(it, t, doc);
                if (doc % 17 == 0)
                    positions_check(it, t, doc); /* asked twice */
            }
            posting_iter_close(it);
        }
}

Test(postings, bounds_and_peeks_are_never_too_low)
{
    made(DOCS);
    for (uint32_t t = 0; t < MADE_TERMS; t++) {
        struct term_entry e;
        struct posting_iter *it = opened(t, &e);
        if (!it)
            continue;
        for (uint32_t doc = seek(it, 0); doc != DOC_END; doc = seek(it, doc + 1 + doc % 700)) {
            int64_t max = 0, ahead_max = 0;
            uint32_t last = 0, ahead_last = 0, from = doc + doc % 5000;
            cr_assert_eq(posting_iter_peek(it, from, &ahead_max, &ahead_last, &err), ST_OK);
            cr_assert_eq(posting_iter_bound(it, &max, &last, &err), ST_OK);
            cr_assert(last >= doc && last != DOC_END);
            for (uint32_t d = doc; d <= last; d = d + 1)
                if (made_has(t, d) && made_sent(d) != TIME_NONE)
                    cr_assert_leq(made_sent(d), max);
            if (ahead_last == DOC_END) {
                cr_assert_eq(next_of(t, from), DOC_END);
                continue;
            }
            for (uint32_t d = from; d <= ahead_last && d < DOCS; d++)
                if (made_has(t, d) && made_sent(d) != TIME_NONE)
                    cr_assert_leq(made_sent(d), ahead_max);
        }
        posting_iter_close(it);
    }
}

Test(postings, a_bound_is_within_a_minute_of_the_newest_of_its_block)
{
    made(DOCS);
    struct term_entry e;
    struct posting_iter *it = opened(0, &e);
    int64_t max = 0, newest = 0;
    uint32_t last = 0;
    cr_assert_eq(seek(it, 1000), 1000);
    cr_assert_eq(posting_iter_bound(it, &max, &last, &err), ST_OK);
    cr_assert_eq(last, 1023);
    for (uint32_t d = 896; d <= 1023; d++)
        newest = made_sent(d) > newest ? made_sent(d) : newest;
    cr_assert(max > newest && max - newest <= MINUTE_MS);
    posting_iter_close(it);
}

Test(postings, an_iterator_that_failed_keeps_failing)
{
    made(DOCS);
    struct term_entry e;
    uint32_t doc = 0;
    struct posting_iter *it = opened(0, &e);
    file.slices[SEC_POSTINGS].len = 10;
    cr_assert_eq(posting_iter_seek(it, 19000, &doc, &err), ST_DAMAGED);
    file.slices[SEC_POSTINGS].len = file.bufs[SEC_POSTINGS].len;
    cr_assert_eq(posting_iter_seek(it, 19000, &doc, &err), ST_DAMAGED);
    int64_t max;
    uint32_t n;
    const uint32_t *p;
    cr_assert_eq(posting_iter_bound(it, &max, &doc, &err), ST_DAMAGED);
    cr_assert_eq(posting_iter_peek(it, 19000, &max, &doc, &err), ST_DAMAGED);
    cr_assert_eq(posting_iter_positions(it, &p, &n, &err), ST_DAMAGED);
    posting_iter_close(it);
}

Test(postings, bounds_and_positions_are_those_of_a_document)
{
    made(DOCS);
    for (uint32_t t = 0; t < MADE_TERMS; t += 3) {
        struct term_entry e;
        struct posting_iter *it = opened(t, &e);
        int64_t max;
        uint32_t doc, n;
        const uint32_t *p;
        if (!it)
            continue;
        for (int i = 0; i < 2; i++) { /* before the first document and behind the last */
            cr_assert_eq(posting_iter_bound(it, &max, &doc, &err), ST_USAGE);
            cr_assert_eq(posting_iter_positions(it, &p, &n, &err), ST_USAGE);
            cr_assert_eq(seek(it, DOCS), DOC_END);
        }
        posting_iter_close(it);
    }
}

/* Each byte of a kind of its own: no position ends, the first is beyond 32 bits, there are none. */
Test(postings, positions_that_are_none_are_refused)
{
    static const uint8_t fills[] = {0x80, 0xff};
    made(300);
    struct buf *b = &file.bufs[SEC_POSITIONS];
    for (size_t k = 0; k < 3; k++) {
        struct term_entry e;
        struct posting_iter *it = opened(0, &e);
        const uint32_t *p;
        uint32_t n;
        if (k < 2)
            memset(b->data, fills[k], b->len);
        else
            file.slices[SEC_POSITIONS].len = 0;
        cr_assert_neq(seek(it, 250), DOC_END);
        cr_assert_eq(posting_iter_positions(it, &p, &n, &err), ST_DAMAGED);
        cr_assert_eq(posting_iter_positions(it, &p, &n, &err), ST_DAMAGED);
        posting_iter_close(it);
    }
}

/* All a reader could do with the segment's words; says nothing but does not go wrong. */
static void words_read(void)
{
    struct term_iter *ti = NULL;
    struct term_entry e;

    if (term_iter_open(seg, slice_of("", 0), &ti, &err) != ST_OK)
        return;
    while (term_iter_next(ti, &e, &err) == ST_OK) {
        struct posting_iter *it = NULL;
        uint32_t doc = 0, last = 0, n = 0;
        int64_t max;
        const uint32_t *p;
        if (posting_iter_open(seg, e.handle, &it, &err) != ST_OK)
            continue;
        for (int i = 0; i < 400 && posting_iter_seek(it, doc, &doc, &err) == ST_OK; i++, doc++) {
            if (doc == DOC_END)
                break;
            cr_assert_lt(doc, segment_info(seg)->docs);
            (void)!posting_iter_bound(it, &max, &last, &err);
            (void)!posting_iter_peek(it, doc + 60, &max, &last, &err);
            (void)!posting_iter_positions(it, &p, &n, &err);
        }
        posting_iter_close(it);
    }
    term_iter_close(ti);
}

static void flip(struct buf *b, size_t bit) { b->data[bit / 8] ^= (uint8_t)(1u << bit % 8); }

Test(postings, survives_bit_flips_of_postings_positions_and_lexicon)
{
    made(300);
    const unsigned sections[] = {SEC_POSTINGS, SEC_POSITIONS, SEC_LEXICON, SEC_LEXICON_DIR};
    for (size_t k = 0; k < 4; k++) {
        struct buf *b = &file.bufs[sections[k]];
        size_t bits = b->len * 8, step = bits / 400 + 1;
        for (size_t bit = 0; bit < bits; bit += step) {
            flip(b, bit);
            words_read();
            flip(b, bit);
        }
    }
}

Test(postings, survives_truncations_of_postings_positions_and_lexicon)
{
    made(300);
    const unsigned sections[] = {SEC_POSTINGS, SEC_POSITIONS, SEC_LEXICON};
    for (size_t k = 0; k < 3; k++) {
        struct slice whole = file.slices[sections[k]];
        for (size_t n = 0; n < whole.len; n += whole.len / 200 + 1) {
            file.slices[sections[k]].len = n;
            words_read();
        }
        file.slices[sections[k]] = whole;
    }
}
