/* test_emoji — what is an emoji, its canonical form and its base. */
#include "tests/unit/words_testing.h"

TestSuite(emoji, .init = splitter_setup, .fini = splitter_teardown);

Test(emoji, is_a_word_of_its_own)
{
    cr_expect_eq(words_are("a\U0001f44db", "a E:\U0001f44d b"), WORDS_EMOJI);
    words_are("\U0001f525\U0001f525", "E:\U0001f525 E:\U0001f525");
}

Test(emoji, has_a_base_where_it_has_modifiers)
{
    words_are("\U0001f44d\U0001f3fd", "E:\U0001f44d\U0001f3fd=B:\U0001f44d");
    words_are("\u261d\U0001f3fd", "E:\u261d\U0001f3fd=B:\u261d");
    words_are("\U0001f468\u200d\U0001f469\u200d\U0001f467",
              "E:\U0001f468\u200d\U0001f469\u200d\U0001f467=B:\U0001f468");
    words_are("\U0001f3f4\U000e0067\U000e0062\U000e007f",
              "E:\U0001f3f4\U000e0067\U000e0062\U000e007f=B:\U0001f3f4");
}

Test(emoji, loses_its_variation_selectors)
{
    words_are("\u2764\ufe0f", "E:\u2764");
    words_are("\u231a\ufe0f \u231a\ufe0e \u231a", "E:\u231a E:\u231a E:\u231a");
    words_are(
        "\U0001f3f3\ufe0f\u200d\U0001f308 \U0001f3f3\u200d\U0001f308",
        "E:\U0001f3f3\u200d\U0001f308=B:\U0001f3f3 E:\U0001f3f3\u200d\U0001f308=B:\U0001f3f3");
    words_are("\U0001f937\u200d\u2642\ufe0f", "E:\U0001f937\u200d\u2642=B:\U0001f937");
}

Test(emoji, may_be_a_flag_without_a_base)
{
    words_are("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
              "E:\U0001f1e9\U0001f1ea E:\U0001f1eb\U0001f1f7");
    words_are("\U0001f1e9 x", "E:\U0001f1e9 x");
}

Test(emoji, may_be_a_keycap_whose_base_is_the_digit)
{
    words_are("1\ufe0f\u20e3", "E:1\u20e3=B:1");
    words_are("a1\u20e3b", "a E:1\u20e3=B:1 b");
    words_are("#\ufe0f\u20e3*\ufe0f\u20e3", "E:#\u20e3=B:# E:*\u20e3=B:*");
    words_are("06123\ufe0f\u20e3", "0612 E:3\u20e3=B:3");
}

Test(emoji, is_one_with_or_without_a_selector)
{
    cr_expect_eq(words_are("\u2764", "E:\u2764"), WORDS_EMOJI);
    words_are("\u2764 \u2764\ufe0e \u2764\ufe0f", "E:\u2764 E:\u2764 E:\u2764");
    words_are("a\u260eb \u263a\u2708", "a E:\u260e b E:\u263a E:\u2708");
    words_are("\u00a9 \u00a9\ufe0f \u203c \u2049", "E:\u00a9 E:\u00a9 E:\u203c E:\u2049");
}

Test(emoji, struck_through_is_another_sign)
{
    cr_expect_eq(words_are("\u2194\u0338 \u21ae", ""), 0);
    cr_expect_eq(words_are("\u2194", "E:\u2194"), WORDS_EMOJI);
}

Test(emoji, is_not_what_folds_to_letters)
{
    cr_expect_eq(words_are("1 # * 1\ufe0f", "1 1"), 0);
    cr_expect_eq(words_are("x\u2122 \u2139 \u24c2", "xtm i m"), 0);
    cr_expect_eq(words_are("\u2122\ufe0f", "E:\u2122"), WORDS_EMOJI);
    cr_expect_eq(words_are("a\u20e3", "a"), 0); /* a mark after a letter */
}

Test(emoji, of_a_later_unicode_is_found) { words_are("\U0001faff", "E:\U0001faff"); }

Test(emoji, without_its_end_is_cut_where_it_is_whole)
{
    words_are("\U0001f468\u200d", "E:\U0001f468");
    words_are("\U0001f468\u200dx", "E:\U0001f468 x");
    words_are("\U0001f3f4\U000e0067\U000e0062", "E:\U0001f3f4");
    words_are("\U0001f468\xff", "E:\U0001f468");
}

Test(emoji, chain_without_end_becomes_several)
{
    struct buf text = {0};
    for (int i = 0; i < 1000; i++)
        buf_put_str(&text, "\U0001f468\u200d");
    struct words w;
    words_of(buf_slice(&text), &w);
    size_t n = 0;
    for (size_t i = 0; i < w.n; i++)
        n += w.tokens[i].kind == TOKEN_EMOJI;
    cr_assert_eq(n, 100);
    buf_release(&text);
}

Test(emoji, is_kept_by_folding)
{
    struct buf out = {0};
    cr_assert_eq(splitter_fold(splitter,
                               slice_str("A\U0001f3f3\ufe0f\u200d\U0001f308 \U0001f44d\U0001f3fd"),
                               &out, &err),
                 ST_OK);
    cr_expect(slice_eq_str(buf_slice(&out), "a\U0001f3f3\u200d\U0001f308 \U0001f44d\U0001f3fd"));
    buf_release(&out);
}
