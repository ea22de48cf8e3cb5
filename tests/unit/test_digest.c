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

Test(digest, many_are_the_same_as_one_by_one)
{
    uint8_t one[DIGEST_SUM_SIZE], all[DIGEST_SUM_SIZE], h[32];
    memset(one, 0xfe, sizeof one);
    memcpy(all, one, sizeof all);
    struct digest_many m = {0};
    for (unsigned i = 0; i < 1001; i++) {
        hash_of(i, h);
        digest_add(one, h);
        digest_many_add(&m, h);
        if (i == 10 || i == 500)
            digest_many_settle(&m, all);
    }
    digest_many_settle(&m, all);
    cr_assert_eq(memcmp(one, all, sizeof one), 0);
    digest_many_settle(&m, all);
    cr_assert_eq(memcmp(one, all, sizeof one), 0, "settled is empty");
}

Test(digest, carries_through_all_words)
{
    uint8_t sum[DIGEST_SUM_SIZE], term[DIGEST_SUM_SIZE] = {0}, h[32];
    hash_of(1, h);
    digest_add(term, h);
    for (size_t i = 0; i < sizeof sum; i++)
        sum[i] = (uint8_t)~term[i]; /* -x - 1 */
    struct digest_many m = {0};
    digest_many_add(&m, h);
    digest_many_settle(&m, sum);
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
