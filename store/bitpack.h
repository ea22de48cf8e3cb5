/* bitpack — integers in as many bits as the greatest of them needs. Two layouts:
 * - runs: any number of values up to 64 bits, one after the other from the least bit on; any one
 *   can be read alone;
 * - blocks: exactly 128 values up to 32 bits in four lanes (value i in lane i % 4, row i / 4),
 *   which vector units unpack.
 * Owns: nothing.  Threads: any.  Format: docs/FORMAT.md, "Packed integers". */
#ifndef STORE_BITPACK_H
#define STORE_BITPACK_H

#include "lictor/bytes.h"

#define BITPACK_BLOCK 128

/* Bits that hold `max`: 0..64. */
static inline unsigned bits_for(uint64_t max)
{
    return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}
static inline uint64_t bits_mask(unsigned bits)
{
    return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

/* Bytes of a run. */
static inline size_t run_size(size_t n, unsigned bits) { return (n * bits + 7) / 8; }
/* Appends; every value must fit. */
void run_pack(const uint64_t *values, size_t n, unsigned bits, struct buf *out);
/* Value i of a run of `bits` <= 64; `run` must hold it (run_size(i + 1, bits) <= run.len). */
uint64_t run_get(struct slice run, size_t i, unsigned bits);

/* Bytes of a block. */
static inline size_t block_size(unsigned bits) { return (size_t)BITPACK_BLOCK / 8 * bits; }
/* Appends; bits <= 32, every value must fit. */
void block_pack(const uint32_t values[BITPACK_BLOCK], unsigned bits, struct buf *out);
/* `in` holds block_size(bits) bytes, bits <= 32. Picks the fastest twin of this machine. */
void block_unpack(const uint8_t *in, unsigned bits, uint32_t out[BITPACK_BLOCK]);
void block_unpack_scalar(const uint8_t *in, unsigned bits, uint32_t out[BITPACK_BLOCK]);
/* True if the AVX2 twin may be called here. */
bool block_avx2_usable(void);
void block_unpack_avx2(const uint8_t *in, unsigned bits, uint32_t out[BITPACK_BLOCK]);

#endif
