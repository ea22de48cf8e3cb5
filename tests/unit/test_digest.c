/* Unit tests of digest: the sum does not depend on order, and is what FORMAT.md says. */
#include <criterion/criterion.h>

#include "lictor/casefile.h"

static void hash_of(unsigned n, uint8_t out[32])
{
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t)(n * 7 + i * (n + 1));
}

Test(digest, does_not_depend_on_order)
{
    uint8_t a[DIGEST_SUM_SIZE] = {0}, b[DIGEST_SUM_SIZE] = {0}, h[32];
    for (unsigned i = 0; i < 200; i++) {
        hash_of(i, h);
        digest_add(a, h);
        hash_of(199 - i, h);
        digest_add(b, h);
    }
    cr_assert_eq(memcmp(a, b, sizeof a), 0);
    hash_of(3, h);
    digest_add(a, h);
    cr_assert_neq(memcmp(a, b, sizeof a), 0, "a record more is seen");
    digest_add(b, h);
    cr_assert_eq(memcmp(a, b, sizeof a), 0);
}

Test(digest, takes_away_what_was_added)
{
    static const uint8_t zero[DIGEST_SUM_SIZE];
    uint8_t sum[DIGEST_SUM_SIZE] = {0}, h[32];
    for (unsigned i = 0; i < 100; i++) {
        hash_of(i, h);
        digest_add(sum, h);
    }
    for (unsigned i = 0; i < 100; i++) {
        hash_of((i * 37) % 100, h);
        digest_subtract(sum, h);
    }
    cr_assert_eq(memcmp(sum, zero, sizeof sum), 0);
}

Test(digest, carries_through_all_words)
{
    uint8_t sum[DIGEST_SUM_SIZE], h[32], want[DIGEST_SUM_SIZE] = {0};
    hash_of(1, h);
    digest_subtract(want, h);      /* -x */
    memset(sum, 0xff, sizeof sum); /* -1 */
    digest_subtract(sum, h);
    for (size_t i = 0, borrow = 1; i < sizeof want && borrow; i++) {
        borrow = want[i] == 0;
        want[i]--;
    }
    cr_assert_eq(memcmp(sum, want, sizeof sum), 0);
    digest_add(sum, h);
    for (size_t i = 0; i < sizeof sum; i++)
        cr_assert_eq(sum[i], 0xff);
}

/* ChaCha20 under an all-zero key and nonce: RFC 8439, A.1, test vector 1. */
Test(digest, stretches_a_hash_with_chacha20)
{
    static const uint8_t head[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                     0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    static const uint8_t second_block[4] = {0x9f, 0x07, 0xe7, 0xbe};
    uint8_t sum[DIGEST_SUM_SIZE] = {0}, zero[32] = {0};
    digest_add(sum, zero);
    cr_assert_eq(memcmp(sum, head, sizeof head), 0);
    cr_assert_eq(memcmp(sum + 64, second_block, sizeof second_block), 0);
}
