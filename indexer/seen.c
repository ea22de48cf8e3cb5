/* seen — keys are of SHA-256, so they are taken as their own hash: who makes some that crowd one
 * bucket has them put aside twice, and that is all. */
#include "indexer/seen.h"

#include "lictor/pages.h"

#define BUCKETS_START ((size_t)1 << 12)

void seen_release(struct seen *s)
{
    pages_free(s->buckets, s->n_buckets * sizeof *s->buckets);
    s->buckets = NULL;
    s->n_buckets = s->n = 0;
}

/* A free place is zero in its first bytes; a key that looks like one is never known. */
static bool is_free(const uint8_t *key) { return load_u64(key) == 0; }

/* Where `key` stands or may stand; of a full bucket any place, by chance of the key. */
static uint8_t *place_of(struct seen_bucket *buckets, size_t n, const uint8_t key[KEY_SIZE])
{
    struct seen_bucket *b = &buckets[load_u64(key) & (n - 1)];
    for (int i = 0; i < SEEN_WAYS; i++)
        if (is_free(b->keys[i]) || memcmp(b->keys[i], key, KEY_SIZE) == 0)
            return b->keys[i];
    return b->keys[key[KEY_SIZE - 1] % SEEN_WAYS];
}

/* Without memory it stays as it is. */
static void grow(struct seen *s)
{
    size_t n = s->n_buckets ? s->n_buckets * 2 : BUCKETS_START;
    if (n * sizeof *s->buckets > s->most)
        return;
    struct seen_bucket *buckets = pages_alloc(n * sizeof *buckets);
    if (!buckets)
        return;
    for (size_t i = 0; i < s->n_buckets; i++)
        for (int k = 0; k < SEEN_WAYS; k++)
            if (!is_free(s->buckets[i].keys[k]))
                memcpy(place_of(buckets, n, s->buckets[i].keys[k]), s->buckets[i].keys[k],
                       KEY_SIZE);
    pages_free(s->buckets, s->n_buckets * sizeof *s->buckets);
    s->buckets = buckets;
    s->n_buckets = n;
}

bool seen_note(struct seen *s, const uint8_t key[KEY_SIZE])
{
    if (s->n * 8 >= s->n_buckets * SEEN_WAYS * 5)
        grow(s);
    if (s->n_buckets == 0 || is_free(key))
        return false;
    uint8_t *at = place_of(s->buckets, s->n_buckets, key);
    if (memcmp(at, key, KEY_SIZE) == 0)
        return true;
    s->n += is_free(at);
    memcpy(at, key, KEY_SIZE);
    return false;
}
