/* spill_put — a run on its way out: what an earlier chunk has is only marked, the rest goes part by
 * part into blocks, by every thread. */
#include "indexer/spill_private.h"

#include <stdlib.h>

#include "indexer/worker.h"
#include "lictor/pages.h"
#include "lictor/thread.h"

/* Blocks of hashes are so much smaller. */
#define AGAIN_SMALLER 4
/* So many times what is aside should still be free, else it is packed from then on. */
#define PACK_BELOW 2
/* Not of those that lead to a place in a table. */
#define SEEN_BYTE 12

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
