/* Unit tests of utf8: table 3-7, what is unsafe, columns. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "lictor/utf8.h"

Test(utf8, every_scalar_value_round_trips)
{
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        uint8_t raw[4];
        size_t len = utf8_put(cp, raw);
        size_t pos = 0;
        uint32_t got = utf8_next(raw, len, &pos);
        if (cp >= 0xd800 && cp <= 0xdfff) {
            if (got != UTF8_BAD || pos != 1)
                cr_assert_fail("surrogate %x was taken", cp);
        } else if (got != cp || pos != len) {
            cr_assert_fail("%x came back as %x", cp, got);
        }
    }
}

Test(utf8, only_the_shortest_form_of_three_bytes_is_taken)
{
    /* All sequences of three bytes, decoded and written again: equal, or refused. */
    for (uint32_t v = 0x800000; v <= 0xffffff; v += 7) {
        uint8_t raw[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        size_t pos = 0;
        uint32_t cp = utf8_next(raw, 3, &pos);
        uint8_t again[4];
        if (cp == UTF8_BAD) {
            if (pos != 1)
                cr_assert_fail("moved by %zu over bad bytes", pos);
        } else if (utf8_put(cp, again) != pos || memcmp(again, raw, pos) != 0) {
            cr_assert_fail("%06x was taken as %x", v, cp);
        }
    }
}

static uint32_t first_of(const char *s)
{
    /* An exact copy, so that a read behind it is seen. */
    size_t len = strlen(s);
    uint8_t *exact = malloc(len);
    memcpy(exact, s, len);
    size_t pos = 0;
    uint32_t cp = utf8_next(exact, len, &pos);
    free(exact);
    return cp;
}

Test(utf8, refuses_malformed_bytes)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xe0\x80\xaf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\xaf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xf0\x9f\x98",
                                      "\xc3(",
                                      "\xe2(\xa1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_eq(first_of(bad[i]), UTF8_BAD, "number %zu", i);
        cr_assert(!utf8_valid(slice_str(bad[i])));
    }
}

Test(utf8, takes_the_limits_of_each_length)
{
    cr_assert_eq(first_of("\xc2\x80"), 0x80);
    cr_assert_eq(first_of("\xe0\xa0\x80"), 0x800);
    cr_assert_eq(first_of("\xed\x9f\xbf"), 0xd7ff);
    cr_assert_eq(first_of("\xee\x80\x80"), 0xe000);
    cr_assert_eq(first_of("\xf0\x90\x80\x80"), 0x10000);
    cr_assert_eq(first_of("\xf4\x8f\xbf\xbf"), 0x10ffff);
}

Test(utf8, validity_does_not_depend_on_where_the_damage_stands)
{
    char text[40];
    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'a', sizeof text);
        cr_assert(utf8_valid(slice_of(text, sizeof text)));
        text[at] = '\xff';
        cr_assert(!utf8_valid(slice_of(text, sizeof text)), "at %zu", at);
    }
    cr_assert(utf8_valid(slice_of(NULL, 0)));
    cr_assert(utf8_valid(slice_str("na\xc3\xafve \xe6\xb8\xaf \xf0\x9f\x9a\x90 abcdefgh")));
}

Test(utf8, controls_and_direction_marks_are_unsafe)
{
    static const uint32_t unsafe[] = {0,      7,      0x1b,    0x7f,    0x80,   0x9b,   0x9f,
                                      0x61c,  0x200b, 0x200e,  0x200f,  0x2028, 0x2029, 0x202a,
                                      0x202e, 0x2060, 0x2064,  0x2066,  0x2069, 0x206f, 0xfeff,
                                      0xfff9, 0xfffb, 0xe0000, 0xe0001, 0xe007f};
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++)
        cr_assert(utf8_unsafe(unsafe[i]), "%x", unsafe[i]);
}

Test(utf8, joiners_variation_selectors_and_letters_are_safe)
{
    static const uint32_t safe[] = {' ',    '~',     0xa0,    0xad,   0xe9,   0x200a,
                                    0x200c, 0x200d,  0x2010,  0x202f, 0x2065, 0xfe0f,
                                    0xfffc, 0x1f600, 0xe0080, 0xe0100};
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
        cr_assert(!utf8_unsafe(safe[i]), "%x", safe[i]);
}

Test(utf8, columns_of_marks_letters_and_wide_characters)
{
    cr_assert_eq(utf8_columns('a'), 1);
    cr_assert_eq(utf8_columns(0xe9), 1);
    cr_assert_eq(utf8_columns(0x416), 1);
    cr_assert_eq(utf8_columns(0x301), 0);
    cr_assert_eq(utf8_columns(0x5b0), 0);
    cr_assert_eq(utf8_columns(0x200d), 0);
    cr_assert_eq(utf8_columns(0xfe0f), 0);
    cr_assert_eq(utf8_columns(0x4e2d), 2);
    cr_assert_eq(utf8_columns(0xac00), 2);
    cr_assert_eq(utf8_columns(0xff21), 2);
    cr_assert_eq(utf8_columns(0x1f600), 2);
    cr_assert_eq(utf8_columns(0x20000), 2);
    cr_assert_eq(utf8_columns(0x10ffff), 1);
}
