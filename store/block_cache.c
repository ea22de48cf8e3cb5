/* block_cache — decrypted blocks in bounded memory. Split into shards by block, each with its own
 * lock, hash chains and least-recently-used list, so that threads seldom meet; nothing but a copy
 * of the wanted bytes happens under a lock. Evicted blocks are wiped before they are freed. */
#include "store/section_private.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#define CACHE_SHARDS 16
/* Below this one shard, so that a small cache can still hold a block of the largest size. */
#define CACHE_SHARDED_MIN ((size_t)CACHE_SHARDS * SECTION_BLOCK_MAX)

struct cached_block {
    uint64_t file, block;
    uint32_t section;
    uint8_t *data;
    size_t len;
    struct cached_block *chain;         /* same hash bucket */
    struct cached_block *newer, *older; /* use order */
};

struct cache_shard {
    pthread_mutex_t mu;
    /* guarded by mu */
    struct cached_block **buckets;
    size_t n_buckets; /* a power of two */
    struct cached_block *newest, *oldest;
    size_t bytes, limit;
};

struct block_cache {
    struct cache_shard shards[CACHE_SHARDS];
    size_t n_shards;
    pthread_mutex_t mu;
    uint64_t next_file; /* guarded by mu */
};

static enum status shard_init(struct cache_shard *s, size_t limit, struct err *err)
{
    size_t n = 16;
    while (n < limit / SECTION_INDEX_BLOCK)
        n *= 2;
    s->buckets = calloc(n, sizeof(struct cached_block *));
    if (!s->buckets)
        return err_no_memory(err);
    s->n_buckets = n;
    s->limit = limit;
    pthread_mutex_init(&s->mu, NULL);
    return ST_OK;
}

enum status block_cache_new(size_t bytes, struct block_cache **out, struct err *err)
{
    struct block_cache *c = calloc(1, sizeof *c);
    if (!c)
        return err_no_memory(err);
    size_t n = bytes < CACHE_SHARDED_MIN ? 1 : CACHE_SHARDS;
    pthread_mutex_init(&c->mu, NULL);
    for (size_t i = 0; i < n; i++) {
        enum status st = shard_init(&c->shards[i], bytes / n, err);
        if (st != ST_OK) {
            block_cache_free(c);
            return st;
        }
        c->n_shards++;
    }
    *out = c;
    return ST_OK;
}

static void cached_block_free(struct cached_block *b)
{
    sodium_memzero(b->data, b->len);
    free(b->data);
    free(b);
}

void block_cache_free(struct block_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_shards; i++) {
        struct cache_shard *s = &c->shards[i];
        for (struct cached_block *b = s->newest, *older; b; b = older) {
            older = b->older;
            cached_block_free(b);
        }
        free(s->buckets);
        pthread_mutex_destroy(&s->mu);
    }
    pthread_mutex_destroy(&c->mu);
    free(c);
}

uint64_t block_cache_file(struct block_cache *c)
{
    pthread_mutex_lock(&c->mu);
    uint64_t n = c->next_file++;
    pthread_mutex_unlock(&c->mu);
    return n;
}

/* Numbers are ours, not the adversary's: a multiplicative mix is enough. */
static uint64_t block_hash(uint64_t file, uint32_t section, uint64_t block)
{
    uint64_t h = (file * 64 + section) * 0x9E3779B97F4A7C15u ^ block;
    h *= 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

static struct cached_block **shard_find(struct cache_shard *s, uint64_t hash, uint64_t file,
                                        uint32_t section, uint64_t block)
{
    struct cached_block **p = &s->buckets[hash / CACHE_SHARDS & (s->n_buckets - 1)];
    while (*p && ((*p)->file != file || (*p)->section != section || (*p)->block != block))
        p = &(*p)->chain;
    return p;
}

static void shard_unlink(struct cache_shard *s, struct cached_block *b)
{
    if (b->newer)
        b->newer->older = b->older;
    else
        s->newest = b->older;
    if (b->older)
        b->older->newer = b->newer;
    else
        s->oldest = b->newer;
}

static void shard_push(struct cache_shard *s, struct cached_block *b)
{
    b->newer = NULL;
    b->older = s->newest;
    if (s->newest)
        s->newest->newer = b;
    else
        s->oldest = b;
    s->newest = b;
}

bool block_cache_get(struct block_cache *c, uint64_t file, uint32_t section, uint64_t block,
                     size_t from, size_t len, uint8_t *out)
{
    uint64_t hash = block_hash(file, section, block);
    struct cache_shard *s = &c->shards[hash & (c->n_shards - 1)];
    pthread_mutex_lock(&s->mu);
    struct cached_block *b = *shard_find(s, hash, file, section, block);
    if (b) {
        MUST(from <= b->len && len <= b->len - from);
        memcpy(out, b->data + from, len);
        if (s->newest != b) {
            shard_unlink(s, b);
            shard_push(s, b);
        }
    }
    pthread_mutex_unlock(&s->mu);
    return b != NULL;
}

/* Takes the oldest blocks out until `need` more bytes fit; returns them chained by `chain`. */
static struct cached_block *shard_evict(struct cache_shard *s, size_t need)
{
    struct cached_block *out = NULL;
    while (s->oldest && s->bytes > s->limit - need) {
        struct cached_block *b = s->oldest;
        uint64_t hash = block_hash(b->file, b->section, b->block);
        *shard_find(s, hash, b->file, b->section, b->block) = b->chain;
        shard_unlink(s, b);
        s->bytes -= b->len;
        b->chain = out;
        out = b;
    }
    return out;
}

void block_cache_put(struct block_cache *c, uint64_t file, uint32_t section, uint64_t block,
                     uint8_t *data, size_t len)
{
    uint64_t hash = block_hash(file, section, block);
    struct cache_shard *s = &c->shards[hash & (c->n_shards - 1)];
    struct cached_block *gone = NULL, *b = NULL;
    if (len <= s->limit)
        b = calloc(1, sizeof *b);
    if (!b) {
        sodium_memzero(data, len);
        free(data);
        return;
    }
    *b = (struct cached_block){
        .file = file, .section = section, .block = block, .data = data, .len = len};
    pthread_mutex_lock(&s->mu);
    struct cached_block **p = shard_find(s, hash, file, section, block);
    if (*p) { /* another thread was faster */
        gone = b;
    } else {
        gone = shard_evict(s, len);
        p = shard_find(s, hash, file, section, block); /* eviction may have cut the chain */
        *p = b;
        shard_push(s, b);
        s->bytes += len;
    }
    pthread_mutex_unlock(&s->mu);
    while (gone) {
        struct cached_block *next = gone->chain;
        cached_block_free(gone);
        gone = next;
    }
}
