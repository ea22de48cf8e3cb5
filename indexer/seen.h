/* seen — which contents were put aside before: the copies of a message come hours apart, and its
 * row need not be put aside with each of them. Forgetful: with more keys than there is room for,
 * some are taken for new, and what stands twice is joined like any other copy. What it says of a
 * key it knows is exact. Owns: its table.  Threads: one. */
#ifndef INDEXER_SEEN_H
#define INDEXER_SEEN_H

#include "lictor/bytes.h"
#include "lictor/content.h"

#define SEEN_WAYS 4

/* A bucket is one line of the cache. */
struct seen_bucket {
    uint8_t keys[SEEN_WAYS][KEY_SIZE];
};
struct seen {
    struct seen_bucket *buckets;
    size_t n_buckets; /* power of two, or 0 */
    size_t n;         /* keys */
    size_t most;      /* bytes it may take */
};

void seen_release(struct seen *s);
/* Is `key` known? From now on it is. Without memory nothing ever is. */
bool seen_note(struct seen *s, const uint8_t key[KEY_SIZE]);
/* Brings the place of `key` into the cache. */
static inline void seen_fetch(const struct seen *s, const uint8_t key[KEY_SIZE])
{
    if (s->n_buckets)
        __builtin_prefetch(&s->buckets[load_u64(key) & (s->n_buckets - 1)], 1);
}

#endif
