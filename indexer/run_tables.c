/* run_tables — streams and origins repeat on nearly every record of a dump, so most lookups are
 * answered by the worker's last one; the table behind is small and locked. */
#include "indexer/run.h"

#include <stdlib.h>

#include "lictor/hash.h"

static uint64_t mix(uint64_t h, struct slice s)
{
    return hash_bytes(s, h + (s.data ? s.len : UINT64_C(0x9e3779b97f4a7c15)));
}

static uint64_t stream_hash(const struct stream_ref *s)
{
    uint64_t h = mix(s->stage + (s->numbered ? 2u : 0u), s->source);
    h = mix(h, s->epoch);
    return mix(h, slice_of(s->dump_sha256, SHA256_SIZE));
}

static uint64_t origin_hash(const struct origin_ref *o)
{
    const struct slice *f[] = {&o->account, &o->authority, &o->warrant, &o->liid,
                               &o->cin,     &o->point,     &o->serial,  &o->selection};
    uint64_t h = ((uint64_t)o->stream << 2) + o->direction;
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        h = mix(h, *f[i]);
    return h;
}

static bool origin_eq(const struct origin_ref *a, const struct origin_ref *b)
{
    return a->stream == b->stream && a->direction == b->direction &&
           slice_same(a->account, b->account) && slice_same(a->authority, b->authority) &&
           slice_same(a->warrant, b->warrant) && slice_same(a->liid, b->liid) &&
           slice_same(a->cin, b->cin) && slice_same(a->point, b->point) &&
           slice_same(a->serial, b->serial) && slice_same(a->selection, b->selection);
}

/* Open addressing over indices: grows at half. `hash_at` gives the hash of item i. */
static enum status index_grow(struct grown *index, size_t n, const struct run_tables *t,
                              uint64_t (*hash_at)(const struct run_tables *, uint32_t),
                              struct err *err)
{
    if (n * 2 < index->cap)
        return ST_OK;
    size_t cap = index->cap ? index->cap * 2 : 256;
    struct grown bigger;
    if (!grown_table(&bigger, cap, sizeof(uint32_t)))
        return err_no_memory(err);
    uint32_t *slots = bigger.items;
    for (uint32_t i = 0; i < n; i++) {
        size_t at = (size_t)hash_at(t, i) & (cap - 1);
        while (slots[at])
            at = (at + 1) & (cap - 1);
        slots[at] = i + 1;
    }
    grown_release(index);
    *index = bigger;
    return ST_OK;
}

static uint64_t stream_hash_at(const struct run_tables *t, uint32_t i)
{
    return stream_hash(tables_stream_at(t, i));
}

static uint64_t origin_hash_at(const struct run_tables *t, uint32_t i)
{
    return origin_hash(tables_origin_at(t, i));
}

static uint64_t dump_hash(const struct dump_ref *d) { return mix(load_u64(d->sha256), d->name); }

static uint64_t dump_hash_at(const struct run_tables *t, uint32_t i)
{
    return dump_hash((const struct dump_ref *)t->dumps.items + i);
}

static enum status dump_locked(struct run_tables *t, const struct dump_ref *d, uint32_t *index,
                               struct err *err)
{
    TRY(index_grow(&t->dump_index, t->dumps.n, t, dump_hash_at, err));
    uint32_t *slots = t->dump_index.items;
    size_t at = (size_t)dump_hash(d) & (t->dump_index.cap - 1);
    for (; slots[at]; at = (at + 1) & (t->dump_index.cap - 1)) {
        const struct dump_ref *o = (const struct dump_ref *)t->dumps.items + (slots[at] - 1);
        if (memcmp(o->sha256, d->sha256, SHA256_SIZE) == 0 && slice_eq(o->name, d->name)) {
            *index = slots[at] - 1;
            return ST_OK;
        }
    }
    struct dump_ref *item = grown_add(&t->dumps, sizeof *item);
    if (!item)
        return err_no_memory(err);
    *item = *d;
    if (!arena_keep(&t->strings, &item->name))
        return err_no_memory(err);
    *index = (uint32_t)(t->dumps.n - 1);
    slots[at] = *index + 1;
    return ST_OK;
}

enum status tables_dump(struct run_tables *t, const struct dump_ref *d, uint32_t *index,
                        struct err *err)
{
    pthread_mutex_lock(&t->mu);
    enum status st = dump_locked(t, d, index, err);
    pthread_mutex_unlock(&t->mu);
    return st;
}

static enum status stream_locked(struct run_tables *t, const struct stream_ref *s, uint32_t *index,
                                 struct err *err)
{
    TRY(index_grow(&t->stream_index, t->streams.n, t, stream_hash_at, err));
    uint32_t *slots = t->stream_index.items;
    size_t at = (size_t)stream_hash(s) & (t->stream_index.cap - 1);
    for (; slots[at]; at = (at + 1) & (t->stream_index.cap - 1))
        if (stream_cmp(tables_stream_at(t, slots[at] - 1), s) == 0) {
            *index = slots[at] - 1;
            return ST_OK;
        }
    struct stream_end *end = grown_add(&t->stream_ends, sizeof *end);
    struct stream_ref *item = grown_add(&t->streams, sizeof *item);
    if (!end || !item)
        return err_no_memory(err);
    *end = (struct stream_end){0};
    *item = *s;
    if (!arena_keep(&t->strings, &item->source) || !arena_keep(&t->strings, &item->epoch))
        return err_no_memory(err);
    *index = (uint32_t)(t->streams.n - 1);
    slots[at] = *index + 1;
    return ST_OK;
}

enum status tables_stream(struct run_tables *t, const struct stream_ref *s, uint32_t *index,
                          struct err *err)
{
    pthread_mutex_lock(&t->mu);
    enum status st = stream_locked(t, s, index, err);
    pthread_mutex_unlock(&t->mu);
    return st;
}

bool origin_keep(struct arena *a, struct origin_ref *o)
{
    struct slice *f[] = {&o->account, &o->authority, &o->warrant, &o->liid,
                         &o->cin,     &o->point,     &o->serial,  &o->selection};
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        if (!arena_keep(a, f[i]))
            return false;
    return true;
}

static enum status origin_locked(struct run_tables *t, const struct origin_ref *o, uint32_t *index,
                                 struct err *err)
{
    TRY(index_grow(&t->origin_index, t->origins.n, t, origin_hash_at, err));
    uint32_t *slots = t->origin_index.items;
    size_t at = (size_t)origin_hash(o) & (t->origin_index.cap - 1);
    for (; slots[at]; at = (at + 1) & (t->origin_index.cap - 1))
        if (origin_eq(tables_origin_at(t, slots[at] - 1), o)) {
            *index = slots[at] - 1;
            return ST_OK;
        }
    struct origin_ref *item = grown_add(&t->origins, sizeof *item);
    if (!item)
        return err_no_memory(err);
    *item = *o;
    if (!origin_keep(&t->strings, item))
        return err_no_memory(err);
    *index = (uint32_t)(t->origins.n - 1);
    slots[at] = *index + 1;
    return ST_OK;
}

enum status tables_origin(struct run_tables *t, const struct origin_ref *o, uint32_t *index,
                          struct err *err)
{
    pthread_mutex_lock(&t->mu);
    enum status st = origin_locked(t, o, index, err);
    pthread_mutex_unlock(&t->mu);
    return st;
}

static void index_reset(struct grown *index)
{
    if (index->cap)
        memset(index->items, 0, index->cap * sizeof(uint32_t));
}

void tables_reset(struct run_tables *t)
{
    t->dumps.n = t->streams.n = t->origins.n = t->stream_ends.n = 0;
    index_reset(&t->dump_index);
    index_reset(&t->stream_index);
    index_reset(&t->origin_index);
    arena_reset(&t->strings);
}

uint64_t tables_held(const struct run_tables *t)
{
    return t->strings.used + t->dumps.n * sizeof(struct dump_ref) +
           t->streams.n * (sizeof(struct stream_ref) + sizeof(struct stream_end)) +
           t->origins.n * sizeof(struct origin_ref);
}
