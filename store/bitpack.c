/* bitpack — the scalar twins, which are the definition of both layouts, and the choice. */
#include "store/bitpack.h"

enum { LANES = 4, ROWS = BITPACK_BLOCK / LANES };

void run_pack(const uint64_t *values, size_t n, unsigned bits, struct buf *out)
{
    size_t size = run_size(n, bits);
    uint8_t *p = buf_reserve(out, size);
    if (!p || size == 0)
        return;
    uint64_t word = 0;
    unsigned fill = 0;
    size_t pos = 0;
    for (size_t i = 0; i < n; i++) {
        word |= values[i] << fill;
        fill += bits;
        if (fill < 64)
            continue;
        store_u64(p + pos, word);
        pos += 8;
        fill -= 64;
        /* What of the value did not fit; a shift by 64 would be undefined. */
        word = fill ? values[i] >> (bits - fill) : 0;
    }
    for (; pos < size; pos++, word >>= 8)
        p[pos] = (uint8_t)word;
    out->len += size;
}

uint64_t run_get(struct slice run, size_t i, unsigned bits)
{
    if (bits == 0)
        return 0;
    size_t bit = i * bits, byte = bit >> 3;
    unsigned shift = (unsigned)(bit & 7);
    size_t left = run.len - byte;
    uint64_t v = 0;
    if (left >= 8) {
        v = load_u64(run.data + byte) >> shift;
    } else {
        for (size_t k = 0; k < left; k++)
            v |= (uint64_t)run.data[byte + k] << (8 * k);
        v >>= shift;
    }
    if (shift + bits > 64)
        v |= (uint64_t)run.data[byte + 8] << (64 - shift);
    return v & bits_mask(bits);
}

void block_pack(const uint32_t values[BITPACK_BLOCK], unsigned bits, struct buf *out)
{
    size_t size = block_size(bits);
    uint8_t *p = buf_reserve(out, size);
    if (!p || size == 0)
        return;
    uint32_t words[32 * LANES] = {0};
    for (unsigned row = 0; row < ROWS; row++) {
        unsigned bit = row * bits, word = bit >> 5, shift = bit & 31;
        for (unsigned lane = 0; lane < LANES; lane++) {
            uint32_t v = values[row * LANES + lane];
            words[word * LANES + lane] |= v << shift;
            if (shift + bits > 32)
                words[(word + 1) * LANES + lane] |= v >> (32 - shift);
        }
    }
    for (unsigned i = 0; i < bits * LANES; i++)
        store_u32(p + 4 * i, words[i]);
    out->len += size;
}

void block_unpack_scalar(const uint8_t *in, unsigned bits, uint32_t out[BITPACK_BLOCK])
{
    uint32_t mask = (uint32_t)bits_mask(bits);

    if (bits == 0) {
        memset(out, 0, BITPACK_BLOCK * sizeof(*out));
        return;
    }
    for (unsigned row = 0; row < ROWS; row++) {
        unsigned bit = row * bits, word = bit >> 5, shift = bit & 31;
        for (unsigned lane = 0; lane < LANES; lane++) {
            const uint8_t *p = in + (size_t)4 * (word * LANES + lane);
            uint32_t v = load_u32(p) >> shift;
            if (shift + bits > 32)
                v |= load_u32(p + (size_t)4 * LANES) << (32 - shift);
            out[row * LANES + lane] = v & mask;
        }
    }
}

bool block_avx2_usable(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") != 0;
#else
    return false;
#endif
}

void block_unpack(const uint8_t *in, unsigned bits, uint32_t out[BITPACK_BLOCK])
{
    if (block_avx2_usable())
        block_unpack_avx2(in, bits, out);
    else
        block_unpack_scalar(in, bits, out);
}
