/* fuzz_segment — a whole segment with two overlays, some of whose bytes are the fuzzer's, and
 * everything a reader can ask of it. Seals do not stand in the way: what is asked here is what a
 * decoder does with bytes that no writer of ours made.
 * Input: edits of five bytes: file and what to do, section, where (u16, scaled to the section),
 * argument. */
#include "tests/unit/segment_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DOCS 270
#define FILES 3
#define EDIT 5
#define EDITS_MAX 32

static struct memory_file sound[FILES];

/* ---- what is sound ---- */

static void sound_make(void)
{
    struct segment_writer w;
    memory_writer(&w, &sound[0], NULL);
    made_segment(&w, DOCS);
    memory_close(&w, &sound[0]);
    made_overlay(&sound[1], DOCS, 5);
    made_overlay(&sound[2], DOCS, 7);
}

/* ---- edits ---- */

enum { SET, ADD, CUT, SWAP, DOUBLE, EDITS };

/* The section's own copy, made at its first edit; it is never without memory, which says so. */
static struct buf *own(struct buf bufs[FILES][SEC_COUNT], unsigned file, unsigned section)
{
    struct buf *b = &bufs[file][section];
    if (!b->data) {
        buf_put_u8(b, 0);
        buf_clear(b);
        buf_put_slice(b, sound[file].slices[section]);
    }
    return b;
}

static void edit(struct buf bufs[FILES][SEC_COUNT], const uint8_t e[EDIT])
{
    struct buf *b = own(bufs, e[0] % FILES, e[1] % SEC_COUNT);
    size_t where = (e[2] | (size_t)e[3] << 8) * b->len >> 16;
    size_t low = e[3] == 0 && e[2] < b->len ? e[2] : where; /* the first ones one by one */
    if (b->len == 0)
        return;
    switch (e[0] / FILES % EDITS) {
    case SET:
        b->data[low] = e[4];
        break;
    case ADD:
        b->data[low] = (uint8_t)(b->data[low] + e[4]);
        break;
    case CUT:
        b->len = low;
        break;
    case SWAP: { /* another section of the same file in its place */
        struct buf *other = own(bufs, e[0] % FILES, e[4] % SEC_COUNT), spare = *other;
        *other = *b;
        *b = spare;
        break;
    }
    default: { /* some bytes stand twice */
        struct buf grown = {0};
        size_t n = b->len - low < e[4] ? b->len - low : e[4];
        buf_put(&grown, b->data, low + n);
        buf_put(&grown, b->data + low, b->len - low);
        buf_release(b);
        *b = grown;
    }
    }
}

/* ---- everything that can be asked ---- */

struct reader {
    struct segment *s;
    struct segment_scratch *x;
    struct arena a;
    uint64_t sum;
};

/* The sanitizer knows where memory ends: first and last byte say as much as all. */
static void touch(struct reader *r, struct slice s)
{
    if (s.len)
        r->sum += s.data[0] + s.data[s.len - 1];
}

static void read_copies(struct reader *r, uint32_t doc)
{
    const struct held_copy *held;
    size_t n;
    if (segment_copies(r->s, r->x, doc, &r->a, &held, &n, NULL) != ST_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        touch(r, held[i].stream->source);
        MUST(i == 0 || stream_cmp(held[i - 1].stream, held[i].stream) < 0 ||
             held[i - 1].seq < held[i].seq);
        for (size_t k = 0; k < held[i].n_versions; k++) {
            const struct held_version *v = &held[i].versions[k];
            touch(r, v->extra);
            touch(r, v->origin->account);
            for (size_t j = 0; j < v->n_sightings; j++)
                touch(r, v->sightings[j].dump->name);
        }
    }
}

static void read_doc(struct reader *r, uint32_t doc)
{
    int64_t sent, min, max;
    bool untimed;
    struct doc_state state;
    struct slice row;
    struct segment_conversation c;
    bool timed = segment_sent(r->s, r->x, doc, &sent, NULL) == ST_OK;
    if (segment_sent_bounds(r->s, r->x, doc, &min, &max, &untimed, NULL) == ST_OK && timed)
        MUST(sent == TIME_NONE ? untimed : sent >= min && sent <= max);
    if (segment_state(r->s, r->x, doc, &state, NULL) == ST_OK)
        r->sum += state.messages;
    if (segment_row(r->s, r->x, doc, &row, NULL) == ST_OK)
        touch(r, row);
    if (segment_conversation_of(r->s, r->x, doc, &r->a, &c, NULL) == ST_OK) {
        MUST(c.first <= doc && doc - c.first < c.docs);
        touch(r, c.c.name);
    }
    read_copies(r, doc);
}

static enum status minute_seen(void *ctx, uint32_t minute, uint64_t messages, struct err *err)
{
    struct reader *r = ctx;
    (void)err;
    r->sum += minute + messages;
    return ST_OK;
}

static void read_lists(struct reader *r)
{
    const uint32_t *docs, *messages;
    const struct dump_ref *dumps;
    struct buf flagged = {0};
    uint64_t count;
    size_t n;
    if (segment_repeats(r->s, &docs, &messages, &n, NULL) == ST_OK)
        for (size_t i = 0; i < n; i++)
            MUST(docs[i] < DOCS && messages[i] > 1 && (i == 0 || docs[i] > docs[i - 1]));
    if (segment_copy_to(r->s, &docs, &n, NULL) == ST_OK)
        for (size_t i = 0; i < n; i++)
            MUST(docs[i] < DOCS && (i == 0 || docs[i] > docs[i - 1]));
    (void)!segment_flagged(r->s, DOC_LOCATED, &flagged, NULL);
    buf_release(&flagged);
    (void)!segment_minutes(r->s, r->x, 26416000, 26417000, &count, NULL);
    (void)!segment_minutes_each(r->s, r->x, minute_seen, r, NULL);
    if (segment_dumps(r->s, &r->a, &dumps, &n, NULL) == ST_OK)
        for (size_t i = 0; i < n; i++)
            touch(r, dumps[i].name);
}

static void read_streams(struct reader *r)
{
    const struct segment_stream *streams;
    struct seq_doc got[300];
    size_t n_streams, n;
    if (segment_streams(r->s, &streams, &n_streams, NULL) != ST_OK)
        return;
    for (size_t i = 0; i < n_streams; i++) {
        uint64_t from = 0, last = 0;
        touch(r, streams[i].ref.source);
        while (segment_stream_seqs(r->s, r->x, i, from, got, 300, &n, NULL) == ST_OK && n) {
            for (size_t k = 0; k < n; k++) {
                MUST(got[k].doc < DOCS && got[k].seq >= from && got[k].seq >= last);
                last = got[k].seq;
            }
            from = last + 1;
        }
    }
}

static void read_terms(struct reader *r)
{
    struct term_iter *it = NULL;
    struct term_entry e;
    if (term_iter_open(r->s, slice_of("", 0), &it, NULL) != ST_OK)
        return;
    while (term_iter_next(it, &e, NULL) == ST_OK) {
        struct posting_iter *p = NULL;
        const uint32_t *positions;
        uint32_t doc = 0, n;
        unsigned asked = 0; /* positions are the long part */
        if (posting_iter_open(r->s, e.handle, &p, NULL) != ST_OK)
            continue;
        for (uint32_t from = 0; posting_iter_seek(p, from, &doc, NULL) == ST_OK && doc != DOC_END;
             from = doc + 1 + doc % 16) {
            MUST(doc >= from && doc < DOCS);
            if (e.has_positions && asked++ < 3 &&
                posting_iter_positions(p, &positions, &n, NULL) == ST_OK)
                r->sum += n ? positions[n - 1] : 0;
        }
        posting_iter_close(p);
    }
    term_iter_close(it);
}

static void read_keys(struct reader *r)
{
    struct key_entry keys[DOCS];
    struct buf docs = {0};
    uint8_t key[KEY_SIZE];
    uint32_t number, n;
    if (segment_keys(r->s, r->x, 0, DOCS, keys, NULL) == ST_OK)
        for (size_t i = 0; i < DOCS; i++)
            MUST(keys[i].doc < DOCS && (i == 0 || keys[i].fingerprint >= keys[i - 1].fingerprint));
    made_key(100, key);
    (void)!segment_key_find(r->s, r->x, key, 8, 100, &docs, NULL);
    (void)!segment_key_find(r->s, r->x, key, 1, 100, &docs, NULL);
    buf_release(&docs);
    made_conversation_key(3, key);
    if (segment_conversation_find(r->s, r->x, key, 2, &number, &n, NULL) == ST_OK)
        MUST(number <= UINT32_MAX - n);
}

static void read_all(struct segment *s)
{
    struct reader r = {.s = s};
    MUST(segment_scratch_new(&r.x, NULL) == ST_OK);
    arena_init(&r.a, 0);
    read_lists(&r);
    read_streams(&r);
    read_terms(&r);
    read_keys(&r);
    /* Forwards within a block, and backwards over blocks. */
    for (uint32_t d = 0; d < DOCS; d += d % COLUMN_BLOCK < 3 ? 1 : 9)
        read_doc(&r, d);
    for (uint32_t d = 0; d < DOCS; d += 67)
        read_doc(&r, DOCS - 1 - d);
    arena_release(&r.a);
    segment_scratch_free(r.x);
    volatile uint64_t used = r.sum;
    (void)used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf bufs[FILES][SEC_COUNT] = {{{0}}};
    struct slice slices[FILES][SEC_COUNT];
    const struct slice *files[FILES];
    struct segment *s = NULL;
    if (sound[0].bufs[0].len == 0)
        sound_make();
    if (size / EDIT > EDITS_MAX)
        return 0;
    for (size_t at = 0; at + EDIT <= size; at += EDIT)
        edit(bufs, data + at);
    for (size_t f = 0; f < FILES; f++) {
        files[f] = slices[f];
        for (size_t i = 0; i < SEC_COUNT; i++)
            slices[f][i] = bufs[f][i].data ? buf_slice(&bufs[f][i]) : sound[f].slices[i];
    }
    enum status st = segment_open_memory(files, FILES, &s, NULL);
    MUST(st == ST_OK || size >= EDIT); /* without edits it is sound */
    if (st == ST_OK && s->docs <= DOCS)
        read_all(s);
    segment_close(s);
    for (size_t f = 0; f < FILES; f++)
        for (size_t i = 0; i < SEC_COUNT; i++)
            buf_release(&bufs[f][i]);
    return 0;
}
