/* digest — the order-independent sum behind the content digest.
 * Each contribution's SHA-256 is stretched to 2048 bits (as a ChaCha20 key) and added modulo
 * 2^2048: a multiset hash (AdHash; Bellare, Micciancio 1997). Reason: the digest of 10^8 records
 * must not depend on segments, threads or the order of arrival, and each commit must keep it up to
 * date without reading the case again; hashing the records in shown order would need a whole pass.
 * 2048 bits, because summands may be chosen and generalised birthday attacks find colliding sums of
 * shorter ones. */
#include "store/case_private.h"

#include <sodium.h>

/* ---- one ---- */

static void sum_add(uint8_t sum[DIGEST_SUM_SIZE], const uint8_t term[DIGEST_SUM_SIZE])
{
    uint64_t carry = 0;
    for (size_t i = 0; i < DIGEST_SUM_SIZE; i += 8) {
        uint64_t a = load_u64(sum + i), t = load_u64(term + i) + carry;
        uint64_t r = a + t;
        /* t wraps to 0 only by the carry, and then nothing is added */
        carry = (t < carry) | (r < a);
        store_u64(sum + i, r);
    }
}

void digest_add(uint8_t sum[DIGEST_SUM_SIZE], const uint8_t hash[32])
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t term[DIGEST_SUM_SIZE];
    MUST(crypto_stream_chacha20(term, sizeof term, nonce, hash) == 0);
    sum_add(sum, term);
}

/* ---- many: four keys with four blocks each are the sixteen lanes of a vector ---- */

typedef uint32_t lanes __attribute__((vector_size(64)));
#define KEYS DIGEST_MANY_KEYS
#define BLOCKS 4
_Static_assert(DIGEST_SUM_SIZE == BLOCKS * 64, "a hash is stretched to four blocks of ChaCha20");

#define ROTL(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTER(a, b, c, d)                                                                        \
    do {                                                                                           \
        x[a] += x[b], x[d] = ROTL(x[d] ^ x[a], 16);                                                \
        x[c] += x[d], x[b] = ROTL(x[b] ^ x[c], 12);                                                \
        x[a] += x[b], x[d] = ROTL(x[d] ^ x[a], 8);                                                 \
        x[c] += x[d], x[b] = ROTL(x[b] ^ x[c], 7);                                                 \
    } while (0)

_Static_assert(KEYS *BLOCKS * sizeof(uint32_t) == sizeof(lanes), "a lane for each block");

/* Adds the words of all keys' blocks (ChaCha20, RFC 8439 2.3; nonce zero, counter from 0). */
static inline __attribute__((always_inline)) void keys_add(uint64_t words[64],
                                                           uint8_t keys[KEYS][32])
{
    static const uint32_t constant[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    lanes start[16], x[16];
    for (int i = 0; i < 4; i++)
        start[i] = (lanes){0} + constant[i];
    for (int i = 0; i < 8; i++) {
        uint32_t a = load_u32(keys[0] + 4 * i), b = load_u32(keys[1] + 4 * i);
        uint32_t c = load_u32(keys[2] + 4 * i), d = load_u32(keys[3] + 4 * i);
        start[4 + i] = (lanes){a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d};
    }
    start[12] = (lanes){0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
    start[13] = start[14] = start[15] = (lanes){0};
    memcpy(x, start, sizeof x);
    for (int round = 0; round < 10; round++) {
        QUARTER(0, 4, 8, 12);
        QUARTER(1, 5, 9, 13);
        QUARTER(2, 6, 10, 14);
        QUARTER(3, 7, 11, 15);
        QUARTER(0, 5, 10, 15);
        QUARTER(1, 6, 11, 12);
        QUARTER(2, 7, 8, 13);
        QUARTER(3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++) {
        x[i] += start[i];
        for (int b = 0; b < BLOCKS; b++)
            words[i * BLOCKS + b] +=
                (uint64_t)x[i][b] + x[i][b + BLOCKS] + x[i][b + 2 * BLOCKS] + x[i][b + 3 * BLOCKS];
    }
}

#if defined(__x86_64__)
static __attribute__((target("avx512f"))) void keys_add_avx512(uint64_t words[64],
                                                               uint8_t keys[KEYS][32])
{
    keys_add(words, keys);
}

static __attribute__((target("avx2"))) void keys_add_avx2(uint64_t words[64],
                                                          uint8_t keys[KEYS][32])
{
    keys_add(words, keys);
}
#endif

static void keys_add_any(uint64_t words[64], uint8_t keys[KEYS][32])
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        keys_add_avx512(words, keys);
        return;
    }
    if (__builtin_cpu_supports("avx2")) {
        keys_add_avx2(words, keys);
        return;
    }
#endif
    keys_add(words, keys);
}

void digest_many_add(struct digest_many *m, const uint8_t hash[32])
{
    memcpy(m->waiting[m->n_waiting++], hash, 32);
    if (m->n_waiting < KEYS)
        return;
    keys_add_any(m->words, m->waiting);
    m->n_waiting = 0;
}

void digest_many_settle(struct digest_many *m, uint8_t sum[DIGEST_SUM_SIZE])
{
    uint8_t term[DIGEST_SUM_SIZE];
    uint64_t carry = 0;
    for (int b = 0; b < BLOCKS; b++)
        for (int i = 0; i < 16; i++) {
            /* below 2^64: each word had at most 2^32 - 1 summands */
            uint64_t w = m->words[i * BLOCKS + b] + carry;
            store_u32(term + 64 * b + 4 * i, (uint32_t)w);
            carry = w >> 32;
        }
    sum_add(sum, term);
    for (unsigned i = 0; i < m->n_waiting; i++)
        digest_add(sum, m->waiting[i]);
    *m = (struct digest_many){0};
}

void casefile_digest(const struct casefile *c, char out[65])
{
    static const char label[] = "lictor-digest/1"; /* its NUL is hashed too */
    uint8_t hash[32];
    crypto_hash_sha256_state h;
    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, (const uint8_t *)label, sizeof label);
    crypto_hash_sha256_update(&h, c->manifest->digest_sum, DIGEST_SUM_SIZE);
    crypto_hash_sha256_final(&h, hash);
    hex_encode(hash, sizeof hash, out);
}
