/* spill — a chunk is one run put aside: for each part, the documents and the copies of each worker,
 * in blocks. A copy names its document by worker and number within (part, worker), so that taking
 * it in needs no search. A document that an earlier chunk has is only its hash ("again"): it is
 * looked up once the whole ones are in. */
#include "indexer/spill.h"

#include <stdlib.h>

#include "indexer/seen.h"
#include "indexer/worker.h"
#include "lictor/pages.h"
#include "lictor/thread.h"

#define BLOCK_MIN ((size_t)16 << 10)
#define BLOCK_MAX ((size_t)512 << 10)
/* Of the memory, what all open blocks may take together. */
#define BLOCKS_SHARE 16
/* Blocks of hashes are so much smaller. */
#define AGAIN_SMALLER 4
/* One in so many parts of the memory holds the hashes of what is aside. It is given back before
 * parts are joined. */
#define SEEN_SHARE 5
#define AHEAD 16
/* A part leaves the disk before what becomes of it is written, and that is smaller; a run and the
 * last files take more. */
#define DISK_MARGIN 4
/* What becomes of the parts is smaller than what was put aside: with so much more than that free,
 * it may stay until the end. */
#define DISK_SPARE (UINT64_C(1) << 30)
/* So many times what is aside should still be free, else it is packed from then on. */
#define PACK_BELOW 2
#define UNPLACED UINT32_MAX
/* Not of those that lead to a place in a table. */
#define SEEN_BYTE 12

enum spill_kind { SPILL_DOCS, SPILL_AGAIN, SPILL_COPIES, SPILL_KINDS };

/* A document as it stands in a block: this, its row, and what is said of its conversation when it
 * is met first. Only this process reads it. */
struct spill_doc {
    uint8_t hash[SHA256_SIZE];
    int64_t sent;
    uint32_t conv, row;
    uint16_t flags;
    uint8_t kind;
    uint8_t bits;
};
enum { DOC_BIT_ID = 1, DOC_BIT_NO_BODY = 2 };

/* The blocks of one (chunk, part, worker) of one kind, in order. */
struct spill_piece {
    struct grown blocks; /* struct block_place */
    uint64_t n;          /* documents or copies */
    uint64_t held;       /* what they take in a run */
};

struct spill_chunk {
    struct spill_piece *pieces; /* by part, worker, kind */
};

struct spill {
    struct blocks *blocks;
    struct blocks_io **io; /* by worker */
    unsigned n_io;
    unsigned threads, workers; /* workers: stores of a run */
    size_t block_size;
    struct seen *seen;   /* by thread: the hashes whose byte SEEN_BYTE is its */
    bool pack;           /* rows are packed: the disk fills */
    bool short_of_disk;  /* then a block leaves the disk as soon as it is taken */
    struct grown chunks; /* struct spill_chunk */
};

static struct spill_piece *piece_of(const struct spill *s, size_t chunk, unsigned part, unsigned w,
                                    enum spill_kind kind)
{
    const struct spill_chunk *c = (const struct spill_chunk *)s->chunks.items + chunk;
    return &c->pieces[((size_t)part * s->workers + w) * SPILL_KINDS + kind];
}

enum status spill_new(int dirfd, unsigned threads, uint64_t memory, struct spill **out,
                      struct err *err)
{
    struct spill *s = calloc(1, sizeof *s);
    if (!s)
        return err_no_memory(err);
    s->threads = threads;
    s->workers = threads + 1;
    size_t fair = (size_t)(memory / BLOCKS_SHARE / SPILL_PARTS / s->workers);
    s->block_size = fair < BLOCK_MIN ? BLOCK_MIN : fair > BLOCK_MAX ? BLOCK_MAX : fair;
    s->io = calloc(s->workers, sizeof(struct blocks_io *));
    s->seen = calloc(threads, sizeof *s->seen);
    for (unsigned i = 0; s->seen && i < threads; i++)
        s->seen[i].most = (size_t)(memory / SEEN_SHARE / threads);
    enum status st = s->io && s->seen ? blocks_new(dirfd, &s->blocks, err) : err_no_memory(err);
    for (; st == ST_OK && s->n_io < s->workers; s->n_io += st == ST_OK)
        st = blocks_io_new(s->blocks, &s->io[s->n_io], err);
    if (st != ST_OK) {
        spill_free(s);
        return st;
    }
    *out = s;
    return ST_OK;
}

static void chunks_release(struct spill *s)
{
    for (size_t c = 0; c < s->chunks.n; c++) {
        struct spill_chunk *chunk = (struct spill_chunk *)s->chunks.items + c;
        for (size_t i = 0; i < (size_t)SPILL_PARTS * s->workers * SPILL_KINDS; i++)
            grown_release(&chunk->pieces[i].blocks);
        free(chunk->pieces);
    }
    s->chunks.n = 0;
}

static void seen_forget(struct spill *s)
{
    for (unsigned i = 0; s->seen && i < s->threads; i++)
        seen_release(&s->seen[i]);
}

void spill_free(struct spill *s)
{
    if (!s)
        return;
    chunks_release(s);
    grown_release(&s->chunks);
    for (unsigned i = 0; i < s->n_io; i++)
        blocks_io_free(s->io[i]);
    free(s->io);
    seen_forget(s);
    free(s->seen);
    blocks_free(s->blocks);
    free(s);
}

bool spill_is_empty(const struct spill *s) { return s->chunks.n == 0; }

enum status spill_is_enough(const struct spill *s, uint64_t limit, bool *out, struct err *err)
{
    uint64_t room, aside = blocks_size(s->blocks);
    TRY(blocks_free_space(s->blocks, &room, err));
    *out = (limit && aside >= limit) || room < aside / DISK_MARGIN;
    return ST_OK;
}

enum status spill_clear(struct spill *s, struct err *err)
{
    chunks_release(s);
    seen_forget(s);
    return blocks_clear(s->blocks, err);
}

/* ---- putting aside ---- */

/* One run on its way out. */
struct putting {
    struct spill *s;
    struct run *run;
    size_t chunk;
    uint32_t **number; /* by worker, by document: within (part, worker), NUMBER_AGAIN; before that,
                          whether an earlier chunk has it */
    uint8_t **part;
};

/* One worker's blocks of one kind, each part's open. */
struct writer {
    struct putting *p;
    unsigned worker;
    enum spill_kind kind;
    struct buf open[SPILL_PARTS];
    struct run_copy before[SPILL_PARTS]; /* the last copy of the open block */
    uint32_t convs[SPILL_PARTS];
};

static enum status block_end(struct writer *w, unsigned part, struct err *err)
{
    struct spill *s = w->p->s;
    struct buf *b = &w->open[part];
    TRY(buf_status(b, err));
    if (b->len == 0)
        return ST_OK;
    struct spill_piece *piece = piece_of(s, w->p->chunk, part, w->worker, w->kind);
    struct block_place *at = grown_add(&piece->blocks, sizeof *at);
    if (!at)
        return err_no_memory(err);
    TRY(blocks_put(s->io[w->worker], buf_slice(b), s->pack && w->kind == SPILL_DOCS, at, err));
    buf_clear(b);
    w->before[part] = (struct run_copy){0};
    return ST_OK;
}

static enum status writer_end(struct writer *w, enum status st, struct err *err)
{
    for (unsigned i = 0; i < SPILL_PARTS; i++) {
        if (st == ST_OK)
            st = block_end(w, i, err);
        buf_release(&w->open[i]);
    }
    return st;
}

static void put_field(struct buf *b, struct slice s)
{
    buf_put_varint(b, s.data ? s.len + 1 : 0);
    buf_put_slice(b, s);
}

static void put_conversation(struct buf *b, const struct run_conversation *conv)
{
    buf_put(b, conv->key, KEY_SIZE);
    buf_put_u8(b, conv->c.kind);
    put_field(b, conv->c.service);
    put_field(b, conv->c.name);
    buf_put_varint(b, conv->c.n_set);
    for (size_t i = 0; i < conv->c.n_set; i++)
        put_field(b, conv->c.set[i]);
}

/* What a copy calls its document: half of the numbers are of whole ones, half of those again. */
static uint32_t number_of(uint64_t n, bool again) { return (uint32_t)n << 1 | again; }

static enum status put_again(struct writer *w, const struct run_doc *d, unsigned part,
                             struct err *err)
{
    struct buf *b = &w->open[part];
    piece_of(w->p->s, w->p->chunk, part, w->worker, SPILL_AGAIN)->n++;
    buf_put(b, d->hash, SHA256_SIZE);
    return b->len >= w->p->s->block_size / AGAIN_SMALLER ? block_end(w, part, err) : ST_OK;
}

static enum status put_doc(struct writer *w, const struct run_doc *d, unsigned part,
                           struct err *err)
{
    struct buf *b = &w->open[part];
    struct spill_piece *piece = piece_of(w->p->s, w->p->chunk, part, w->worker, SPILL_DOCS);
    /* the run is this flush's alone, and the rank is only a number of the conversation */
    struct run_conversation *conv = (struct run_conversation *)(uintptr_t)d->conv;
    bool first = conv->rank == UNPLACED;
    if (first)
        conv->rank = w->convs[part]++;
    struct spill_doc doc = {
        .sent = d->sent,
        .conv = conv->rank,
        .row = (uint32_t)d->row.len,
        .flags = d->flags,
        .kind = d->kind,
        .bits = (uint8_t)((d->has_id ? DOC_BIT_ID : 0) | (d->no_body ? DOC_BIT_NO_BODY : 0))};
    memcpy(doc.hash, d->hash, SHA256_SIZE);
    buf_put(b, &doc, sizeof doc);
    buf_put_slice(b, d->row);
    if (first)
        put_conversation(b, conv);
    piece->n++;
    piece->held += sizeof *d + d->row.len + 2 * sizeof(struct content_slot);
    return b->len >= w->p->s->block_size ? block_end(w, part, err) : ST_OK;
}

/* Which documents have earlier chunks? Each thread knows a share of the hashes. */
static enum status mark_again(void *arg, size_t thread, struct err *err)
{
    const struct putting *p = arg;
    struct seen *seen = &p->s->seen[thread];
    (void)err;
    for (unsigned w = 0; w < p->run->workers; w++) {
        const struct run_doc *docs = p->run->stores[w].docs.items;
        size_t n = p->run->stores[w].docs.n;
        for (size_t k = 0; k < n; k++) {
            if (k + AHEAD < n && docs[k + AHEAD].hash[SEEN_BYTE] % p->s->threads == thread)
                seen_fetch(seen, docs[k + AHEAD].hash);
            if (docs[k].hash[SEEN_BYTE] % p->s->threads == thread)
                p->number[w][k] = seen_note(seen, docs[k].hash);
        }
    }
    return ST_OK;
}

static enum status put_docs(void *arg, size_t i, struct err *err)
{
    struct putting *p = arg;
    const struct run_store *store = &p->run->stores[i];
    const struct run_doc *docs = store->docs.items;
    struct run_conversation **convs = store->convs.items;
    struct writer *w = calloc(SPILL_COPIES, sizeof *w); /* by kind */
    enum status st = ST_OK;
    if (!w)
        return err_no_memory(err);
    for (unsigned kind = SPILL_DOCS; kind < SPILL_COPIES; kind++) {
        w[kind].p = p;
        w[kind].worker = (unsigned)i;
        w[kind].kind = kind;
    }
    for (size_t k = 0; k < store->convs.cap; k++)
        if (convs[k])
            convs[k]->rank = UNPLACED;
    for (size_t k = 0; st == ST_OK && k < store->docs.n; k++) {
        if (k + AHEAD < store->docs.n)
            __builtin_prefetch(docs[k + AHEAD].conv);
        unsigned part = docs[k].conv->key[0];
        bool again = p->number[i][k];
        enum spill_kind kind = again ? SPILL_AGAIN : SPILL_DOCS;
        p->part[i][k] = (uint8_t)part;
        p->number[i][k] = number_of(piece_of(p->s, p->chunk, part, (unsigned)i, kind)->n, again);
        st = again ? put_again(&w[kind], &docs[k], part, err)
                   : put_doc(&w[kind], &docs[k], part, err);
    }
    for (unsigned kind = SPILL_DOCS; kind < SPILL_COPIES; kind++)
        st = writer_end(&w[kind], st, err);
    free(w);
    return st;
}

/* Numbers as differences to the copy before in the block; they wrap, so any value comes back. */
static void put_number(struct buf *b, int64_t value, int64_t before)
{
    buf_put_zigzag(b, (int64_t)((uint64_t)value - (uint64_t)before));
}

enum {
    COPY_DELETED = 4,
    COPY_COPY_TO = 8,
    COPY_LOCATED = 16,
    COPY_EXTRA = 32
}; /* above the side */
_Static_assert((int)SIDE_SERVER < (int)COPY_DELETED, "a side is two bits");

static enum status put_copy(struct writer *w, const struct run_copy *c, struct err *err)
{
    const struct putting *p = w->p;
    unsigned of = RUN_REF_WORKER(c->doc);
    unsigned part = p->part[of][RUN_REF_INDEX(c->doc)];
    uint32_t number = p->number[of][RUN_REF_INDEX(c->doc)];
    struct buf *b = &w->open[part];
    struct run_copy *before = &w->before[part];
    struct slice extra = run_copy_extra(c);
    buf_put_u8(b, (uint8_t)(c->side | (c->deleted ? COPY_DELETED : 0) |
                            (c->copy_to ? COPY_COPY_TO : 0) | (c->located ? COPY_LOCATED : 0) |
                            (extra.len ? COPY_EXTRA : 0)));
    buf_put_varint(b, of);
    put_number(b, number, before->doc);
    put_number(b, c->dump, before->dump);
    put_number(b, c->origin, before->origin);
    put_number(b, (int64_t)c->seq, (int64_t)before->seq);
    put_number(b, (int64_t)c->line, (int64_t)before->line);
    put_number(b, c->delivered, before->delivered);
    put_number(b, c->read, c->delivered);
    put_number(b, c->collected, before->collected);
    if (extra.len)
        buf_put_blob(b, extra);
    *before = *c;
    before->doc = number;
    struct spill_piece *piece = piece_of(p->s, p->chunk, part, w->worker, SPILL_COPIES);
    piece->n++;
    piece->held += sizeof *c + extra.len;
    return b->len >= p->s->block_size ? block_end(w, part, err) : ST_OK;
}

static enum status put_copies(void *arg, size_t i, struct err *err)
{
    struct putting *p = arg;
    const struct run_store *store = &p->run->stores[i];
    const struct run_copy *copies = store->copies.items;
    struct writer *w = calloc(1, sizeof *w);
    enum status st = ST_OK;
    if (!w)
        return err_no_memory(err);
    w->p = p;
    w->worker = (unsigned)i;
    w->kind = SPILL_COPIES;
    for (size_t k = 0; st == ST_OK && k < store->copies.n; k++) {
        if (k + AHEAD < store->copies.n) {
            run_ref doc = copies[k + AHEAD].doc;
            __builtin_prefetch(&p->part[RUN_REF_WORKER(doc)][RUN_REF_INDEX(doc)]);
            __builtin_prefetch(&p->number[RUN_REF_WORKER(doc)][RUN_REF_INDEX(doc)]);
        }
        st = put_copy(w, &copies[k], err);
    }
    st = writer_end(w, st, err);
    free(w);
    return st;
}

static void putting_release(struct putting *p)
{
    for (unsigned w = 0; w < p->s->workers; w++) {
        size_t n = p->run->stores[w].docs.n;
        if (p->number)
            pages_free(p->number[w], n * sizeof **p->number);
        if (p->part)
            pages_free(p->part[w], n);
    }
    free(p->number);
    free(p->part);
}

static enum status putting_init(struct putting *p, struct err *err)
{
    struct spill *s = p->s;
    struct spill_chunk *c = grown_add(&s->chunks, sizeof *c);
    if (!c)
        return err_no_memory(err);
    c->pieces = calloc((size_t)SPILL_PARTS * s->workers * SPILL_KINDS, sizeof *c->pieces);
    p->chunk = s->chunks.n - 1;
    p->number = calloc(s->workers, sizeof *p->number);
    p->part = calloc(s->workers, sizeof *p->part);
    if (!c->pieces) {
        s->chunks.n--;
        return err_no_memory(err);
    }
    if (!p->number || !p->part)
        return err_no_memory(err);
    for (unsigned w = 0; w < s->workers; w++) {
        size_t n = p->run->stores[w].docs.n;
        p->number[w] = pages_alloc_raw(n * sizeof **p->number);
        p->part[w] = pages_alloc_raw(n);
        if (!p->number[w] || !p->part[w])
            return err_no_memory(err);
    }
    return ST_OK;
}

/* Packing costs more than writing and reading what it saves: a third of all that aside takes. */
static enum status look_at_disk(struct spill *s, struct err *err)
{
    uint64_t free_space, aside = blocks_size(s->blocks);
    TRY(blocks_free_space(s->blocks, &free_space, err));
    s->pack = free_space < PACK_BELOW * aside + DISK_SPARE;
    return ST_OK;
}

enum status spill_put(struct spill *s, struct run *run, struct err *err)
{
    struct putting p = {.s = s, .run = run};
    MUST(run->workers == s->workers);
    TRY(look_at_disk(s, err));
    enum status st = putting_init(&p, err);
    if (st == ST_OK)
        st = thread_each(s->threads, s->threads, mark_again, &p, err);
    if (st == ST_OK)
        st = thread_each(s->threads, s->workers, put_docs, &p, err);
    if (st == ST_OK)
        st = thread_each(s->threads, s->workers, put_copies, &p, err);
    putting_release(&p);
    return st;
}

/* ---- taking back ---- */

struct taking {
    struct spill *s;
    struct run *run;
    unsigned part;
    size_t from, to; /* chunks */
    run_ref **refs;  /* by chunk, worker, kind: by number */
};

/* What one thread takes in of one chunk. */
struct reader {
    const struct taking *t;
    unsigned lane;
    struct run_store *store;
    size_t chunk;
    struct grown convs; /* const struct run_conversation *, of one (part, worker) */
    struct arena temp;
};

/* Giving room back costs a journaled change of the file and waits for what is being written of it:
 * done for every block, it was most of the time of taking in. */
static void drop(struct reader *r, const struct block_place *at)
{
    if (r->t->s->short_of_disk)
        blocks_drop(r->t->s->io[r->lane], at);
}

static enum status unreadable(struct err *err)
{
    return err_set(err, ST_DAMAGED, "what was put aside cannot be read again");
}

static struct slice take_field(struct cursor *c)
{
    uint64_t n = cursor_varint(c);
    return n ? cursor_bytes(c, n - 1) : slice_of(NULL, 0);
}

static enum status take_conversation(struct reader *r, struct cursor *c, struct err *err)
{
    struct conversation conv = {0};
    struct slice key = cursor_bytes(c, KEY_SIZE);
    conv.kind = cursor_u8(c);
    conv.service = take_field(c);
    conv.name = take_field(c);
    conv.n_set = cursor_varint_max(c, cursor_left(c));
    arena_reset(&r->temp);
    struct slice *set = arena_array(&r->temp, conv.n_set, sizeof *set);
    const struct run_conversation **slot = grown_add(&r->convs, sizeof *slot);
    if (!set || !slot)
        return err_no_memory(err);
    for (size_t i = 0; i < conv.n_set; i++)
        set[i] = take_field(c);
    conv.set = set;
    if (c->bad)
        return unreadable(err);
    return run_conversation(r->store, key.data, &conv, slot, err);
}

static run_ref *refs_of(const struct taking *t, size_t chunk, unsigned w, bool again)
{
    return t->refs[((chunk - t->from) * t->s->workers + w) * 2 + again];
}

/* A document of a block, not yet in the run. */
struct taken {
    struct spill_doc d;
    struct slice row;
    const struct run_conversation *conv;
};

static enum status parse_doc(struct reader *r, struct cursor *c, struct taken *out, struct err *err)
{
    struct slice fixed = cursor_bytes(c, sizeof out->d);
    if (c->bad)
        return unreadable(err);
    memcpy(&out->d, fixed.data, sizeof out->d);
    out->row = cursor_bytes(c, out->d.row);
    if (!c->bad && out->d.conv == r->convs.n)
        TRY(take_conversation(r, c, err));
    if (c->bad || out->d.conv >= r->convs.n)
        return unreadable(err);
    out->conv = ((const struct run_conversation **)r->convs.items)[out->d.conv];
    run_content_fetch(r->t->run, out->d.hash);
    return ST_OK;
}

/* *new is NULL if the run has it. */
static enum status place(struct reader *r, const uint8_t hash[SHA256_SIZE], run_ref *ref,
                         struct run_doc **new, struct err *err)
{
    run_ref mine = (run_ref)r->lane << 25 | (run_ref)r->store->docs.n;
    *new = NULL;
    TRY(run_content(r->t->run, hash, mine, ref, err));
    if (*ref != mine)
        return ST_OK;
    *new = grown_add(&r->store->docs, sizeof **new);
    if (!*new)
        return err_no_memory(err);
    **new = (struct run_doc){.conv = NULL};
    memcpy((*new)->hash, hash, SHA256_SIZE);
    return ST_OK;
}

static enum status place_doc(struct reader *r, const struct taken *t, run_ref *ref, struct err *err)
{
    struct run_doc *doc;
    TRY(place(r, t->d.hash, ref, &doc, err));
    if (!doc)
        return ST_OK;
    doc->sent = t->d.sent;
    doc->conv = t->conv;
    doc->flags = t->d.flags;
    doc->kind = t->d.kind;
    doc->has_id = (t->d.bits & DOC_BIT_ID) != 0;
    doc->no_body = (t->d.bits & DOC_BIT_NO_BODY) != 0;
    doc->row = arena_copy(&r->store->bytes, t->row);
    return doc->row.data ? ST_OK : err_no_memory(err);
}

/* The documents of one block into `refs`, at most n. Each is placed a few after it was read, when
 * its place in the table has come into the cache. */
static enum status take_block(struct reader *r, struct slice raw, run_ref *refs, size_t n,
                              size_t *got, struct err *err)
{
    struct taken ahead[AHEAD];
    struct cursor c = cursor_of(raw);
    size_t read = 0, placed = 0;
    while (placed < read || (read < n && cursor_left(&c))) {
        if (read - placed < AHEAD && read < n && cursor_left(&c)) {
            TRY(parse_doc(r, &c, &ahead[read++ % AHEAD], err));
            continue;
        }
        TRY(place_doc(r, &ahead[placed % AHEAD], &refs[placed], err));
        placed++;
    }
    *got = placed;
    return cursor_done(&c, "what was put aside", err);
}

static enum status take_docs(struct reader *r, unsigned w, struct err *err)
{
    const struct spill_piece *piece = piece_of(r->t->s, r->chunk, r->t->part, w, SPILL_DOCS);
    const struct block_place *blocks = piece->blocks.items;
    run_ref *refs = refs_of(r->t, r->chunk, w, false);
    r->convs.n = 0;
    for (size_t i = 0, n = 0, got; i < piece->blocks.n; i++, n += got) {
        struct slice raw;
        TRY(blocks_get(r->t->s->io[r->lane], &blocks[i], &raw, err));
        TRY(take_block(r, raw, refs + n, piece->n - n, &got, err));
        drop(r, &blocks[i]);
    }
    return ST_OK;
}

/* If the run has no such document, a segment of this commit has it, since the part was too large
 * for one run: then the hash alone is enough for flush_match to find it there. */
static enum status take_again(struct reader *r, unsigned w, struct err *err)
{
    const struct spill_piece *piece = piece_of(r->t->s, r->chunk, r->t->part, w, SPILL_AGAIN);
    const struct block_place *blocks = piece->blocks.items;
    run_ref *refs = refs_of(r->t, r->chunk, w, true);
    size_t n = 0;
    for (size_t i = 0; i < piece->blocks.n; i++) {
        struct slice raw;
        struct run_doc *doc;
        TRY(blocks_get(r->t->s->io[r->lane], &blocks[i], &raw, err));
        if (raw.len % SHA256_SIZE || raw.len / SHA256_SIZE > piece->n - n)
            return unreadable(err);
        for (size_t at = 0; at < raw.len; at += SHA256_SIZE) {
            if (at + AHEAD * SHA256_SIZE < raw.len)
                run_content_fetch(r->t->run, raw.data + at + AHEAD * SHA256_SIZE);
            TRY(place(r, raw.data + at, &refs[n++], &doc, err));
        }
        drop(r, &blocks[i]);
    }
    return ST_OK;
}

static int64_t take_number(struct cursor *c, int64_t before)
{
    return (int64_t)((uint64_t)cursor_zigzag(c) + (uint64_t)before);
}

static enum status take_copy(struct reader *r, struct cursor *c, struct run_copy *before,
                             struct err *err)
{
    struct run_copy *copy = grown_add(&r->store->copies, sizeof *copy);
    if (!copy)
        return err_no_memory(err);
    uint8_t bits = cursor_u8(c);
    unsigned of = (unsigned)cursor_varint_max(c, r->t->s->workers - 1);
    uint32_t number = (uint32_t)take_number(c, before->doc);
    struct run_copy now = {.dump = (uint32_t)take_number(c, before->dump)};
    now.origin = (uint32_t)take_number(c, before->origin);
    now.seq = (uint64_t)take_number(c, (int64_t)before->seq);
    now.line = (uint64_t)take_number(c, (int64_t)before->line);
    now.delivered = take_number(c, before->delivered);
    now.read = take_number(c, now.delivered);
    now.collected = take_number(c, before->collected);
    now.side = bits & (COPY_DELETED - 1);
    now.deleted = (bits & COPY_DELETED) != 0;
    now.copy_to = (bits & COPY_COPY_TO) != 0;
    now.located = (bits & COPY_LOCATED) != 0;
    struct slice extra = bits & COPY_EXTRA ? cursor_blob(c) : slice_of(NULL, 0);
    bool again = number & 1;
    enum spill_kind kind = again ? SPILL_AGAIN : SPILL_DOCS;
    if (c->bad || number >> 1 >= piece_of(r->t->s, r->chunk, r->t->part, of, kind)->n)
        return unreadable(err);
    now.doc = number;
    *before = now;
    now.doc = refs_of(r->t, r->chunk, of, again)[number >> 1];
    *copy = now;
    return run_copy_keep(copy, &r->store->bytes, extra) ? ST_OK : err_no_memory(err);
}

static enum status take_copies(struct reader *r, unsigned w, struct err *err)
{
    const struct spill_piece *piece = piece_of(r->t->s, r->chunk, r->t->part, w, SPILL_COPIES);
    const struct block_place *blocks = piece->blocks.items;
    for (size_t i = 0; i < piece->blocks.n; i++) {
        struct run_copy before = {0};
        struct slice raw;
        TRY(blocks_get(r->t->s->io[r->lane], &blocks[i], &raw, err));
        struct cursor c = cursor_of(raw);
        while (cursor_left(&c))
            TRY(take_copy(r, &c, &before, err));
        drop(r, &blocks[i]);
    }
    return ST_OK;
}

static enum status take_lane(const struct taking *t, size_t lane,
                             enum status (*take)(struct reader *r, struct err *err),
                             struct err *err)
{
    struct reader r = {.t = t, .lane = (unsigned)lane, .store = &t->run->stores[lane]};
    enum status st = ST_OK;
    arena_init(&r.temp, 4096);
    for (r.chunk = t->from + lane; st == ST_OK && r.chunk < t->to; r.chunk += t->s->threads)
        st = take(&r, err);
    grown_release(&r.convs);
    arena_release(&r.temp);
    atomic_store(&r.store->held, worker_store_held(r.store));
    return st;
}

static enum status take_whole(struct reader *r, struct err *err)
{
    for (unsigned w = 0; w < r->t->s->workers; w++)
        TRY(take_docs(r, w, err));
    return ST_OK;
}

static enum status take_rest(struct reader *r, struct err *err)
{
    for (unsigned w = 0; w < r->t->s->workers; w++)
        TRY(take_again(r, w, err));
    for (unsigned w = 0; w < r->t->s->workers; w++)
        TRY(take_copies(r, w, err));
    return ST_OK;
}

/* Each lane takes every so manieth chunk into its store: first what stands whole in any of them. */
static enum status whole_lane(void *arg, size_t lane, struct err *err)
{
    return take_lane(arg, lane, take_whole, err);
}

static enum status rest_lane(void *arg, size_t lane, struct err *err)
{
    return take_lane(arg, lane, take_rest, err);
}

static size_t n_refs(const struct taking *t) { return (t->to - t->from) * t->s->workers * 2; }

static enum status refs_init(struct taking *t, struct err *err)
{
    size_t refs = n_refs(t);
    t->refs = calloc(refs ? refs : 1, sizeof *t->refs);
    if (!t->refs)
        return err_no_memory(err);
    for (size_t i = 0; i < refs; i++) {
        size_t chunk = t->from + i / 2 / t->s->workers;
        unsigned w = (unsigned)(i / 2 % t->s->workers);
        size_t n = piece_of(t->s, chunk, t->part, w, i % 2 ? SPILL_AGAIN : SPILL_DOCS)->n;
        t->refs[i] = malloc((n ? n : 1) * sizeof **t->refs);
        if (!t->refs[i])
            return err_no_memory(err);
    }
    return ST_OK;
}

static void refs_release(struct taking *t)
{
    for (size_t i = 0; t->refs && i < n_refs(t); i++)
        free(t->refs[i]);
    free(t->refs);
}

/* `alone`: without the chunks before it, so that what these have costs a document. */
static uint64_t chunk_held(const struct spill *s, size_t chunk, unsigned part, bool alone)
{
    uint64_t held = 0;
    for (unsigned w = 0; w < s->workers; w++) {
        for (unsigned kind = 0; kind < SPILL_KINDS; kind++)
            held += piece_of(s, chunk, part, w, kind)->held;
        if (alone)
            held += piece_of(s, chunk, part, w, SPILL_AGAIN)->n *
                    (sizeof(struct run_doc) + 2 * sizeof(struct content_slot));
    }
    return held;
}

uint64_t spill_held(const struct spill *s, unsigned part)
{
    uint64_t held = 0;
    for (size_t c = 0; c < s->chunks.n; c++)
        held += chunk_held(s, c, part, false);
    return held;
}

/* Documents that stand whole in these chunks. */
static size_t count_whole(const struct taking *t)
{
    size_t n = 0;
    for (size_t c = t->from; c < t->to; c++)
        for (unsigned w = 0; w < t->s->workers; w++)
            n += piece_of(t->s, c, t->part, w, SPILL_DOCS)->n;
    return n;
}

enum status spill_take(struct spill *s, unsigned part, uint64_t room, struct run *run, size_t *at,
                       bool *more, struct err *err)
{
    struct taking t = {.s = s, .run = run, .part = part, .from = *at, .to = *at};
    uint64_t free_space;
    MUST(run->workers == s->workers);
    seen_forget(s);
    TRY(blocks_free_space(s->blocks, &free_space, err));
    s->short_of_disk |= free_space < blocks_size(s->blocks) + DISK_SPARE;
    bool alone = spill_held(s, part) > room;
    for (uint64_t held = 0; t.to < s->chunks.n; t.to++) {
        held += chunk_held(s, t.to, part, alone);
        if (t.to > t.from && held > room)
            break;
    }
    TRY(run_contents_begin(run, count_whole(&t), err));
    enum status st = refs_init(&t, err);
    if (st == ST_OK)
        st = thread_each(s->threads, s->threads, whole_lane, &t, err);
    if (st == ST_OK)
        st = thread_each(s->threads, s->threads, rest_lane, &t, err);
    refs_release(&t);
    *at = t.to;
    *more = t.to < s->chunks.n;
    return st;
}
