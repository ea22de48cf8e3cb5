/* Unit tests of segment: through real files, plain and sealed, every document, key, conversation,
 * copy, stream and total is what was written; a damaged or foreign file is refused. */
#include "case_testing.h"

#include <sodium.h>

#include "segment_testing.h"

#define DOCS 3000

static struct case_key keys[2]; /* plain, sealed */
static struct block_cache *cache;
static struct segment *seg;
static struct segment_scratch *x;
static struct arena arena;
static struct err err;

static void setup(void)
{
    dir_make();
    cr_assert(sodium_init() >= 0);
    keys[0] = (struct case_key){.plain = true};
    keys[1] = (struct case_key){.key = sodium_malloc(32)};
    memset(keys[1].key, 7, 32);
    cr_assert_eq(block_cache_new(1 << 20, &cache, NULL), ST_OK);
    cr_assert_eq(segment_scratch_new(&x, NULL), ST_OK);
    arena_init(&arena, 0);
}

static void teardown(void)
{
    segment_close(seg);
    segment_scratch_free(x);
    block_cache_free(cache);
    sodium_free(keys[1].key);
    arena_release(&arena);
    dir_remove();
}

TestSuite(segment, .init = setup, .fini = teardown);

static struct file_seal written(const struct case_key *key, uint32_t docs)
{
    struct segment_writer *w = NULL;
    struct file_seal seal = {0};
    cr_assert_eq(segment_writer_open(dir, key, NULL, &w, &err), ST_OK, "%s", err.text);
    made_segment(w, docs);
    cr_assert_eq(segment_writer_finish(w, &seal, &err), ST_OK, "%s", err.text);
    return seal;
}

static void opened(int key, uint32_t docs)
{
    struct file_seal seal = written(&keys[key], docs);
    cr_assert_eq(segment_open(dir, &keys[key], &seal, NULL, 0, cache, &seg, &err), ST_OK, "%s",
                 err.text);
}

static void columns_check(void)
{
    for (uint32_t i = 0; i < DOCS; i++) {
        uint32_t doc = i % 2 ? i : (uint32_t)(mix(i) % DOCS);
        int64_t sent = 0, min = 0, max = 0;
        bool untimed = false;
        struct doc_state s, want = made_state(doc);
        cr_assert_eq(segment_sent(seg, x, doc, &sent, &err), ST_OK, "%s", err.text);
        cr_assert_eq(sent, made_sent(doc));
        cr_assert_eq(segment_sent_bounds(seg, x, doc, &min, &max, &untimed, &err), ST_OK);
        cr_assert(sent == TIME_NONE ? untimed : min <= sent && sent <= max);
        cr_assert_eq(segment_state(seg, x, doc, &s, &err), ST_OK);
        cr_assert(s.messages == want.messages && s.copies == want.copies && s.flags == want.flags);
    }
}

static void rows_check(void)
{
    struct buf want = {0};
    struct slice row;
    for (uint32_t i = 0; i < DOCS; i += 7) {
        uint32_t doc = i % 2 ? i : DOCS - 1 - i;
        made_row(doc, &want);
        cr_assert_eq(segment_row(seg, x, doc, &row, &err), ST_OK, "%s", err.text);
        cr_assert(slice_eq(row, buf_slice(&want)));
    }
    buf_release(&want);
}

static void copies_check(void)
{
    for (uint32_t doc = 0; doc < DOCS; doc += 3) {
        const struct held_copy *c = NULL;
        size_t n = 0;
        arena_reset(&arena);
        cr_assert_eq(segment_copies(seg, x, doc, &arena, &c, &n, &err), ST_OK, "%s", err.text);
        cr_assert_eq(n, made_state(doc).copies);
        for (size_t i = 0; i < n; i++) {
            uint32_t k = (uint32_t)(c[i].seq % 8), stream = (doc + k) % MADE_STREAMS;
            char name[16];
            snprintf(name, sizeof(name), "imei:%u", stream);
            cr_assert_eq(c[i].seq / 8, doc);
            cr_assert(slice_eq_str(c[i].stream->source, name));
            cr_assert_eq(c[i].n_versions, 1);
            cr_assert(slice_eq_str(c[i].versions[0].origin->account, name));
            cr_assert_eq(c[i].versions[0].sightings[0].dump->sha256[0], stream);
            cr_assert_eq(c[i].versions[0].sightings[0].line, doc * 8 + k + 2);
            cr_assert(i == 0 || stream_cmp(c[i - 1].stream, c[i].stream) < 0 ||
                      c[i - 1].seq < c[i].seq);
        }
    }
}

static void streams_check(void)
{
    const struct segment_stream *s = NULL;
    struct seq_doc got[100];
    size_t n = 0, m = 0;
    cr_assert_eq(segment_streams(seg, &s, &n, &err), ST_OK, "%s", err.text);
    cr_assert_eq(n, MADE_STREAMS);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t records = 0, from = 0;
        cr_assert_eq(s[i].end_last_seq, 1000000 + i);
        cr_assert(s[i].selection == (i == 1) && s[i].partial == (i == 2));
        for (;; from = got[m - 1].seq + 1) {
            cr_assert_eq(segment_stream_seqs(seg, x, i, from, got, 100, &m, &err), ST_OK);
            if (m == 0)
                break;
            for (size_t k = 0; k < m; k++) {
                cr_assert_eq(got[k].seq / 8, got[k].doc);
                cr_assert_eq((got[k].doc + got[k].seq % 8) % MADE_STREAMS, i);
                cr_assert(got[k].seq >= from && (k == 0 || got[k].seq > got[k - 1].seq));
            }
            records += m;
        }
        cr_assert_eq(records, s[i].records);
        cr_assert_eq(from, s[i].last_seq + 1);
    }
}

static void conversations_check(void)
{
    struct segment_conversation c;
    uint32_t number = 0, n = 0, first = 0;
    uint8_t key[KEY_SIZE];
    for (uint32_t i = 0; i < segment_info(seg)->conversations; i++) {
        char name[32];
        arena_reset(&arena);
        cr_assert_eq(segment_conversation_at(seg, x, i, &arena, &c, &err), ST_OK, "%s", err.text);
        snprintf(name, sizeof(name), "group %u", i);
        cr_assert(c.number == i && c.first == first && slice_eq_str(c.c.name, name));
        cr_assert(c.c.kind == CONV_GROUP && !c.c.service.data);
        first += c.docs;
        made_conversation_key(i, key);
        cr_assert_arr_eq(c.key, key, KEY_SIZE);
        for (size_t len = 2; len <= KEY_SIZE; len++) {
            cr_assert_eq(segment_conversation_find(seg, x, key, len, &number, &n, &err), ST_OK);
            cr_assert(number == i && n == 1);
        }
        cr_assert_eq(segment_conversation_of(seg, x, first - 1, &arena, &c, &err), ST_OK);
        cr_assert_eq(c.number, i);
    }
    cr_assert_eq(first, DOCS);
    cr_assert_eq(segment_conversation_find(seg, x, (uint8_t[]){0}, 1, &number, &n, &err), ST_OK);
    cr_assert(number == 0 && n == segment_info(seg)->conversations);
    cr_assert_eq(segment_conversation_find(seg, x, (uint8_t[]){9}, 1, &number, &n, &err), ST_OK);
    cr_assert_eq(n, 0);
}

static void keys_check(void)
{
    struct key_entry *k = calloc(DOCS, sizeof(*k));
    struct buf docs = {0};
    cr_assert_eq(segment_keys(seg, x, 0, DOCS, k, &err), ST_OK, "%s", err.text);
    for (uint32_t i = 1; i < DOCS; i++)
        cr_assert(k[i - 1].fingerprint < k[i].fingerprint ||
                  (k[i - 1].fingerprint == k[i].fingerprint && k[i - 1].doc < k[i].doc));
    for (uint32_t doc = 0; doc < DOCS; doc++) {
        uint8_t key[KEY_SIZE];
        bool found = false;
        made_key(doc, key);
        for (size_t len = 4; len <= 8; len += 2) {
            buf_clear(&docs);
            found = false;
            cr_assert_eq(segment_key_find(seg, x, key, len, 1000, &docs, &err), ST_OK);
            for (size_t i = 0; i < docs.len; i += 4)
                found |= load_u32(docs.data + i) == doc;
            cr_assert(found, "%u %zu", doc, len);
        }
        cr_assert(docs.len == 8 || doc == DOCS - 1);
        cr_assert_eq(segment_key_find(seg, x, key, 8, 1, &docs, &err), ST_LIMIT);
    }
    struct key_entry part[300];
    cr_assert_eq(segment_keys(seg, x, 777, 300, part, &err), ST_OK);
    for (int i = 0; i < 300; i++)
        cr_assert(part[i].doc == k[777 + i].doc && part[i].fingerprint == k[777 + i].fingerprint);
    buf_clear(&docs);
    cr_assert_eq(segment_key_find(seg, x, (uint8_t[]){0}, 1, DOCS, &docs, &err), ST_OK);
    size_t want = 0;
    for (uint32_t i = 0; i < DOCS; i++)
        want += k[i].fingerprint >> 56 == 0;
    cr_assert_eq(docs.len, want * 4);
    buf_release(&docs);
    free(k);
}

static void totals_check(void)
{
    struct segment_info want = {.docs = DOCS, .first_sent = TIME_NONE, .last_sent = TIME_NONE};
    const struct segment_info *i = segment_info(seg);
    for (uint32_t d = 0; d < DOCS; d++) {
        struct doc_state s = made_state(d);
        bool message = d % 53 > 1;
        int64_t t = made_sent(d);
        want.hidden_docs += (s.flags & DOC_HIDDEN) != 0;
        want.repeated_docs += s.messages > 1;
        want.others += !message;
        want.notes += d % 53 == 1;
        if (!message)
            continue;
        want.messages += s.messages;
        want.copies += s.copies - s.messages;
        want.sealed += s.flags & DOC_SEALED ? s.messages : 0;
        want.untimed += s.flags & DOC_UNTIMED ? s.messages : 0;
        if (t == TIME_NONE || t <= 0)
            continue;
        want.first_sent = want.first_sent == TIME_NONE || t < want.first_sent ? t : want.first_sent;
        want.last_sent = t > want.last_sent ? t : want.last_sent;
    }
    cr_assert(i->docs == want.docs && i->hidden_docs == want.hidden_docs);
    cr_assert(i->messages == want.messages && i->copies == want.copies);
    cr_assert(i->others == want.others && i->notes == want.notes && i->sealed == want.sealed);
    cr_assert(i->untimed == want.untimed && i->repeated_docs == want.repeated_docs);
    cr_assert(i->first_sent == want.first_sent && i->last_sent == want.last_sent);
    cr_assert_eq(i->conflict, 0);
}

static void minutes_check(void)
{
    uint32_t first = (uint32_t)(INT64_C(1585000000000) / MINUTE_MS);
    for (uint32_t from = first - 5, step = 1; step < 3000; step = step * 2 + 1) {
        uint32_t lo = from + step / 3, hi = lo + step;
        uint64_t want = 0, got = 0;
        for (uint32_t d = 0; d < DOCS; d++) {
            int64_t t = made_sent(d);
            if (t != TIME_NONE && t > 0 && !(made_state(d).flags & DOC_HIDDEN) &&
                t / MINUTE_MS >= lo && t / MINUTE_MS < hi)
                want += made_state(d).messages;
        }
        cr_assert_eq(segment_minutes(seg, x, lo, hi, &got, &err), ST_OK, "%s", err.text);
        cr_assert_eq(got, want, "%u", step);
    }
    uint64_t none = 1;
    cr_assert_eq(segment_minutes(seg, x, first, first - 1, &none, &err), ST_OK);
    cr_assert_eq(none, 0);
}

static void repeats_check(void)
{
    const uint32_t *docs = NULL, *messages = NULL;
    size_t n = 0, k = 0;
    cr_assert_eq(segment_repeats(seg, &docs, &messages, &n, &err), ST_OK, "%s", err.text);
    for (uint32_t d = 0; d < DOCS; d++)
        if (made_state(d).messages > 1) {
            cr_assert(k < n && docs[k] == d && messages[k] == made_state(d).messages);
            k++;
        }
    cr_assert_eq(k, n);
}

static void terms_check(void)
{
    for (uint32_t t = 0; t < MADE_TERMS; t += 7) {
        struct term_entry e;
        char text[16];
        uint32_t n = 0;
        for (uint32_t d = 0; d < DOCS; d++)
            n += made_has(t, d);
        enum status st = segment_term(seg, x, made_term(t, text), &e, &err);
        cr_assert_eq(st, n ? ST_OK : ST_NOT_FOUND);
        if (n)
            cr_assert_eq(e.docs, n);
    }
}

static void all_check(int key)
{
    opened(key, DOCS);
    columns_check();
    rows_check();
    copies_check();
    streams_check();
    conversations_check();
    keys_check();
    totals_check();
    minutes_check();
    repeats_check();
    terms_check();
    cr_assert_eq(segment_verify(seg, &err), ST_OK, "%s", err.text);
}

Test(segment, gives_back_everything_from_a_plain_file) { all_check(0); }

Test(segment, gives_back_everything_from_a_sealed_file) { all_check(1); }

Test(segment, may_be_empty)
{
    struct segment_writer *w = NULL;
    struct file_seal seal;
    const uint32_t *docs, *messages;
    const struct segment_stream *s;
    struct term_iter *it = NULL;
    struct term_entry e;
    size_t n = 1;
    uint64_t count = 1;

    cr_assert_eq(segment_writer_open(dir, &keys[0], NULL, &w, &err), ST_OK);
    cr_assert_eq(segment_writer_finish(w, &seal, &err), ST_OK, "%s", err.text);
    cr_assert_eq(segment_open(dir, &keys[0], &seal, NULL, 0, cache, &seg, &err), ST_OK, "%s",
                 err.text);
    cr_assert_eq(segment_info(seg)->docs, 0);
    cr_assert_eq(segment_repeats(seg, &docs, &messages, &n, &err), ST_OK);
    cr_assert_eq(n, 0);
    cr_assert_eq(segment_streams(seg, &s, &n, &err), ST_OK);
    cr_assert_eq(n, 0);
    cr_assert_eq(segment_term(seg, x, slice_str("wx"), &e, &err), ST_NOT_FOUND);
    cr_assert_eq(term_iter_open(seg, slice_str(""), &it, &err), ST_OK);
    cr_assert_eq(term_iter_next(it, &e, &err), ST_END);
    term_iter_close(it);
    cr_assert_eq(segment_minutes(seg, x, 0, UINT32_MAX, &count, &err), ST_OK);
    cr_assert_eq(count, 0);
    cr_assert_eq(segment_sent(seg, x, 0, &(int64_t){0}, &err), ST_NOT_FOUND);
}

Test(segment, the_same_calls_give_the_same_bytes)
{
    struct memory_file a = {0}, b = {0};
    struct segment_writer w;
    memory_writer(&w, &a, NULL);
    made_segment(&w, 1500);
    memory_close(&w, &a);
    memory_writer(&w, &b, NULL);
    made_segment(&w, 1500);
    memory_close(&w, &b);
    for (unsigned i = 0; i < SEC_COUNT; i++)
        cr_assert(slice_eq(a.slices[i], b.slices[i]), "section %u", i);
    memory_release(&a);
    memory_release(&b);
}

Test(segment, keeps_sets_of_handles_and_absent_names_apart_from_empty_ones)
{
    struct memory_file f = {0};
    struct segment_writer w;
    struct slice set[3] = {slice_str(""), slice_str("a"), slice_str("b\xff")};
    struct conversation conv[3] = {
        {.kind = CONV_SET, .service = slice_str(""), .set = set, .n_set = 3},
        {.kind = CONV_SOURCE, .service = slice_str("sky"), .name = slice_str("")},
        {.kind = CONV_GROUP}};
    struct doc_state state = {.messages = 1, .copies = 1};
    struct segment_conversation c;
    uint8_t key[KEY_SIZE] = {0};

    memory_writer(&w, &f, NULL);
    for (uint8_t i = 0; i < 3; i++) {
        key[0] = i;
        cr_assert_eq(segment_add_conversation(&w, key, &conv[i], &err), ST_OK);
        cr_assert_eq(segment_add_doc(&w, key, 5, slice_of("", 1), &state, slice_of("", 0), &err),
                     ST_OK);
    }
    memory_close(&w, &f);
    seg = memory_open(&f);
    cr_assert_eq(segment_conversation_at(seg, x, 0, &arena, &c, &err), ST_OK);
    cr_assert(c.c.service.data && c.c.service.len == 0 && c.c.n_set == 3);
    cr_assert(slice_eq(c.c.set[0], set[0]) && slice_eq(c.c.set[2], set[2]));
    cr_assert_eq(segment_conversation_at(seg, x, 1, &arena, &c, &err), ST_OK);
    cr_assert(slice_eq_str(c.c.service, "sky") && c.c.name.data && c.c.name.len == 0);
    cr_assert_eq(segment_conversation_at(seg, x, 2, &arena, &c, &err), ST_OK);
    cr_assert(!c.c.service.data && !c.c.name.data);
    segment_close(seg);
    seg = NULL;
    memory_release(&f);
}

Test(segment, refuses_calls_out_of_order)
{
    struct memory_file f = {0};
    struct segment_writer w;
    struct doc_state state = {.messages = 1};
    struct conversation conv = {.kind = CONV_GROUP, .name = slice_str("g")};
    struct origin_ref origin = {.stream = 0};
    uint8_t key[KEY_SIZE] = {1};
    uint32_t doc = 0;
    struct slice row = slice_of("", 1), none = slice_of("", 0);

    memory_writer(&w, &f, NULL);
    cr_assert_eq(segment_add_doc(&w, key, 0, row, &state, none, &err), ST_USAGE);
    cr_assert_eq(segment_add_origin(&w, &origin, &err), ST_USAGE);
    cr_assert_eq(segment_add_patch(&w, 0, &state, none, &err), ST_USAGE);
    cr_assert_eq(segment_add_stream_seqs(&w, 0, 0, NULL, NULL, 0, false, false, &err), ST_USAGE);
    cr_assert_eq(segment_add_conversation(&w, key, &conv, &err), ST_OK);
    cr_assert_eq(segment_add_conversation(&w, key, &conv, &err), ST_USAGE);
    cr_assert_eq(segment_add_doc(&w, key, 0, none, &state, none, &err), ST_USAGE);
    cr_assert_eq(segment_add_doc(&w, key, 0, row, &state, none, &err), ST_OK);
    cr_assert_eq(segment_add_term(&w, slice_str("w"), 1, &doc, NULL, NULL, &err), ST_OK);
    cr_assert_eq(segment_add_doc(&w, key, 0, row, &state, none, &err), ST_USAGE);
    segment_writer_release(&w);
    memory_release(&f);
}

Test(segment, a_clash_is_never_split_over_two_calls)
{
    struct memory_file f = {0};
    struct segment_writer w;
    struct stream_ref stream = {.source = slice_str("s"), .numbered = true};
    struct seq_doc got[8];
    size_t n = 0;
    uint64_t seqs[9] = {1, 2, 3, 3, 3, 4, 9, 9, SEQ_MAX};
    uint32_t docs[9] = {5, 6, 1, 2, 3, 7, 0, 8, 9};

    memory_writer(&w, &f, NULL);
    uint64_t beyond = SEQ_MAX + 1;
    cr_assert_eq(segment_add_stream(&w, &stream, &err), ST_OK);
    made_docs(&w, 10);
    cr_assert_eq(segment_add_stream_seqs(&w, 0, 1, &beyond, docs, 0, false, false, &err), ST_USAGE);
    cr_assert_eq(segment_add_stream_seqs(&w, 0, 9, seqs, docs, 0, false, false, &err), ST_OK);
    memory_close(&w, &f);
    seg = memory_open(&f);
    cr_assert_eq(segment_stream_seqs(seg, x, 0, 0, got, 4, &n, &err), ST_OK, "%s", err.text);
    cr_assert_eq(n, 2);
    cr_assert_eq(segment_stream_seqs(seg, x, 0, 3, got, 4, &n, &err), ST_OK);
    cr_assert(n == 4 && got[0].doc == 1 && got[2].doc == 3 && got[3].seq == 4);
    cr_assert_eq(segment_stream_seqs(seg, x, 0, 3, got, 2, &n, &err), ST_LIMIT);
    cr_assert_eq(segment_stream_seqs_from(seg, x, 0, 3, 2, got, 2, &n, &err), ST_OK);
    cr_assert(n == 2 && got[0].doc == 2 && got[1].doc == 3);
    cr_assert_eq(segment_stream_seqs(seg, x, 0, 10, got, 8, &n, &err), ST_OK);
    cr_assert(n == 1 && got[0].seq == SEQ_MAX && got[0].doc == 9);
    segment_close(seg);
    seg = NULL;
    memory_release(&f);
}

/* Reads everything there is; must not go wrong, whatever it says. */
static void everything_read(struct segment *s)
{
    struct slice row;
    struct doc_state state;
    const struct held_copy *c;
    const struct segment_stream *streams;
    struct segment_conversation conv;
    struct buf docs = {0};
    const uint32_t *a, *b;
    struct seq_doc seqs[64];
    size_t n = 0, m = 0;
    uint64_t count;
    int64_t t, u;
    bool any;

    for (uint32_t d = 0; d < segment_info(s)->docs && d < 400; d += 23) {
        arena_reset(&arena);
        (void)!segment_sent(s, x, d, &t, &err);
        (void)!segment_sent_bounds(s, x, d, &t, &u, &any, &err);
        (void)!segment_state(s, x, d, &state, &err);
        (void)!segment_row(s, x, d, &row, &err);
        (void)!segment_copies(s, x, d, &arena, &c, &n, &err);
        (void)!segment_conversation_of(s, x, d, &arena, &conv, &err);
        (void)!segment_key_find(s, x, (uint8_t[]){(uint8_t)d}, 1, 50, &docs, &err);
    }
    (void)!segment_repeats(s, &a, &b, &n, &err);
    (void)!segment_minutes(s, x, 0, 26500000, &count, &err);
    if (segment_streams(s, &streams, &n, &err) == ST_OK)
        for (size_t i = 0; i < n; i++)
            (void)!segment_stream_seqs(s, x, i, 50, seqs, 64, &m, &err);
    buf_release(&docs);
}

Test(segment, survives_bit_flips_of_every_section)
{
    struct memory_file f = {0};
    struct segment_writer w;
    const struct slice *files[1] = {f.slices};

    memory_writer(&w, &f, NULL);
    made_segment(&w, 300);
    memory_close(&w, &f);
    for (unsigned sec = 0; sec < SEC_COUNT; sec++) {
        struct buf *b = &f.bufs[sec];
        size_t bits = b->len * 8, step = bits / 150 + 1;
        for (size_t bit = 0; bit < bits; bit += step) {
            b->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            segment_scratch_free(x);
            cr_assert_eq(segment_scratch_new(&x, NULL), ST_OK);
            if (segment_open_memory(files, 1, &seg, &err) == ST_OK) {
                everything_read(seg);
                segment_close(seg);
                seg = NULL;
            }
            b->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    memory_release(&f);
}

Test(segment, refuses_a_head_that_does_not_fit_its_directories)
{
    struct memory_file f = {0};
    struct segment_writer w;
    const struct slice *files[1] = {f.slices};
    const unsigned dirs[] = {SEC_META,          SEC_DUMPS_DIR, SEC_STREAMS_DIR, SEC_ORIGINS_DIR,
                             SEC_CONVERSATIONS, SEC_SENT_DIR,  SEC_STATE_DIR,   SEC_KEYS_DIR,
                             SEC_LEXICON_DIR,   SEC_REPEATS,   SEC_STREAM_INFO};

    memory_writer(&w, &f, NULL);
    made_segment(&w, 300);
    memory_close(&w, &f);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
        for (size_t cut = 1; cut <= 24; cut += 23) {
            size_t len = f.slices[dirs[i]].len;
            f.slices[dirs[i]].len -= cut < len ? cut : len;
            cr_assert_eq(segment_open_memory(files, 1, &seg, &err), ST_DAMAGED, "%u", dirs[i]);
            f.slices[dirs[i]].len = len;
        }
    memory_release(&f);
}
