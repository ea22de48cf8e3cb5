/* Unit tests of overlays: the newest state counts, copies of all files are one list, equal versions
 * are united, streams continue, and an overlay of another segment is refused. */
#include "case_testing.h"

#include <sodium.h>

#include "segment_testing.h"

#define DOCS 2000

static struct case_key key;
static struct block_cache *cache;
static struct segment *seg;
static struct segment_scratch *x;
static struct arena arena;
static struct err err;
static struct file_seal base, overlays[2];

/* Overlay 1 patches every 5th document, overlay 2 every 7th from 700 on. */
static bool patched(int overlay, uint32_t doc)
{
    return overlay == 1 ? doc % 5 == 0 : doc >= 700 && doc % 7 == 0;
}

static struct doc_state patched_state(int overlay, uint32_t doc)
{
    struct doc_state s = made_state(doc);
    s.copies += (uint32_t)overlay;
    s.messages = doc % 35 == 0 ? 4 : doc % 97 == 3 && doc % 5 == 0 ? 1 : s.messages;
    s.flags = (uint16_t)(s.flags | DOC_CONFLICT);
    return s;
}

/* A new copy in the overlay's own stream 0, and for even documents the copy 0 of the base again:
 * sighted once more, and once with another `read`. */
static void patched_copies(int overlay, uint32_t doc, struct buf *out)
{
    struct sighting s[3] = {
        {.dump = 0, .line = doc + 1}, {.dump = 0, .line = doc + 2}, {.dump = 0, .line = doc + 3}};
    struct copy_version v[3];
    struct copy c[2];

    for (int i = 0; i < 3; i++)
        v[i] = (struct copy_version){.origin = i ? 1 : 0,
                                     .delivered = 1000 + doc,
                                     .read = i == 2 ? 77 : TIME_NONE,
                                     .collected = TIME_NONE,
                                     .sightings = &s[i],
                                     .n_sightings = 1};
    c[0] = (struct copy){.stream = 0, .seq = doc, .versions = &v[0], .n_versions = 1};
    c[1] = (struct copy){
        .stream = 1 + doc % MADE_STREAMS, .seq = doc * 8, .versions = &v[1], .n_versions = 2};
    v[1].origin = v[2].origin = 1 + doc % MADE_STREAMS;
    (void)overlay;
    buf_clear(out);
    copies_encode(c, doc % 2 ? 1 : 2, out);
}

static void overlay_tables(struct segment_writer *w, int overlay)
{
    char name[24];
    struct dump_ref d = {.sha256 = {(uint8_t)(100 + overlay)}, .name = slice_str("later")};
    cr_assert_eq(segment_add_dump(w, &d, NULL), ST_OK);
    for (uint32_t i = 0; i <= MADE_STREAMS; i++) {
        struct stream_ref s = {.stage = 1, .numbered = true};
        snprintf(name, sizeof(name), i ? "imei:%u" : "overlay", i - 1);
        s.source = slice_str(name);
        cr_assert_eq(segment_add_stream(w, &s, NULL), ST_OK);
    }
    for (uint32_t i = 0; i <= MADE_STREAMS; i++) {
        struct origin_ref o = {.stream = i, .direction = 1};
        snprintf(name, sizeof(name), i ? "imei:%u" : "overlay", i - 1);
        o.account = slice_str(name);
        cr_assert_eq(segment_add_origin(w, &o, NULL), ST_OK);
    }
}

static void overlay_fill(struct segment_writer *w, int overlay, bool info)
{
    struct buf row = {0};
    uint64_t seqs[DOCS];
    uint32_t docs[DOCS];
    size_t n = 0;

    overlay_tables(w, overlay);
    for (uint32_t d = 0; d < DOCS; d++) {
        if (!patched(overlay, d))
            continue;
        struct doc_state s = patched_state(overlay, d);
        patched_copies(overlay, d, &row);
        if (overlay == 2 && d % 3 == 0)
            buf_clear(&row); /* only the state changes */
        else
            docs[n] = d, seqs[n++] = d;
        cr_assert_eq(segment_add_patch(w, d, &s, buf_slice(&row), NULL), ST_OK);
    }
    cr_assert_eq(segment_add_stream_seqs(w, 0, n, seqs, docs, 5000, false, true, NULL), ST_OK);
    for (uint32_t i = 1; i <= MADE_STREAMS; i++)
        cr_assert_eq(segment_add_stream_seqs(w, i, 0, NULL, NULL, 2000000, false, false, NULL),
                     ST_OK);
    if (info) {
        struct segment_info i = {.messages = 4711, .copies = 99, .docs = 1};
        segment_set_info(w, &i);
    }
    buf_release(&row);
}

static void setup(void)
{
    struct segment_writer *w = NULL;

    dir_make();
    cr_assert(sodium_init() >= 0);
    key = (struct case_key){.key = sodium_malloc(32)};
    memset(key.key, 7, 32);
    cr_assert_eq(block_cache_new(1 << 20, &cache, NULL), ST_OK);
    cr_assert_eq(segment_scratch_new(&x, NULL), ST_OK);
    arena_init(&arena, 0);
    cr_assert_eq(segment_writer_open(dir, &key, NULL, &w, &err), ST_OK, "%s", err.text);
    made_segment(w, DOCS);
    cr_assert_eq(segment_writer_finish(w, &base, &err), ST_OK, "%s", err.text);
    for (int i = 1; i <= 2; i++) {
        cr_assert_eq(segment_writer_open(dir, &key, base.id, &w, &err), ST_OK, "%s", err.text);
        overlay_fill(w, i, i == 1);
        cr_assert_eq(segment_writer_finish(w, &overlays[i - 1], &err), ST_OK, "%s", err.text);
    }
}

static void teardown(void)
{
    segment_close(seg);
    segment_scratch_free(x);
    block_cache_free(cache);
    sodium_free(key.key);
    arena_release(&arena);
    dir_remove();
}

TestSuite(overlay, .init = setup, .fini = teardown);

static void opened(size_t n)
{
    cr_assert_eq(segment_open(dir, &key, &base, overlays, n, cache, &seg, &err), ST_OK, "%s",
                 err.text);
}

static struct doc_state newest_state(uint32_t doc)
{
    return patched(2, doc)   ? patched_state(2, doc)
           : patched(1, doc) ? patched_state(1, doc)
                             : made_state(doc);
}

Test(overlay, the_newest_state_of_a_document_counts)
{
    opened(2);
    for (uint32_t i = 0; i < 2 * DOCS; i++) {
        uint32_t doc = i < DOCS ? i : (uint32_t)(mix(i) % DOCS);
        struct doc_state s, want = newest_state(doc);
        cr_assert_eq(segment_state(seg, x, doc, &s, &err), ST_OK, "%s", err.text);
        cr_assert(s.messages == want.messages && s.copies == want.copies && s.flags == want.flags,
                  "%u", doc);
    }
}

Test(overlay, an_older_view_does_not_see_newer_overlays)
{
    struct doc_state s;
    opened(1);
    cr_assert_eq(segment_state(seg, x, 707, &s, &err), ST_OK);
    cr_assert_eq(s.copies, made_state(707).copies);
}

Test(overlay, totals_are_those_of_the_newest_that_gives_them)
{
    opened(2);
    cr_assert_eq(segment_info(seg)->messages, 4711);
    cr_assert_eq(segment_info(seg)->copies, 99);
    cr_assert_eq(segment_info(seg)->docs, DOCS);
}

Test(overlay, repeats_follow_the_newest_states)
{
    const uint32_t *docs = NULL, *messages = NULL;
    size_t n = 0, k = 0;
    opened(2);
    cr_assert_eq(segment_repeats(seg, &docs, &messages, &n, &err), ST_OK, "%s", err.text);
    for (uint32_t d = 0; d < DOCS; d++)
        if (newest_state(d).messages > 1) {
            cr_assert(k < n && docs[k] == d && messages[k] == newest_state(d).messages, "%u", d);
            k++;
        }
    cr_assert_eq(k, n);
}

static const struct held_copy *copy_of(const struct held_copy *c, size_t n, const char *source,
                                       uint64_t seq)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq_str(c[i].stream->source, source) && c[i].seq == seq)
            return &c[i];
    return NULL;
}

Test(overlay, copies_of_all_files_are_one_sorted_list_with_equal_versions_united)
{
    opened(2);
    for (uint32_t doc = 0; doc < DOCS; doc++) {
        const struct held_copy *c = NULL, *mine;
        size_t n = 0;
        unsigned rows = (patched(1, doc) ? 1u : 0u) + (patched(2, doc) && doc % 3 ? 1u : 0u);
        char source[16];
        arena_reset(&arena);
        cr_assert_eq(segment_copies(seg, x, doc, &arena, &c, &n, &err), ST_OK, "%s", err.text);
        cr_assert_eq(n, made_state(doc).copies + (rows ? 1 : 0), "%u", doc);
        for (size_t i = 1; i < n; i++)
            cr_assert(stream_cmp(c[i - 1].stream, c[i].stream) < 0 ||
                      (stream_cmp(c[i - 1].stream, c[i].stream) == 0 && c[i - 1].seq < c[i].seq));
        mine = copy_of(c, n, "overlay", doc);
        cr_assert_eq(mine != NULL, rows > 0);
        if (mine) {
            cr_assert_eq(mine->n_versions, 1);
            cr_assert_eq(mine->versions[0].n_sightings, rows);
            cr_assert_eq(mine->versions[0].sightings[0].dump->sha256[0],
                         patched(1, doc) ? 101 : 102);
        }
        snprintf(source, sizeof(source), "imei:%u", doc % MADE_STREAMS);
        mine = copy_of(c, n, source, doc * 8);
        cr_assert_not_null(mine);
        bool again = rows && doc % 2 == 0;
        cr_assert_eq(mine->n_versions, again ? 2 : 1);
        cr_assert_eq(mine->versions[0].read, TIME_NONE);
        cr_assert_eq(mine->versions[0].n_sightings, again ? 1 + rows : 1);
        cr_assert_eq(mine->versions[0].sightings[0].line, doc * 8 + 2);
        if (again) {
            cr_assert_eq(mine->versions[1].read, 77);
            cr_assert_eq(mine->versions[1].n_sightings, rows);
        }
    }
}

Test(overlay, streams_are_united_and_their_numbers_merged)
{
    const struct segment_stream *s = NULL;
    size_t n = 0, m = 0, seen = 0;
    struct seq_doc got[64];
    opened(2);
    cr_assert_eq(segment_streams(seg, &s, &n, &err), ST_OK, "%s", err.text);
    cr_assert_eq(n, MADE_STREAMS + 1);
    for (uint32_t i = 0; i < MADE_STREAMS; i++)
        cr_assert(s[i].end_last_seq == 2000000 && s[i].partial == (i == 2) && s[i].records > 0);
    cr_assert(slice_eq_str(s[MADE_STREAMS].ref.source, "overlay") && s[MADE_STREAMS].partial);
    cr_assert_eq(s[MADE_STREAMS].end_last_seq, 5000);
    for (uint64_t from = 0;; from = got[m - 1].seq + 1) {
        cr_assert_eq(segment_stream_seqs(seg, x, MADE_STREAMS, from, got, 64, &m, &err), ST_OK);
        if (m == 0)
            break;
        for (size_t k = 0; k < m; k++) {
            uint32_t d = got[k].doc;
            cr_assert(got[k].seq == d && d >= from);
            cr_assert(patched(1, d) || (patched(2, d) && d % 3));
            from = d + 1;
        }
        seen += m;
    }
    for (uint32_t d = 0; d < DOCS; d++)
        seen -= patched(1, d) || (patched(2, d) && d % 3);
    cr_assert_eq(seen, 0);
}

Test(overlay, of_another_segment_is_refused)
{
    struct segment_writer *w = NULL;
    struct file_seal other;
    cr_assert_eq(segment_writer_open(dir, &key, NULL, &w, &err), ST_OK);
    made_segment(w, DOCS);
    cr_assert_eq(segment_writer_finish(w, &other, &err), ST_OK);
    cr_assert_eq(segment_open(dir, &key, &other, overlays, 1, cache, &seg, &err), ST_DAMAGED);
    cr_assert_eq(segment_open(dir, &key, &base, &other, 1, cache, &seg, &err), ST_DAMAGED);
    cr_assert_eq(segment_open(dir, &key, &overlays[0], NULL, 0, cache, &seg, &err), ST_DAMAGED);
}

Test(overlay, patches_come_in_order_and_to_an_overlay)
{
    struct memory_file f = {0};
    struct segment_writer w;
    struct doc_state s = {.messages = 1};
    struct slice none = slice_of("", 0);
    struct conversation conv = {.kind = CONV_GROUP, .name = slice_str("g")};
    uint8_t k[KEY_SIZE] = {1};
    uint32_t doc = 0;
    memory_writer(&w, &f, base.id);
    cr_assert_eq(segment_add_patch(&w, 7, &s, none, &err), ST_OK);
    cr_assert_eq(segment_add_patch(&w, 7, &s, none, &err), ST_USAGE);
    cr_assert_eq(segment_add_patch(&w, 3, &s, none, &err), ST_USAGE);
    cr_assert_eq(segment_add_conversation(&w, k, &conv, &err), ST_USAGE);
    cr_assert_eq(segment_add_term(&w, slice_str("w"), 1, &doc, NULL, NULL, &err), ST_USAGE);
    segment_writer_release(&w);
    memory_release(&f);
}

Test(overlay, survives_bit_flips_of_every_section)
{
    struct memory_file b = {0}, o = {0};
    struct segment_writer w;
    const struct slice *files[2] = {b.slices, o.slices};
    static const uint8_t zero_id[FILE_ID_SIZE];

    memory_writer(&w, &b, NULL);
    made_segment(&w, DOCS);
    memory_close(&w, &b);
    memory_writer(&w, &o, zero_id);
    overlay_fill(&w, 1, true);
    memory_close(&w, &o);
    cr_assert_eq(segment_open_memory(files, 2, &seg, &err), ST_OK, "%s", err.text);
    segment_close(seg);
    seg = NULL;
    for (unsigned sec = 0; sec < SEC_COUNT; sec++) {
        size_t bits = o.bufs[sec].len * 8, step = bits / 100 + 1;
        for (size_t bit = 0; bit < bits; bit += step) {
            const uint32_t *docs, *messages;
            const struct segment_stream *streams;
            const struct held_copy *c;
            struct doc_state s;
            struct seq_doc got[8];
            size_t n;
            o.bufs[sec].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            segment_scratch_free(x);
            cr_assert_eq(segment_scratch_new(&x, NULL), ST_OK);
            if (segment_open_memory(files, 2, &seg, &err) == ST_OK) {
                for (uint32_t d = 0; d < DOCS; d += 95) {
                    arena_reset(&arena);
                    (void)!segment_state(seg, x, d, &s, &err);
                    (void)!segment_copies(seg, x, d, &arena, &c, &n, &err);
                }
                (void)!segment_repeats(seg, &docs, &messages, &n, &err);
                if (segment_streams(seg, &streams, &n, &err) == ST_OK)
                    (void)!segment_stream_seqs(seg, x, n - 1, 9, got, 8, &n, &err);
                segment_close(seg);
                seg = NULL;
            }
            o.bufs[sec].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    memory_release(&b);
    memory_release(&o);
}
