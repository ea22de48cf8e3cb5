/* spill_take — chunks of a part back into a run, by every thread: first what stands whole, then
 * what is looked up among it, then the copies. */
#include "indexer/spill_private.h"

#include <stdlib.h>

#include "indexer/worker.h"
#include "lictor/pages.h"
#include "lictor/thread.h"

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
    spill_seen_forget(s);
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
