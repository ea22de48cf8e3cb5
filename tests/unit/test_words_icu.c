/* test_words_icu — words against ICU's own word breaks and case folding, on random texts of
 * alphabets where both must agree: no joiners, no marks that we strip. */
#include <unicode/ubrk.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "tests/unit/words_testing.h"

TestSuite(words_icu, .init = splitter_setup, .fini = splitter_teardown);

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* One word of ICU, folded, appended. */
static void word_put(const UNormalizer2 *cf, const UChar *text, int32_t n, struct buf *out)
{
    UErrorCode e = U_ZERO_ERROR;
    UChar wide[512];
    char utf8[1024];
    int32_t len = 0;
    n = unorm2_normalize(cf, text, n, wide, 512, &e);
    for (int32_t i = 0; i < n; i++)
        if (wide[i] == 0x2019) /* both spellings are one word for us */
            wide[i] = '\'';
    u_strToUTF8(utf8, sizeof utf8, &len, wide, n, &e);
    cr_assert(U_SUCCESS(e));
    if (out->len)
        buf_put_u8(out, ' ');
    buf_put(out, utf8, (size_t)len);
}

static void icu_words(UBreakIterator *it, const UNormalizer2 *cf, const UChar *text, int32_t n,
                      struct buf *out)
{
    UErrorCode e = U_ZERO_ERROR;
    ubrk_setText(it, text, n, &e);
    cr_assert(U_SUCCESS(e));
    buf_clear(out);
    int32_t from = 0;
    for (int32_t to = ubrk_next(it); to != UBRK_DONE; from = to, to = ubrk_next(it))
        if (ubrk_getRuleStatus(it) >= UBRK_WORD_NUMBER)
            word_put(cf, text + from, to - from, out);
    buf_put_u8(out, 0);
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
        text_draw(slice_of(utf8, (size_t)len), &ours);
        cr_assert_str_eq((const char *)ours.data, (const char *)theirs.data, "<%.*s>: %s, not %s",
                         (int)len, utf8, (const char *)ours.data, (const char *)theirs.data);
    }
    buf_release(&theirs);
    buf_release(&ours);
    ubrk_close(it);
}

Test(words_icu, agree_on_latin) { agree_on(u"abcXYZ\u00df\u00e6\u00d8\ufb01   !?*'\u2019"); }

Test(words_icu, agree_on_greek_and_cyrillic)
{
    agree_on(u"\u0391\u03b2\u03a3\u03c2\u0416\u0436\u042f\u044f\u0439   !'\"x");
}

Test(words_icu, agree_on_armenian_and_georgian)
{
    agree_on(u"\u0531\u0561\u0587\u10d0\u1c90\u10a0   ,;");
}

Test(words_icu, agree_on_devanagari_and_tamil)
{
    agree_on(u"\u0915\u0916\u0939\u093f\u094d\u0940\u0928\u0bae\u0bbf\u0bcd\u0ba4   \u0964");
}

Test(words_icu, agree_on_hangul)
{
    /* Not beside Latin letters or single jamo: ICU parts them, to us all are letters. */
    agree_on(u"\ud55c\uad6d\uc5b4\uac00   !");
}

Test(words_icu, agree_on_ethiopic_and_cherokee)
{
    agree_on(u"\u1200\u1208\u1210\u13a0\uab70\u13f8   \u1361");
}

Test(words_icu, agree_on_thai)
{
    /* One script run: between blanks both ask the same dictionary, here with marks anywhere. */
    agree_on(u"\u0e01\u0e19\u0e32\u0e21\u0e23\u0e40\u0e35\u0e49\u0e27\u0e2a ");
}
