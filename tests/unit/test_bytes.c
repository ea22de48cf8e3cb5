/* Unit tests of bytes: cursor, buffer, hex and base64. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "lictor/bytes.h"

Test(bytes, reads_back_every_kind_of_field)
{
    struct buf b = {0};
    buf_put_u8(&b, 0xfe);
    buf_put_u16(&b, 0xbeef);
    buf_put_u32(&b, 0xdeadbeef);
    buf_put_u64(&b, UINT64_C(0x0123456789abcdef));
    buf_put_varint(&b, 300);
    buf_put_zigzag(&b, -7);
    buf_put_blob(&b, slice_str("blob"));
    buf_put(&b, "xy", 2);
    struct err err = {0};
    cr_assert_eq(buf_status(&b, &err), ST_OK);

    struct cursor c = cursor_of(buf_slice(&b));
    cr_assert_eq(cursor_u8(&c), 0xfe);
    cr_assert_eq(cursor_u16(&c), 0xbeef);
    cr_assert_eq(cursor_u32(&c), 0xdeadbeef);
    cr_assert_eq(cursor_u64(&c), UINT64_C(0x0123456789abcdef));
    cr_assert_eq(cursor_varint(&c), 300);
    cr_assert_eq(cursor_zigzag(&c), -7);
    cr_assert(slice_eq_str(cursor_blob(&c), "blob"));
    cr_assert(slice_eq_str(cursor_bytes(&c, 2), "xy"));
    cr_assert_eq(cursor_done(&c, "test", &err), ST_OK);
    buf_release(&b);
}

Test(bytes, writes_integers_little_endian)
{
    struct buf b = {0};
    buf_put_u16(&b, 0x0102);
    buf_put_u32(&b, 0x03040506);
    static const uint8_t want[] = {2, 1, 6, 5, 4, 3};
    cr_assert(slice_eq(buf_slice(&b), slice_of(want, sizeof want)));
    buf_release(&b);
}

Test(bytes, refuses_every_truncation_of_a_record)
{
    struct buf b = {0};
    buf_put_u32(&b, 1);
    buf_put_varint(&b, UINT64_MAX);
    buf_put_blob(&b, slice_str("some bytes"));
    buf_put_u64(&b, 2);
    for (size_t len = 0; len < b.len; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        memcpy(exact, b.data, len);
        struct cursor c = cursor_of(slice_of(exact, len));
        (void)cursor_u32(&c);
        (void)cursor_varint(&c);
        (void)cursor_blob(&c);
        (void)cursor_u64(&c);
        struct err err = {0};
        cr_assert_eq(cursor_done(&c, "record", &err), ST_DAMAGED, "length %zu", len);
        cr_assert(c.bad);
        free(exact);
    }
    buf_release(&b);
}

Test(bytes, survives_every_bit_flip_of_a_record)
{
    struct buf b = {0};
    buf_put_varint(&b, 123456);
    buf_put_blob(&b, slice_str("some bytes"));
    buf_put_u64(&b, 2);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct cursor c = cursor_of(buf_slice(&b));
        (void)cursor_varint(&c);
        struct slice blob = cursor_blob(&c);
        (void)cursor_u64(&c);
        cr_assert_leq(blob.len, b.len);
        cr_assert_leq(c.pos, c.len);
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_release(&b);
}

Test(bytes, says_zero_for_ever_once_a_read_went_past_the_end)
{
    static const uint8_t raw[] = {9, 9, 9};
    struct cursor c = cursor_of(slice_of(raw, sizeof raw));
    cr_assert_eq(cursor_u32(&c), 0);
    cr_assert_eq(cursor_u8(&c), 0, "a byte is there, but the cursor is bad");
    cr_assert_eq(cursor_bytes(&c, 0).data, NULL);
    cr_assert_eq(cursor_varint(&c), 0);
    cr_assert(c.bad);
}

Test(bytes, tells_of_bytes_that_are_left)
{
    static const uint8_t raw[] = {1, 2};
    struct cursor c = cursor_of(slice_of(raw, sizeof raw));
    (void)cursor_u8(&c);
    struct err err = {0};
    cr_assert_eq(cursor_done(&c, "header", &err), ST_DAMAGED);
    cr_assert_str_eq(err.text, "header: 1 bytes too many");
}

Test(bytes, varints_round_trip_at_every_length)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int d = -1; d <= 1; d++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)d;
            struct buf b = {0};
            buf_put_varint(&b, v);
            cr_assert_leq(b.len, 10);
            struct cursor c = cursor_of(buf_slice(&b));
            cr_assert_eq(cursor_varint(&c), v);
            cr_assert(!c.bad && cursor_left(&c) == 0);
            buf_release(&b);
        }
    }
}

static bool varint_refused(const char *raw, size_t len)
{
    struct cursor c = cursor_of(slice_of(raw, len));
    return cursor_varint(&c) == 0 && c.bad;
}

Test(bytes, refuses_malformed_varints)
{
    cr_assert(varint_refused("", 0));
    cr_assert(varint_refused("\x80", 1), "unfinished");
    cr_assert(varint_refused("\x80\x00", 2), "longer than needed");
    cr_assert(varint_refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10), "beyond 64 bits");
    cr_assert(varint_refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), "eleven bytes");
}

Test(bytes, refuses_a_varint_above_its_limit)
{
    struct cursor c = cursor_of(slice_of("\x07\x08", 2));
    cr_assert_eq(cursor_varint_max(&c, 7), 7);
    cr_assert_eq(cursor_varint_max(&c, 7), 0);
    cr_assert(c.bad);
}

Test(bytes, zigzag_round_trips_the_extremes)
{
    static const int64_t values[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct buf b = {0};
        buf_put_zigzag(&b, values[i]);
        struct cursor c = cursor_of(buf_slice(&b));
        cr_assert_eq(cursor_zigzag(&c), values[i]);
        cr_assert(!c.bad);
        buf_release(&b);
    }
}

Test(bytes, a_blob_longer_than_its_input_is_refused_without_allocation)
{
    struct buf b = {0};
    buf_put_varint(&b, UINT64_MAX);
    buf_put_u8(&b, 1);
    struct cursor c = cursor_of(buf_slice(&b));
    cr_assert_eq(cursor_blob(&c).len, 0);
    cr_assert(c.bad);
    buf_release(&b);
}

Test(bytes, a_buffer_latches_an_impossible_reservation)
{
    struct buf b = {0};
    buf_put_str(&b, "kept");
    cr_assert_null(buf_reserve(&b, SIZE_MAX));
    buf_put_str(&b, "lost");
    struct err err = {0};
    cr_assert_eq(buf_status(&b, &err), ST_NO_MEMORY);
    cr_assert(slice_eq_str(buf_slice(&b), "kept"));
    buf_release(&b);
}

Test(bytes, a_buffer_grows_over_many_small_puts)
{
    struct buf b = {0};
    for (unsigned i = 0; i < 10000; i++)
        buf_put_u32(&b, i);
    struct cursor c = cursor_of(buf_slice(&b));
    for (unsigned i = 0; i < 10000; i++)
        cr_assert_eq(cursor_u32(&c), i);
    buf_release(&b);
}

Test(bytes, printf_appends_short_and_long_text)
{
    struct buf b = {0};
    buf_printf(&b, "%d-%s;", 7, "x");
    buf_printf(&b, "%0300d", 1);
    cr_assert_eq(b.len, 304);
    cr_assert_eq(memcmp(b.data, "7-x;000", 7), 0);
    cr_assert_eq(b.data[303], '1');
    buf_release(&b);
}

Test(bytes, slices_compare_in_byte_order_the_shorter_first)
{
    cr_assert_lt(slice_cmp(slice_str("ab"), slice_str("abc")), 0);
    cr_assert_gt(slice_cmp(slice_str("b"), slice_str("abc")), 0);
    cr_assert_lt(slice_cmp(slice_str("a"), slice_str("\xff")), 0);
    cr_assert_eq(slice_cmp(slice_of(NULL, 0), slice_str("")), 0);
}

Test(bytes, hex_round_trips_and_refuses_other_characters)
{
    uint8_t raw[256], back[256];
    char text[513];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)i;
    hex_encode(raw, sizeof raw, text);
    cr_assert(hex_decode(text, sizeof raw, back));
    cr_assert_eq(memcmp(raw, back, sizeof raw), 0);
    cr_assert(hex_decode("AbCd", 2, back));
    cr_assert_eq(back[0], 0xab);
    cr_assert(!hex_decode("0g", 1, back));
    cr_assert(!hex_decode("0", 1, back), "ends early");
    cr_assert(!hex_decode("", 1, back));
}

static bool base64_gives(const char *text, bool padded, const char *want)
{
    uint8_t out[64];
    size_t len = 0;
    return base64_decode(slice_str(text), padded, out, &len) &&
           slice_eq(slice_of(out, len), slice_str(want));
}

static bool base64_refused(const char *text, bool padded)
{
    uint8_t out[64];
    size_t len = 0;
    return !base64_decode(slice_str(text), padded, out, &len);
}

Test(bytes, base64_matches_rfc_4648)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct buf b = {0};
        base64_encode(slice_str(pairs[i][0]), &b);
        cr_assert(slice_eq_str(buf_slice(&b), pairs[i][1]), "%s", pairs[i][0]);
        cr_assert(base64_gives(pairs[i][1], true, pairs[i][0]));
        buf_release(&b);
    }
    cr_assert(base64_gives("Zg", false, "f"));
    cr_assert(base64_gives("Zm8", false, "fo"));
}

Test(bytes, base64_has_one_spelling_for_a_value)
{
    cr_assert(base64_refused("Zh==", true), "unused bits set");
    cr_assert(base64_refused("Zm9=", true), "unused bits set");
    cr_assert(base64_refused("Zg", true), "padding left out");
    cr_assert(base64_refused("Zg==", false), "padding where none belongs");
    cr_assert(base64_refused("Zg=g", true));
    cr_assert(base64_refused("Zg = ", true));
    cr_assert(base64_refused("Z", false));
    cr_assert(base64_refused("Z===", true));
    cr_assert(base64_refused("====", true));
    cr_assert(base64_refused("Zm9v\n", false));
    cr_assert(base64_refused("Zm-_", false), "the URL alphabet");
}

Test(bytes, errors_quote_text_that_stands_in_the_error_itself)
{
    struct err err = {0};
    cr_assert_eq(err_reason(&err, ST_BAD_INPUT, "chunk", 17, "a\nb"), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "chunk");
    cr_assert_eq(err.at, 17);
    cr_assert_str_eq(err.text, "a b");
    err_prefix(&err, "file %d", 3);
    cr_assert_str_eq(err.text, "file 3: a b");
    cr_assert_str_eq(err.reason, "chunk");
    (void)err_set(&err, ST_IO, "outer (%s)", err.text);
    cr_assert_str_eq(err.text, "outer (file 3: a b)");
    cr_assert_null(err.reason);
}

Test(bytes, errors_are_cut_where_their_room_ends)
{
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    struct err err = {0};
    (void)err_set(&err, ST_IO, "%s", longer);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    err_prefix(&err, "%s", longer);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    cr_assert_eq(err_set(NULL, ST_IO, "%s", longer), ST_IO);
    err_prefix(NULL, "x");
}
