/* segment_copies — who held a document: the rows of the base and of every overlay that patches it,
 * with their own tables resolved, sorted and united. The result does not depend on which file a
 * copy stands in, so `compact` changes nothing that is shown. */
#include <stdlib.h>

#include "store/segment_private.h"

/* A copy of one file, its tables resolved. */
struct flat_copy {
    const struct stream_ref *stream;
    uint64_t seq;
    uint32_t order; /* of arrival: base first */
    const struct copy *copy;
    struct held_version *versions;
};

/* One file's tables, with the entries looked up last: neighbours share them. */
struct resolver {
    const struct segment_file *f;
    struct buf *scratch;
    struct arena *a;
    size_t *budget; /* bytes that may still be resolved for this document */
    uint32_t stream_at, origin_at, dump_at;
    struct stream_ref *stream;
    struct origin_ref *origin;
    struct dump_ref *dump;
};

/* A damaged table could name one long entry for each of a million copies. */
#define RESOLVE_BYTES_MAX ((size_t)1 << 30)

static enum status entry_get(struct resolver *r, unsigned section, unsigned dir_section, uint32_t n,
                             uint32_t i, struct slice *out, struct err *err)
{
    TRY(table_read(&r->f->src, section, dir_section, n, i, r->scratch, r->a, out, err));
    if (out->len > *r->budget)
        return err_set(err, ST_LIMIT, "the copies of one document take more than %zu bytes",
                       RESOLVE_BYTES_MAX);
    *r->budget -= out->len;
    return ST_OK;
}

static enum status stream_resolve(struct resolver *r, uint32_t i, const struct stream_ref **out,
                                  struct err *err)
{
    struct slice e = {0};

    if (!r->stream || r->stream_at != i) {
        TRY(entry_get(r, SEC_STREAMS, SEC_STREAMS_DIR, r->f->meta.streams, i, &e, err));
        r->stream = arena_array(r->a, 1, sizeof(*r->stream));
        if (!r->stream)
            return err_no_memory(err);
        TRY(stream_parse(e, r->stream, err));
        r->stream_at = i;
    }
    *out = r->stream;
    return ST_OK;
}

static enum status origin_resolve(struct resolver *r, uint32_t i, const struct origin_ref **out,
                                  struct err *err)
{
    struct slice e = {0};

    if (!r->origin || r->origin_at != i) {
        TRY(entry_get(r, SEC_ORIGINS, SEC_ORIGINS_DIR, r->f->meta.origins, i, &e, err));
        r->origin = arena_array(r->a, 1, sizeof(*r->origin));
        if (!r->origin)
            return err_no_memory(err);
        TRY(origin_parse(e, r->f->meta.streams, r->origin, err));
        r->origin_at = i;
    }
    *out = r->origin;
    return ST_OK;
}

static enum status dump_resolve(struct resolver *r, uint32_t i, const struct dump_ref **out,
                                struct err *err)
{
    struct slice e = {0};

    if (!r->dump || r->dump_at != i) {
        TRY(entry_get(r, SEC_DUMPS, SEC_DUMPS_DIR, r->f->meta.dumps, i, &e, err));
        r->dump = arena_array(r->a, 1, sizeof(*r->dump));
        if (!r->dump)
            return err_no_memory(err);
        TRY(dump_parse(e, r->dump, err));
        r->dump_at = i;
    }
    *out = r->dump;
    return ST_OK;
}

static enum status version_resolve(struct resolver *r, const struct copy_version *v,
                                   struct held_version *out, struct err *err)
{
    struct held_sighting *s = arena_array(r->a, v->n_sightings, sizeof(*s));

    if (!s)
        return err_no_memory(err);
    for (size_t i = 0; i < v->n_sightings; i++) {
        s[i].line = v->sightings[i].line;
        TRY(dump_resolve(r, v->sightings[i].dump, &s[i].dump, err));
    }
    *out = (struct held_version){.delivered = v->delivered,
                                 .read = v->read,
                                 .collected = v->collected,
                                 .extra = v->extra,
                                 .sightings = s,
                                 .n_sightings = v->n_sightings};
    return origin_resolve(r, v->origin, &out->origin, err);
}

static enum status copy_resolve(struct resolver *r, const struct copy *c, struct flat_copy *out,
                                struct err *err)
{
    out->seq = c->seq;
    out->copy = c;
    out->versions = arena_array(r->a, c->n_versions, sizeof(*out->versions));
    if (!out->versions)
        return err_no_memory(err);
    for (size_t i = 0; i < c->n_versions; i++)
        TRY(version_resolve(r, &c->versions[i], &out->versions[i], err));
    return stream_resolve(r, c->stream, &out->stream, err);
}

/* ---- order ---- */

static int optional_cmp(struct slice a, struct slice b)
{
    if (!a.data || !b.data)
        return (a.data != NULL) - (b.data != NULL);
    return slice_cmp(a, b);
}

static int origin_cmp(const struct origin_ref *a, const struct origin_ref *b)
{
    int c = 0;

    if (a == b)
        return 0;
    c = c ? c : optional_cmp(a->account, b->account);
    c = c ? c : optional_cmp(a->authority, b->authority);
    c = c ? c : optional_cmp(a->warrant, b->warrant);
    c = c ? c : optional_cmp(a->liid, b->liid);
    c = c ? c : optional_cmp(a->cin, b->cin);
    c = c ? c : optional_cmp(a->point, b->point);
    c = c ? c : optional_cmp(a->serial, b->serial);
    c = c ? c : optional_cmp(a->selection, b->selection);
    return c ? c : (a->direction > b->direction) - (a->direction < b->direction);
}

static int i64_cmp(int64_t a, int64_t b) { return (a > b) - (a < b); }

int held_version_cmp(const struct held_version *a, const struct held_version *b)
{
    int c = origin_cmp(a->origin, b->origin);

    c = c ? c : i64_cmp(a->delivered, b->delivered);
    c = c ? c : i64_cmp(a->read, b->read);
    c = c ? c : i64_cmp(a->collected, b->collected);
    return c ? c : slice_cmp(a->extra, b->extra);
}

static int copy_cmp(const struct flat_copy *a, const struct flat_copy *b)
{
    int c = a->stream == b->stream ? 0 : stream_cmp(a->stream, b->stream);
    return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static int flat_cmp(const void *a, const void *b)
{
    const struct flat_copy *x = a, *y = b;
    int c = copy_cmp(x, y);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

struct flat_version {
    struct held_version v;
    size_t order;
};

static int flat_version_cmp(const void *a, const void *b)
{
    const struct flat_version *x = a, *y = b;
    int c = held_version_cmp(&x->v, &y->v);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

/* ---- uniting ---- */

/* Versions [from, to) are equal: one, with all their sightings. */
static enum status version_unite(const struct flat_version *from, const struct flat_version *to,
                                 struct arena *a, struct held_version *out, struct err *err)
{
    size_t n = 0;

    *out = from->v;
    if (to - from == 1)
        return ST_OK;
    for (const struct flat_version *f = from; f < to; f++)
        n += f->v.n_sightings;
    struct held_sighting *s = arena_array(a, n, sizeof(*s));
    if (!s)
        return err_no_memory(err);
    n = 0;
    for (const struct flat_version *f = from; f < to; f++)
        for (size_t i = 0; i < f->v.n_sightings; i++)
            s[n++] = f->v.sightings[i];
    out->sightings = s;
    out->n_sightings = n;
    return ST_OK;
}

/* Copies [from, to) are one. */
static enum status copy_unite(const struct flat_copy *from, const struct flat_copy *to,
                              struct arena *a, struct held_copy *out, struct err *err)
{
    size_t n = 0, kept = 0;

    for (const struct flat_copy *f = from; f < to; f++)
        n += f->copy->n_versions;
    struct flat_version *all = arena_array(a, n, sizeof(*all));
    struct held_version *versions = arena_array(a, n, sizeof(*versions));
    if (!all || !versions)
        return err_no_memory(err);
    n = 0;
    for (const struct flat_copy *f = from; f < to; f++)
        for (size_t i = 0; i < f->copy->n_versions; i++, n++)
            all[n] = (struct flat_version){.v = f->versions[i], .order = n};
    if (n > 1)
        qsort(all, n, sizeof(*all), flat_version_cmp);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && held_version_cmp(&all[end].v, &all[i].v) == 0;)
            end++;
        TRY(version_unite(all + i, all + end, a, &versions[kept++], err));
    }
    *out = (struct held_copy){
        .stream = from->stream, .seq = from->seq, .versions = versions, .n_versions = kept};
    return ST_OK;
}

static enum status copies_unite(struct flat_copy *flat, size_t n, struct arena *a,
                                const struct held_copy **out, size_t *n_out, struct err *err)
{
    struct held_copy *held = arena_array(a, n, sizeof(*held));
    size_t kept = 0;

    if (!held)
        return err_no_memory(err);
    if (n > 1)
        qsort(flat, n, sizeof(*flat), flat_cmp);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && copy_cmp(&flat[end], &flat[i]) == 0;)
            end++;
        TRY(copy_unite(flat + i, flat + end, a, &held[kept++], err));
    }
    *out = held;
    *n_out = kept;
    return ST_OK;
}

/* ---- reading ---- */

struct file_copies {
    struct copy *copies;
    size_t n;
};

/* Nothing where an overlay does not patch the document. Times of a base are less its `sent`, which
 * an overlay does not have. */
static enum status file_copies(struct segment *s, struct segment_scratch *x, size_t file,
                               uint32_t doc, struct arena *a, struct file_copies *out,
                               struct err *err)
{
    const struct segment_file *f = &s->files[file];
    struct copies_block *b = file ? &x->overlay_copies[file % PATCH_SLOTS] : &x->copies;
    uint32_t number = doc;
    int64_t sent = TIME_NONE;
    struct doc_state state;

    enum status st = file ? patch_find(s, x, file, doc, &number, &state, err)
                          : segment_sent(s, x, doc, &sent, err);
    if (st != ST_OK)
        return st == ST_NOT_FOUND ? ST_OK : st;
    return copies_read(&f->src, SEC_COPIES, SEC_COPIES_DIR, f->meta.rows, b, number, sent, a,
                       &out->copies, &out->n, err);
}

static enum status files_flatten(struct segment *s, struct segment_scratch *x,
                                 const struct file_copies *files, struct arena *a,
                                 struct flat_copy *flat, struct err *err)
{
    size_t budget = RESOLVE_BYTES_MAX;

    for (size_t f = 0; f < s->n_files; f++) {
        struct resolver r = {.f = &s->files[f], .scratch = &x->extra, .a = a, .budget = &budget};
        for (size_t i = 0; i < files[f].n; i++, flat++) {
            flat->order = (uint32_t)f;
            TRY(copy_resolve(&r, &files[f].copies[i], flat, err));
        }
    }
    return ST_OK;
}

enum status segment_copies(struct segment *s, struct segment_scratch *x, uint32_t doc,
                           struct arena *a, const struct held_copy **out, size_t *n,
                           struct err *err)
{
    size_t all = 0;

    if (doc >= s->docs)
        return err_set(err, ST_NOT_FOUND, "there is no document %u", doc);
    struct file_copies *files = arena_array(a, s->n_files, sizeof(*files));
    if (!files)
        return err_no_memory(err);
    for (size_t f = 0; f < s->n_files; f++) {
        TRY(file_copies(s, x, f, doc, a, &files[f], err));
        all += files[f].n;
    }
    struct flat_copy *flat = arena_array(a, all, sizeof(*flat));
    if (!flat)
        return err_no_memory(err);
    TRY(files_flatten(s, x, files, a, flat, err));
    return copies_unite(flat, all, a, out, n, err);
}

enum status segment_dumps(struct segment *s, struct arena *a, const struct dump_ref **out,
                          size_t *n, struct err *err)
{
    struct buf scratch = {0};
    enum status st = ST_OK;
    size_t all = 0, at = 0;

    for (size_t f = 0; f < s->n_files; f++)
        all += s->files[f].meta.dumps;
    struct dump_ref *dumps = arena_array(a, all, sizeof(*dumps));
    if (!dumps)
        return err_no_memory(err);
    for (size_t f = 0; f < s->n_files; f++)
        for (uint32_t i = 0; i < s->files[f].meta.dumps && st == ST_OK; i++) {
            struct slice e = {0};
            st = table_read(&s->files[f].src, SEC_DUMPS, SEC_DUMPS_DIR, s->files[f].meta.dumps, i,
                            &scratch, a, &e, err);
            if (st == ST_OK)
                st = dump_parse(e, &dumps[at++], err);
        }
    buf_release(&scratch);
    *out = dumps;
    *n = all;
    return st;
}

enum side held_side(const struct content *c, const struct held_copy *h)
{
    enum side all = SIDE_UNKNOWN;

    for (size_t i = 0; i < h->n_versions; i++)
        all = side_of_both(all, copy_side(c, h->stream->source, h->versions[i].origin->account));
    return all;
}
