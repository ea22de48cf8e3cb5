/* Unit tests of patched integers: every mixture of small and great values comes back, is not longer
 * than plain packing, and no cut or changed byte leads a reader astray. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "segment_testing.h"
#include "store/patched.h"

#define MANY 1500

/* Mostly of `bits`, one in `rare` of up to 32. */
static void values_make(uint32_t *v, size_t n, unsigned bits, unsigned rare)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x = mix(i * 131 + bits * 7 + rare);
        v[i] = (uint32_t)(x & bits_mask(x % rare == 0 ? 1 + (unsigned)(x >> 40) % 32 : bits));
    }
}

static void values_check(const uint32_t *v, uint32_t n)
{
    struct buf out = {0};
    uint32_t got[128], all = 0;

    patched_put(v, n, &out);
    for (uint32_t i = 0; i < n; i++)
        all |= v[i];
    cr_assert_leq(out.len, 1 + run_size(n, bits_for(all)));
    uint8_t *exact = malloc(out.len); /* so that the sanitizer sees a read beyond */
    memcpy(exact, out.data, out.len);
    struct cursor c = cursor_of(slice_of(exact, out.len));
    patched_get(&c, n, got);
    cr_assert_eq(cursor_done(&c, "values", NULL), ST_OK);
    cr_assert_arr_eq(got, v, n * sizeof *v);
    for (size_t len = 0; len < out.len; len++) {
        c = cursor_of(slice_of(exact, len));
        patched_get(&c, n, got);
        cr_assert(c.bad, "%u values in %zu of %zu bytes", n, len, out.len);
    }
    free(exact);
    buf_release(&out);
}

Test(patched, values_come_back_and_no_truncation_passes)
{
    uint32_t v[128];

    for (unsigned bits = 0; bits <= 32; bits++)
        for (unsigned rare = 1; rare < 200; rare += 1 + rare * 2)
            for (uint32_t n = 1; n <= 128; n += n < 5 ? 1 : n == 126 ? 2 : 11) {
                values_make(v, n, bits, rare);
                values_check(v, n);
            }
    memset(v, 0xff, sizeof v);
    values_check(v, 128);
}

Test(patched, a_list_gives_back_any_of_its_values)
{
    static uint32_t v[MANY], got[MANY];
    struct patched_list l = {.bits = 0};

    for (unsigned bits = 0; bits <= 32; bits += 3)
        for (unsigned rare = 1; rare < 300; rare += 1 + rare * 3)
            for (size_t n = 1; n <= MANY; n += n < 5 ? 1 : n / 2) {
                struct buf out = {0};
                values_make(v, n, bits, rare);
                patched_list_put(v, n, &out);
                cr_assert_eq(patched_list_open(buf_slice(&out), n, &l, NULL), ST_OK);
                patched_list_get(&l, 0, (uint32_t)n, got);
                cr_assert_arr_eq(got, v, n * sizeof *v);
                for (size_t from = 0; from < n; from += 1 + from / 2) {
                    uint32_t take = n - from < 9 ? (uint32_t)(n - from) : 9;
                    patched_list_get(&l, from, take, got);
                    cr_assert_arr_eq(got, v + from, take * sizeof *v);
                }
                cr_assert_eq(patched_list_open(slice_of(out.data, out.len - 1), n, &l, NULL),
                             ST_DAMAGED);
                buf_release(&out);
            }
    patched_list_release(&l);
}

Test(patched, bit_flips_stay_in_bounds)
{
    uint32_t v[MANY], got[MANY];
    struct patched_list l = {.bits = 0};
    struct buf out = {0};

    values_make(v, 300, 5, 40);
    patched_list_put(v, 300, &out);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.data[bit / 8] = (uint8_t)(out.data[bit / 8] ^ 1u << bit % 8);
        if (patched_list_open(buf_slice(&out), 300, &l, NULL) == ST_OK)
            patched_list_get(&l, 0, 300, got);
        out.data[bit / 8] = (uint8_t)(out.data[bit / 8] ^ 1u << bit % 8);
    }
    buf_clear(&out);
    patched_put(v, 128, &out);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.data[bit / 8] = (uint8_t)(out.data[bit / 8] ^ 1u << bit % 8);
        struct cursor c = cursor_of(buf_slice(&out));
        patched_get(&c, 128, got);
        out.data[bit / 8] = (uint8_t)(out.data[bit / 8] ^ 1u << bit % 8);
    }
    patched_list_release(&l);
    buf_release(&out);
}

Test(patched, refuses_exceptions_that_are_none)
{
    static const uint8_t heads[][8] = {
        {0x40, 0},             /* exceptions, but none */
        {0x40, 1, 5, 1},       /* of no value */
        {0x40, 1, 0, 0},       /* nothing high */
        {0x40, 2, 1, 1, 1, 1}, /* twice the same */
        {0x80},                /* an unknown bit */
        {33},                  /* too wide */
    };
    struct patched_list l = {.bits = 0};
    uint32_t got[128];

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct cursor c = cursor_of(slice_of(heads[i], sizeof heads[i]));
        patched_get(&c, 3, got);
        cr_assert(c.bad, "%zu", i);
        cr_assert_eq(patched_list_open(slice_of(heads[i], i < 4 ? 4 : 1), 3, &l, NULL), ST_DAMAGED);
    }
    patched_list_release(&l);
}
