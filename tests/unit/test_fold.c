/* test_fold — folding: by examples, and by what must hold for every code point. */
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "tests/unit/words_testing.h"

TestSuite(fold, .init = splitter_setup, .fini = splitter_teardown);

static struct slice folded(struct slice text, struct buf *out)
{
    buf_clear(out);
    cr_assert_eq(splitter_fold(splitter, text, out, &err), ST_OK);
    return buf_slice(out);
}

static void folds_to(const char *text, const char *expected)
{
    struct buf out = {0};
    struct slice got = folded(slice_str(text), &out);
    cr_expect(slice_eq_str(got, expected), "<%s> folds to <%.*s>, not <%s>", text, (int)got.len,
              (const char *)got.data, expected);
    buf_release(&out);
}

Test(fold, ignores_case_width_and_compatibility)
{
    folds_to("", "");
    folds_to("Hello @[`{ WORLD", "hello @[`{ world");
    folds_to("Stra\u00dfe STRA\u1e9eE", "strasse strasse");
    folds_to("\uff28\uff49 \ufb01n \u2460 \u210c", "hi fin 1 h");
    folds_to("\uff76\uff9e\uff70", "\u30ac\u30fc");
    folds_to("\u03a3\u03c2\u03c3", "\u03c3\u03c3\u03c3");
    folds_to("\u1112\u1161\u11ab", "\ud55c");
}

Test(fold, strips_marks_from_five_scripts)
{
    folds_to("\u00c9t\u00e9 e\u0301 \u1ec7", "ete e e");
    folds_to("\u1f08\u03b8\u1fc6\u03bd\u03b1\u03b9", "\u03b1\u03b8\u03b7\u03bd\u03b1\u03b9");
    folds_to("\u0401\u043b\u043a\u0430 \u0457", "\u0435\u043b\u043a\u0430 \u0456");
    folds_to("\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f \u0622\u0623",
             "\u0645\u062d\u0645\u062f \u0627\u0627");
    folds_to("\u0640\u064e", "\u0640");
    folds_to("\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05dc\u05d5\u05dd");
}

Test(fold, strips_marks_of_class_0_and_of_other_scripts_from_five)
{
    folds_to("v\u20dda\u20e3n va\u0902n van\u0e4d", "van van van");
    folds_to("\u00e9\u20dd e\u0301\u20dd e\u20dd\u0301 \u0444\u093f\u0443", "e e e \u0444\u0443");
    folds_to("\ufdfa\u20dd", "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 "
                             "\u0639\u0644\u064a\u0647 \u0648\u0633\u0644\u0645");
    folds_to("1\u20dd \u20dd", "1\u20dd \u20dd");
}

Test(fold, keeps_marks_of_other_scripts)
{
    folds_to("\u304b\u3099 \u0939\u093f\u0928\u094d\u0926\u0940",
             "\u304c \u0939\u093f\u0928\u094d\u0926\u0940");
    folds_to("\u0e2a\u0e27\u0e31", "\u0e2a\u0e27\u0e31");
    folds_to("1\u0301 \u0301", "1\u0301 \u0301");
    folds_to("\u6e2f\u0301", "\u6e2f\u0301");
}

Test(fold, keeps_short_i)
{
    folds_to("\u0419\u0439", "\u0439\u0439");
    folds_to("\u0418\u0306", "\u0439");
    folds_to("\u0438\u0301\u0306", "\u0439");
    folds_to("\u040d", "\u0438");
    folds_to("\u045e \u0443\u0306", "\u0443 \u0443");
}

Test(fold, makes_one_i_of_four)
{
    folds_to("\u0130I\u0131i I\u0307 \U0001d6a4", "iiii i i");
    folds_to("D\u0130YARBAKIR", "diyarbakir");
}

Test(fold, drops_what_is_ignorable)
{
    folds_to("a\u00ad\u200b\u200c\u200d\u2060\ufeffb\ufe0f", "ab");
    folds_to("e\u00ad\u0301", "e");
}

Test(fold, makes_one_apostrophe_of_two) { folds_to("don\u2019t", "don't"); }

Test(fold, keeps_malformed_bytes)
{
    folds_to("A\xff\xc3 \xed\xa0\x80\xe2\x82", "a\xff\xc3 \xed\xa0\x80\xe2\x82");
    /* A mark behind one has no letter. */
    folds_to("e\xff\u0301", "e\xff\u0301");
}

Test(fold, appends)
{
    struct buf out = {0};
    buf_put_str(&out, "x:");
    cr_assert_eq(splitter_fold(splitter, slice_str("\u00c9A"), &out, &err), ST_OK);
    cr_expect(slice_eq_str(buf_slice(&out), "x:ea"));
    buf_release(&out);
}

Test(fold, strips_endless_marks)
{
    struct buf text = {0}, out = {0};
    buf_put_str(&text, "A");
    for (int i = 0; i < 50000; i++)
        buf_put_str(&text, "\u0301\u0316");
    buf_put_str(&text, "b");
    cr_expect(slice_eq_str(folded(buf_slice(&text), &out), "ab"));
    buf_release(&text);
    buf_release(&out);
}

/* ---- every code point ---- */

#define CODES 0x110000u

static size_t code_put(uint32_t cp, uint8_t out[4])
{
    return cp >= 0xD800 && cp < 0xE000 ? 0 : utf8_put(cp, out);
}

Test(fold, done_twice_is_done_once)
{
    struct buf once = {0}, twice = {0};
    for (uint32_t cp = 0; cp < CODES; cp++) {
        uint8_t bytes[4];
        size_t n = code_put(cp, bytes);
        struct slice first = folded(slice_of(bytes, n), &once);
        cr_assert(slice_eq(folded(first, &twice), first), "U+%04X", cp);
    }
    buf_release(&once);
    buf_release(&twice);
}

static struct slice normalized(const UNormalizer2 *form, uint32_t cp, char out[256])
{
    UErrorCode e = U_ZERO_ERROR;
    UChar in[2], wide[64];
    int32_t n = 0, len = 0;
    U16_APPEND_UNSAFE(in, n, (UChar32)cp);
    n = unorm2_normalize(form, in, n, wide, 64, &e);
    u_strToUTF8(out, 256, &len, wide, n, &e);
    cr_assert(U_SUCCESS(e));
    return slice_of(out, (size_t)len);
}

Test(fold, does_not_see_how_a_character_is_composed)
{
    UErrorCode e = U_ZERO_ERROR;
    const UNormalizer2 *nfd = unorm2_getNFDInstance(&e), *nfc = unorm2_getNFCInstance(&e);
    struct buf one = {0}, other = {0};
    char form[256];
    for (uint32_t cp = 0; cp < CODES; cp++) {
        uint8_t bytes[4];
        size_t n = code_put(cp, bytes);
        if (n == 0)
            continue;
        struct slice fold = folded(slice_of(bytes, n), &one);
        cr_assert(slice_eq(folded(normalized(nfd, cp, form), &other), fold), "NFD of U+%04X", cp);
        cr_assert(slice_eq(folded(normalized(nfc, cp, form), &other), fold), "NFC of U+%04X", cp);
    }
    buf_release(&one);
    buf_release(&other);
}

/* Beyond marks, ı, İ, the apostrophe and emoji it is ICU's NFKC case folding. */
Test(fold, agrees_with_icu_where_no_rule_of_ours_applies)
{
    UErrorCode e = U_ZERO_ERROR;
    const UNormalizer2 *cf = unorm2_getNFKCCasefoldInstance(&e), *nfd = unorm2_getNFDInstance(&e);
    struct buf out = {0};
    char form[256], decomposed[256];
    size_t compared = 0;
    for (uint32_t cp = 0; cp < CODES; cp++) {
        uint8_t bytes[4];
        size_t n = code_put(cp, bytes);
        if (n == 0 || cp == 0x130 || cp == 0x131 || cp == 0x2019 || cp == 0x1D6A4)
            continue;
        struct slice decomposition = normalized(nfd, cp, decomposed);
        bool marks = u_hasBinaryProperty((UChar32)cp, UCHAR_EMOJI);
        struct slice expected = normalized(cf, cp, form);
        for (size_t k = 0; k < decomposition.len;)
            marks |= u_getCombiningClass(
                         (UChar32)utf8_next(decomposition.data, decomposition.len, &k)) != 0;
        for (size_t k = 0; k < expected.len;) {
            UErrorCode ignored = U_ZERO_ERROR;
            UChar raw[8];
            UChar32 c = (UChar32)utf8_next(expected.data, expected.len, &k);
            int32_t len = unorm2_getDecomposition(nfd, c, raw, 8, &ignored);
            marks |= u_getCombiningClass(c) != 0 || len >= 0;
        }
        if (marks)
            continue;
        compared++;
        cr_assert(slice_eq(folded(slice_of(bytes, n), &out), expected), "U+%04X", cp);
    }
    cr_assert_gt(compared, 1000000);
    buf_release(&out);
}
