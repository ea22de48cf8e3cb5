/* digest — the order-independent sum behind the content digest.
 * Each record's SHA-256 is stretched to 2048 bits (as a ChaCha20 key) and added modulo 2^2048: a
 * multiset hash (AdHash; Bellare, Micciancio 1997). Reason: the digest of 10^8 records must not
 * depend on segments, threads or the order of arrival, and each commit must keep it up to date
 * without reading the case again; hashing the records in shown order would need a whole pass. 2048
 * bits, because summands may be chosen and generalised birthday attacks find colliding sums of
 * shorter ones. */
#include "store/case_private.h"

#include <sodium.h>

static void digest_expand(const uint8_t hash[32], uint8_t out[DIGEST_SUM_SIZE])
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    MUST(crypto_stream_chacha20(out, DIGEST_SUM_SIZE, nonce, hash) == 0);
}

void digest_add(uint8_t sum[DIGEST_SUM_SIZE], const uint8_t hash[32])
{
    uint8_t term[DIGEST_SUM_SIZE];
    uint64_t carry = 0;
    digest_expand(hash, term);
    for (size_t i = 0; i < DIGEST_SUM_SIZE; i += 8) {
        uint64_t a = load_u64(sum + i), t = load_u64(term + i) + carry;
        uint64_t r = a + t;
        /* t wraps to 0 only by the carry, and then nothing is added */
        carry = (t < carry) | (r < a);
        store_u64(sum + i, r);
    }
}

void digest_subtract(uint8_t sum[DIGEST_SUM_SIZE], const uint8_t hash[32])
{
    uint8_t term[DIGEST_SUM_SIZE];
    uint64_t borrow = 0;
    digest_expand(hash, term);
    for (size_t i = 0; i < DIGEST_SUM_SIZE; i += 8) {
        uint64_t a = load_u64(sum + i), t = load_u64(term + i) + borrow;
        borrow = (t < borrow) | (a < t);
        store_u64(sum + i, a - t);
    }
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
