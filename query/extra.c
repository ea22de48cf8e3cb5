/* extra — a scanner that knows only where strings, objects and arrays end: the text was checked
 * when it came in. */
#include "query/extra.h"

#include "lictor/utf8.h"

static bool at(struct slice s, size_t pos, char c)
{
    return pos < s.len && s.data[pos] == (uint8_t)c;
}

/* Behind the string that begins at `pos`. */
static size_t string_end(struct slice s, size_t pos)
{
    for (pos++; pos < s.len && s.data[pos] != '"'; pos++)
        if (s.data[pos] == '\\')
            pos++;
    return pos < s.len ? pos + 1 : s.len;
}

/* Behind the value that begins at `pos`. */
static size_t value_end(struct slice s, size_t pos)
{
    size_t depth = 0;
    while (pos < s.len) {
        uint8_t c = s.data[pos];
        if (c == '"') {
            pos = string_end(s, pos);
        } else if (c == '{' || c == '[') {
            depth++;
            pos++;
            continue;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return pos;
            depth--;
            pos++;
        } else if (depth == 0) {
            while (pos < s.len && !memchr(",]}", s.data[pos], 3))
                pos++;
        } else {
            pos++;
            continue;
        }
        if (depth == 0)
            return pos;
    }
    return pos;
}

bool extra_begin(struct slice raw, struct extra_iter *it)
{
    *it = (struct extra_iter){.s = raw, .pos = 1, .object = at(raw, 0, '{')};
    return it->object || at(raw, 0, '[');
}

bool extra_next(struct extra_iter *it, struct slice *key, struct slice *value)
{
    struct slice s = it->s;
    if (at(s, it->pos, ','))
        it->pos++;
    if (it->pos >= s.len || s.data[it->pos] == '}' || s.data[it->pos] == ']')
        return false;
    size_t from = it->pos;
    *key = (struct slice){0};
    if (it->object) {
        if (s.data[from] != '"')
            return false;
        size_t end = string_end(s, from);
        *key = slice_of(s.data + from, end - from);
        if (!at(s, end, ':'))
            return false;
        from = end + 1;
    }
    size_t end = value_end(s, from);
    if (end <= from)
        return false;
    *value = slice_of(s.data + from, end - from);
    it->pos = end;
    return true;
}

bool extra_find(struct slice object, const char *key, struct slice *value)
{
    struct extra_iter it;
    struct slice k, v;
    size_t len = strlen(key);
    if (!extra_begin(object, &it) || !it.object)
        return false;
    while (extra_next(&it, &k, &v))
        if (k.len == len + 2 && memcmp(k.data + 1, key, len) == 0) {
            *value = v;
            return true;
        }
    return false;
}

/* ---- strings ---- */

/* The four digits behind "\u" at `pos`; false if there is no such escape. */
static bool unit_at(struct slice s, size_t pos, uint32_t *unit)
{
    uint8_t two[2];
    char hex[5] = "";
    if (s.len < 6 || pos > s.len - 6 || s.data[pos] != '\\' || s.data[pos + 1] != 'u')
        return false;
    memcpy(hex, s.data + pos + 2, 4);
    if (!hex_decode(hex, 2, two))
        return false;
    *unit = (uint32_t)two[0] << 8 | two[1];
    return true;
}

/* The escape at `pos`, a pair of surrogates as one; how long it is. */
static size_t escape_at(struct slice s, size_t pos, uint32_t *cp)
{
    static const char letters[] = "bfnrt", codes[] = "\b\f\n\r\t";
    uint32_t low;
    if (unit_at(s, pos, cp)) {
        if (*cp >= 0xd800 && *cp < 0xdc00 && unit_at(s, pos + 6, &low) && low >= 0xdc00 &&
            low < 0xe000) {
            *cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
            return 12;
        }
        return 6;
    }
    uint8_t c = pos + 1 < s.len ? s.data[pos + 1] : '?';
    const char *found = c ? strchr(letters, c) : NULL;
    *cp = found ? (uint8_t)codes[found - letters] : c;
    return 2;
}

bool extra_string(struct slice raw, struct buf *out)
{
    if (raw.len < 2 || raw.data[0] != '"')
        return false;
    struct slice s = slice_of(raw.data, raw.len - 1);
    for (size_t pos = 1; pos < s.len;) {
        uint8_t bytes[4];
        uint32_t cp;
        if (s.data[pos] != '\\') {
            buf_put_u8(out, s.data[pos++]);
            continue;
        }
        pos += escape_at(s, pos, &cp);
        buf_put(out, bytes, utf8_put(cp, bytes));
    }
    return true;
}

/* ---- printing ---- */

static void escape_put(uint32_t cp, struct buf *out)
{
    if (cp >= 0x10000)
        buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((cp - 0x10000) >> 10)),
                   (unsigned)(0xdc00 + ((cp - 0x10000) & 0x3ff)));
    else
        buf_printf(out, "\\u%04x", (unsigned)cp);
}

void extra_safe(struct slice raw, struct buf *out)
{
    for (size_t pos = 0; pos < raw.len;) {
        size_t start = pos;
        uint32_t cp;
        if (raw.data[pos] == '\\') {
            size_t len = escape_at(raw, pos, &cp);
            if (len == 2 &&
                (pos + 1 == raw.len || raw.data[pos + 1] < 0x20 || raw.data[pos + 1] >= 0x7f)) {
                buf_put_str(out, "\xef\xbf\xbd"); /* no escape of JSON */
                pos++;
                continue;
            }
            if (cp >= 0xd800 && cp < 0xe000)
                buf_put_str(out, "\\ufffd");
            else
                buf_put(out, raw.data + pos, len);
            pos += len;
            continue;
        }
        cp = utf8_next(raw.data, raw.len, &pos);
        if (cp == UTF8_BAD)
            buf_put_str(out, "\xef\xbf\xbd");
        else if (utf8_unsafe(cp))
            escape_put(cp, out);
        else
            buf_put(out, raw.data + start, pos - start);
    }
}
