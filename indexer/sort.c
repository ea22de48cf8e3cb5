/* sort — least significant byte first, over the bytes in which keys differ; many items are parted
 * by their most significant ones first, until a part stays in the cache for all its passes. Terms
 * take eight bytes
 * at a time as such a key; those that agree in all eight are sorted on by the next eight. */
#include "indexer/sort.h"

#include <stdlib.h>

#include "lictor/pages.h"

#define FEW 24
/* Items of 24 bytes, and as many beside them. */
#define CACHED 65536

/* ---- items ---- */

/* Gives where the items of each value end. */
static void items_pass(const struct sort_item *from, struct sort_item *to, size_t n, bool hi,
                       unsigned shift, size_t at[256])
{
    size_t sum = 0;
    memset(at, 0, 256 * sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[(hi ? from[i].hi : from[i].lo) >> shift & 0xff]++;
    for (size_t b = 0; b < 256; b++) {
        size_t here = at[b];
        at[b] = sum;
        sum += here;
    }
    for (size_t i = 0; i < n; i++)
        to[at[(hi ? from[i].hi : from[i].lo) >> shift & 0xff]++] = from[i];
}

static bool item_before(const struct sort_item *a, const struct sort_item *b)
{
    return a->hi != b->hi ? a->hi < b->hi : a->lo < b->lo;
}

static void items_insert(struct sort_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct sort_item it = items[i];
        size_t j = i;
        for (; j > 0 && item_before(&it, &items[j - 1]); j--)
            items[j] = items[j - 1];
        items[j] = it;
    }
}

/* The bytes in which keys may differ, least significant first: the low half is 0 to 7. */
struct item_bytes {
    uint8_t at[16];
    unsigned n;
};

static struct item_bytes differing(const struct sort_item *items, size_t n)
{
    struct item_bytes d = {.n = 0};
    uint64_t hi = 0, lo = 0;
    for (size_t i = 1; i < n; i++) {
        hi |= items[i].hi ^ items[0].hi;
        lo |= items[i].lo ^ items[0].lo;
    }
    for (uint8_t b = 0; b < 16; b++)
        if ((b < 8 ? lo : hi) >> b % 8 * 8 & 0xff)
            d.at[d.n++] = b;
    return d;
}

/* Sorts by the bytes of `d` into `items`. They stand there or, if `aside`, in `spare`. */
static void items_from(struct sort_item *items, struct sort_item *spare, size_t n, bool aside,
                       struct item_bytes d)
{
    struct sort_item *from = aside ? spare : items, *to = aside ? items : spare;
    if (n <= FEW) {
        if (aside)
            memcpy(items, spare, n * sizeof *items);
        items_insert(items, n);
        return;
    }
    size_t end[256], first = 0;
    if (n > CACHED && d.n > 1) {
        uint8_t b = d.at[--d.n];
        items_pass(from, to, n, b >= 8, b % 8u * 8, end);
        for (size_t v = 0; v < 256; first = end[v++])
            if (end[v] > first)
                items_from(items + first, spare + first, end[v] - first, !aside, d);
        return;
    }
    for (unsigned pass = 0; pass < d.n; pass++) {
        items_pass(from, to, n, d.at[pass] >= 8, d.at[pass] % 8u * 8, end);
        struct sort_item *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
}

enum status sort_items(struct sort_item *items, size_t n, struct err *err)
{
    if (n <= FEW) {
        items_insert(items, n);
        return ST_OK;
    }
    struct sort_item *spare = pages_alloc_raw(n * sizeof *spare);
    if (!spare)
        return err_no_memory(err);
    items_from(items, spare, n, false, differing(items, n));
    pages_free(spare, n * sizeof *spare);
    return ST_OK;
}

/* ---- terms ---- */

/* Eight bytes from `depth` on, the first highest; zeros behind the end. */
static uint64_t term_key(const struct sort_term *t, uint32_t depth)
{
    uint64_t k = 0;
    if (t->len >= depth + 8)
        return __builtin_bswap64(load_u64(t->data + depth));
    for (uint32_t i = depth; i < t->len; i++)
        k |= (uint64_t)t->data[i] << (56 - 8 * (i - depth));
    return k;
}

static int term_cmp(const void *a, const void *b)
{
    const struct sort_term *x = a, *y = b;
    return slice_cmp(slice_of(x->data, x->len), slice_of(y->data, y->len));
}

static void terms_insert(struct sort_term *t, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct sort_term it = t[i];
        size_t j = i;
        for (; j > 0 && term_cmp(&it, &t[j - 1]) < 0; j--)
            t[j] = t[j - 1];
        t[j] = it;
    }
}

static void terms_pass(const struct sort_term *from, struct sort_term *to, size_t n, unsigned shift)
{
    size_t at[256] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        at[from[i].key >> shift & 0xff]++;
    for (size_t b = 0; b < 256; b++) {
        size_t here = at[b];
        at[b] = sum;
        sum += here;
    }
    for (size_t i = 0; i < n; i++)
        to[at[from[i].key >> shift & 0xff]++] = from[i];
}

/* Sorts by the eight bytes at `depth`. */
static void terms_by_key(struct sort_term *t, struct sort_term *spare, size_t n, uint32_t depth)
{
    uint64_t differ = 0;
    for (size_t i = 0; i < n; i++) {
        t[i].key = term_key(&t[i], depth);
        differ |= t[i].key ^ t[0].key;
    }
    struct sort_term *from = t, *to = spare;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if ((differ >> shift & 0xff) == 0)
            continue;
        terms_pass(from, to, n, shift);
        struct sort_term *swap = from;
        from = to;
        to = swap;
    }
    if (from != t)
        memcpy(t, from, n * sizeof *t);
}

/* Terms agree in their first `depth` bytes. Depth grows by eight a level: TERM_MAX / 8 at most. */
static void terms_from(struct sort_term *t, struct sort_term *spare, size_t n, uint32_t depth)
{
    if (n <= FEW) {
        terms_insert(t, n);
        return;
    }
    terms_by_key(t, spare, n, depth);
    for (size_t i = 0, j; i < n; i = j) {
        bool ended = false;
        for (j = i; j < n && t[j].key == t[i].key; j++)
            ended |= t[j].len <= depth + 8;
        if (j - i < 2)
            continue;
        if (j - i <= FEW)
            terms_insert(t + i, j - i);
        else if (ended) /* a zero byte and an end look alike in a key */
            qsort(t + i, j - i, sizeof *t, term_cmp);
        else
            terms_from(t + i, spare, j - i, depth + 8);
    }
}

enum status sort_terms(struct sort_term *terms, size_t n, struct err *err)
{
    if (n <= FEW) {
        terms_insert(terms, n);
        return ST_OK;
    }
    struct sort_term *spare = pages_alloc_raw(n * sizeof *spare);
    if (!spare)
        return err_no_memory(err);
    terms_from(terms, spare, n, 0);
    pages_free(spare, n * sizeof *spare);
    return ST_OK;
}
