/* flush_order — the one order: (conversation, sent, source order). Source order of a document is
 * the least (stream, seq) among its copies; streams and conversations are ranked once, so a key is
 * integers. Copies go to their documents by counting, documents to their conversations likewise;
 * only the few of one conversation are compared. */
#include "indexer/flush.h"

#include <stdlib.h>

#include "lictor/pages.h"
#include "lictor/thread.h"

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

/* ---- the order of copies ---- */

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
        c = slice_cmp(run_copy_extra(a), run_copy_extra(b));
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

/* ---- copies to their documents ---- */

static size_t store_docs(const struct flush *f, unsigned w) { return f->run->stores[w].docs.n; }

static uint32_t *group_of(uint32_t *const *first, run_ref doc)
{
    return &first[RUN_REF_WORKER(doc)][RUN_REF_INDEX(doc)];
}

static void groups_release(struct flush *f)
{
    for (unsigned w = 0; f->group && w < f->run->workers; w++)
        pages_free(f->group[w], (store_docs(f, w) + 1) * sizeof **f->group);
    f->group = NULL;
}

/* Counting sort: entries stand by document, these in the order of their references. Each item of
 * work is the documents of one worker: it looks at all copies and takes those of its own. */
static enum status count_group(void *arg, size_t w, struct err *err)
{
    struct flush *f = arg;
    uint32_t *count = f->group[w], at = 0;
    (void)err;
    for (unsigned s = 0; s < f->run->workers; s++) {
        const struct run_copy *c = f->run->stores[s].copies.items;
        for (size_t i = 0; i < f->run->stores[s].copies.n; i++)
            if (RUN_REF_WORKER(c[i].doc) == w)
                count[RUN_REF_INDEX(c[i].doc)]++;
    }
    for (size_t i = 0; i <= store_docs(f, (unsigned)w); i++) {
        at += count[i];
        count[i] = at; /* the end; filling moves it to the beginning */
    }
    return ST_OK;
}

static enum status fill_group(void *arg, size_t w, struct err *err)
{
    struct flush *f = arg;
    uint32_t *end = f->group[w], base = 0;
    (void)err;
    for (unsigned before = 0; before < w; before++)
        base += f->group_entries[before];
    for (size_t i = 0; i <= store_docs(f, (unsigned)w); i++)
        end[i] += base;
    for (unsigned s = f->run->workers; s-- > 0;) {
        const struct run_copy *c = f->run->stores[s].copies.items;
        for (size_t i = f->run->stores[s].copies.n; i-- > 0;)
            if (RUN_REF_WORKER(c[i].doc) == w)
                f->entries[--end[RUN_REF_INDEX(c[i].doc)]] =
                    (struct entry){.copy = &c[i], .rank = rank_of(f, &c[i])};
    }
    return ST_OK;
}

static enum status group_entries(struct flush *f, struct err *err)
{
    unsigned workers = f->run->workers;
    size_t n = 0;
    for (unsigned w = 0; w < workers; w++)
        n += f->run->stores[w].copies.n;
    if (n > UINT32_MAX)
        return err_set(err, ST_LIMIT, "too many records between two commits");
    f->group = arena_array(&f->arena, workers, sizeof *f->group);
    f->group_entries = arena_array(&f->arena, workers, sizeof *f->group_entries);
    f->entries = pages_alloc_raw(n * sizeof *f->entries);
    f->n_entries = n;
    if (!f->group || !f->group_entries || !f->entries)
        return err_no_memory(err);
    for (unsigned w = 0; w < workers; w++)
        if (!(f->group[w] = pages_alloc((store_docs(f, w) + 1) * sizeof **f->group)))
            return err_no_memory(err);
    TRY(thread_each(f->threads, workers, count_group, f, err));
    for (unsigned w = 0; w < workers; w++)
        f->group_entries[w] = f->group[w][store_docs(f, w)];
    return thread_each(f->threads, workers, fill_group, f, err);
}

/* ---- documents ---- */

struct doc_key {
    uint64_t sent; /* order-preserving; the greatest if untimed */
    uint64_t seq;  /* of the least copy */
    uint32_t rank;
    uint32_t conv; /* rank of the conversation */
    run_ref ref;
};

struct ordering {
    struct flush *f;
    struct doc_key *keys, *sorted;
    size_t n;
    uint32_t *conv_first; /* by rank of conversation; one more */
    uint32_t n_convs;
};

static int conv_cmp(const void *a, const void *b)
{
    return memcmp((*(struct run_conversation *const *)a)->key,
                  (*(struct run_conversation *const *)b)->key, KEY_SIZE);
}

/* Conversations of all workers by their keys; equal ones get the same rank. */
static enum status rank_conversations(struct ordering *o, struct err *err)
{
    struct run *run = o->f->run;
    size_t n = 0, at = 0;
    for (unsigned w = 0; w < run->workers; w++)
        n += run->stores[w].n_convs;
    struct run_conversation **all = pages_alloc_raw(n * sizeof *all);
    if (!all)
        return err_no_memory(err);
    for (unsigned w = 0; w < run->workers; w++) {
        struct run_conversation **slots = run->stores[w].convs.items;
        for (size_t i = 0; i < run->stores[w].convs.cap; i++)
            if (slots[i])
                all[at++] = slots[i];
    }
    if (n > 1)
        qsort(all, n, sizeof(struct run_conversation *), conv_cmp);
    o->n_convs = 0;
    for (size_t i = 0; i < n; i++) {
        o->n_convs += i == 0 || memcmp(all[i]->key, all[i - 1]->key, KEY_SIZE) != 0;
        all[i]->rank = o->n_convs - 1;
    }
    pages_free(all, n * sizeof *all);
    return ST_OK;
}

/* Keys of all documents of the run that the case does not have. */
static enum status list_new(struct ordering *o, struct err *err)
{
    struct flush *f = o->f;
    o->conv_first = pages_alloc(((size_t)o->n_convs + 1) * sizeof *o->conv_first);
    if (!o->conv_first)
        return err_no_memory(err);
    for (unsigned w = 0; w < f->run->workers; w++)
        for (uint32_t i = 0; i < store_docs(f, w); i++) {
            if (f->target_of[w][i] != UINT32_MAX)
                continue;
            run_ref ref = (run_ref)w << 25 | i;
            const struct run_doc *d = run_doc_at(f->run, ref);
            if (!d->conv)
                return err_set(err, ST_DAMAGED, "what was put aside cannot be read again");
            uint64_t sent = (uint64_t)d->sent ^ UINT64_C(1) << 63;
            o->conv_first[d->conv->rank]++;
            o->keys[o->n++] = (struct doc_key){.sent = d->flags & DOC_UNTIMED ? UINT64_MAX
                                                       : sent == UINT64_MAX   ? sent - 1
                                                                              : sent,
                                               .conv = d->conv->rank,
                                               .ref = ref};
        }
    return ST_OK;
}

static void into_conversations(struct ordering *o)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i <= o->n_convs; i++) {
        at += o->conv_first[i];
        o->conv_first[i] = at;
    }
    for (size_t i = o->n; i-- > 0;)
        o->sorted[--o->conv_first[o->keys[i].conv]] = o->keys[i];
}

static int entry_order(const void *a, const void *b, void *ctx) { return entry_cmp(ctx, a, b); }

static void sort_entries(const struct flush *f, struct entry *e, size_t n)
{
    if (n > 16) {
        union {
            const struct flush *in;
            void *ctx;
        } arg = {.in = f};
        qsort_r(e, n, sizeof *e, entry_order, arg.ctx);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct entry it = e[i];
        size_t j = i;
        for (; j > 0 && entry_cmp(f, &it, &e[j - 1]) < 0; j--)
            e[j] = e[j - 1];
        e[j] = it;
    }
}

static int doc_key_cmp(const void *pa, const void *pb, void *ctx)
{
    const struct doc_key *a = pa, *b = pb;
    const struct flush *f = ctx;
    if (a->sent != b->sent)
        return a->sent < b->sent ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    return memcmp(run_doc_at(f->run, a->ref)->hash, run_doc_at(f->run, b->ref)->hash, SHA256_SIZE);
}

static void fetch_group(const struct ordering *o, uint32_t i, uint32_t end)
{
    const struct flush *f = o->f;
    if (i + 3 * FLUSH_AHEAD < end)
        __builtin_prefetch(group_of(f->group, o->sorted[i + 3 * FLUSH_AHEAD].ref));
    if (i + 2 * FLUSH_AHEAD < end)
        __builtin_prefetch(&f->entries[*group_of(f->group, o->sorted[i + 2 * FLUSH_AHEAD].ref)]);
    if (i + FLUSH_AHEAD < end) {
        const uint32_t *group = group_of(f->group, o->sorted[i + FLUSH_AHEAD].ref);
        for (uint32_t k = group[0]; k < group[1] && k < group[0] + 4; k++)
            __builtin_prefetch(f->entries[k].copy);
    }
}

/* Documents of the conversations [from, to): their entries into order, then they by time. */
static enum status sort_conversations(struct ordering *o, uint32_t from, uint32_t to)
{
    struct flush *f = o->f;
    for (uint32_t i = o->conv_first[from]; i < o->conv_first[to]; i++) {
        struct doc_key *k = &o->sorted[i];
        fetch_group(o, i, o->conv_first[to]);
        const uint32_t *group = group_of(f->group, k->ref);
        sort_entries(f, f->entries + group[0], group[1] - group[0]);
        k->rank = UINT32_MAX;
        k->seq = UINT64_MAX;
        if (group[1] > group[0]) {
            k->rank = f->entries[group[0]].rank;
            k->seq = f->entries[group[0]].copy->seq;
        }
    }
    for (uint32_t c = from; c < to; c++) {
        uint32_t first = o->conv_first[c], n = o->conv_first[c + 1] - first;
        if (n > 1)
            qsort_r(o->sorted + first, n, sizeof *o->sorted, doc_key_cmp, f);
    }
    return ST_OK;
}

/* Conversations are shared out in pieces of about equally many documents. */
#define PIECES_PER_THREAD 8

static uint32_t piece_end(const struct ordering *o, size_t i, size_t pieces)
{
    uint32_t lo = 0, hi = o->n_convs, want = (uint32_t)(o->n * i / pieces);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (o->conv_first[mid] < want)
            lo = mid + 1;
        else
            hi = mid;
    }
    return i == pieces ? o->n_convs : lo;
}

static enum status sort_piece(void *arg, size_t i, struct err *err)
{
    struct ordering *o = arg;
    size_t pieces = (size_t)o->f->threads * PIECES_PER_THREAD;
    (void)err;
    return sort_conversations(o, piece_end(o, i, pieces), piece_end(o, i + 1, pieces));
}

/* ---- targets ---- */

/* Gives a target the entries of its document. */
static void take_entries(struct flush *f, uint32_t target)
{
    struct target *t = flush_target(f, target);
    const uint32_t *group = group_of(f->group, t->ref);
    t->first_entry = group[0];
    t->n_entries = group[1] - group[0];
    for (uint32_t i = group[0]; i < group[1]; i++)
        f->entries[i].target = target;
    f->target_of[RUN_REF_WORKER(t->ref)][RUN_REF_INDEX(t->ref)] = target;
}

static enum status fill_targets(struct flush *f, struct flush_lane *lane, void *ctx, size_t from,
                                size_t to, struct err *err)
{
    (void)ctx;
    (void)lane;
    (void)err;
    for (size_t i = from; i < to; i++) {
        struct target *t = flush_target(f, (uint32_t)i);
        const struct run_doc *d = flush_doc(f, t);
        t->segment = NO_SEGMENT;
        t->doc = (uint32_t)i;
        t->kind = d->kind;
        t->changed = true;
        t->state = d->state;
        t->state.flags |= d->flags;
        take_entries(f, (uint32_t)i);
    }
    return ST_OK;
}

/* New targets are put before the touched ones, whose numbers move up. */
static enum status place_new(const struct ordering *o, struct err *err)
{
    struct flush *f = o->f;
    size_t touched = f->targets.n, n = o->n;
    struct grown merged;
    if (!grown_table(&merged, n + touched + 1, sizeof(struct target)))
        return err_no_memory(err);
    struct target *all = merged.items;
    for (size_t i = 0; i < n; i++)
        all[i].ref = o->sorted[i].ref;
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
    for (size_t i = n; i < f->targets.n; i++)
        if (all[i].ref != UINT32_MAX) {
            take_entries(f, (uint32_t)i);
            sort_entries(f, f->entries + all[i].first_entry, all[i].n_entries);
        }
    return flush_parallel(f, n, fill_targets, NULL, err);
}

static enum status order_docs(struct ordering *o, struct err *err)
{
    TRY(rank_conversations(o, err));
    TRY(list_new(o, err));
    into_conversations(o);
    TRY(thread_each(o->f->threads, (size_t)o->f->threads * PIECES_PER_THREAD, sort_piece, o, err));
    return place_new(o, err);
}

static enum status order_all(struct flush *f, struct err *err)
{
    size_t docs = 0;
    for (unsigned w = 0; w < f->run->workers; w++)
        docs += store_docs(f, w);
    /* One piece for both, so that it serves larger arrays afterwards. */
    struct doc_key *keys = pages_alloc_raw(2 * docs * sizeof *keys);
    if (!keys)
        return err_no_memory(err);
    struct ordering o = {.f = f, .keys = keys, .sorted = keys + docs};
    enum status st = order_docs(&o, err);
    pages_free(keys, 2 * docs * sizeof *keys);
    pages_free(o.conv_first, ((size_t)o.n_convs + 1) * sizeof *o.conv_first);
    return st;
}

enum status flush_order(struct flush *f, struct err *err)
{
    TRY(rank_streams(f, err));
    enum status st = group_entries(f, err);
    if (st == ST_OK)
        st = order_all(f, err);
    groups_release(f);
    return st;
}
