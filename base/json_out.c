/* json_out — a comma stands before every value that follows another one of the same container;
 * one flag is enough for that: an opening bracket and a key clear it, every value sets it. */
#include "lictor/json_out.h"

#include "lictor/timestamp.h"
#include "lictor/utf8.h"

static void value_begin(struct json_out *j)
{
    if (j->comma)
        buf_put_u8(j->buf, ',');
    j->comma = true;
}

static void container_begin(struct json_out *j, uint8_t bracket)
{
    value_begin(j);
    buf_put_u8(j->buf, bracket);
    j->comma = false;
}

static void container_end(struct json_out *j, uint8_t bracket)
{
    buf_put_u8(j->buf, bracket);
    j->comma = true;
}

void json_begin_object(struct json_out *j) { container_begin(j, '{'); }

void json_end_object(struct json_out *j) { container_end(j, '}'); }

void json_begin_array(struct json_out *j) { container_begin(j, '['); }

void json_end_array(struct json_out *j) { container_end(j, ']'); }

static void unit_escape(struct buf *b, uint32_t unit)
{
    uint8_t raw[2] = {(uint8_t)(unit >> 8), (uint8_t)unit};
    char text[8] = "\\u";
    hex_encode(raw, sizeof raw, text + 2);
    buf_put(b, text, 6);
}

static void escape_put(struct buf *b, uint32_t cp)
{
    switch (cp) {
    case '"':
        buf_put_str(b, "\\\"");
        return;
    case '\\':
        buf_put_str(b, "\\\\");
        return;
    case '\n':
        buf_put_str(b, "\\n");
        return;
    case '\r':
        buf_put_str(b, "\\r");
        return;
    case '\t':
        buf_put_str(b, "\\t");
        return;
    default:
        break;
    }
    if (cp >= 0x10000) {
        unit_escape(b, 0xd800 + ((cp - 0x10000) >> 10));
        unit_escape(b, 0xdc00 + ((cp - 0x10000) & 0x3ff));
    } else {
        unit_escape(b, cp);
    }
}

static void string_put(struct buf *b, struct slice s)
{
    buf_put_u8(b, '"');
    size_t pos = 0, clean = 0; /* [clean, pos) can be copied as it stands */
    while (pos < s.len) {
        uint8_t c = s.data[pos];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            pos++;
            continue;
        }
        size_t start = pos;
        uint32_t cp = utf8_next(s.data, s.len, &pos);
        if (cp != UTF8_BAD && cp != '"' && cp != '\\' && !utf8_unsafe(cp))
            continue;
        buf_put(b, s.data + clean, start - clean);
        if (cp == UTF8_BAD)
            buf_put_str(b, "\xef\xbf\xbd");
        else
            escape_put(b, cp);
        clean = pos;
    }
    if (pos > clean)
        buf_put(b, s.data + clean, pos - clean);
    buf_put_u8(b, '"');
}

void json_key(struct json_out *j, const char *key)
{
    value_begin(j);
    string_put(j->buf, slice_str(key));
    buf_put_u8(j->buf, ':');
    j->comma = false;
}

void json_string(struct json_out *j, struct slice s)
{
    value_begin(j);
    string_put(j->buf, s);
}

static void digits_put(struct buf *b, uint64_t v, bool minus)
{
    char text[24];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    if (minus)
        text[--at] = '-';
    buf_put(b, text + at, sizeof text - at);
}

void json_int(struct json_out *j, int64_t v)
{
    value_begin(j);
    digits_put(j->buf, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

void json_uint(struct json_out *j, uint64_t v)
{
    value_begin(j);
    digits_put(j->buf, v, false);
}

void json_bool(struct json_out *j, bool v)
{
    value_begin(j);
    buf_put_str(j->buf, v ? "true" : "false");
}

void json_raw(struct json_out *j, struct slice s)
{
    value_begin(j);
    buf_put_slice(j->buf, s);
}

void json_key_str(struct json_out *j, const char *key, const char *v)
{
    json_key_slice(j, key, slice_str(v));
}

void json_key_slice(struct json_out *j, const char *key, struct slice v)
{
    json_key(j, key);
    json_string(j, v);
}

void json_key_uint(struct json_out *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

void json_key_int(struct json_out *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_int(j, v);
}

void json_key_bool(struct json_out *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}

void json_key_time(struct json_out *j, const char *key, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    time_text(ms, text);
    json_key_str(j, key, text);
}
