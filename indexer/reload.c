/* reload — copies come resolved (struct held_copy); here they get indices into the run's own tables
 * again.
 */
#include "indexer/reload.h"

#include "indexer/body.h"
#include "indexer/worker.h"

enum status reload_init(struct reload *r, struct err *err)
{
    *r = (struct reload){.scratch = NULL};
    arena_init(&r->temp, 0);
    TRY(run_init(&r->run, 1, err));
    TRY(content_hasher_init(&r->hasher, err));
    return segment_scratch_new(&r->scratch, err);
}

void reload_release(struct reload *r)
{
    content_hasher_release(&r->hasher);
    segment_scratch_free(r->scratch);
    arena_release(&r->temp);
    buf_release(&r->text);
    buf_release(&r->row);
    run_release(&r->run);
}

static enum status reload_version(struct reload *r, const struct held_version *v, uint64_t seq,
                                  uint32_t stream, uint16_t flags, struct err *err)
{
    struct run_store *s = &r->run.stores[0];
    struct origin_ref origin = *v->origin;
    uint32_t origin_index;
    origin.stream = stream;
    TRY(tables_origin(&r->run.tables, &origin, &origin_index, err));
    for (size_t i = 0; i < v->n_sightings; i++) {
        uint32_t dump;
        TRY(tables_dump(&r->run.tables, v->sightings[i].dump, &dump, err));
        struct run_copy *c = grown_add(&s->copies, sizeof *c);
        if (!c)
            return err_no_memory(err);
        *c = (struct run_copy){.doc = (run_ref)(s->docs.n - 1),
                               .origin = origin_index,
                               .seq = seq,
                               .line = v->sightings[i].line,
                               .delivered = v->delivered,
                               .read = v->read,
                               .collected = v->collected,
                               .dump = dump,
                               .deleted = (flags & DOC_DELETED) != 0,
                               .copy_to = (flags & DOC_COPY_TO) != 0,
                               .located = (flags & DOC_LOCATED) != 0};
        if (!run_copy_keep(c, &s->bytes, v->extra))
            return err_no_memory(err);
    }
    return ST_OK;
}

static enum status reload_copies(struct reload *r, struct segment *s, struct segment_scratch *x,
                                 uint32_t doc, uint16_t flags, struct err *err)
{
    const struct held_copy *copies;
    size_t n;
    TRY(segment_copies(s, x, doc, &r->temp, &copies, &n, err));
    for (size_t i = 0; i < n; i++) {
        uint32_t stream;
        TRY(tables_stream(&r->run.tables, copies[i].stream, &stream, err));
        for (size_t v = 0; v < copies[i].n_versions; v++)
            TRY(reload_version(r, &copies[i].versions[v], copies[i].seq, stream, flags, err));
    }
    return ST_OK;
}

/* The body of a sealed document, if its key is there: another row and other flags. */
static enum status reload_open(struct reload *r, struct content *c, struct slice *row,
                               uint16_t *flags, struct err *err)
{
    uint16_t before = *flags;
    TRY(body_unseal(r->late_keys, c, &r->text, flags, err));
    if (*flags == before)
        return ST_OK;
    buf_clear(&r->row);
    content_encode(c, &r->row);
    TRY(buf_status(&r->row, err));
    *row = arena_copy(&r->run.stores[0].bytes, buf_slice(&r->row));
    return row->data ? ST_OK : err_no_memory(err);
}

enum status reload_doc(struct reload *r, struct segment *s, struct segment_scratch *x,
                       const struct segment_conversation *conv, uint32_t doc, struct err *err)
{
    struct run_store *store = &r->run.stores[0];
    struct slice row;
    struct content c;
    arena_reset(&r->temp);
    TRY(segment_row(s, x, doc, &row, err));
    row = arena_copy(&store->bytes, row);
    if (!row.data)
        return err_no_memory(err);
    TRY(content_decode(row, &r->temp, &c, err));
    c.conv = conv->c;
    struct doc_state state;
    TRY(segment_state(s, x, doc, &state, err));
    if (r->late_keys && (state.flags & DOC_SEALED))
        TRY(reload_open(r, &c, &row, &state.flags, err));
    struct run_doc *d = grown_add(&store->docs, sizeof *d);
    if (!d)
        return err_no_memory(err);
    *d = (struct run_doc){.sent = c.sent,
                          .row = row,
                          .kind = c.kind,
                          .has_id = c.kind == DOC_MESSAGE && c.id.len != 0,
                          .flags = state.flags,
                          .has_state = true,
                          .state = state};
    TRY(content_rehash(&r->hasher, &c, d->hash, err));
    TRY(run_conversation(store, conv->key, &conv->c, &d->conv, err));
    TRY(reload_copies(r, s, x, doc, d->flags, err));
    atomic_store(&store->held, worker_store_held(store));
    return ST_OK;
}

enum status reload_streams(struct reload *r, struct segment *s, struct err *err)
{
    const struct segment_stream *streams;
    size_t n;
    TRY(segment_streams(s, &streams, &n, err));
    for (size_t i = 0; i < n; i++) {
        uint32_t index;
        TRY(tables_stream(&r->run.tables, &streams[i].ref, &index, err));
        struct stream_end *end = tables_stream_end(&r->run.tables, index);
        if (streams[i].end_last_seq > end->last_seq)
            end->last_seq = streams[i].end_last_seq;
        end->selection |= streams[i].selection;
        end->partial |= streams[i].partial;
        end->dirty = true;
    }
    return ST_OK;
}
