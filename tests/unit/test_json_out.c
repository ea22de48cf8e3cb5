/* Unit tests of json_out; an independent parser (jansson) reads what was written. */
#include "tests/unit/jansson_apart.h"
#include <criterion/criterion.h>

#include "lictor/json_out.h"
#include "lictor/utf8.h"

static bool buf_is(const struct buf *b, const char *want)
{
    return slice_eq_str(buf_slice(b), want);
}

Test(json_out, puts_commas_between_values_only)
{
    struct buf b = {0};
    struct json_out j = json_out_to(&b);
    json_begin_object(&j);
    json_key_str(&j, "a", "x");
    json_key(&j, "b");
    json_begin_array(&j);
    json_int(&j, -1);
    json_begin_object(&j);
    json_end_object(&j);
    json_begin_array(&j);
    json_end_array(&j);
    json_bool(&j, true);
    json_end_array(&j);
    json_key_uint(&j, "c", 2);
    json_key(&j, "d");
    json_raw(&j, slice_str("null"));
    json_key_bool(&j, "e", false);
    json_end_object(&j);
    cr_assert(buf_is(&b, "{\"a\":\"x\",\"b\":[-1,{},[],true],\"c\":2,\"d\":null,\"e\":false}"));
    buf_release(&b);
}

Test(json_out, writes_extreme_numbers_and_times)
{
    struct buf b = {0};
    struct json_out j = json_out_to(&b);
    json_begin_object(&j);
    json_key_int(&j, "min", INT64_MIN);
    json_key_int(&j, "max", INT64_MAX);
    json_key_uint(&j, "umax", UINT64_MAX);
    json_key_time(&j, "t", 0);
    json_end_object(&j);
    cr_assert(buf_is(&b, "{\"min\":-9223372036854775808,\"max\":9223372036854775807,"
                         "\"umax\":18446744073709551615,\"t\":\"1970-01-01T00:00:00.000Z\"}"));
    buf_release(&b);
}

Test(json_out, escapes_what_could_act_on_a_terminal)
{
    struct buf b = {0};
    struct json_out j = json_out_to(&b);
    json_string(&j, slice_of("\"\\\n\r\t\0\x1b\x7f", 8));
    cr_assert(buf_is(&b, "\"\\\"\\\\\\n\\r\\t\\u0000\\u001b\\u007f\""));
    buf_clear(&b);
    j = json_out_to(&b);
    json_string(&j, slice_str("a\xe2\x80\xae"
                              "b\xc2\x9b"
                              "c\xf3\xa0\x81\x81"
                              "d\xe2\x80\xa8"));
    cr_assert(buf_is(&b, "\"a\\u202eb\\u009bc\\udb40\\udc41d\\u2028\""));
    buf_release(&b);
}

Test(json_out, malformed_bytes_become_replacement_characters)
{
    struct buf b = {0};
    struct json_out j = json_out_to(&b);
    json_string(&j, slice_of("a\xff"
                             "b\xc3",
                             4));
    cr_assert(buf_is(&b, "\"a\xef\xbf\xbd"
                         "b\xef\xbf\xbd\""));
    buf_release(&b);
}

Test(json_out, another_parser_reads_every_code_point_back)
{
    for (uint32_t cp = 1; cp <= 0x10ffff; cp += cp < 0x3000 ? 1 : 251) {
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        uint8_t raw[4];
        size_t len = utf8_put(cp, raw);
        struct buf b = {0};
        struct json_out j = json_out_to(&b);
        json_begin_array(&j);
        json_string(&j, slice_of(raw, len));
        json_end_array(&j);
        json_error_t error;
        json_t *root = json_loadb((const char *)b.data, b.len, 0, &error);
        json_t *s = json_array_get(root, 0);
        if (!s ||
            !slice_eq(slice_of(json_string_value(s), json_string_length(s)), slice_of(raw, len)))
            cr_assert_fail("%x", cp);
        json_decref(root);
        buf_release(&b);
    }
}

Test(json_out, any_bytes_give_valid_json)
{
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        uint8_t raw[32];
        for (size_t i = 0; i < sizeof raw; i++) {
            seed = seed * 1664525 + 1013904223;
            raw[i] = (uint8_t)(seed >> 24);
        }
        struct buf b = {0};
        struct json_out j = json_out_to(&b);
        json_begin_array(&j);
        json_string(&j, slice_of(raw, sizeof raw));
        json_end_array(&j);
        json_error_t error;
        json_t *root = json_loadb((const char *)b.data, b.len, JSON_ALLOW_NUL, &error);
        cr_assert_not_null(root, "%s", error.text);
        json_decref(root);
        buf_release(&b);
    }
}
