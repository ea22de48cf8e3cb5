/* grown — doubles; large ones grow by moving pages (lictor/pages.h), so doubling copies nothing. */
#include "indexer/grown.h"

#include "lictor/pages.h"

#define GROWN_START 64

static bool resize(struct grown *g, size_t cap, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(cap, size, &bytes))
        return false;
    void *items = pages_grow(g->items, g->bytes, g->n * size, bytes);
    if (!items)
        return false;
    g->items = items;
    g->cap = cap;
    g->bytes = bytes;
    return true;
}

void *grown_add_many(struct grown *g, size_t n, size_t size)
{
    if (n > g->cap - g->n) {
        size_t cap = g->cap ? g->cap * 2 : GROWN_START;
        while (cap - g->n < n)
            if (__builtin_mul_overflow(cap, (size_t)2, &cap))
                return NULL;
        if (!resize(g, cap, size))
            return NULL;
    }
    uint8_t *at = (uint8_t *)g->items + g->n * size;
    g->n += n;
    return at;
}

bool grown_reserve(struct grown *g, size_t n, size_t size)
{
    return n <= g->cap || resize(g, n, size);
}

void *grown_more(struct grown *g, size_t size) { return grown_add_many(g, 1, size); }

bool grown_table(struct grown *g, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return false;
    *g = (struct grown){.items = pages_alloc(bytes), .cap = n, .bytes = bytes};
    return g->items != NULL;
}

void grown_release(struct grown *g)
{
    pages_free(g->items, g->bytes);
    *g = (struct grown){0};
}
