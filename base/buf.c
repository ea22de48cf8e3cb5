/* buf — the growing buffer. Grows by half and at least 64 bytes; a failed growth is latched and
 * every later put does nothing. */
#include "lictor/bytes.h"

#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

enum status buf_status(const struct buf *b, struct err *err)
{
    return b->failed ? err_no_memory(err) : ST_OK;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (b->data && n <= b->cap - b->len)
        return b->data + b->len;
    /* PTRDIFF_MAX: beyond it pointer differences are undefined and malloc refuses anyway. */
    if (n > (size_t)PTRDIFF_MAX - b->len) {
        b->failed = true;
        return NULL;
    }
    size_t need = b->len + n;
    size_t cap = b->cap + b->cap / 2;
    if (cap < need)
        cap = need;
    if (cap < 64)
        cap = 64;
    uint8_t *data = realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return NULL;
    }
    b->data = data;
    b->cap = cap;
    return data + b->len;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    uint8_t *p = buf_reserve(b, len);
    if (!p)
        return;
    memcpy(p, data, len);
    b->len += len;
}

void buf_put_slice(struct buf *b, struct slice s) { buf_put(b, s.data, s.len); }

void buf_put_str(struct buf *b, const char *s) { buf_put(b, s, strlen(s)); }

void buf_put_u8(struct buf *b, uint8_t v)
{
    uint8_t *p = buf_reserve(b, 1);
    if (!p)
        return;
    *p = v;
    b->len++;
}

void buf_put_u16(struct buf *b, uint16_t v)
{
    uint8_t raw[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    buf_put(b, raw, sizeof raw);
}

void buf_put_u32(struct buf *b, uint32_t v)
{
    uint8_t raw[4];
    store_u32(raw, v);
    buf_put(b, raw, sizeof raw);
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    uint8_t raw[8];
    store_u64(raw, v);
    buf_put(b, raw, sizeof raw);
}

void buf_put_varint(struct buf *b, uint64_t v)
{
    uint8_t *p = buf_reserve(b, 10);
    if (!p)
        return;
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    b->len += n;
}

void buf_put_zigzag(struct buf *b, int64_t v)
{
    uint64_t u = (uint64_t)v;
    buf_put_varint(b, (u << 1) ^ (0 - (u >> 63)));
}

void buf_put_blob(struct buf *b, struct slice s)
{
    buf_put_varint(b, s.len);
    buf_put_slice(b, s);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    char small[128];
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof small) {
        buf_put(b, small, (size_t)n);
    } else {
        uint8_t *p = buf_reserve(b, (size_t)n + 1);
        if (p && vsnprintf((char *)p, (size_t)n + 1, fmt, again) == n)
            b->len += (size_t)n;
    }
    va_end(again);
}
