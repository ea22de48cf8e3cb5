/* test_json_scan — the vector loop against its portable twin, and decoding against its bound. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "delivery/json_scan.h"

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The definition, byte by byte. */
static const uint8_t *plain_end_slow(const uint8_t *p, const uint8_t *end, unsigned *marks)
{
    for (; p < end && *p != '"' && *p != '\\' && *p >= 0x20; p++)
        if (*p >= 0x80)
            *marks |= JSON_HIGH;
    return p;
}

static void twins_agree(const uint8_t *p, size_t len)
{
    unsigned slow = 0, word = 0, vector = 0;
    const uint8_t *want = plain_end_slow(p, p + len, &slow);
    cr_assert_eq(json_plain_end_word(p, p + len, &word), want);
    cr_assert_eq(json_plain_end(p, p + len, &vector), want);
    cr_assert_eq(word, slow);
    cr_assert_eq(vector, slow);
}

Test(json_scan, twins_agree_on_every_byte_at_every_place)
{
    uint8_t line[40];
    for (size_t at = 0; at < sizeof line; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memset(line, 'a', sizeof line);
            line[at] = (uint8_t)byte;
            twins_agree(line, sizeof line);
        }
    }
}

Test(json_scan, twins_agree_on_random_bytes_and_lengths)
{
    static const uint8_t alphabet[] = {'"', '\\', 0x1f, 0x20, 0x21, 0x23, 0x7f, 0x80, 0xff, 'a'};
    uint64_t state = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        size_t len = random_next(&state) % 70;
        uint8_t *line = malloc(len + 1); /* exact, so that a read past the end is seen */
        cr_assert(line);
        for (size_t i = 0; i < len; i++)
            line[i] = random_next(&state) % 8 ? 'x' : alphabet[random_next(&state) % 10];
        twins_agree(line, len);
        free(line);
    }
}

static void decodes_to(const char *body, const char *want, size_t want_len)
{
    uint8_t out[256];
    size_t n = json_string_decode(slice_str(body), out);
    cr_assert(n <= strlen(body));
    cr_assert(slice_eq(slice_of(out, n), slice_of(want, want_len)), "%s", body);
}

Test(json_scan, decodes_every_escape)
{
    decodes_to("", "", 0);
    decodes_to("plain", "plain", 5);
    decodes_to("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
    decodes_to("\\u0000", "\0", 1);
    decodes_to("\\u0041\\u00e9\\u20AC", "A\xc3\xa9\xe2\x82\xac", 6);
    decodes_to("\\ud83d\\ude00!", "\xf0\x9f\x98\x80!", 5);
    decodes_to("\\ud800\\udc00\\udbff\\udfff", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
    decodes_to("\\ud7ff\\ue000", "\xed\x9f\xbf\xee\x80\x80", 6);
}

Test(json_scan, lone_surrogates_become_their_three_bytes)
{
    decodes_to("\\ud83d", "\xed\xa0\xbd", 3);
    decodes_to("\\ude00\\ud83d", "\xed\xb8\x80\xed\xa0\xbd", 6);
    decodes_to("\\ud83d\\ud83d\\ude00", "\xed\xa0\xbd\xf0\x9f\x98\x80", 7);
    decodes_to("\\ud83dx\\ude00", "\xed\xa0\xbdx\xed\xb8\x80", 7);
    decodes_to("\\ud83d\\\\ude00", "\xed\xa0\xbd\\ude00", 9);
    decodes_to("\\ud83d\\u0041",
               "\xed\xa0\xbd"
               "A",
               4);
}

Test(json_scan, value_ends_where_the_value_ends)
{
    static const char *const values[] = {"1,",  "-0.5e+10}",   "true]",     "null ", "\"a\\\"b\",",
                                         "[] ", "{\"a\":[1]}", "[[],[{}]]", "0,",    "1E9,"};
    static const size_t ends[] = {1, 8, 4, 4, 6, 2, 9, 9, 1, 3};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        unsigned marks;
        struct slice s = slice_str(values[i]);
        const uint8_t *p = s.data;
        cr_assert_eq(json_value_end(&p, s.data + s.len, 0, &marks), JSON_GOOD, "%s", values[i]);
        cr_assert_eq((size_t)(p - s.data), ends[i], "%s", values[i]);
    }
}
