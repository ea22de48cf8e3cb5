/* test_words_icu — words against ICU's own word breaks and case folding, on random texts of
 * alphabets where both must agree. */
#include "tests/unit/words_icu.h"
#include "tests/unit/words_testing.h"

TestSuite(words_icu, .init = splitter_setup, .fini = splitter_teardown);

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static void agree_on(const UChar *alphabet)
{
    UErrorCode e = U_ZERO_ERROR;
    UBreakIterator *it = ubrk_open(UBRK_WORD, "en", NULL, 0, &e);
    const UNormalizer2 *cf = unorm2_getNFKCCasefoldInstance(&e);
    struct buf theirs = {0}, ours = {0};
    cr_assert(U_SUCCESS(e));
    for (int round = 0; round < 3000; round++) {
        UChar text[64];
        char utf8[256];
        int32_t n = (int32_t)random_below(64), len = 0;
        for (int32_t i = 0; i < n; i++)
            text[i] = alphabet[random_below((uint32_t)u_strlen(alphabet))];
        u_strToUTF8(utf8, sizeof utf8, &len, text, n, &e);
        cr_assert(U_SUCCESS(e));
        icu_words(it, cf, text, n, &theirs);
        buf_put_u8(&theirs, 0);
        text_draw(slice_of(utf8, (size_t)len), &ours);
        cr_assert_str_eq((const char *)ours.data, (const char *)theirs.data, "<%.*s>: %s, not %s",
                         (int)len, utf8, (const char *)ours.data, (const char *)theirs.data);
    }
    buf_release(&theirs);
    buf_release(&ours);
    ubrk_close(it);
}

Test(words_icu, agree_on_latin) { agree_on(icu_alphabets[ICU_LATIN]); }

Test(words_icu, agree_on_greek_and_cyrillic) { agree_on(icu_alphabets[ICU_GREEK]); }

Test(words_icu, agree_on_armenian_and_georgian) { agree_on(icu_alphabets[ICU_ARMENIAN]); }

Test(words_icu, agree_on_devanagari_and_tamil) { agree_on(icu_alphabets[ICU_DEVANAGARI]); }

Test(words_icu, agree_on_hangul) { agree_on(icu_alphabets[ICU_HANGUL]); }

Test(words_icu, agree_on_ethiopic_and_cherokee) { agree_on(icu_alphabets[ICU_ETHIOPIC]); }

Test(words_icu, agree_on_thai) { agree_on(icu_alphabets[ICU_THAI]); }
