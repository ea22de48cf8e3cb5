/* sha256_lanes — SHA-256 (FIPS 180-4) by the instructions of x86 for it. Each half round depends on
 * the one before and takes four cycles, but a new one can begin after two: two messages side by
 * side fill the gaps. A lane that has ended its message takes the next one, so that long and short
 * ones may be mixed; the last message has the processor alone. */
#include "store/sha256_many.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

#define BLOCK 64
#define LANES __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct lane {
    const uint8_t *p;
    size_t blocks;
    struct sha256_message *message; /* NULL: nothing to do */
    __m128i abef, cdgh;             /* the state in the order the instructions want */
};

/* The next `blocks` blocks of the first `n` lanes, which have as many. */
static inline __attribute__((always_inline)) LANES void blocks_add(struct lane *lanes, int n,
                                                                   size_t blocks)
{
    const __m128i big_endian =
        _mm_set_epi64x(INT64_C(0x0c0d0e0f08090a0b), INT64_C(0x0405060700010203));
    __m128i abef[2], cdgh[2], w[2][4];
    const uint8_t *p[2];
    for (int l = 0; l < n; l++) {
        abef[l] = lanes[l].abef;
        cdgh[l] = lanes[l].cdgh;
        p[l] = lanes[l].p;
    }
    for (size_t b = 0; b < blocks; b++) {
        __m128i abef_before[2], cdgh_before[2];
        for (int l = 0; l < n; l++) {
            abef_before[l] = abef[l];
            cdgh_before[l] = cdgh[l];
            for (int i = 0; i < 4; i++)
                w[l][i] = _mm_shuffle_epi8(
                    _mm_loadu_si128((const __m128i *)(const void *)(p[l] + 16 * i)), big_endian);
            p[l] += BLOCK;
        }
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            const __m128i k =
                _mm_loadu_si128((const __m128i *)(const void *)(round_constants + 4 * i));
#pragma GCC unroll 2
            for (int l = 0; l < n; l++) {
                __m128i *now = &w[l][i & 3], last = w[l][(i + 3) & 3];
                if (i >= 4) {
                    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*now, w[l][(i + 1) & 3]),
                                                _mm_alignr_epi8(last, w[l][(i + 2) & 3], 4));
                    *now = _mm_sha256msg2_epu32(sum, last);
                }
                __m128i wk = _mm_add_epi32(*now, k);
                cdgh[l] = _mm_sha256rnds2_epu32(cdgh[l], abef[l], wk);
                abef[l] = _mm_sha256rnds2_epu32(abef[l], cdgh[l], _mm_shuffle_epi32(wk, 0x0e));
            }
        }
        for (int l = 0; l < n; l++) {
            abef[l] = _mm_add_epi32(abef[l], abef_before[l]);
            cdgh[l] = _mm_add_epi32(cdgh[l], cdgh_before[l]);
        }
    }
    for (int l = 0; l < n; l++) {
        lanes[l].abef = abef[l];
        lanes[l].cdgh = cdgh[l];
        lanes[l].p = p[l];
        lanes[l].blocks -= blocks;
    }
}

static LANES void blocks_add_two(struct lane *lanes, size_t blocks)
{
    blocks_add(lanes, 2, blocks);
}

static LANES void blocks_add_one(struct lane *lane, size_t blocks) { blocks_add(lane, 1, blocks); }

/* Pads the message where it stands. */
static LANES void lane_begin(struct lane *lane, struct sha256_message *m)
{
    size_t whole = (m->len + 9 + BLOCK - 1) / BLOCK * BLOCK;
    uint64_t bits = (uint64_t)m->len * 8;
    memset(m->data + m->len, 0, whole - m->len);
    m->data[m->len] = 0x80;
    for (int i = 0; i < 8; i++)
        m->data[whole - 1 - (size_t)i] = (uint8_t)(bits >> (8 * i));
    lane->p = m->data;
    lane->blocks = whole / BLOCK;
    lane->message = m;
    lane->abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    lane->cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
}

static LANES void lane_end(struct lane *lane)
{
    uint32_t abef[4], cdgh[4];
    _mm_storeu_si128((__m128i *)(void *)abef, lane->abef);
    _mm_storeu_si128((__m128i *)(void *)cdgh, lane->cdgh);
    const uint32_t words[8] = {abef[3], abef[2], cdgh[3], cdgh[2],
                               abef[1], abef[0], cdgh[1], cdgh[0]};
    for (int i = 0; i < 8; i++)
        store_u32(lane->message->hash + 4 * i, __builtin_bswap32(words[i]));
    lane->message = NULL;
}

LANES void sha256_lanes(struct sha256_message *m, size_t n)
{
    struct lane lanes[2] = {{0}};
    size_t next = 0;
    for (;;) {
        for (int l = 0; l < 2; l++) {
            if (lanes[l].message && lanes[l].blocks == 0)
                lane_end(&lanes[l]);
            if (!lanes[l].message && next < n)
                lane_begin(&lanes[l], &m[next++]);
        }
        if (lanes[0].message && lanes[1].message) {
            size_t a = lanes[0].blocks, b = lanes[1].blocks;
            blocks_add_two(lanes, a < b ? a : b);
        } else if (lanes[0].message || lanes[1].message) {
            struct lane *lane = &lanes[lanes[0].message ? 0 : 1];
            blocks_add_one(lane, lane->blocks);
        } else {
            return;
        }
    }
}

/* Leaf 7 says SHA, leaf 1 the rest; asked once, because in a virtual machine asking is dear. */
bool sha256_has_lanes(void)
{
    static _Atomic int known; /* 0: not asked, 1: no, 2: yes */
    int k = atomic_load_explicit(&known, memory_order_relaxed);
    if (k == 0) {
        unsigned a, b, c, d;
        bool has = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3) &&
                   __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
        k = has ? 2 : 1;
        atomic_store_explicit(&known, k, memory_order_relaxed);
    }
    return k == 2;
}

#else

void sha256_lanes(struct sha256_message *m, size_t n)
{
    (void)m;
    (void)n;
    MUST(false);
}

bool sha256_has_lanes(void) { return false; }

#endif
