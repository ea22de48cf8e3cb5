/* words_icu — ICU's own word breaks and case folding, and alphabets of whose texts ours are the
 * same; for the unit test and the fuzzer. */
#ifndef TESTS_WORDS_ICU_H
#define TESTS_WORDS_ICU_H

#include <unicode/ubrk.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "lictor/bytes.h"

/* No joiners, no marks that we strip. */
static const UChar *const icu_alphabets[] = {
    /* Latin */
    u"abcXYZ\u00df\u00e6\u00d8\ufb01   !?*'\u2019",
    /* Greek and Cyrillic */
    u"\u0391\u03b2\u03a3\u03c2\u0416\u0436\u042f\u044f\u0439   !'\"x",
    /* Armenian and Georgian */
    u"\u0531\u0561\u0587\u10d0\u1c90\u10a0   ,;",
    /* Devanagari and Tamil */
    u"\u0915\u0916\u0939\u093f\u094d\u0940\u0928\u0bae\u0bbf\u0bcd\u0ba4   \u0964",
    /* Hangul, not beside Latin letters or single jamo: ICU parts them, to us all are letters */
    u"\ud55c\uad6d\uc5b4\uac00   !",
    /* Ethiopic and Cherokee */
    u"\u1200\u1208\u1210\u13a0\uab70\u13f8   \u1361",
    /* Thai, one script run: between blanks both ask the same dictionary, here with marks anywhere
     */
    u"\u0e01\u0e19\u0e32\u0e21\u0e23\u0e40\u0e35\u0e49\u0e27\u0e2a ",
};
enum {
    ICU_LATIN,
    ICU_GREEK,
    ICU_ARMENIAN,
    ICU_DEVANAGARI,
    ICU_HANGUL,
    ICU_ETHIOPIC,
    ICU_THAI,
    ICU_ALPHABETS
};

/* One word of ICU, folded, appended. */
static inline void icu_word_put(const UNormalizer2 *cf, const UChar *text, int32_t n,
                                struct buf *out)
{
    UErrorCode e = U_ZERO_ERROR;
    UChar wide[4096];
    char utf8[4096 * 3];
    int32_t len = 0;
    n = unorm2_normalize(cf, text, n, wide, 4096, &e);
    for (int32_t i = 0; i < n; i++)
        if (wide[i] == 0x2019) /* both spellings are one word for us */
            wide[i] = '\'';
    u_strToUTF8(utf8, sizeof utf8, &len, wide, n, &e);
    MUST(U_SUCCESS(e));
    if (out->len)
        buf_put_u8(out, ' ');
    buf_put(out, utf8, (size_t)len);
}

/* The words of a text, folded, with blanks between them. */
static inline void icu_words(UBreakIterator *it, const UNormalizer2 *cf, const UChar *text,
                             int32_t n, struct buf *out)
{
    UErrorCode e = U_ZERO_ERROR;
    ubrk_setText(it, text, n, &e);
    MUST(U_SUCCESS(e));
    buf_clear(out);
    int32_t from = 0;
    for (int32_t to = ubrk_next(it); to != UBRK_DONE; from = to, to = ubrk_next(it))
        if (ubrk_getRuleStatus(it) >= UBRK_WORD_NUMBER)
            icu_word_put(cf, text + from, to - from, out);
}

#endif
