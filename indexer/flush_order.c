/* flush_order — the one order: (conversation, sent, source order). Source order of a document is
 * the least (stream, seq) among its copies; streams are ranked once, so it is two integers. */
#include "indexer/flush.h"

#include <stdlib.h>

#include "lictor/pages.h"

/* ---- ranks of streams ---- */

static int stream_order(const void *a, const void *b, void *ctx)
{
    const struct run_tables *t = ctx;
    return stream_cmp(tables_stream_at(t, *(const uint32_t *)a),
                      tables_stream_at(t, *(const uint32_t *)b));
}

static enum status rank_streams(struct flush *f, struct err *err)
{
    size_t n = f->run->tables.streams.n;
    f->rank = arena_array(&f->arena, n, sizeof *f->rank);
    f->by_rank = arena_array(&f->arena, n, sizeof *f->by_rank);
    if (!f->rank || !f->by_rank)
        return err_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        f->by_rank[i] = i;
    qsort_r(f->by_rank, n, sizeof *f->by_rank, stream_order, &f->run->tables);
    for (uint32_t i = 0; i < n; i++)
        f->rank[f->by_rank[i]] = i;
    return ST_OK;
}

static uint32_t rank_of(const struct flush *f, const struct run_copy *c)
{
    return f->rank[tables_origin_at(&f->run->tables, c->origin)->stream];
}

/* ---- documents ---- */

struct doc_key {
    const struct run_doc *doc;
    run_ref ref;
    uint32_t rank;
    uint64_t seq;
};

static int doc_key_cmp(const void *pa, const void *pb)
{
    const struct doc_key *a = pa, *b = pb;
    int c = memcmp(a->doc->conv->key, b->doc->conv->key, KEY_SIZE);
    if (c)
        return c;
    bool ua = (a->doc->flags & DOC_UNTIMED) != 0, ub = (b->doc->flags & DOC_UNTIMED) != 0;
    if (ua != ub)
        return ua - ub;
    if (!ua && a->doc->sent != b->doc->sent)
        return a->doc->sent < b->doc->sent ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    return memcmp(a->doc->hash, b->doc->hash, SHA256_SIZE);
}

/* Keys of all documents of the run that the case does not have. */
static enum status list_new(struct flush *f, struct doc_key **out, uint32_t **at, size_t *n,
                            struct err *err)
{
    size_t total = 0;
    for (unsigned w = 0; w < f->run->workers; w++)
        total += f->run->stores[w].docs.n;
    struct doc_key *keys = calloc(total ? total : 1, sizeof *keys);
    *out = keys;
    if (!keys)
        return err_no_memory(err);
    *n = 0;
    for (unsigned w = 0; w < f->run->workers; w++)
        for (uint32_t i = 0; i < f->run->stores[w].docs.n; i++) {
            if (f->target_of[w][i] != UINT32_MAX)
                continue;
            run_ref ref = (run_ref)w << 25 | i;
            at[w][i] = (uint32_t)*n;
            keys[(*n)++] = (struct doc_key){run_doc_at(f->run, ref), ref, UINT32_MAX, UINT64_MAX};
        }
    return ST_OK;
}

/* The least (rank, seq) of each new document. */
static void least_copies(struct flush *f, struct doc_key *keys, uint32_t *const *at)
{
    for (unsigned w = 0; w < f->run->workers; w++) {
        const struct run_copy *c = f->run->stores[w].copies.items;
        for (size_t i = 0; i < f->run->stores[w].copies.n; i++) {
            uint32_t k = at[RUN_REF_WORKER(c[i].doc)][RUN_REF_INDEX(c[i].doc)];
            if (k == UINT32_MAX)
                continue;
            uint32_t rank = rank_of(f, &c[i]);
            struct doc_key *key = &keys[k];
            if (rank < key->rank || (rank == key->rank && c[i].seq < key->seq)) {
                key->rank = rank;
                key->seq = c[i].seq;
            }
        }
    }
}

/* New targets are put before the touched ones, whose numbers move up. */
static enum status place_new(struct flush *f, const struct doc_key *keys, size_t n, struct err *err)
{
    size_t touched = f->targets.n;
    struct grown merged;
    if (!grown_table(&merged, n + touched + 1, sizeof(struct target)))
        return err_no_memory(err);
    struct target *all = merged.items;
    for (size_t i = 0; i < n; i++) {
        const struct run_doc *d = keys[i].doc;
        all[i] = (struct target){.segment = NO_SEGMENT,
                                 .doc = (uint32_t)i,
                                 .ref = keys[i].ref,
                                 .kind = d->kind,
                                 .changed = true,
                                 .state = d->state};
        all[i].state.flags |= d->flags;
    }
    for (size_t i = 0; i < touched; i++)
        all[n + i] = *flush_target(f, (uint32_t)i);
    grown_release(&f->targets);
    f->targets = merged;
    f->targets.n = n + touched;
    f->n_new = (uint32_t)n;
    uint32_t *slots = f->touched.items;
    for (size_t i = 0; i < f->touched.cap; i++)
        if (slots[i])
            slots[i] += (uint32_t)n;
    for (uint32_t i = 0; i < f->targets.n; i++) {
        run_ref ref = all[i].ref;
        if (ref != UINT32_MAX)
            f->target_of[RUN_REF_WORKER(ref)][RUN_REF_INDEX(ref)] = i;
    }
    return ST_OK;
}

static enum status order_docs(struct flush *f, struct err *err)
{
    struct doc_key *keys = NULL;
    size_t n = 0;
    uint32_t **at = arena_array(&f->arena, f->run->workers, sizeof *at);
    if (!at)
        return err_no_memory(err);
    for (unsigned w = 0; w < f->run->workers; w++) {
        size_t docs = f->run->stores[w].docs.n;
        at[w] = malloc((docs ? docs : 1) * sizeof **at);
        if (at[w])
            memset(at[w], 0xff, docs * sizeof **at);
    }
    enum status st = ST_OK;
    for (unsigned w = 0; w < f->run->workers; w++)
        if (!at[w])
            st = err_no_memory(err);
    if (st == ST_OK)
        st = list_new(f, &keys, at, &n, err);
    if (st == ST_OK) {
        least_copies(f, keys, at);
        qsort(keys, n, sizeof *keys, doc_key_cmp);
        st = place_new(f, keys, n, err);
    }
    for (unsigned w = 0; w < f->run->workers; w++)
        free(at[w]);
    free(keys);
    return st;
}

/* ---- copies ---- */

static int slice_absent_cmp(struct slice a, struct slice b)
{
    if ((a.data == NULL) != (b.data == NULL))
        return a.data == NULL ? -1 : 1;
    return slice_cmp(a, b);
}

static int origin_cmp(const struct origin_ref *a, const struct origin_ref *b)
{
    const struct slice *fa[] = {&a->account, &a->authority, &a->warrant, &a->liid,
                                &a->cin,     &a->point,     &a->serial,  &a->selection};
    const struct slice *fb[] = {&b->account, &b->authority, &b->warrant, &b->liid,
                                &b->cin,     &b->point,     &b->serial,  &b->selection};
    for (size_t i = 0; i < sizeof fa / sizeof *fa; i++) {
        int c = slice_absent_cmp(*fa[i], *fb[i]);
        if (c)
            return c;
    }
    return a->direction - b->direction;
}

static int int_cmp(int64_t a, int64_t b) { return (a > b) - (a < b); }

int version_cmp(const struct run_tables *t, const struct run_copy *a, const struct run_copy *b)
{
    int c = int_cmp(a->delivered, b->delivered);
    if (!c)
        c = int_cmp(a->read, b->read);
    if (!c)
        c = int_cmp(a->collected, b->collected);
    if (!c)
        c = slice_cmp(slice_of(a->extra, a->extra_len), slice_of(b->extra, b->extra_len));
    if (!c && a->origin != b->origin)
        c = origin_cmp(tables_origin_at(t, a->origin), tables_origin_at(t, b->origin));
    return c;
}

int entry_cmp(const struct flush *f, const struct entry *a, const struct entry *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->copy->seq != b->copy->seq)
        return a->copy->seq < b->copy->seq ? -1 : 1;
    int c = version_cmp(&f->run->tables, a->copy, b->copy);
    if (!c && a->copy->dump != b->copy->dump) {
        const struct dump_ref *dumps = f->run->tables.dumps.items;
        c = memcmp(dumps[a->copy->dump].sha256, dumps[b->copy->dump].sha256, SHA256_SIZE);
    }
    return c ? c : int_cmp((int64_t)a->copy->line, (int64_t)b->copy->line);
}

static int entry_order(const void *a, const void *b, void *ctx) { return entry_cmp(ctx, a, b); }

/* Counting sort by target, then each target's few copies by comparison. */
static enum status order_entries(struct flush *f, struct err *err)
{
    size_t n = 0;
    for (unsigned w = 0; w < f->run->workers; w++)
        n += f->run->stores[w].copies.n;
    f->entries = pages_alloc(n * sizeof *f->entries);
    if (!f->entries)
        return err_no_memory(err);
    f->n_entries = n;
    for (unsigned w = 0; w < f->run->workers; w++) {
        const struct run_copy *c = f->run->stores[w].copies.items;
        for (size_t i = 0; i < f->run->stores[w].copies.n; i++)
            flush_target(f, f->target_of[RUN_REF_WORKER(c[i].doc)][RUN_REF_INDEX(c[i].doc)])
                ->n_entries++;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < f->targets.n; i++) {
        struct target *t = flush_target(f, i);
        t->first_entry = at;
        at += t->n_entries;
        t->n_entries = 0;
    }
    for (unsigned w = 0; w < f->run->workers; w++) {
        const struct run_copy *c = f->run->stores[w].copies.items;
        for (size_t i = 0; i < f->run->stores[w].copies.n; i++) {
            uint32_t ti = f->target_of[RUN_REF_WORKER(c[i].doc)][RUN_REF_INDEX(c[i].doc)];
            struct target *t = flush_target(f, ti);
            f->entries[t->first_entry + t->n_entries++] =
                (struct entry){.copy = &c[i], .target = ti, .rank = rank_of(f, &c[i])};
        }
    }
    for (uint32_t i = 0; i < f->targets.n; i++) {
        struct target *t = flush_target(f, i);
        if (t->n_entries > 1)
            qsort_r(f->entries + t->first_entry, t->n_entries, sizeof *f->entries, entry_order, f);
    }
    return ST_OK;
}

enum status flush_order(struct flush *f, struct err *err)
{
    TRY(rank_streams(f, err));
    TRY(order_docs(f, err));
    return order_entries(f, err);
}
