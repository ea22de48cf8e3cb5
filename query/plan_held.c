/* plan_held — what is true of a message by its copies and attachments. The tables of a segment tell
 * whether any copy can match, or whether all do; the numbers of a stream tell which documents came
 * in it. Where neither decides, copies are read, late: only of what the rest of the query offers.
 */
#include "lictor/thread.h"
#include "query/extra.h"
#include "query/plan.h"

#define BATCH 4096 /* numbers of a stream read at once */

/* ---- which copies ---- */

static struct slice file_name(struct slice path)
{
    const uint8_t *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
    size_t from = slash ? (size_t)(slash - path.data) + 1 : 0;
    return from ? slice_of(path.data + from, path.len - from) : path;
}

static bool dump_is(const struct node *n, const struct dump_ref *d)
{
    return lang_hash_is(&n->held.hash, d->sha256) ||
           wild_is(n->held.value, n->held.wild, d->name) ||
           wild_is(n->held.value, n->held.wild, file_name(d->name));
}

static bool source_is(const struct node *n, const struct stream_ref *s)
{
    return wild_is(n->held.value, n->held.wild, s->source);
}

static bool copy_located(const struct held_copy *c)
{
    struct slice value;
    for (size_t i = 0; i < c->n_versions; i++)
        if (extra_find(c->versions[i].extra, "location", &value) && !slice_eq_str(value, "null"))
            return true;
    return false;
}

bool held_matches(const struct node *n, const struct held_copy *c)
{
    if (n->kind == NODE_PLACE)
        return copy_located(c);
    if (!n->held.dump)
        return source_is(n, c->stream);
    for (size_t i = 0; i < c->n_versions; i++)
        for (size_t k = 0; k < c->versions[i].n_sightings; k++)
            if (dump_is(n, c->versions[i].sightings[k].dump))
                return true;
    return false;
}

/* ---- walks ---- */

static enum status none(struct plan *p, struct plan_node *x, struct err *err)
{
    x->kind = PLAN_MATCH;
    TRY(walk_list(&p->set, NULL, 0, &x->match, err));
    x->cand = x->match;
    return ST_OK;
}

static enum status pour_stream(struct plan *p, size_t stream, struct seq_doc *batch,
                               struct walk *bits, struct err *err)
{
    struct seq_doc from = {0};
    size_t n;
    for (;;) {
        TRY(segment_stream_seqs_from(p->set.segment, p->set.scratch, stream, from.seq, from.doc,
                                     batch, BATCH, &n, err));
        if (n == 0)
            return ST_OK;
        for (size_t i = 0; i < n; i++) {
            if (batch[i].doc >= p->set.docs)
                return err_set(err, ST_DAMAGED, "a stream names a document beyond the segment");
            bits->bits.words[batch[i].doc / 64] |= UINT64_C(1) << (batch[i].doc % 64);
        }
        bits->cost += n;
        from = batch[n - 1];
        if (from.doc == UINT32_MAX - 1 || stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        from.doc++;
    }
}

static enum status pour_streams(struct plan *p, struct plan_node *x,
                                const struct segment_stream *streams, size_t n, struct err *err)
{
    struct walk *bits;
    struct seq_doc *batch = arena_array(&p->set.arena, BATCH, sizeof *batch);
    if (!batch)
        return err_no_memory(err);
    TRY(walk_bits(&p->set, &bits, err));
    for (size_t i = 0; i < n; i++)
        if (source_is(x->node, &streams[i].ref))
            TRY(pour_stream(p, i, batch, bits, err));
    x->cand = bits;
    x->sure = true;
    return ST_OK;
}

static enum status plan_source(struct plan *p, struct plan_node *x, struct err *err)
{
    const struct segment_stream *streams;
    size_t n, matching = 0, counted = 0;
    TRY(segment_streams(p->set.segment, &streams, &n, err));
    for (size_t i = 0; i < n; i++)
        if (source_is(x->node, &streams[i].ref)) {
            matching++;
            counted += streams[i].ref.numbered;
        }
    if (matching == 0)
        return none(p, x, err);
    if (matching == n)
        x->kind = PLAN_ANY; /* every message has a copy */
    else if (counted == matching)
        return pour_streams(p, x, streams, n, err);
    return ST_OK;
}

static enum status plan_dump(struct plan *p, struct plan_node *x, struct err *err)
{
    const struct dump_ref *dumps;
    size_t n, matching = 0;
    arena_reset(&p->text);
    TRY(segment_dumps(p->set.segment, &p->text, &dumps, &n, err));
    for (size_t i = 0; i < n; i++)
        matching += dump_is(x->node, &dumps[i]);
    if (matching == 0)
        return none(p, x, err);
    if (matching == n)
        x->kind = PLAN_ANY;
    return ST_OK;
}

static enum status located_walk(struct plan *p, struct walk **out, struct err *err)
{
    struct buf docs = {0};
    enum status st = segment_flagged(p->set.segment, DOC_LOCATED, &docs, err);
    size_t n = docs.len / sizeof(uint32_t);
    uint32_t *kept = st == ST_OK ? arena_array(&p->set.arena, n + 1, sizeof *kept) : NULL;
    if (st == ST_OK && !kept)
        st = err_no_memory(err);
    if (st == ST_OK && n)
        memcpy(kept, docs.data, docs.len);
    buf_release(&docs);
    return st == ST_OK ? walk_list(&p->set, kept, n, out, err) : st;
}

/* What the text says, or else a copy. */
static enum status plan_place(struct plan *p, struct plan_node *x, struct err *err)
{
    struct walk **either = arena_array(&p->set.arena, 2, sizeof(struct walk *));
    x->kids = arena_array(&p->set.arena, 2, sizeof *x->kids);
    struct plan_node *text = plan_make(p, PLAN_MATCH, x->node);
    struct plan_node *copies = plan_make(p, PLAN_HELD, x->node);
    if (!either || !x->kids || !text || !copies)
        return err_no_memory(err);
    TRY(plan_has(p, "coordinates", &text->match, err));
    TRY(located_walk(p, &copies->cand, err));
    TRY(plan_text_cand(p, text, err));
    copies->sure = true;
    x->kind = PLAN_OR;
    x->kids[x->n++] = text;
    x->kids[x->n++] = copies;
    either[0] = text->cand;
    either[1] = copies->cand;
    return walk_or(&p->set, either, 2, &x->cand, err);
}

static enum status hash_keep(void *ctx, const struct term_entry *e, bool *yes, struct err *err)
{
    const struct lang_hash *h = ctx;
    (void)err;
    *yes = e->term.len == 1 + SHA256_SIZE && lang_hash_is(h, e->term.data + 1);
    return ST_OK;
}

static enum status plan_attachment(struct plan *p, struct plan_node *x, struct err *err)
{
    struct lang_hash h = x->node->attachment;
    struct term_filter filter = {.keep = hash_keep, .ctx = &h};
    uint8_t head[1 + SHA256_SIZE] = {TERM_ATTACHMENT};
    memcpy(head + 1, h.bytes, h.digits / 2);
    x->kind = PLAN_MATCH;
    TRY(walk_terms(&p->set, slice_of(head, 1 + h.digits / 2), &filter, &x->match, err));
    x->cand = x->match;
    return ST_OK;
}

enum status plan_held(struct plan *p, struct plan_node *x, struct err *err)
{
    const struct node *n = x->node;
    switch (n->kind) {
    case NODE_HELD:
        x->kind = PLAN_HELD;
        return n->held.dump ? plan_dump(p, x, err) : plan_source(p, x, err);
    case NODE_COPIES:
        x->kind = PLAN_COPIES;
        if (p->info->copies > 0) /* else everything has one */
            return ST_OK;
        if (n->copies.from > 1)
            return none(p, x, err);
        x->kind = PLAN_ANY;
        return ST_OK;
    case NODE_PLACE:
        return plan_place(p, x, err);
    default:
        return plan_attachment(p, x, err);
    }
}

/* ---- evaluation ---- */

enum status eval_held(struct plan *p, const struct plan_node *x, uint32_t doc, uint32_t k,
                      unsigned *truth, struct err *err)
{
    const struct doc_state *state;
    struct doc_copies d;
    *truth = TRUTH_TRUE;
    TRY(eval_state(p, doc, &state, err));
    if (x->sure && state->messages == 1)
        return ST_OK;
    arena_reset(&p->text);
    /* Only contents without an id are several messages. */
    TRY(view_doc_copies(p->view, p->segment, doc, false, &p->text, &d, err));
    const struct held_copy **mine = arena_array(&p->text, d.n + 1, sizeof(struct held_copy *));
    if (!mine)
        return err_no_memory(err);
    size_t n = d.n;
    if (state->messages > 1)
        n = doc_copies_pick(&d, k, mine);
    else
        for (size_t i = 0; i < n; i++)
            mine[i] = &d.held[i];
    for (size_t i = 0; i < n; i++)
        if (held_matches(x->node, mine[i]))
            return ST_OK;
    *truth = TRUTH_FALSE;
    return ST_OK;
}

/* An identity is the hash in lower-case hex, or made of name and size. */
bool attachment_matches(const struct lang_hash *h, struct slice identity)
{
    uint8_t hash[SHA256_SIZE];
    return identity.len == (size_t)2 * SHA256_SIZE &&
           hex_decode((const char *)identity.data, SHA256_SIZE, hash) && lang_hash_is(h, hash);
}
