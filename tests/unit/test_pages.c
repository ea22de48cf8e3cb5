/* Unit tests of pages: what was written stays through growth, what is zeroed is zero also where it
 * was used before. */
#include <criterion/criterion.h>

#include "lictor/pages.h"

#define MIB ((size_t)1 << 20)

static bool all_are(const uint8_t *p, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != value)
            return false;
    return true;
}

TestSuite(pages);

Test(pages, keeps_what_was_written_through_growth)
{
    static const size_t sizes[] = {0, 1, 100, MIB, 5 * MIB, 6 * MIB, 33 * MIB};
    size_t old = 0;
    uint8_t *p = pages_alloc(0);
    cr_assert(p);
    for (size_t i = 1; i < sizeof sizes / sizeof *sizes; i++) {
        p = pages_grow(p, old, old, sizes[i]);
        cr_assert(p);
        cr_assert(all_are(p, old, 7), "%zu bytes grown to %zu", old, sizes[i]);
        memset(p, 7, sizes[i]);
        old = sizes[i];
    }
    pages_free(p, old);
    pages_free(NULL, 0);
}

Test(pages, gives_zeros_also_out_of_kept_memory)
{
    pages_keep(64 * MIB);
    for (int round = 0; round < 3; round++) {
        uint8_t *a = pages_alloc(9 * MIB), *b = pages_alloc(5 * MIB), *c = pages_alloc(100);
        cr_assert(a && b && c);
        cr_assert(all_are(a, 9 * MIB, 0) && all_are(b, 5 * MIB, 0) && all_are(c, 100, 0));
        memset(a, 1, 9 * MIB);
        memset(b, 2, 5 * MIB);
        pages_free(a, 9 * MIB);
        pages_free(b, 5 * MIB);
        pages_free(c, 100);
    }
    pages_keep(0);
}

/* A kept piece lent in parts, grown and given back must never be lent twice at once. */
Test(pages, lends_no_byte_twice)
{
    enum { N = 12 };
    uint8_t *p[N] = {NULL};
    size_t size[N] = {0};
    pages_keep(256 * MIB);
    for (unsigned step = 0; step < 300; step++) {
        unsigned i = step * 7 % N;
        if (p[i])
            cr_assert(all_are(p[i], size[i], (uint8_t)(i + 1)), "array %u is its own", i);
        if (step % 3 == 0 && p[i]) {
            pages_free(p[i], size[i]);
            p[i] = NULL;
            continue;
        }
        size_t want = (p[i] ? size[i] : 0) + (4 + step % 5) * MIB;
        p[i] = p[i] ? pages_grow(p[i], size[i], size[i], want) : pages_alloc_raw(want);
        cr_assert(p[i]);
        size[i] = want;
        memset(p[i], (int)(i + 1), size[i]);
        if (size[i] > 40 * MIB) {
            pages_free(p[i], size[i]);
            p[i] = NULL;
        }
    }
    for (unsigned i = 0; i < N; i++)
        pages_free(p[i], size[i]);
    pages_keep(0);
}
