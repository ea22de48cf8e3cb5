/* Unit tests of lexicon: every term is found and walked in byte order; damage is refused. */
#include <criterion/criterion.h>

#include "segment_testing.h"

#define TERMS 5000

static struct memory_file file;
static struct segment *seg;
static struct segment_scratch *x;
static struct err err;

/* Ascending; lengths from 5 to TERM_MAX; some with bytes above 0x7F. */
static struct slice term_at(uint32_t i, uint8_t bytes[TERM_MAX])
{
    size_t len = 5 + (i % 50 == 0 ? 230 : i % 11);
    len = i % 500 == 0 ? TERM_MAX : len;
    bytes[0] = i < TERMS / 2 ? 'f' : 'w';
    for (int k = 0; k < 4; k++)
        bytes[1 + k] = (uint8_t)(i >> (8 * (3 - k)));
    for (size_t k = 5; k < len; k++)
        bytes[k] = (uint8_t)mix(i * 1000 + k);
    return slice_of(bytes, len);
}

static void setup(void)
{
    struct segment_writer w;
    uint8_t bytes[TERM_MAX];

    memory_writer(&w, &file, NULL);
    made_tables(&w);
    made_docs(&w, 1000);
    for (uint32_t i = 0; i < TERMS; i++) {
        uint32_t docs[9], n = 1 + i % 9;
        for (uint32_t k = 0; k < n; k++)
            docs[k] = i % 100 + k * (1 + i % 7);
        cr_assert_eq(segment_add_term(&w, term_at(i, bytes), n, docs, NULL, NULL, NULL), ST_OK);
    }
    made_seqs(&w, 1000);
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

TestSuite(lexicon, .init = setup, .fini = teardown);

Test(lexicon, finds_every_term_and_no_neighbour)
{
    uint8_t bytes[TERM_MAX + 1];
    struct term_entry e;

    for (uint32_t i = 0; i < TERMS; i++) {
        struct slice t = term_at(i, bytes);
        cr_assert_eq(segment_term(seg, x, t, &e, &err), ST_OK, "%s", err.text);
        cr_assert(slice_eq(e.term, t));
        cr_assert_eq(e.docs, 1 + i % 9);
        cr_assert(!e.has_positions);
        bytes[t.len] = 0;
        cr_assert_eq(segment_term(seg, x, slice_of(bytes, t.len + 1), &e, &err), ST_NOT_FOUND);
        cr_assert_eq(segment_term(seg, x, slice_of(bytes, t.len - 1), &e, &err), ST_NOT_FOUND);
    }
    cr_assert_eq(segment_term(seg, x, slice_of("", 0), &e, &err), ST_NOT_FOUND);
    cr_assert_eq(segment_term(seg, x, slice_str("z"), &e, &err), ST_NOT_FOUND);
}

static void walk_check(struct slice from, uint32_t first)
{
    struct term_iter *it = NULL;
    struct term_entry e;
    uint8_t bytes[TERM_MAX];

    cr_assert_eq(term_iter_open(seg, from, &it, &err), ST_OK, "%s", err.text);
    for (uint32_t i = first; i < TERMS; i++) {
        cr_assert_eq(term_iter_next(it, &e, &err), ST_OK, "%s", err.text);
        cr_assert(slice_eq(e.term, term_at(i, bytes)), "%u", i);
    }
    cr_assert_eq(term_iter_next(it, &e, &err), ST_END);
    cr_assert_eq(term_iter_next(it, &e, &err), ST_END);
    term_iter_close(it);
}

Test(lexicon, walks_all_terms_from_any_place_in_order)
{
    uint8_t bytes[TERM_MAX + 1];

    walk_check(slice_of("", 0), 0);
    walk_check(slice_str("w"), TERMS / 2);
    walk_check(slice_str("zz"), TERMS);
    for (uint32_t i = 0; i < TERMS; i += 331) {
        struct slice t = term_at(i, bytes);
        walk_check(t, i);
        bytes[t.len] = 0;
        walk_check(slice_of(bytes, t.len + 1), i + 1);
    }
}

Test(lexicon, rare_terms_carry_their_documents)
{
    uint8_t bytes[TERM_MAX];
    struct term_entry e;

    for (uint32_t i = 0; i < 200; i++) {
        struct posting_iter *it = NULL;
        uint32_t doc = 0;
        cr_assert_eq(segment_term(seg, x, term_at(i, bytes), &e, &err), ST_OK);
        cr_assert_eq(e.handle & HANDLE_INLINE, e.docs <= INLINE_DOCS);
        cr_assert_eq(posting_iter_open(seg, e.handle, &it, &err), ST_OK);
        for (uint32_t k = 0; k < e.docs; k++, doc++) {
            cr_assert_eq(posting_iter_seek(it, doc, &doc, &err), ST_OK);
            cr_assert_eq(doc, i % 100 + k * (1 + i % 7));
        }
        cr_assert_eq(posting_iter_seek(it, doc, &doc, &err), ST_OK);
        cr_assert_eq(doc, DOC_END);
        posting_iter_close(it);
    }
}

Test(lexicon, refuses_terms_out_of_order_twice_empty_or_too_long)
{
    struct memory_file other = {0};
    struct segment_writer w;
    uint32_t doc = 0;
    uint8_t longer[TERM_MAX + 1] = {'x'};

    memory_writer(&w, &other, NULL);
    made_tables(&w);
    made_docs(&w, 10);
    cr_assert_eq(segment_add_term(&w, slice_str("wb"), 1, &doc, NULL, NULL, NULL), ST_OK);
    cr_assert_eq(segment_add_term(&w, slice_str("wa"), 1, &doc, NULL, NULL, NULL), ST_USAGE);
    cr_assert_eq(segment_add_term(&w, slice_str("wb"), 1, &doc, NULL, NULL, NULL), ST_USAGE);
    cr_assert_eq(segment_add_term(&w, slice_of(longer, sizeof(longer)), 1, &doc, NULL, NULL, NULL),
                 ST_USAGE);
    cr_assert_eq(segment_add_term(&w, slice_str("wc"), 0, &doc, NULL, NULL, NULL), ST_USAGE);
    doc = 10;
    cr_assert_eq(segment_add_term(&w, slice_str("wc"), 1, &doc, NULL, NULL, NULL), ST_USAGE);
    segment_writer_release(&w);
    memory_release(&other);
}

Test(lexicon, a_walk_over_a_changed_lexicon_stays_in_order_or_is_refused)
{
    struct buf *b = &file.bufs[SEC_LEXICON];
    for (size_t bit = 0; bit < b->len * 8; bit += 997) {
        struct term_iter *it = NULL;
        struct term_entry e;
        uint8_t last[TERM_MAX];
        size_t last_len = 0;
        enum status st = ST_OK;
        b->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (term_iter_open(seg, slice_of("", 0), &it, &err) == ST_OK)
            while ((st = term_iter_next(it, &e, &err)) == ST_OK) {
                cr_assert(e.term.len >= 1 && e.term.len <= TERM_MAX && e.docs >= 1);
                cr_assert(slice_cmp(e.term, slice_of(last, last_len)) > 0);
                memcpy(last, e.term.data, e.term.len);
                last_len = e.term.len;
            }
        cr_assert(st == ST_END || st == ST_DAMAGED || !it);
        term_iter_close(it);
        b->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
