/* flush_write — one base segment for the new documents, one overlay for each segment that was
 * touched. Tables of a file hold only what its copies name, streams in their own order. */
#include "indexer/flush.h"

#include <stdlib.h>

#include "indexer/invert.h"
#include "indexer/sort.h"
#include "lictor/thread.h"

#define UNUSED UINT32_MAX

/* Where a global table index stands in the file being written. */
struct local_tables {
    uint32_t *dump, *stream, *origin;
    uint32_t n_streams;
    uint32_t *streams; /* local to global */
};

/* The targets that one file holds. */
struct output {
    struct flush *f;
    uint32_t segment;  /* NO_SEGMENT: the new base */
    uint32_t *targets; /* in order of document */
    uint32_t n;
    bool stream_ends; /* also says where streams end */
    struct local_tables local;
};

static enum status local_init(struct output *o, struct err *err)
{
    const struct run_tables *t = &o->f->run->tables;
    struct arena *a = &o->f->arena;
    o->local.dump = arena_array(a, t->dumps.n, sizeof *o->local.dump);
    o->local.stream = arena_array(a, t->streams.n, sizeof *o->local.stream);
    o->local.origin = arena_array(a, t->origins.n, sizeof *o->local.origin);
    o->local.streams = arena_array(a, t->streams.n, sizeof *o->local.streams);
    if (!o->local.dump || !o->local.stream || !o->local.origin || !o->local.streams)
        return err_no_memory(err);
    memset(o->local.dump, 0xff, t->dumps.n * sizeof *o->local.dump);
    memset(o->local.stream, 0xff, t->streams.n * sizeof *o->local.stream);
    memset(o->local.origin, 0xff, t->origins.n * sizeof *o->local.origin);
    return ST_OK;
}

static void fetch_copies(const struct output *o, uint32_t i)
{
    if (i + 2 * FLUSH_AHEAD < o->n)
        flush_fetch_entries(o->f, o->targets[i + 2 * FLUSH_AHEAD]);
    if (i + FLUSH_AHEAD < o->n)
        flush_fetch_copies(o->f, o->targets[i + FLUSH_AHEAD]);
}

/* Marks with 0 what the output's copies use. */
static void mark_used(struct output *o)
{
    const struct flush *f = o->f;
    const struct run_tables *t = &f->run->tables;
    for (uint32_t i = 0; i < o->n; i++) {
        const struct target *g = flush_target(f, o->targets[i]);
        fetch_copies(o, i);
        for (uint32_t k = 0; k < g->n_entries; k++) {
            const struct entry *e = &f->entries[g->first_entry + k];
            if (e->known)
                continue;
            o->local.dump[e->copy->dump] = 0;
            o->local.origin[e->copy->origin] = 0;
            o->local.stream[tables_origin_at(t, e->copy->origin)->stream] = 0;
        }
    }
    for (uint32_t s = 0; o->stream_ends && s < t->streams.n; s++)
        if (((const struct stream_end *)t->stream_ends.items)[s].dirty)
            o->local.stream[s] = 0;
}

static enum status write_tables(struct output *o, struct segment_writer *w, struct err *err)
{
    const struct flush *f = o->f;
    const struct run_tables *t = &f->run->tables;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->dumps.n; i++)
        if (o->local.dump[i] != UNUSED) {
            o->local.dump[i] = n++;
            TRY(segment_add_dump(w, (const struct dump_ref *)t->dumps.items + i, err));
        }
    for (uint32_t r = 0; r < t->streams.n; r++) {
        uint32_t s = f->by_rank[r];
        if (o->local.stream[s] == UNUSED)
            continue;
        o->local.stream[s] = o->local.n_streams;
        o->local.streams[o->local.n_streams++] = s;
        TRY(segment_add_stream(w, tables_stream_at(t, s), err));
    }
    n = 0;
    for (uint32_t i = 0; i < t->origins.n; i++)
        if (o->local.origin[i] != UNUSED) {
            struct origin_ref origin = *tables_origin_at(t, i);
            origin.stream = o->local.stream[origin.stream];
            o->local.origin[i] = n++;
            TRY(segment_add_origin(w, &origin, err));
        }
    return ST_OK;
}

/* The run's copies of a target; none if the case has them all. */
static enum status gather_copies(const struct output *o, const struct target *t, struct arena *a,
                                 struct copy **out, size_t *n, struct err *err)
{
    const struct flush *f = o->f;
    arena_reset(a);
    struct copy *copies = arena_array(a, t->n_entries, sizeof *copies);
    struct copy_version *versions = arena_array(a, t->n_entries, sizeof *versions);
    struct sighting *sightings = arena_array(a, t->n_entries, sizeof *sightings);
    if (!copies || !versions || !sightings)
        return err_no_memory(err);
    size_t nc = 0, nv = 0, ns = 0;
    const struct entry *last = NULL;
    for (uint32_t i = 0; i < t->n_entries; i++) {
        const struct entry *e = &f->entries[t->first_entry + i];
        if (e->known)
            continue;
        const struct run_copy *c = e->copy;
        bool new_copy = !last || last->rank != e->rank || last->copy->seq != c->seq;
        if (new_copy)
            copies[nc++] = (struct copy){.stream = o->local.stream[f->by_rank[e->rank]],
                                         .seq = c->seq,
                                         .versions = &versions[nv]};
        if (new_copy || version_cmp(&f->run->tables, last->copy, c) != 0) {
            copies[nc - 1].n_versions++;
            versions[nv++] = (struct copy_version){.origin = o->local.origin[c->origin],
                                                   .delivered = c->delivered,
                                                   .read = c->read,
                                                   .collected = c->collected,
                                                   .extra = run_copy_extra(c),
                                                   .sightings = &sightings[ns]};
        }
        versions[nv - 1].n_sightings++;
        sightings[ns++] = (struct sighting){o->local.dump[c->dump], c->line};
        last = e;
    }
    *out = copies;
    *n = nc;
    return ST_OK;
}

/* ---- streams ---- */

/* The (stream, seq, doc) that this file adds; unnumbered streams take no part. */
static enum status list_seqs(struct output *o, struct grown *items, struct err *err)
{
    const struct flush *f = o->f;
    for (uint32_t i = 0; i < o->n; i++) {
        const struct target *t = flush_target(f, o->targets[i]);
        const struct entry *last = NULL;
        for (uint32_t k = 0; k < t->n_entries; k++) {
            const struct entry *e = &f->entries[t->first_entry + k];
            uint32_t s = f->by_rank[e->rank];
            bool again = last && last->rank == e->rank && last->copy->seq == e->copy->seq;
            last = e;
            if (e->held || again || !tables_stream_at(&f->run->tables, s)->numbered)
                continue;
            struct sort_item *it = grown_add(items, sizeof *it);
            if (!it)
                return err_no_memory(err);
            *it = (struct sort_item){o->local.stream[s], e->copy->seq, t->doc};
        }
    }
    return sort_items(items->items, items->n, err);
}

/* The same for the new base, in the place of what flush_relate has sorted and nobody needs now. */
static void seqs_of_base(struct output *o)
{
    struct flush *f = o->f;
    struct sort_item *it = f->seqs.items;
    size_t n = 0;
    for (size_t i = 0; i < f->seqs.n; i++) {
        const struct target *t = flush_target(f, it[i].value);
        if (t->segment == NO_SEGMENT)
            it[n++] = (struct sort_item){o->local.stream[f->by_rank[it[i].hi]], it[i].lo, t->doc};
    }
    f->seqs.n = n;
}

static int doc_cmp(const void *a, const void *b)
{
    uint32_t x = ((const struct sort_item *)a)->value, y = ((const struct sort_item *)b)->value;
    return (x > y) - (x < y);
}

/* Documents at one number into order, each once: a clash, or versions of one copy. */
static void unify_seqs(struct grown *items)
{
    struct sort_item *it = items->items;
    size_t n = 0;
    for (size_t i = 0, j; i < items->n; i = j) {
        for (j = i + 1; j < items->n && it[j].hi == it[i].hi && it[j].lo == it[i].lo; j++)
            ;
        if (j - i > 1)
            qsort(it + i, j - i, sizeof *it, doc_cmp);
        for (size_t k = i; k < j; k++)
            if (k == i || it[k].value != it[k - 1].value)
                it[n++] = it[k];
    }
    items->n = n;
}

/* Streams' numbers, for one stream at a time. */
struct seq_buffer {
    struct grown seqs, docs;
};

static enum status write_stream(struct output *o, struct segment_writer *w, uint32_t s,
                                const struct sort_item *it, size_t n, struct seq_buffer *b,
                                struct err *err)
{
    struct stream_end none = {0};
    struct stream_end *end = tables_stream_end(&o->f->run->tables, o->local.streams[s]);
    if (!o->stream_ends)
        end = &none;
    b->seqs.n = b->docs.n = 0;
    uint64_t *seqs = grown_add_many(&b->seqs, n, sizeof *seqs);
    uint32_t *docs = grown_add_many(&b->docs, n, sizeof *docs);
    if (n && (!seqs || !docs))
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        seqs[i] = it[i].lo;
        docs[i] = it[i].value;
    }
    TRY(segment_add_stream_seqs(w, s, n, seqs, docs, end->last_seq, end->selection, end->partial,
                                err));
    end->dirty = false;
    return ST_OK;
}

static enum status write_streams(struct output *o, struct segment_writer *w, struct err *err)
{
    struct grown own = {0}, *items = &own;
    struct seq_buffer b = {{0}, {0}};
    enum status st = ST_OK;
    if (o->segment == NO_SEGMENT && o->f->seqs.n) {
        items = &o->f->seqs;
        seqs_of_base(o);
    } else {
        st = list_seqs(o, items, err);
    }
    unify_seqs(items);
    const struct sort_item *it = items->items;
    size_t at = 0;
    for (uint32_t s = 0; st == ST_OK && s < o->local.n_streams; s++) {
        size_t from = at;
        while (at < items->n && it[at].hi == s)
            at++;
        st = write_stream(o, w, s, it + from, at - from, &b, err);
    }
    grown_release(&b.seqs);
    grown_release(&b.docs);
    grown_release(&own);
    return st;
}

/* ---- the base ---- */

static int64_t sent_of(const struct run_doc *d)
{
    return d->flags & DOC_UNTIMED ? TIME_NONE : d->sent;
}

static enum status write_docs(const struct output *o, struct segment_writer *w, struct err *err)
{
    const struct flush *f = o->f;
    const uint8_t *conv = NULL;
    for (uint32_t i = 0; i < o->n; i++) {
        const struct target *t = flush_target(f, o->targets[i]);
        const struct run_doc *d = flush_doc(f, t);
        if (i + 2 * FLUSH_AHEAD < o->n)
            flush_fetch_doc(f, o->targets[i + 2 * FLUSH_AHEAD]);
        if (i + FLUSH_AHEAD < o->n)
            flush_fetch_row(f, o->targets[i + FLUSH_AHEAD]);
        if (!conv || memcmp(conv, d->conv->key, KEY_SIZE) != 0)
            TRY(segment_add_conversation(w, d->conv->key, &d->conv->c, err));
        conv = d->conv->key;
        TRY(segment_add_doc(w, d->hash, sent_of(d), d->row, &t->state, slice_of(NULL, 0), err));
    }
    return segment_docs_end(w, err);
}

static enum status write_copies(const struct output *o, struct segment_writer *w, struct err *err)
{
    struct arena a;
    enum status st = ST_OK;
    arena_init(&a, 0);
    for (uint32_t i = 0; st == ST_OK && i < o->n; i++) {
        const struct target *t = flush_target(o->f, o->targets[i]);
        struct copy *copies;
        size_t n;
        fetch_copies(o, i);
        if (i + 2 * FLUSH_AHEAD < o->n)
            flush_fetch_doc(o->f, o->targets[i + 2 * FLUSH_AHEAD]);
        st = gather_copies(o, t, &a, &copies, &n, err);
        if (st == ST_OK)
            st = segment_add_copies(w, copies, n, sent_of(flush_doc(o->f, t)), err);
    }
    arena_release(&a);
    return st == ST_OK ? segment_copies_end(w, err) : st;
}

static enum status emit_term(void *ctx, const struct inverted *t, struct err *err)
{
    return segment_add_term(ctx, t->term, t->n, t->docs, t->tf, t->positions, err);
}

static enum status write_terms(struct flush *f, struct segment_writer *w, struct err *err)
{
    if (!f->inversion)
        TRY(invert_open(f, &f->inversion, err));
    return invert_run(f->inversion, emit_term, w, err);
}

static int64_t sent_at(void *ctx, uint32_t doc)
{
    const struct flush *f = ctx;
    return sent_of(flush_doc(f, flush_target(f, doc)));
}

/* The parts of a base that share nothing, the longest first. */
struct parts {
    struct output *o;
    struct segment_writer *w;
};
enum { PART_TERMS, PART_DOCS, PART_COPIES, PART_STREAMS, PARTS };

static enum status write_part(void *arg, size_t i, struct err *err)
{
    const struct parts *p = arg;
    switch (i) {
    case PART_DOCS:
        return write_docs(p->o, p->w, err);
    case PART_COPIES:
        return write_copies(p->o, p->w, err);
    case PART_TERMS:
        return write_terms(p->o->f, p->w, err);
    default:
        return write_streams(p->o, p->w, err);
    }
}

static enum status fill_base(struct output *o, struct segment_writer *w, struct err *err)
{
    TRY(local_init(o, err));
    mark_used(o);
    TRY(write_tables(o, w, err));
    if (o->n == 0) /* only ends of streams */
        return write_streams(o, w, err);
    TRY(segment_expect_docs(w, o->n, sent_at, o->f, err));
    struct parts p = {o, w};
    return thread_each(o->f->threads, PARTS, write_part, &p, err);
}

static enum status write_base(struct output *o, struct manifest *next, struct err *err)
{
    struct flush *f = o->f;
    struct segment_writer *w;
    struct manifest_segment *m =
        realloc(next->segments, (next->n_segments + 1) * sizeof *next->segments);
    if (!m)
        return err_no_memory(err);
    next->segments = m;
    TRY(segment_writer_open(casefile_segments_dir(f->cf), casefile_key(f->cf), NULL, &w, err));
    enum status st = fill_base(o, w, err);
    if (st != ST_OK) {
        segment_writer_abort(w);
        return st;
    }
    m[next->n_segments] = (struct manifest_segment){.docs = o->n};
    TRY(segment_writer_finish(w, &m[next->n_segments].base, err));
    next->n_segments++;
    return ST_OK;
}

/* ---- overlays ---- */

/* What the totals of a segment become when a document's state changes. */
static uint64_t flagged(const struct doc_state *s, uint16_t flag)
{
    return s->flags & flag ? s->messages : 0;
}

static void info_apply(struct segment_info *info, const struct target *t)
{
    if (t->kind == DOC_MESSAGE) {
        info->conflict += flagged(&t->state, DOC_CONFLICT) - flagged(&t->old, DOC_CONFLICT);
        info->sealed += flagged(&t->state, DOC_SEALED) - flagged(&t->old, DOC_SEALED);
        info->untimed += flagged(&t->state, DOC_UNTIMED) - flagged(&t->old, DOC_UNTIMED);
        info->messages += t->state.messages - t->old.messages;
        info->copies += (uint64_t)t->state.copies - t->state.messages;
        info->copies -= (uint64_t)t->old.copies - t->old.messages;
    }
    info->repeated_docs += t->state.messages > 1;
    info->repeated_docs -= t->old.messages > 1;
    info->copy_to_docs += (t->state.flags & DOC_COPY_TO) != 0;
    info->copy_to_docs -= (t->old.flags & DOC_COPY_TO) != 0;
}

static enum status fill_overlay(struct output *o, struct segment_writer *w, struct err *err)
{
    struct flush *f = o->f;
    struct segment_info info = *segment_info(casefile_segment(f->cf, o->segment));
    struct buf row = {0};
    enum status st = local_init(o, err);
    mark_used(o);
    if (st == ST_OK)
        st = write_tables(o, w, err);
    for (uint32_t i = 0; st == ST_OK && i < o->n; i++) {
        const struct target *t = flush_target(f, o->targets[i]);
        info_apply(&info, t);
        struct copy *copies;
        size_t n;
        st = gather_copies(o, t, &f->temp, &copies, &n, err);
        if (st == ST_OK) {
            buf_clear(&row);
            copies_encode(copies, n, &row);
            st = buf_status(&row, err);
        }
        if (st == ST_OK)
            st = segment_add_patch(w, t->doc, &t->state, buf_slice(&row), err);
    }
    segment_set_info(w, &info);
    if (st == ST_OK)
        st = write_streams(o, w, err);
    buf_release(&row);
    return st;
}

static enum status write_overlay(struct output *o, struct manifest *next, struct err *err)
{
    struct flush *f = o->f;
    struct manifest_segment *m = &next->segments[o->segment];
    struct segment_writer *w;
    struct file_seal *seals = realloc(m->overlays, (m->n_overlays + 1) * sizeof *seals);
    if (!seals)
        return err_no_memory(err);
    m->overlays = seals;
    TRY(segment_writer_open(casefile_segments_dir(f->cf), casefile_key(f->cf), m->base.id, &w,
                            err));
    enum status st = fill_overlay(o, w, err);
    if (st != ST_OK) {
        segment_writer_abort(w);
        return st;
    }
    TRY(segment_writer_finish(w, &seals[m->n_overlays], err));
    m->n_overlays++;
    return ST_OK;
}

static int by_doc(const void *a, const void *b, void *ctx)
{
    const struct flush *f = ctx;
    uint32_t x = flush_target(f, *(const uint32_t *)a)->doc;
    uint32_t y = flush_target(f, *(const uint32_t *)b)->doc;
    return (x > y) - (x < y);
}

static bool any_dirty(const struct flush *f)
{
    const struct stream_end *ends = f->run->tables.stream_ends.items;
    for (size_t i = 0; i < f->run->tables.streams.n; i++)
        if (ends[i].dirty)
            return true;
    return false;
}

/* The changed targets of one file. New ones stand first, in their order. */
static enum status collect(struct flush *f, uint32_t segment, struct output *o, struct err *err)
{
    bool base = segment == NO_SEGMENT;
    uint32_t from = base ? 0 : f->n_new, to = base ? f->n_new : (uint32_t)f->targets.n;
    *o = (struct output){.f = f, .segment = segment};
    for (uint32_t i = from; i < to; i++)
        o->n += flush_target(f, i)->segment == segment && flush_target(f, i)->changed;
    o->targets = arena_array(&f->arena, o->n, sizeof *o->targets);
    if (!o->targets)
        return err_no_memory(err);
    uint32_t n = 0;
    for (uint32_t i = from; n < o->n; i++)
        if (flush_target(f, i)->segment == segment && flush_target(f, i)->changed)
            o->targets[n++] = i;
    if (!base)
        qsort_r(o->targets, o->n, sizeof *o->targets, by_doc, f);
    return ST_OK;
}

enum status flush_write_base(struct flush *f, struct manifest *next, struct err *err)
{
    struct output o;
    TRY(collect(f, NO_SEGMENT, &o, err));
    if (!o.n && !any_dirty(f))
        return ST_OK;
    o.stream_ends = true;
    return write_base(&o, next, err);
}

enum status flush_write(struct flush *f, struct manifest *next, struct err *err)
{
    uint32_t segments = (uint32_t)casefile_segments(f->cf);
    if (f->n_new || segments == 0)
        TRY(flush_write_base(f, next, err));
    bool ends = any_dirty(f);
    struct output o;
    for (uint32_t s = 0; s < segments; s++) {
        TRY(collect(f, s, &o, err));
        if (!o.n && !ends)
            continue;
        o.stream_ends = ends;
        ends = false;
        TRY(write_overlay(&o, next, err));
    }
    return ST_OK;
}
