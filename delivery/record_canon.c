/* record_canon — one spelling for every value, so that equal values have equal bytes.
 *
 * Written in one pass: members go out in the order they came, and when their object closes they are
 * put into order where they stand in the output. That moves a byte at most once a level (32), and
 * spares looking for the end of each value before reading it. The members of the objects that are
 * still open share one stack.
 *
 * A string's canonical form depends on its decoded bytes alone and decodes to them again. The one
 * trap: the three bytes of a high surrogate followed by those of a low one. Escaping both would
 * make a pair of them, that is, another string, so such a low surrogate stays raw. */
#include "delivery/record_private.h"

#include <stdlib.h>

/* ---- strings ---- */

/* The surrogate whose three bytes stand at s[i], 0 if none do. */
static unsigned surrogate_at(struct slice s, size_t i)
{
    if (s.len - i < 3 || s.data[i] != 0xed || (s.data[i + 1] & 0xe0) != 0xa0 ||
        (s.data[i + 2] & 0xc0) != 0x80)
        return 0;
    return 0xd000u | (s.data[i + 1] & 0x3fu) << 6 | (s.data[i + 2] & 0x3fu);
}

static void unit_put(struct buf *out, unsigned unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u'};
    for (int i = 0; i < 4; i++)
        text[2 + i] = digits[unit >> (12 - 4 * i) & 15];
    buf_put(out, text, sizeof text);
}

static void byte_put_escaped(struct buf *out, uint8_t c)
{
    static const char short_form[] = "btn\0fr"; /* 0x08 to 0x0d; 0x0b has none */
    char text[2] = {'\\', (char)c};
    if (c >= 0x20) {
        buf_put(out, text, 2);
    } else if (c >= 0x08 && c <= 0x0d && c != 0x0b) {
        text[1] = short_form[c - 0x08];
        buf_put(out, text, 2);
    } else {
        unit_put(out, c);
    }
}

static void string_put(struct buf *out, struct slice s)
{
    size_t done = 0;
    size_t after_high = SIZE_MAX; /* where a low surrogate must stay raw */
    unsigned marks = 0;
    buf_put_u8(out, '"');
    if (s.len && json_plain_end(s.data, s.data + s.len, &marks) == s.data + s.len && !marks) {
        buf_put_slice(out, s); /* nothing to escape: the usual case */
        buf_put_u8(out, '"');
        return;
    }
    for (size_t i = 0; i < s.len;) {
        uint8_t c = s.data[i];
        unsigned unit = c == 0xed ? surrogate_at(s, i) : 0;
        bool low = unit >= 0xdc00;
        size_t width = unit ? 3 : 1;
        if ((unit && !(low && i == after_high)) || c == '"' || c == '\\' || c < 0x20) {
            buf_put(out, s.data + done, i - done);
            if (unit)
                unit_put(out, unit);
            else
                byte_put_escaped(out, c);
            done = i + width;
            if (unit && !low)
                after_high = done;
        }
        i += width;
    }
    if (s.len > done)
        buf_put(out, s.data + done, s.len - done);
    buf_put_u8(out, '"');
}

/* ---- objects: members into order ---- */

/* By name; of equal names the later one, which stays, comes last. */
static int member_compare(const void *a, const void *b, void *keys)
{
    const struct canon_member *x = a, *y = b;
    const uint8_t *bytes = ((const struct buf *)keys)->data;
    int c = slice_cmp(slice_of(bytes + x->key_off, x->key_len),
                      slice_of(bytes + y->key_off, y->key_len));
    return c ? c : (x->off > y->off) - (x->off < y->off);
}

static bool members_equal(const struct record_reader *r, const struct canon_member *x,
                          const struct canon_member *y)
{
    const uint8_t *bytes = r->canon_keys.data;
    return slice_eq(slice_of(bytes + x->key_off, x->key_len),
                    slice_of(bytes + y->key_off, y->key_len));
}

static bool members_in_order(struct record_reader *r, const struct canon_member *m, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (member_compare(&m[i - 1], &m[i], &r->canon_keys) > 0 ||
            members_equal(r, &m[i - 1], &m[i]))
            return false;
    return true;
}

static void members_sort(struct record_reader *r, struct canon_member *m, size_t n, size_t start,
                         struct buf *out)
{
    struct buf *spare = &r->canon_spare;
    buf_clear(spare);
    qsort_r(m, n, sizeof *m, member_compare, &r->canon_keys);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && members_equal(r, &m[i], &m[i + 1]))
            continue;
        if (spare->len)
            buf_put_u8(spare, ',');
        buf_put(spare, out->data + m[i].off, m[i].len);
    }
    if (spare->failed) {
        out->failed = true;
        return;
    }
    memcpy(out->data + start, spare->data, spare->len);
    out->len = start + spare->len;
}

/* The object's members are those above `base` on the stack; its `{` stands before out[start]. */
static void members_close(struct record_reader *r, size_t base, size_t keys_base, size_t start,
                          struct buf *out)
{
    size_t n = r->n_members - base;
    if (n > 1 && !out->failed && !members_in_order(r, r->members + base, n))
        members_sort(r, r->members + base, n, start, out);
    r->n_members = base;
    r->canon_keys.len = keys_base;
    buf_put_u8(out, '}');
}

/* Opens a member: its name goes to the stack and to the output. False without memory. */
static bool member_open(struct record_reader *r, struct slice name, bool escaped, struct buf *out)
{
    struct canon_member m = {.key_off = r->canon_keys.len, .off = out->len};
    uint8_t *room = buf_reserve(&r->canon_keys, name.len + 1);
    if (!room || !RECORD_GROW(r, r->members, r->members_cap, r->n_members + 1)) {
        out->failed = true;
        return false;
    }
    if (escaped) {
        m.key_len = json_string_decode(name, room);
    } else {
        if (name.len)
            memcpy(room, name.data, name.len);
        m.key_len = name.len;
    }
    r->canon_keys.len += m.key_len;
    r->members[r->n_members++] = m;
    string_put(out, slice_of(room, m.key_len));
    buf_put_u8(out, ':');
    return true;
}

static void member_close(struct record_reader *r, size_t index, struct buf *out)
{
    r->members[index].len = out->len - r->members[index].off;
}

/* ---- values ---- */

/* Everything below was accepted before by json_value_end: a malformed byte cannot come, and if it
 * did, it would only end the writing (NULL). */
static const uint8_t *value_put(struct record_reader *r, const uint8_t *p, const uint8_t *end,
                                int depth, struct buf *out);

static const uint8_t *string_copy(struct record_reader *r, const uint8_t *p, const uint8_t *end,
                                  struct buf *out)
{
    unsigned marks = 0;
    const uint8_t *start = p + 1;
    p = json_string_end(start, end, &marks);
    if (!p)
        return NULL;
    struct slice body = slice_of(start, (size_t)(p - start));
    if (!(marks & JSON_ESCAPED)) {
        string_put(out, body);
        return p + 1;
    }
    size_t keep = r->canon_keys.len;
    uint8_t *room = buf_reserve(&r->canon_keys, body.len);
    if (!room) {
        out->failed = true;
        return NULL;
    }
    string_put(out, slice_of(room, json_string_decode(body, room)));
    r->canon_keys.len = keep;
    return p + 1;
}

static const uint8_t *array_put(struct record_reader *r, const uint8_t *p, const uint8_t *end,
                                int depth, struct buf *out)
{
    buf_put_u8(out, '[');
    p = json_white_end(p + 1, end);
    while (p && p < end && *p != ']') {
        if (*p == ',') {
            buf_put_u8(out, ',');
            p = json_white_end(p + 1, end);
        }
        p = value_put(r, p, end, depth, out);
        if (p)
            p = json_white_end(p, end);
    }
    buf_put_u8(out, ']');
    return p && p < end ? p + 1 : NULL;
}

static const uint8_t *member_put(struct record_reader *r, const uint8_t *p, const uint8_t *end,
                                 int depth, struct buf *out)
{
    unsigned marks = 0;
    const uint8_t *start = p + 1;
    size_t index = r->n_members;
    p = json_string_end(start, end, &marks);
    if (!p || !member_open(r, slice_of(start, (size_t)(p - start)), marks & JSON_ESCAPED, out))
        return NULL;
    p = json_white_end(p + 1, end);
    if (p == end)
        return NULL;
    p = value_put(r, json_white_end(p + 1, end), end, depth, out);
    member_close(r, index, out);
    return p;
}

static const uint8_t *object_put(struct record_reader *r, const uint8_t *p, const uint8_t *end,
                                 int depth, struct buf *out)
{
    size_t base = r->n_members, keys_base = r->canon_keys.len;
    buf_put_u8(out, '{');
    size_t start = out->len;
    p = json_white_end(p + 1, end);
    while (p && p < end && *p != '}') {
        if (*p == ',') {
            buf_put_u8(out, ',');
            p = json_white_end(p + 1, end);
        }
        p = member_put(r, p, end, depth, out);
        if (p)
            p = json_white_end(p, end);
    }
    members_close(r, base, keys_base, start, out);
    return p && p < end ? p + 1 : NULL;
}

static bool is_scalar_byte(uint8_t c)
{
    return c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           c == 'E';
}

static const uint8_t *value_put(struct record_reader *r, const uint8_t *p, const uint8_t *end,
                                int depth, struct buf *out)
{
    if (p >= end || out->failed)
        return NULL;
    if ((*p == '{' || *p == '[') && depth >= RECORD_NESTING_MAX)
        return NULL;
    switch (*p) {
    case '{':
        return object_put(r, p, end, depth + 1, out);
    case '[':
        return array_put(r, p, end, depth + 1, out);
    case '"':
        return string_copy(r, p, end, out);
    default:
        break;
    }
    const uint8_t *start = p;
    while (p < end && is_scalar_byte(*p))
        p++;
    buf_put(out, start, (size_t)(p - start));
    return p == start ? NULL : p;
}

static void canon_begin(struct record_reader *r)
{
    r->n_members = 0;
    r->canon_keys.len = 0;
    r->canon_keys.failed = false;
    r->canon_spare.failed = false;
}

void record_canon(struct record_reader *r, struct slice raw, struct buf *out)
{
    const uint8_t *end = raw.data + raw.len;
    canon_begin(r);
    value_put(r, json_white_end(raw.data, end), end, 0, out);
}

/* ---- pairs that are written as they stand ---- */

#define FLAT_MAX 12 /* put in order by comparing each with each */

/* Is its raw form its canonical one? Yes for every value but containers and strings with escapes or
 * bytes above 0x7f. */
static bool is_flat(const struct record_pair *p)
{
    const uint8_t *v = p->value.data, *end = v + p->value.len;
    unsigned marks = 0;
    if (*v == '{' || *v == '[')
        return false;
    if (*v == '"' && (json_plain_end(v + 1, end, &marks) != end - 1 || marks))
        return false;
    return p->key.len == 0 || (json_plain_end(p->key.data, p->key.data + p->key.len, &marks) ==
                                   p->key.data + p->key.len &&
                               !marks);
}

static uint8_t *put(uint8_t *p, const void *data, size_t len)
{
    memcpy(p, data, len);
    return p + len;
}

/* The object of n flat pairs, which are in order. */
static void flat_put(const struct record_pair *const *pairs, size_t n, struct buf *out)
{
    size_t room = 2;
    for (size_t i = 0; i < n; i++)
        room += pairs[i]->key.len + pairs[i]->value.len + 4;
    uint8_t *start = buf_reserve(out, room), *p = start;
    if (!p)
        return;
    *p++ = '{';
    for (size_t i = 0; i < n; i++) {
        if (i)
            *p++ = ',';
        *p++ = '"';
        p = put(p, pairs[i]->key.data, pairs[i]->key.len);
        *p++ = '"';
        *p++ = ':';
        p = put(p, pairs[i]->value.data, pairs[i]->value.len);
    }
    *p++ = '}';
    out->len += (size_t)(p - start);
}

/* The usual extra fields of a copy. False: nothing is written, some pair is not flat or they are
 * many. No name is there twice: record_parse refuses that. */
static bool flat_pairs_put(const struct record *rec,
                           bool (*keep)(void *ctx, const struct record_pair *p), void *ctx,
                           struct buf *out)
{
    const struct record_pair *kept[FLAT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < rec->n_pairs; i++) {
        const struct record_pair *pair = &rec->pairs[i];
        if (!keep(ctx, pair))
            continue;
        if (n == FLAT_MAX || !is_flat(pair))
            return false;
        size_t at = n++;
        for (; at > 0 && slice_cmp(kept[at - 1]->key, pair->key) > 0; at--)
            kept[at] = kept[at - 1];
        kept[at] = pair;
    }
    flat_put(kept, n, out);
    return true;
}

void record_canon_pairs(struct record_reader *r, const struct record *rec,
                        bool (*keep)(void *ctx, const struct record_pair *p), void *ctx,
                        struct buf *out)
{
    if (flat_pairs_put(rec, keep, ctx, out))
        return;
    canon_begin(r);
    buf_put_u8(out, '{');
    size_t start = out->len;
    for (size_t i = 0; i < rec->n_pairs && !out->failed; i++) {
        const struct record_pair *pair = &rec->pairs[i];
        if (!keep(ctx, pair))
            continue;
        if (out->len > start)
            buf_put_u8(out, ',');
        size_t index = r->n_members;
        if (!member_open(r, pair->key, false, out))
            break;
        value_put(r, pair->value.data, pair->value.data + pair->value.len, 1, out);
        member_close(r, index, out);
    }
    members_close(r, 0, 0, start, out);
}
