/* Unit tests of sort: against qsort, on keys that differ anywhere and on terms made to be alike. */
#include <criterion/criterion.h>

#include "indexer/sort.h"

#include <stdlib.h>

static uint64_t state = 1;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static int item_cmp(const void *a, const void *b)
{
    const struct sort_item *x = a, *y = b;
    if (x->hi != y->hi)
        return x->hi < y->hi ? -1 : 1;
    if (x->lo != y->lo)
        return x->lo < y->lo ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

static void sorts_items(size_t n, uint64_t hi_mask, uint64_t lo_mask)
{
    struct err err = {0};
    struct sort_item *a = calloc(n + 1, sizeof *a), *b = calloc(n + 1, sizeof *b);
    for (size_t i = 0; i < n; i++)
        a[i] = b[i] = (struct sort_item){next() & hi_mask, next() & lo_mask, (uint32_t)i};
    cr_assert_eq(sort_items(a, n, &err), ST_OK);
    qsort(b, n, sizeof *b, item_cmp); /* by value where keys are equal: the order they came in */
    for (size_t i = 0; i < n; i++)
        cr_assert(item_cmp(&a[i], &b[i]) == 0, "item %zu of %zu", i, n);
    free(a);
    free(b);
}

Test(sort, puts_items_into_order_and_keeps_that_of_equal_ones)
{
    for (size_t n = 0; n < 60; n++)
        sorts_items(n, 3, 3);
    sorts_items(5000, UINT64_MAX, UINT64_MAX);
    sorts_items(5000, 0xff, 0xffffff);
    sorts_items(5000, 0, 0);
    sorts_items(5000, UINT64_C(0xff00000000000001), UINT64_C(0x8000000000000100));
}

static int term_cmp(const void *a, const void *b)
{
    const struct sort_term *x = a, *y = b;
    return slice_cmp(slice_of(x->data, x->len), slice_of(y->data, y->len));
}

/* `n` terms of up to `len` bytes of an alphabet of `letters`, the first `alike` bytes all the same.
 */
static void sorts_terms(size_t n, uint32_t len, unsigned letters, uint32_t alike)
{
    struct err err = {0};
    uint8_t *bytes = malloc(n * len + 1);
    struct sort_term *t = calloc(n + 1, sizeof *t);
    bool *seen = calloc(n + 1, sizeof *seen);
    for (size_t i = 0; i < n; i++) {
        uint32_t size = alike + (uint32_t)(next() % (len - alike + 1));
        for (uint32_t k = 0; k < size; k++)
            bytes[i * len + k] = (uint8_t)(k < alike ? 'i' : next() % letters);
        t[i] = (struct sort_term){.data = bytes + i * len, .len = size, .id = (uint32_t)i};
    }
    cr_assert_eq(sort_terms(t, n, &err), ST_OK);
    for (size_t i = 0; i < n; i++) {
        cr_assert(i == 0 || term_cmp(&t[i - 1], &t[i]) <= 0, "term %zu of %zu", i, n);
        cr_assert(!seen[t[i].id], "no term is there twice");
        seen[t[i].id] = true;
    }
    free(seen);
    free(t);
    free(bytes);
}

Test(sort, puts_terms_into_order)
{
    for (size_t n = 0; n < 60; n++)
        sorts_terms(n, 5, 3, 0);
    sorts_terms(5000, 12, 256, 0);
    sorts_terms(5000, 40, 2, 0);    /* zero bytes, which look like an end */
    sorts_terms(5000, 30, 200, 20); /* agree in more than eight bytes */
    sorts_terms(3000, 9, 1, 0);     /* nothing but zero bytes: only their lengths differ */
    sorts_terms(3000, 240, 2, 230);
}
