/* view_related — the records that claim to be a message, or its place in a stream, and are not it.
 * Doubt is shown both ways, so it is looked up from either side and never stored as a list.
 *     same-id   equal service id, sender and conversation, other content
 *     same-seq  another content at the stream and seq of one of its copies */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/view.h"

#define SEQ_DOCS 64 /* documents of one seq fetched at once */

struct view_streams {
    bool ready;
    const struct segment_stream **sorted; /* by stream_cmp */
    const struct segment_stream *all;
    size_t n;
};

static int by_stream(const void *a, const void *b)
{
    const struct segment_stream *x = *(const struct segment_stream *const *)a;
    const struct segment_stream *y = *(const struct segment_stream *const *)b;
    return stream_cmp(&x->ref, &y->ref);
}

static enum status streams_of(struct view *v, uint32_t segment, const struct view_streams **out,
                              struct err *err)
{
    if (!v->streams) {
        v->streams = calloc(casefile_segments(v->cf), sizeof *v->streams);
        if (!v->streams)
            return err_no_memory(err);
    }
    struct view_streams *s = &v->streams[segment];
    if (!s->ready) {
        TRY(segment_streams(casefile_segment(v->cf, segment), &s->all, &s->n, err));
        s->sorted = calloc(s->n + 1, sizeof(struct segment_stream *));
        if (!s->sorted)
            return err_no_memory(err);
        for (size_t i = 0; i < s->n; i++)
            s->sorted[i] = &s->all[i];
        if (s->n > 1)
            qsort(s->sorted, s->n, sizeof(struct segment_stream *), by_stream);
        s->ready = true;
    }
    *out = s;
    return ST_OK;
}

void view_streams_free(struct view *v)
{
    for (size_t i = 0; v->streams && i < casefile_segments(v->cf); i++)
        free(v->streams[i].sorted);
    free(v->streams);
    v->streams = NULL;
}

static bool stream_find(const struct view_streams *s, const struct stream_ref *ref, size_t *i)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (stream_cmp(&s->sorted[mid]->ref, ref) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == s->n || stream_cmp(&s->sorted[lo]->ref, ref) != 0)
        return false;
    *i = (size_t)(s->sorted[lo] - s->all);
    return true;
}

enum status view_stream(struct view *v, uint32_t segment, const struct stream_ref *ref,
                        const struct segment_stream **out, size_t *i, struct err *err)
{
    const struct view_streams *s = NULL;
    TRY(streams_of(v, segment, &s, err));
    *out = stream_find(s, ref, i) ? &s->all[*i] : NULL;
    return ST_OK;
}

struct finder {
    struct view *v;
    struct message_view *m;
    struct buf *found; /* struct related */
    struct err *err;
};

static bool finder_full(struct finder *f)
{
    if (f->found->len / sizeof(struct related) < RELATED_MAX)
        return false;
    f->m->related_more = true;
    return true;
}

static void finder_add(struct finder *f, const struct message_view *other, const char *why)
{
    struct related r = {.ref = other->ref, .why = why};
    memcpy(r.id, other->id, KEY_SIZE);
    r.conflict = contents_conflict(&f->m->c, f->m->state.flags, &other->c, other->state.flags);
    buf_put(f->found, &r, sizeof r);
}

/* ---- same-id ---- */

static enum status same_id_doc(struct finder *f, uint32_t segment, uint32_t doc)
{
    struct message_view o;
    const struct content *c = &f->m->c;
    struct message_ref ref = {.segment = segment, .doc = doc, .k = 1};
    if (segment == f->m->ref.segment && doc == f->m->ref.doc)
        return ST_OK;
    arena_reset(&f->v->tmp);
    TRY(view_load(f->v, &ref, VIEW_CONTENT, &f->v->tmp, &o, f->err));
    bool same = o.c.kind == DOC_MESSAGE && slice_eq(o.c.id, c->id) &&
                (o.c.from.data != NULL) == (c->from.data != NULL) && slice_eq(o.c.from, c->from) &&
                memcmp(o.hash, f->m->hash, SHA256_SIZE) != 0;
    if (same)
        finder_add(f, &o, "same-id");
    return ST_OK;
}

static enum status same_id_range(struct finder *f, uint32_t segment, struct posting_iter *it,
                                 uint32_t first, uint32_t end)
{
    for (uint32_t doc = first; doc < end && !finder_full(f); doc++) {
        TRY(posting_iter_seek(it, doc, &doc, f->err));
        if (doc >= end)
            break;
        if (stop_asked())
            return err_set(f->err, ST_INTERRUPTED, "interrupted");
        TRY(same_id_doc(f, segment, doc));
    }
    return ST_OK;
}

/* Only the conversation's own documents are looked at: an id that the whole case shares costs no
 * more than the talk it stands in. */
static enum status same_id(struct finder *f, uint32_t segment, const struct term *term)
{
    struct posting_iter *it;
    struct doc_range range;
    TRY(view_term_in(f->v, segment, f->m->conversation_key, term, &it, &range, f->err));
    enum status st = same_id_range(f, segment, it, range.first, range.end);
    posting_iter_close(it);
    return st;
}

/* ---- same-seq ---- */

/* Which message of the other document its copy at (stream, seq) belongs to. */
static enum status rank_of(struct finder *f, struct message_view *o,
                           const struct stream_ref *stream, uint64_t seq)
{
    struct doc_copies d;
    TRY(view_doc_copies(f->v, o->ref.segment, o->ref.doc, o->c.id.len != 0, &f->v->tmp, &d,
                        f->err));
    for (size_t s = 0; !d.has_id && s < d.n_streams; s++) {
        size_t end = s + 1 < d.n_streams ? d.starts[s + 1] : d.n;
        if (stream_cmp(d.held[d.starts[s]].stream, stream) != 0)
            continue;
        for (size_t i = d.starts[s]; i < end; i++)
            if (d.held[i].seq == seq)
                o->ref.k = (uint32_t)(i - d.starts[s]) + 1;
    }
    message_id(&f->v->hasher, o->hash, o->ref.k, o->id);
    return ST_OK;
}

static enum status same_seq_doc(struct finder *f, uint32_t segment, uint32_t doc,
                                const struct held_copy *copy)
{
    struct message_view o;
    struct message_ref ref = {.segment = segment, .doc = doc, .k = 1};
    if (segment == f->m->ref.segment && doc == f->m->ref.doc)
        return ST_OK;
    arena_reset(&f->v->tmp);
    TRY(view_load(f->v, &ref, VIEW_CONTENT, &f->v->tmp, &o, f->err));
    if (memcmp(o.hash, f->m->hash, SHA256_SIZE) == 0)
        return ST_OK;
    if (o.state.messages > 1)
        TRY(rank_of(f, &o, copy->stream, copy->seq));
    finder_add(f, &o, "same-seq");
    return ST_OK;
}

static enum status same_seq(struct finder *f, uint32_t segment, const struct held_copy *copy)
{
    const struct view_streams *streams = NULL;
    struct seq_doc docs[SEQ_DOCS];
    size_t stream, n;
    TRY(streams_of(f->v, segment, &streams, f->err));
    if (!stream_find(streams, copy->stream, &stream))
        return ST_OK;
    TRY(segment_stream_seqs_from(casefile_segment(f->v->cf, segment), f->v->scratch[segment],
                                 stream, copy->seq, 0, docs, SEQ_DOCS, &n, f->err));
    size_t equal = 0;
    while (equal < n && docs[equal].seq == copy->seq)
        equal++;
    if (equal == SEQ_DOCS)
        f->m->related_more = true;
    for (size_t i = 0; i < equal && !finder_full(f); i++)
        TRY(same_seq_doc(f, segment, docs[i].doc, copy));
    return ST_OK;
}

/* ---- both ---- */

static int by_why(const void *a, const void *b)
{
    const struct related *x = a, *y = b;
    int c = strcmp(x->why, y->why);
    return c ? c : memcmp(x->id, y->id, KEY_SIZE);
}

static enum status finder_done(struct finder *f, struct arena *a)
{
    TRY(buf_status(f->found, f->err));
    size_t n = f->found->len / sizeof(struct related), unique = 0;
    struct related *all = arena_array(a, n, sizeof *all);
    if (!all)
        return err_no_memory(f->err);
    if (n)
        memcpy(all, f->found->data, f->found->len);
    if (n > 1)
        qsort(all, n, sizeof *all, by_why);
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || by_why(&all[unique - 1], &all[i]) != 0)
            all[unique++] = all[i];
    f->m->related = all;
    f->m->n_related = unique;
    return ST_OK;
}

enum status view_related(struct view *v, struct message_view *m, struct arena *a, struct err *err)
{
    struct buf found = {0};
    struct finder f = {.v = v, .m = m, .found = &found, .err = err};
    enum status st = ST_OK;
    uint32_t segments = (uint32_t)casefile_segments(v->cf);
    if (m->c.kind == DOC_MESSAGE && m->c.id.len != 0) {
        struct term t;
        term_make(&t, &v->hasher.sha, TERM_ID, m->c.id);
        for (uint32_t s = 0; st == ST_OK && s < segments; s++)
            st = same_id(&f, s, &t);
    }
    for (size_t i = 0; i < m->n_copies; i++)
        for (uint32_t s = 0; m->copies[i]->stream->numbered && st == ST_OK && s < segments; s++)
            st = same_seq(&f, s, m->copies[i]);
    if (st == ST_OK)
        st = finder_done(&f, a);
    buf_release(&found);
    return st;
}
