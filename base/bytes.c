/* bytes — the reading cursor.
 * A bad cursor stays where it is and says zero for ever, so that a reader tests once at the end. */
#include "lictor/bytes.h"

/* The next `n` bytes, or NULL and a bad cursor. */
static const uint8_t *cursor_take(struct cursor *c, size_t n)
{
    if (c->bad || n > c->len - c->pos) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *p = c->data + c->pos;
    c->pos += n;
    return p;
}

uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);
    return p ? *p : 0;
}

uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    if (!p)
        return 0;
    return (uint16_t)((unsigned)p[0] | (unsigned)p[1] << 8);
}

uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p ? load_u32(p) : 0;
}

uint64_t cursor_u64(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 8);
    return p ? load_u64(p) : 0;
}

/* Only the shortest form of a number is read: one value, one encoding. */
uint64_t cursor_varint(struct cursor *c)
{
    if (c->bad)
        return 0;
    uint64_t v = 0;
    size_t pos = c->pos;
    for (unsigned shift = 0; shift < 70 && pos < c->len; shift += 7) {
        uint8_t b = c->data[pos++];
        if (shift == 63 && b > 1)
            break;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            if (b == 0 && shift != 0)
                break;
            c->pos = pos;
            return v;
        }
    }
    c->bad = true;
    return 0;
}

uint64_t cursor_varint_max(struct cursor *c, uint64_t max)
{
    uint64_t v = cursor_varint(c);
    if (v > max) {
        c->bad = true;
        return 0;
    }
    return v;
}

int64_t cursor_zigzag(struct cursor *c)
{
    uint64_t v = cursor_varint(c);
    uint64_t u = (v >> 1) ^ (0 - (v & 1));
    int64_t out;
    memcpy(&out, &u, sizeof out);
    return out;
}

struct slice cursor_bytes(struct cursor *c, size_t len)
{
    const uint8_t *p = cursor_take(c, len);
    return p ? slice_of(p, len) : slice_of(NULL, 0);
}

struct slice cursor_blob(struct cursor *c)
{
    uint64_t len = cursor_varint_max(c, cursor_left(c));
    return cursor_bytes(c, (size_t)len);
}

enum status cursor_done(const struct cursor *c, const char *what, struct err *err)
{
    if (c->bad)
        return err_set(err, ST_DAMAGED, "%s: malformed at byte %zu of %zu", what, c->pos, c->len);
    if (c->pos != c->len)
        return err_set(err, ST_DAMAGED, "%s: %zu bytes too many", what, c->len - c->pos);
    return ST_OK;
}
