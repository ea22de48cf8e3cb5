/* grown — a growing array, and open-addressing tables of the same shape (items zeroed, cap slots).
 * Owns: its items.  Threads: one. */
#ifndef INDEXER_GROWN_H
#define INDEXER_GROWN_H

#include "lictor/bytes.h"

struct grown {
    void *items;
    size_t n, cap;
    size_t bytes; /* held */
};

/* Room for one more item of `size` bytes, not zeroed; NULL without memory. n is moved. */
void *grown_more(struct grown *g, size_t size);
static inline void *grown_add(struct grown *g, size_t size)
{
    if (__builtin_expect(g->n == g->cap, 0))
        return grown_more(g, size);
    return (uint8_t *)g->items + g->n++ * size;
}
/* Room for n more items at the end, not zeroed; NULL without memory. n is moved. */
void *grown_add_many(struct grown *g, size_t n, size_t size);
/* Room for n items in all, so that an array of known size takes a kept piece of memory at once
 * instead of growing into fresh memory. False without memory. */
bool grown_reserve(struct grown *g, size_t n, size_t size);
/* cap = n zeroed items, n = 0; the old items are not released. False without memory. */
bool grown_table(struct grown *g, size_t n, size_t size);
void grown_release(struct grown *g);

#endif
