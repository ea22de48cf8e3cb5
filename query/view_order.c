/* view_order — the one order: conversation key, sent, source order, content key, k. Keys are
 * fetched level by level and only for references that are still equal: most ties end at the
 * conversation, and reading copies is what costs. */
#include <stdlib.h>

#include "query/view.h"

struct order_key {
    struct message_ref ref;
    uint8_t conversation[KEY_SIZE];
    struct slice source, epoch; /* of its first copy */
    uint64_t seq;
    uint8_t stage;
    uint8_t hash[SHA256_SIZE];
};

static int u64_cmp(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int by_place(const struct order_key *a, const struct order_key *b)
{
    int c = u64_cmp(a->ref.segment, b->ref.segment);
    if (!c)
        c = u64_cmp(a->ref.doc, b->ref.doc);
    return c ? c : u64_cmp(a->ref.k, b->ref.k);
}

static int by_conversation(const struct order_key *a, const struct order_key *b)
{
    return memcmp(a->conversation, b->conversation, KEY_SIZE);
}

static int source_cmp(struct slice source_a, uint8_t stage_a, struct slice epoch_a, uint64_t seq_a,
                      const struct order_key *b)
{
    int c = slice_cmp(source_a, b->source);
    if (!c)
        c = u64_cmp(stage_a, b->stage);
    if (!c)
        c = (epoch_a.data != NULL) - (b->epoch.data != NULL);
    if (!c)
        c = slice_cmp(epoch_a, b->epoch);
    return c ? c : u64_cmp(seq_a, b->seq);
}

static int by_source(const struct order_key *a, const struct order_key *b)
{
    return source_cmp(a->source, a->stage, a->epoch, a->seq, b);
}

static int by_content(const struct order_key *a, const struct order_key *b)
{
    return memcmp(a->hash, b->hash, SHA256_SIZE);
}

/* qsort takes no context: one comparison a level, ends in the place so that runs stay together. */
static int sort_conversation(const void *a, const void *b)
{
    int c = by_conversation(a, b);
    return c ? c : by_place(a, b);
}
static int sort_source(const void *a, const void *b)
{
    int c = by_source(a, b);
    return c ? c : by_place(a, b);
}
static int sort_content(const void *a, const void *b)
{
    int c = by_content(a, b);
    return c ? c
             : u64_cmp(((const struct order_key *)a)->ref.k, ((const struct order_key *)b)->ref.k);
}

/* ---- the keys of each level ---- */

static enum status get_conversation(struct view *v, struct order_key *k, struct arena *a,
                                    struct err *err)
{
    (void)a;
    return view_conversation_key(v, k->ref.segment, k->ref.doc, k->conversation, NULL, err);
}

static enum status get_source(struct view *v, struct order_key *k, struct arena *a, struct err *err)
{
    struct message_view m;
    arena_reset(&v->order);
    TRY(view_load(v, &k->ref, VIEW_CONTENT, &v->order, &m, err));
    TRY(view_copies_of(v, &m, &v->order, err));
    memcpy(k->hash, m.hash, SHA256_SIZE);
    for (size_t i = 0; i < m.n_copies; i++) {
        const struct stream_ref *s = m.copies[i]->stream;
        if (i > 0 && source_cmp(s->source, s->stage, s->epoch, m.copies[i]->seq, k) >= 0)
            continue;
        k->source = s->source;
        k->stage = s->stage;
        k->epoch = s->epoch;
        k->seq = m.copies[i]->seq;
    }
    if (k->source.data && !(k->source = arena_copy(a, k->source)).data)
        return err_no_memory(err);
    if (k->epoch.data && !(k->epoch = arena_copy(a, k->epoch)).data)
        return err_no_memory(err);
    return ST_OK;
}

static enum status get_content(struct view *v, struct order_key *k, struct arena *a,
                               struct err *err)
{
    (void)v, (void)k, (void)a, (void)err;
    return ST_OK; /* came with the source */
}

static const struct level {
    enum status (*get)(struct view *v, struct order_key *k, struct arena *a, struct err *err);
    int (*sort)(const void *a, const void *b);
    int (*cmp)(const struct order_key *a, const struct order_key *b);
} levels[] = {
    {get_conversation, sort_conversation, by_conversation},
    {get_source, sort_source, by_source},
    {get_content, sort_content, by_content},
};
#define LEVELS (sizeof levels / sizeof *levels)

/* All of one document: then k alone orders them, and they stand so already. */
static bool one_document(const struct order_key *keys, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (keys[i].ref.segment != keys[0].ref.segment || keys[i].ref.doc != keys[0].ref.doc)
            return false;
    return true;
}

static enum status sort_level(struct view *v, struct order_key *keys, size_t n, size_t level,
                              struct arena *a, struct err *err)
{
    const struct level *l = &levels[level];
    for (size_t i = 0; i < n; i++)
        TRY(l->get(v, &keys[i], a, err));
    qsort(keys, n, sizeof *keys, l->sort);
    if (level + 1 == LEVELS)
        return ST_OK;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && l->cmp(&keys[i], &keys[end]) == 0; end++)
            ;
        if (end - i > 1 && !one_document(keys + i, end - i))
            TRY(sort_level(v, keys + i, end - i, level + 1, a, err));
    }
    return ST_OK;
}

enum status view_sort_ties(struct view *v, struct message_ref *refs, size_t n, struct err *err)
{
    if (n < 2)
        return ST_OK;
    struct arena a;
    arena_init(&a, (size_t)64 << 10);
    struct order_key *keys = arena_array(&a, n, sizeof *keys);
    enum status st = keys ? ST_OK : err_no_memory(err);
    for (size_t i = 0; keys && i < n; i++)
        keys[i].ref = refs[i];
    if (st == ST_OK)
        st = sort_level(v, keys, n, 0, &a, err);
    for (size_t i = 0; st == ST_OK && i < n; i++)
        refs[i] = keys[i].ref;
    arena_release(&a);
    return st;
}

enum status view_order(struct view *v, const struct message_ref *a, const struct message_ref *b,
                       int *cmp, struct err *err)
{
    uint8_t key_a[KEY_SIZE], key_b[KEY_SIZE];
    if (a->segment == b->segment && a->doc == b->doc) {
        *cmp = u64_cmp(a->k, b->k);
        return ST_OK;
    }
    TRY(view_conversation_key(v, a->segment, a->doc, key_a, NULL, err));
    TRY(view_conversation_key(v, b->segment, b->doc, key_b, NULL, err));
    *cmp = memcmp(key_a, key_b, KEY_SIZE);
    if (*cmp == 0 && a->sent != b->sent) {
        bool later = b->sent != TIME_NONE && (a->sent == TIME_NONE || a->sent > b->sent);
        *cmp = later ? 1 : -1;
    }
    if (*cmp != 0)
        return ST_OK;
    struct message_ref both[2] = {*a, *b};
    TRY(view_sort_ties(v, both, 2, err));
    bool first = both[0].segment == a->segment && both[0].doc == a->doc;
    *cmp = first ? -1 : 1;
    return ST_OK;
}
