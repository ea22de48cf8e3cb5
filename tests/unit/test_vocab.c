#include <criterion/criterion.h>

#include <stdio.h>

#include "indexer/vocab.h"
#include "lictor/hash.h"

static struct vocab v;

static void setup(void)
{
    struct err err = {0};
    cr_assert_eq(vocab_init(&v, &err), ST_OK);
}

static void teardown(void) { vocab_release(&v); }

TestSuite(vocab, .init = setup, .fini = teardown);

static uint32_t id_of(const char *term)
{
    uint32_t id = UINT32_MAX;
    struct err err = {0};
    char padded[64] = {0};
    snprintf(padded, sizeof padded, "%s", term);
    struct slice s = slice_of(padded, strlen(term));
    cr_assert_eq(vocab_ids(&v, &s, 1, &id, &err), ST_OK);
    return id;
}

Test(vocab, gives_dense_ids_in_order_of_first_sight)
{
    cr_expect_eq(id_of("harbour"), 0);
    cr_expect_eq(id_of("van"), 1);
    cr_expect_eq(id_of("harbour"), 0);
    cr_expect_eq(id_of(""), 2);
    cr_expect_eq(v.n, 3);
}

Test(vocab, tells_terms_apart_that_share_their_first_sixteen_bytes)
{
    uint32_t a = id_of("0123456789abcdef-one"), b = id_of("0123456789abcdef-two");
    uint32_t c = id_of("0123456789abcdef");
    cr_expect_neq(a, b);
    cr_expect_neq(a, c);
    cr_expect_eq(id_of("0123456789abcdef-two"), b);
}

Test(vocab, keeps_every_term_through_growth)
{
    char term[32];
    for (uint32_t i = 0; i < 50000; i++) {
        snprintf(term, sizeof term, "%u%s", i, i % 3 ? "" : "-a-much-longer-term");
        cr_assert_eq(id_of(term), i);
    }
    for (uint32_t i = 0; i < 50000; i += 7) {
        snprintf(term, sizeof term, "%u%s", i, i % 3 ? "" : "-a-much-longer-term");
        cr_assert_eq(id_of(term), i);
        cr_assert(slice_eq_str(vocab_term(&v, (uint32_t)i), term));
    }
}

/* Words whose hashes under the present seed all fall on one place, as somebody who knew it would
 * choose them: a new seed scatters them, and no look-up walks past all of them. */
Test(vocab, takes_a_new_seed_where_words_were_built_to_collide)
{
    enum { COLLIDING = 200 };
    uint64_t seed = v.seed, tried = 0;
    char words[COLLIDING][16];
    for (size_t n = 0; n < COLLIDING; tried++) {
        char padded[16] = {0};
        int len = snprintf(padded, sizeof padded, "w%llu", (unsigned long long)tried);
        if ((hash_bytes(slice_of(padded, (size_t)len), seed) & (v.cap - 1)) < 2)
            memcpy(words[n++], padded, sizeof padded);
    }
    size_t cap = v.cap;
    for (uint32_t i = 0; i < COLLIDING; i++)
        cr_assert_eq(id_of(words[i]), i);
    cr_expect_neq(v.seed, seed);
    cr_expect_eq(v.cap, cap);
    for (uint32_t i = 0; i < COLLIDING; i++)
        cr_assert_eq(id_of(words[i]), i);
}

Test(vocab, forgets_all_on_reset)
{
    (void)id_of("harbour");
    vocab_reset(&v);
    cr_expect_eq(id_of("van"), 0);
    cr_expect_eq(v.n, 1);
}

Test(vocab, counts_nothing_as_held_after_a_reset)
{
    char term[32];
    for (uint32_t i = 0; i < 50000; i++) {
        snprintf(term, sizeof term, "%u-a-term-beyond-sixteen", i);
        (void)id_of(term);
    }
    cr_expect_gt(vocab_held(&v), 1 << 20);
    vocab_reset(&v);
    cr_expect_eq(vocab_held(&v), 0);
    (void)id_of("harbour");
    cr_expect_lt(vocab_held(&v), 1 << 10);
}
