/* bytes — slices, a reading cursor and a growing buffer: the only way bytes are taken apart or put
 * together. Integers are little-endian, varints are LEB128 (at most 10 bytes).
 * Owns: a buf owns its memory, slice and cursor borrow.  Threads: not shared.
 * Trusts: nothing. Cursor and buf latch their first failure: read ten fields, test once. */
#ifndef LICTOR_BYTES_H
#define LICTOR_BYTES_H

#include <stdbool.h>
#include <string.h>

#include "lictor/err.h"

struct slice {
    const uint8_t *data;
    size_t len;
};

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){.data = data, .len = len};
}

static inline struct slice slice_str(const char *s)
{
    return (struct slice){.data = (const uint8_t *)s, .len = strlen(s)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Equal, and absent (data NULL) is not empty. */
static inline bool slice_same(struct slice a, struct slice b)
{
    return (a.data == NULL) == (b.data == NULL) && slice_eq(a, b);
}

static inline bool slice_eq_str(struct slice a, const char *s) { return slice_eq(a, slice_str(s)); }

/* Byte order, the shorter one first where one is the other's beginning. */
static inline int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

struct cursor {
    const uint8_t *data;
    size_t len;
    size_t pos;
    bool bad; /* latched: a read went past the end or a varint was malformed */
};

static inline struct cursor cursor_of(struct slice s)
{
    return (struct cursor){.data = s.data, .len = s.len};
}

static inline size_t cursor_left(const struct cursor *c) { return c->len - c->pos; }

/* Each returns zero (an empty slice) once the cursor is bad. */
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
uint64_t cursor_varint(struct cursor *c);
/* Varint that must be <= max, else the cursor turns bad. */
uint64_t cursor_varint_max(struct cursor *c, uint64_t max);
/* Signed, zigzag. */
int64_t cursor_zigzag(struct cursor *c);
/* `len` bytes, borrowed. */
struct slice cursor_bytes(struct cursor *c, size_t len);
/* Varint length, then that many bytes, borrowed. */
struct slice cursor_blob(struct cursor *c);
/* ST_OK if every read was good and nothing is left, else ST_DAMAGED with "what". */
MUST_USE enum status cursor_done(const struct cursor *c, const char *what, struct err *err);

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool failed; /* latched: no memory */
};

void buf_release(struct buf *b);
static inline void buf_clear(struct buf *b) { b->len = 0; }
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){.data = b->data, .len = b->len};
}
/* ST_NO_MEMORY if any put failed. */
MUST_USE enum status buf_status(const struct buf *b, struct err *err);
/* Room for `n` more bytes; NULL (and latched) without memory. len is not moved. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *data, size_t len);
void buf_put_slice(struct buf *b, struct slice s);
void buf_put_str(struct buf *b, const char *s);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_varint(struct buf *b, uint64_t v);
void buf_put_zigzag(struct buf *b, int64_t v);
void buf_put_blob(struct buf *b, struct slice s); /* varint length, bytes */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Lower-case hex of `n` bytes into out[2 * n + 1]. */
void hex_encode(const uint8_t *in, size_t n, char *out);
/* Exactly 2 * n hex digits into out[n]; false if malformed. */
bool hex_decode(const char *in, size_t n, uint8_t *out);
/* Standard padded base64 of `in`, appended. */
void base64_encode(struct slice in, struct buf *out);
/* Strict: canonical alphabet, padding as said by `padded`, no white space, unused bits zero.
 * Writes at most len / 4 * 3 + 3 bytes to out; false if malformed. */
bool base64_decode(struct slice in, bool padded, uint8_t *out, size_t *out_len);

static inline uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t load_u64(const uint8_t *p)
{
    return (uint64_t)load_u32(p) | (uint64_t)load_u32(p + 4) << 32;
}
static inline void store_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}
static inline void store_u64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

#endif
