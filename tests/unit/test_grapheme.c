/* test_grapheme — characters as readers take them, against ICU's own iterator. */
#include <criterion/criterion.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include "lictor/grapheme.h"
#include "lictor/utf8.h"

/* "a|b|": every character with a sign behind it. */
static const char *cut(const char *text)
{
    static char out[4096];
    struct slice s = slice_str(text);
    size_t n = 0;
    for (size_t pos = 0, end; pos < s.len; pos = end) {
        end = grapheme_end(s, pos);
        cr_assert(end > pos && end <= s.len);
        memcpy(out + n, s.data + pos, end - pos);
        n += end - pos;
        out[n++] = '|';
    }
    out[n] = 0;
    return out;
}

Test(grapheme, keeps_marks_with_their_letter)
{
    cr_assert_str_eq(cut("ab"), "a|b|");
    cr_assert_str_eq(cut("e\xcc\x81x"), "e\xcc\x81|x|");
    cr_assert_str_eq(cut("\xd9\x85\xd9\x90\xd9\x8a"), "\xd9\x85\xd9\x90|\xd9\x8a|");
    cr_assert_str_eq(cut("\xe0\xa4\xa8\xe0\xa5\x80\xe0\xa4\xb2"),
                     "\xe0\xa4\xa8\xe0\xa5\x80|\xe0\xa4\xb2|");
    cr_assert_str_eq(cut("\r\n\n\xcc\x81"), "\r\n|\n|\xcc\x81|");
}

Test(grapheme, keeps_an_emoji_whole)
{
    const char *family = "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7";
    const char *thumb = "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd";
    const char *flags = "\xf0\x9f\x87\xb3\xf0\x9f\x87\xb1\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa";
    cr_assert_eq(grapheme_end(slice_str(family), 0), strlen(family));
    cr_assert_eq(grapheme_end(slice_str(thumb), 0), strlen(thumb));
    cr_assert_eq(grapheme_end(slice_str(flags), 0), 8, "a flag is two letters");
    cr_assert_eq(grapheme_end(slice_str("1\xef\xb8\x8f\xe2\x83\xa3"), 0), 7);
}

Test(grapheme, takes_a_malformed_byte_alone)
{
    cr_assert_str_eq(cut("a\xff\xcc\x81g"), "a|\xff|\xcc\x81|g|");
    cr_assert_str_eq(cut("\xf0\x9f\x91"), "\xf0|\x9f|\x91|");
    cr_assert_str_eq(cut("\xed\xa0\x80z"), "\xed|\xa0|\x80|z|", "a lone surrogate");
}

Test(grapheme, ends_a_character_that_never_does)
{
    static char text[8192] = "a";
    for (size_t i = 1; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xcc\x81", 2);
    size_t end = grapheme_end(slice_str(text), 0);
    cr_assert_leq(end, GRAPHEME_BYTES_MOST);
    cr_assert_gt(end, GRAPHEME_BYTES_MOST - 4);
    cr_assert_eq(text[end], '\xcc', "not inside a code point");
}

static const uint32_t alphabet[] = {
    'a',    ' ',    '\r',   '\n',   0x301,  0x200d,  0x200b,  0xfe0f,  0x20e3,  0xad,    0x600,
    0xd0d,  0x4e2d, 0x1100, 0x1161, 0x11a8, 0xac00,  0xac01,  0x928,   0x940,   0x94d,   0xe33,
    0xe31,  0x645,  0x650,  0x627,  0xa9,   0x2764,  0x1f468, 0x1f469, 0x1f3fd, 0x1f1f3, 0x1f1f1,
    0x3042, 0x3099, 0x5d0,  0x5b8,  0x7f,   0x110bd, 0xe0067, 0xe007f, 0x1f3f4, 0x9bf,
};

static uint32_t state = 7;

static uint32_t below(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

Test(grapheme, agrees_with_icu_on_random_texts)
{
    UErrorCode e = U_ZERO_ERROR;
    UBreakIterator *it = ubrk_open(UBRK_CHARACTER, "", NULL, 0, &e);
    cr_assert(U_SUCCESS(e));
    for (int round = 0; round < 100000; round++) {
        char text[128];
        size_t len = 0;
        for (uint32_t n = 1 + below(24); n > 0; n--)
            len += utf8_put(alphabet[below(sizeof alphabet / sizeof *alphabet)],
                            (uint8_t *)text + len);
        UText *u = utext_openUTF8(NULL, text, (int64_t)len, &e);
        ubrk_setUText(it, u, &e);
        cr_assert(U_SUCCESS(e));
        struct slice s = slice_of(text, len);
        for (size_t pos = 0; pos < len;) {
            size_t end = grapheme_end(s, pos);
            size_t theirs = (size_t)ubrk_next(it);
            cr_expect_eq(theirs, end, "%.*s from byte %zu: %zu", (int)len, text, pos, theirs);
            if (theirs != end)
                break;
            pos = end;
        }
        utext_close(u);
    }
    ubrk_close(it);
}
