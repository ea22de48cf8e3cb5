/* Unit tests of bitpack: both layouts hold every width, and the vector twin is the scalar one. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "segment_testing.h"
#include "store/bitpack.h"

Test(bitpack, a_run_gives_back_every_value_of_every_width)
{
    for (unsigned bits = 0; bits <= 64; bits++)
        for (size_t n = 0; n < 140; n += 1 + n / 3) {
            uint64_t v[140];
            struct buf out = {0};
            for (size_t i = 0; i < n; i++)
                v[i] = mix(i * 65 + bits) & bits_mask(bits);
            run_pack(v, n, bits, &out);
            cr_assert_eq(out.len, run_size(n, bits));
            /* In memory of just that size, so that the sanitizer sees a read beyond. */
            uint8_t *exact = malloc(out.len ? out.len : 1);
            if (out.len)
                memcpy(exact, out.data, out.len);
            for (size_t i = 0; i < n; i++)
                cr_assert_eq(run_get(slice_of(exact, out.len), i, bits), v[i], "%u %zu", bits, i);
            free(exact);
            buf_release(&out);
        }
}

Test(bitpack, a_run_is_packed_from_the_least_bit_on)
{
    uint64_t v[3] = {5, 0, 7};
    struct buf out = {0};
    run_pack(v, 3, 3, &out);
    cr_assert_eq(out.len, 2);
    cr_assert_eq(out.data[0], 0xC5);
    cr_assert_eq(out.data[1], 0x01);
    buf_release(&out);
}

Test(bitpack, a_block_gives_back_every_value_of_every_width_from_both_twins)
{
    for (unsigned bits = 0; bits <= 32; bits++) {
        uint32_t v[BITPACK_BLOCK], a[BITPACK_BLOCK], b[BITPACK_BLOCK], c[BITPACK_BLOCK];
        struct buf out = {0};
        for (unsigned i = 0; i < BITPACK_BLOCK; i++)
            v[i] = (uint32_t)(mix(i + bits * 1000) & bits_mask(bits));
        block_pack(v, bits, &out);
        cr_assert_eq(out.len, block_size(bits));
        uint8_t *exact = malloc(out.len ? out.len : 1);
        if (out.len)
            memcpy(exact, out.data, out.len);
        block_unpack_scalar(exact, bits, a);
        block_unpack(exact, bits, b);
        if (block_avx2_usable())
            block_unpack_avx2(exact, bits, c);
        else
            memcpy(c, a, sizeof(c));
        cr_assert_arr_eq(a, v, sizeof(v));
        cr_assert_arr_eq(b, v, sizeof(v));
        cr_assert_arr_eq(c, v, sizeof(v));
        free(exact);
        buf_release(&out);
    }
}

Test(bitpack, value_i_of_a_block_stands_in_lane_i_mod_4)
{
    uint32_t v[BITPACK_BLOCK] = {0};
    struct buf out = {0};
    v[0] = 1;
    v[1] = 2;
    v[4] = 3;
    v[127] = 3;
    block_pack(v, 2, &out);
    cr_assert_eq(out.len, 32);
    cr_assert_eq(load_u32(out.data), 1u | 3u << 2);
    cr_assert_eq(load_u32(out.data + 4), 2u);
    cr_assert_eq(load_u32(out.data + 28), 3u << 30);
    buf_release(&out);
}

Test(bitpack, the_twins_agree_on_any_bytes)
{
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t in[512];
        uint32_t a[BITPACK_BLOCK], b[BITPACK_BLOCK];
        unsigned bits = round % 33;
        for (unsigned i = 0; i < sizeof(in); i++)
            in[i] = (uint8_t)mix(round * 512 + i);
        block_unpack_scalar(in, bits, a);
        if (block_avx2_usable())
            block_unpack_avx2(in, bits, b);
        else
            block_unpack(in, bits, b);
        cr_assert_arr_eq(a, b, sizeof(a));
    }
}
