/* view_copies — who held a message: the copies of its document, and which of them are its own.
 * The k-th message of a content has the k-th copy, by seq, of each stream. */
#include <stdlib.h>

#include "query/extra.h"
#include "query/view.h"

enum status view_doc_copies(struct view *v, uint32_t segment, uint32_t doc, bool has_id,
                            struct arena *a, struct doc_copies *out, struct err *err)
{
    *out = (struct doc_copies){.has_id = has_id};
    TRY(segment_copies(casefile_segment(v->cf, segment), v->scratch[segment], doc, a, &out->held,
                       &out->n, err));
    uint32_t *starts = arena_array(a, out->n, sizeof *starts);
    if (!starts)
        return err_no_memory(err);
    for (size_t i = 0; i < out->n; i++)
        if (i == 0 || stream_cmp(out->held[i - 1].stream, out->held[i].stream) != 0)
            starts[out->n_streams++] = (uint32_t)i;
    out->starts = starts;
    return ST_OK;
}

size_t doc_copies_pick(const struct doc_copies *d, uint32_t k, const struct held_copy **out)
{
    size_t n = 0;
    if (d->has_id) {
        for (; k == 1 && n < d->n; n++)
            out[n] = &d->held[n];
        return n;
    }
    for (size_t s = 0; s < d->n_streams; s++) {
        size_t end = s + 1 < d->n_streams ? d->starts[s + 1] : d->n;
        if (k <= end - d->starts[s])
            out[n++] = &d->held[d->starts[s] + k - 1];
    }
    return n;
}

static enum status repeated_copies(struct view *v, const struct message_view *m, struct err *err)
{
    if (v->repeated_segment == m->ref.segment && v->repeated_doc == m->ref.doc)
        return ST_OK;
    v->repeated_segment = UINT32_MAX;
    arena_reset(&v->repeated_arena);
    TRY(view_doc_copies(v, m->ref.segment, m->ref.doc, m->c.id.len != 0, &v->repeated_arena,
                        &v->repeated, err));
    v->repeated_segment = m->ref.segment;
    v->repeated_doc = m->ref.doc;
    return ST_OK;
}

/* Copies out of the cache into the caller's arena, whole. Latches failure in *ok. */
static void *clone_bytes(struct arena *a, const void *from, size_t len, bool *ok)
{
    void *to = arena_alloc(a, len);
    if (!to)
        *ok = false;
    else if (len)
        memcpy(to, from, len);
    return to;
}

static void clone_slice(struct arena *a, struct slice *s, bool *ok)
{
    if (!s->data)
        return;
    *s = arena_copy(a, *s);
    if (!s->data)
        *ok = false;
}

static const struct origin_ref *clone_origin(struct arena *a, const struct origin_ref *from,
                                             bool *ok)
{
    struct origin_ref *o = clone_bytes(a, from, sizeof *from, ok);
    if (!o)
        return NULL;
    struct slice *const all[] = {&o->account, &o->authority, &o->warrant, &o->liid,
                                 &o->cin,     &o->point,     &o->serial,  &o->selection};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        clone_slice(a, all[i], ok);
    return o;
}

static void clone_version(struct arena *a, struct held_version *v, bool *ok)
{
    v->origin = clone_origin(a, v->origin, ok);
    clone_slice(a, &v->extra, ok);
    struct held_sighting *seen = clone_bytes(a, v->sightings, v->n_sightings * sizeof *seen, ok);
    for (size_t i = 0; *ok && i < v->n_sightings; i++) {
        struct dump_ref *dump = clone_bytes(a, seen[i].dump, sizeof *dump, ok);
        if (!dump)
            return;
        clone_slice(a, &dump->name, ok);
        seen[i].dump = dump;
    }
    v->sightings = seen;
}

static const struct held_copy *clone_copy(struct arena *a, const struct held_copy *from, bool *ok)
{
    struct held_copy *c = clone_bytes(a, from, sizeof *from, ok);
    if (!c)
        return NULL;
    struct stream_ref *stream = clone_bytes(a, from->stream, sizeof *stream, ok);
    struct held_version *versions =
        clone_bytes(a, from->versions, from->n_versions * sizeof *versions, ok);
    for (size_t i = 0; *ok && i < from->n_versions; i++)
        clone_version(a, &versions[i], ok);
    if (!*ok)
        return NULL;
    clone_slice(a, &stream->source, ok);
    clone_slice(a, &stream->epoch, ok);
    c->stream = stream;
    c->versions = versions;
    return c;
}

enum status view_copies_of(struct view *v, struct message_view *m, struct arena *a, struct err *err)
{
    struct doc_copies own;
    const struct doc_copies *d = &own;
    if (m->state.messages > 1) {
        TRY(repeated_copies(v, m, err));
        d = &v->repeated;
    } else {
        TRY(view_doc_copies(v, m->ref.segment, m->ref.doc, m->c.id.len != 0, a, &own, err));
    }
    size_t most = d->has_id ? d->n : d->n_streams;
    const struct held_copy **copies = arena_array(a, most, sizeof(struct held_copy *));
    if (!copies)
        return err_no_memory(err);
    m->n_copies = doc_copies_pick(d, m->ref.k, copies);
    m->copies = copies;
    bool ok = true;
    for (size_t i = 0; d != &own && ok && i < m->n_copies; i++)
        copies[i] = clone_copy(a, copies[i], &ok);
    return ok ? ST_OK : err_no_memory(err);
}

bool view_one_sided(const struct message_view *m)
{
    bool seen[SIDE_SERVER + 1] = {false};
    for (size_t i = 0; i < m->n_copies; i++)
        seen[held_side(&m->c, m->copies[i])] = true;
    return !seen[SIDE_UNKNOWN] && !seen[SIDE_SERVER] && seen[SIDE_FROM] != seen[SIDE_TO];
}

/* ---- recipients beside the content ---- */

static void gather_to(struct slice extra, struct arena *a, struct buf *all)
{
    struct slice raw, key, item;
    struct extra_iter it;
    struct buf text = {0};
    if (!extra.len || !extra_find(extra, "to", &raw) || !extra_begin(raw, &it))
        return;
    while (extra_next(&it, &key, &item)) {
        buf_clear(&text);
        if (!extra_string(item, &text))
            continue;
        struct slice s = arena_copy(a, buf_slice(&text));
        all->failed |= !s.data;
        buf_put(all, &s, sizeof s);
    }
    all->failed |= text.failed;
    buf_release(&text);
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

enum status copies_recipients(const struct held_copy *const *copies, size_t n, struct arena *a,
                              const struct slice **out, size_t *n_out, struct err *err)
{
    struct buf all = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t v = 0; v < copies[i]->n_versions; v++)
            gather_to(copies[i]->versions[v].extra, a, &all);
    size_t gathered = all.len / sizeof(struct slice), kept = 0;
    struct slice *set = all.failed ? NULL : arena_array(a, gathered, sizeof *set);
    if (set && gathered)
        memcpy(set, all.data, all.len);
    buf_release(&all);
    if (!set)
        return err_no_memory(err);
    if (gathered > 1)
        qsort(set, gathered, sizeof *set, by_bytes);
    for (size_t i = 0; i < gathered; i++)
        if (i == 0 || !slice_eq(set[i], set[kept - 1]))
            set[kept++] = set[i];
    *out = set;
    *n_out = kept;
    return ST_OK;
}

enum status view_copy_to(struct view *v, uint32_t segment, uint32_t doc, struct arena *a,
                         const struct slice **out, size_t *n, struct err *err)
{
    const struct held_copy *held;
    size_t all;
    TRY(segment_copies(casefile_segment(v->cf, segment), v->scratch[segment], doc, a, &held, &all,
                       err));
    const struct held_copy **copies = arena_array(a, all, sizeof(struct held_copy *));
    if (!copies)
        return err_no_memory(err);
    for (size_t i = 0; i < all; i++)
        copies[i] = &held[i];
    return copies_recipients(copies, all, a, out, n, err);
}
