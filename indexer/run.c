/* run — the content table is keyed by 128 bits of SHA-256, so its slots are taken straight from the
 * key; no choice of texts can crowd one shard. */
#include "indexer/run.h"

#include <stdlib.h>

#include "lictor/pages.h"

#define SHARD_START 64
#define STORE_CHUNK ((size_t)4 << 20)
/* Share of the memory that a run may fill before it is flushed; the rest is for sorting and
 * inverting. */
#define RUN_SHARE 36

static void store_release(struct run_store *s)
{
    arena_release(&s->bytes);
    grown_release(&s->docs);
    grown_release(&s->copies);
    grown_release(&s->quarantine);
    grown_release(&s->convs);
}

enum status run_init(struct run *r, unsigned workers, struct err *err)
{
    *r = (struct run){.workers = workers};
    pthread_mutex_init(&r->tables.mu, NULL);
    arena_init(&r->tables.strings, 0);
    r->n_shards = CONTENT_SHARDS_MIN;
    while (r->n_shards < CONTENT_SHARDS_MAX && r->n_shards < workers * CONTENT_SHARDS_PER_WORKER)
        r->n_shards *= 2;
    for (unsigned i = 0; i < r->n_shards; i++)
        pthread_mutex_init(&r->shards[i].mu, NULL);
    r->stores = calloc(workers, sizeof *r->stores);
    if (!r->stores)
        return err_no_memory(err);
    for (unsigned i = 0; i < workers; i++)
        arena_init(&r->stores[i].bytes, STORE_CHUNK);
    return ST_OK;
}

void run_release(struct run *r)
{
    for (unsigned i = 0; r->stores && i < r->workers; i++)
        store_release(&r->stores[i]);
    free(r->stores);
    for (unsigned i = 0; i < r->n_shards; i++) {
        pages_free(r->shards[i].slots, r->shards[i].cap * sizeof(struct content_slot));
        pthread_mutex_destroy(&r->shards[i].mu);
    }
    struct run_tables *t = &r->tables;
    pthread_mutex_destroy(&t->mu);
    arena_release(&t->strings);
    grown_release(&t->dumps);
    grown_release(&t->streams);
    grown_release(&t->origins);
    grown_release(&t->stream_ends);
    grown_release(&t->dump_index);
    grown_release(&t->stream_index);
    grown_release(&t->origin_index);
}

void run_reset(struct run *r)
{
    r->resets++;
    for (unsigned i = 0; i < r->workers; i++) {
        struct run_store *s = &r->stores[i];
        arena_reset(&s->bytes);
        s->docs.n = s->copies.n = s->quarantine.n = 0;
        if (s->convs.cap)
            memset(s->convs.items, 0, s->convs.cap * sizeof(void *));
        s->n_convs = 0;
        atomic_store(&s->held, 0);
    }
    for (unsigned i = 0; i < r->n_shards; i++) {
        struct content_shard *sh = &r->shards[i];
        if (sh->cap)
            memset(sh->slots, 0, sh->cap * sizeof *sh->slots);
        sh->n = 0;
    }
}

uint64_t run_held(struct run *r)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < r->workers; i++)
        sum += atomic_load_explicit(&r->stores[i].held, memory_order_relaxed);
    pthread_mutex_lock(&r->tables.mu);
    sum += tables_held(&r->tables);
    pthread_mutex_unlock(&r->tables.mu);
    return sum;
}

uint64_t run_share(uint64_t memory) { return memory / 100 * RUN_SHARE; }

bool run_is_empty(const struct run *r)
{
    for (unsigned i = 0; i < r->workers; i++)
        if (r->stores[i].docs.n || r->stores[i].copies.n || r->stores[i].quarantine.n)
            return false;
    return true;
}

bool run_full(struct run *r, uint64_t memory)
{
    for (unsigned i = 0; i < r->workers; i++)
        if (atomic_load_explicit(&r->stores[i].held, memory_order_relaxed) /
                sizeof(struct run_doc) >=
            RUN_DOCS_MAX / 2)
            return true;
    return run_held(r) >= run_share(memory);
}

static struct content_slot *shard_slot(struct content_shard *sh, const uint8_t key[KEY_SIZE])
{
    size_t i = (size_t)load_u64(key + 1) & (sh->cap - 1);
    while (sh->slots[i].ref && memcmp(sh->slots[i].key, key, KEY_SIZE) != 0)
        i = (i + 1) & (sh->cap - 1);
    return &sh->slots[i];
}

static enum status shard_grow(struct content_shard *sh, struct err *err)
{
    size_t old_cap = sh->cap;
    struct content_slot *old = sh->slots;
    size_t cap = old_cap ? old_cap * 2 : SHARD_START;
    struct content_slot *slots = pages_alloc(cap * sizeof *slots);
    if (!slots)
        return err_no_memory(err);
    sh->slots = slots;
    sh->cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].ref)
            *shard_slot(sh, old[i].key) = old[i];
    pages_free(old, old_cap * sizeof *old);
    return ST_OK;
}

enum status run_content(struct run *r, const uint8_t key[KEY_SIZE], run_ref mine, run_ref *found,
                        struct err *err)
{
    struct content_shard *sh = run_shard(r, key);
    enum status st = ST_OK;
    pthread_mutex_lock(&sh->mu);
    if ((sh->n + 1) * 4 > sh->cap * 3)
        st = shard_grow(sh, err);
    if (st == ST_OK) {
        struct content_slot *slot = shard_slot(sh, key);
        if (!slot->ref) {
            memcpy(slot->key, key, KEY_SIZE);
            slot->ref = mine + 1;
            sh->n++;
        }
        *found = slot->ref - 1;
    }
    pthread_mutex_unlock(&sh->mu);
    return st;
}

enum status run_contents_begin(struct run *r, size_t n, struct err *err)
{
    size_t cap = SHARD_START;
    while (cap < 2 * (n / r->n_shards))
        cap *= 2;
    for (unsigned i = 0; i < r->n_shards; i++) {
        struct content_shard *sh = &r->shards[i];
        sh->n = 0;
        if (sh->cap == cap) {
            memset(sh->slots, 0, cap * sizeof *sh->slots);
            continue;
        }
        pages_free(sh->slots, sh->cap * sizeof *sh->slots);
        sh->cap = 0;
        sh->slots = pages_alloc(cap * sizeof *sh->slots);
        if (!sh->slots)
            return err_no_memory(err);
        sh->cap = cap;
    }
    return ST_OK;
}

/* ---- conversations of a store ---- */

static const struct run_conversation **conv_slot(struct grown *g, const uint8_t key[KEY_SIZE])
{
    const struct run_conversation **slots = g->items;
    size_t i = (size_t)load_u64(key) & (g->cap - 1);
    while (slots[i] && memcmp(slots[i]->key, key, KEY_SIZE) != 0)
        i = (i + 1) & (g->cap - 1);
    return &slots[i];
}

static enum status convs_grow(struct grown *g, struct err *err)
{
    struct grown old = *g;
    size_t cap = old.cap ? old.cap * 2 : 1024;
    struct grown bigger;
    if (!grown_table(&bigger, cap, sizeof(void *)))
        return err_no_memory(err);
    *g = bigger;
    const struct run_conversation **slots = old.items;
    for (size_t i = 0; i < old.cap; i++)
        if (slots[i])
            *conv_slot(g, slots[i]->key) = slots[i];
    grown_release(&old);
    return ST_OK;
}

static struct run_conversation *conv_copy(struct arena *a, const uint8_t key[KEY_SIZE],
                                          const struct conversation *c)
{
    struct run_conversation *rc = arena_alloc(a, sizeof *rc);
    if (!rc)
        return NULL;
    memcpy(rc->key, key, KEY_SIZE);
    rc->c = *c;
    struct slice *set = arena_array(a, c->n_set, sizeof *set);
    if (!set || !arena_keep(a, &rc->c.service) || !arena_keep(a, &rc->c.name))
        return NULL;
    for (size_t i = 0; i < c->n_set; i++) {
        set[i] = c->set[i];
        if (!arena_keep(a, &set[i]))
            return NULL;
    }
    rc->c.set = set;
    return rc;
}

enum status run_conversation(struct run_store *s, const uint8_t key[KEY_SIZE],
                             const struct conversation *c, const struct run_conversation **out,
                             struct err *err)
{
    if ((s->n_convs + 1) * 2 > s->convs.cap)
        TRY(convs_grow(&s->convs, err));
    const struct run_conversation **slot = conv_slot(&s->convs, key);
    if (!*slot) {
        *slot = conv_copy(&s->bytes, key, c);
        if (!*slot)
            return err_no_memory(err);
        s->n_convs++;
    }
    *out = *slot;
    return ST_OK;
}
