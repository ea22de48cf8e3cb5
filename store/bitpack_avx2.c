/* bitpack_avx2 — two rows of four lanes a step. Same bytes as the scalar twin (test_bitpack proves
 * it); elsewhere than on x86-64 it is the scalar twin. */
#include "store/bitpack.h"

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) static __m256i rows_load(const uint8_t *in, unsigned word_a,
                                                         unsigned word_b)
{
    const __m128i *a = (const __m128i *)(const void *)(in + (size_t)16 * word_a);
    const __m128i *b = (const __m128i *)(const void *)(in + (size_t)16 * word_b);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(a)), _mm_loadu_si128(b),
                                   1);
}

__attribute__((target("avx2"))) void block_unpack_avx2(const uint8_t *in, unsigned bits,
                                                       uint32_t out[BITPACK_BLOCK])
{
    if (bits == 0) {
        memset(out, 0, BITPACK_BLOCK * sizeof(*out));
        return;
    }
    const __m256i mask = _mm256_set1_epi32((int)(uint32_t)bits_mask(bits));
    for (unsigned row = 0; row < BITPACK_BLOCK / 4; row += 2) {
        unsigned bit_a = row * bits, bit_b = bit_a + bits;
        unsigned word_a = bit_a >> 5, word_b = bit_b >> 5;
        int shift_a = (int)(bit_a & 31), shift_b = (int)(bit_b & 31);
        __m256i shift = _mm256_setr_epi32(shift_a, shift_a, shift_a, shift_a, shift_b, shift_b,
                                          shift_b, shift_b);
        __m256i v = _mm256_srlv_epi32(rows_load(in, word_a, word_b), shift);
        /* A row that ends in its word needs nothing of the next one, which may not exist: it reads
         * its own word again, and 32 - shift >= bits puts what that adds above the mask. */
        unsigned next_a = word_a + (shift_a + (int)bits > 32 ? 1 : 0);
        unsigned next_b = word_b + (shift_b + (int)bits > 32 ? 1 : 0);
        if (next_a != word_a || next_b != word_b) {
            __m256i back = _mm256_sub_epi32(_mm256_set1_epi32(32), shift);
            __m256i w = _mm256_sllv_epi32(rows_load(in, next_a, next_b), back);
            v = _mm256_or_si256(v, w);
        }
        _mm256_storeu_si256((__m256i *)(void *)(out + (size_t)row * 4), _mm256_and_si256(v, mask));
    }
}

#else

void block_unpack_avx2(const uint8_t *in, unsigned bits, uint32_t out[BITPACK_BLOCK])
{
    block_unpack_scalar(in, bits, out);
}

#endif
