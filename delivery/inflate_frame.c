/* inflate_frame — the frames of a zstd stream.
 *
 * Headers and block headers (RFC 8878, 3.1) are taken apart here before libzstd sees them. So the
 * window is judged before anything is allocated for it, a frame of another format is never tried,
 * skippable frames cost nothing, and libzstd cannot take its shortcut for frames that lie whole in
 * the input: it passes over the window limit and would make the verdict depend on how the input was
 * cut. (It looks for a whole frame where the input begins when the header is complete; a header
 * handed over alone is none.)
 *
 * For the same reason libzstd gets each part of a frame whole: when a block is damaged or cut off,
 * all before it is out and nothing of it, whatever the size of the pieces. And it gets a block only
 * when there is room for all that may come of it, so that it never holds anything back. */
#include "delivery/inflate_private.h"

#include <zstd_errors.h>

#define FRAME_MAGIC 0xFD2FB528u
#define SKIPPABLE_MAGIC 0x184D2A50u
#define SKIPPABLE_MASK 0xFFFFFFF0u
#define SKIPPABLE_HEADER 8
#define BLOCK_HEADER_SIZE 3
#define CHECKSUM_SIZE 4

bool inflate_is_frame_magic(uint32_t magic)
{
    return magic == FRAME_MAGIC || (magic & SKIPPABLE_MASK) == SKIPPABLE_MAGIC;
}

static enum status fail_zstd(struct inflate *z, size_t code)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
        return err_no_memory(&z->failure);
    case ZSTD_error_frameParameter_windowTooLarge:
        return inflate_fail(z, "window", "needs a zstd window larger than libzstd can hold");
    default:
        return err_reason(&z->failure, ST_BAD_INPUT, "zstd", z->taken, "zstd stream is damaged: %s",
                          ZSTD_getErrorName(code));
    }
}

static size_t take(struct inflate *z, struct slice *in, size_t n)
{
    n = n < in->len ? n : in->len;
    slice_drop(in, n);
    z->taken += n;
    return n;
}

static void frame_end(struct inflate *z)
{
    z->stage = AT_HEADER;
    z->header_len = 0;
}

static bool header_single_segment(const struct inflate *z) { return (z->header[4] & 0x20) != 0; }

static size_t header_dictionary_size(const struct inflate *z)
{
    static const uint8_t sizes[] = {0, 1, 2, 4};
    return sizes[z->header[4] & 3];
}

static size_t header_content_size(const struct inflate *z)
{
    static const uint8_t sizes[] = {0, 2, 4, 8};
    size_t n = sizes[z->header[4] >> 6];
    return n == 0 && header_single_segment(z) ? 1 : n;
}

/* Bytes the frame header has, as far as those that came tell. */
static size_t header_size(const struct inflate *z)
{
    if (z->header_len < 4)
        return 4;
    if (load_u32(z->header) != FRAME_MAGIC)
        return SKIPPABLE_HEADER;
    if (z->header_len < 5)
        return 5;
    return 5u + (header_single_segment(z) ? 0u : 1u) + header_dictionary_size(z) +
           header_content_size(z);
}

/* The window a decoder must hold, RFC 8878, 3.1.1.1.2. */
static uint64_t header_window(const struct inflate *z)
{
    if (!header_single_segment(z)) {
        unsigned exponent = z->header[5] >> 3, mantissa = z->header[5] & 7;
        uint64_t base = UINT64_C(1) << (10 + exponent);
        return base + base / 8 * mantissa;
    }
    size_t n = header_content_size(z);
    const uint8_t *p = z->header + 5 + header_dictionary_size(z);
    uint64_t size = 0;
    for (size_t i = 0; i < n; i++)
        size |= (uint64_t)p[i] << (8 * i);
    return n == 2 ? size + 256 : size;
}

static enum status bomb_check(struct inflate *z, size_t more)
{
    uint64_t allowed;
    if (__builtin_mul_overflow(z->limits.ratio, z->taken, &allowed) ||
        __builtin_add_overflow(allowed, z->limits.free_bytes, &allowed))
        allowed = UINT64_MAX;
    if (more > allowed || z->content > allowed - more)
        return inflate_fail(z, "bomb", "inflates to far more than its size");
    return ST_OK;
}

/* Gives libzstd bytes that count as taken, and takes what comes into the room left in out. */
static enum status frame_feed(struct inflate *z, struct slice bytes, bool *whole)
{
    ZSTD_inBuffer from = {.src = bytes.data, .size = bytes.len};
    ZSTD_outBuffer to = {.dst = z->out, .size = INFLATE_OUT_CAP, .pos = z->out_len};
    size_t wants = ZSTD_decompressStream(z->zstd, &to, &from);
    if (ZSTD_isError(wants))
        return fail_zstd(z, wants);
    if (from.pos != bytes.len) /* there was room, and it got no more than it wants */
        return inflate_fail(z, "zstd", "zstd stream is damaged: bytes of a block are left");
    TRY(bomb_check(z, to.pos - z->out_len));
    z->content += to.pos - z->out_len;
    z->out_len = to.pos;
    *whole = wants == 0;
    return ST_OK;
}

static void part_begin(struct inflate *z, enum part part, size_t size)
{
    z->part = part;
    z->part_size = size;
    z->n_gathered = 0;
}

/* What comes behind a part that libzstd accepted (RFC 8878, 3.1.1.2). */
static enum status part_next(struct inflate *z, struct slice bytes)
{
    if (z->part == BLOCK_HEADER) {
        uint32_t v =
            (uint32_t)bytes.data[0] | (uint32_t)bytes.data[1] << 8 | (uint32_t)bytes.data[2] << 16;
        bool one_byte = (v >> 1 & 3) == 1; /* a byte and how often it stands there */
        size_t size = one_byte ? 1 : v >> 3;
        if (size > INFLATE_BLOCK_MAX)
            return inflate_fail(z, "zstd", "zstd stream is damaged: a block is too large");
        z->last_block = v & 1;
        if (size > 0) {
            part_begin(z, BLOCK_BODY, size);
            return ST_OK;
        }
    }
    if (z->last_block)
        part_begin(z, CHECKSUM, CHECKSUM_SIZE);
    else
        part_begin(z, BLOCK_HEADER, BLOCK_HEADER_SIZE);
    return ST_OK;
}

static enum status frame_begin(struct inflate *z)
{
    if (z->header[4] & 0x08)
        return inflate_fail(z, "zstd", "zstd stream is damaged: reserved bit of a frame header");
    if (header_window(z) > z->limits.window)
        return err_reason(&z->failure, ST_BAD_INPUT, "window", z->taken,
                          "needs a zstd window of %llu bytes, the limit is %llu",
                          (unsigned long long)header_window(z),
                          (unsigned long long)z->limits.window);
    size_t code = ZSTD_DCtx_reset(z->zstd, ZSTD_reset_session_only);
    if (!ZSTD_isError(code))
        code = ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax,
                                      ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound);
    if (ZSTD_isError(code))
        return fail_zstd(z, code);
    z->stage = AT_BODY;
    part_begin(z, BLOCK_HEADER, BLOCK_HEADER_SIZE);
    bool whole = false;
    return frame_feed(z, slice_of(z->header, z->header_len), &whole);
}

static enum status header_step(struct inflate *z, struct slice *in)
{
    size_t want = header_size(z) - z->header_len;
    const uint8_t *from = in->data;
    size_t n = take(z, in, want);
    memcpy(z->header + z->header_len, from, n);
    z->header_len += n;
    if (z->header_len >= 4 && !inflate_is_frame_magic(load_u32(z->header)))
        return inflate_fail(z, "zstd", "zstd stream is damaged: no frame where one must begin");
    if (z->header_len < header_size(z))
        return ST_OK;
    if (load_u32(z->header) == FRAME_MAGIC)
        return frame_begin(z);
    z->skip_left = load_u32(z->header + 4);
    z->stage = AT_SKIP;
    if (z->skip_left == 0)
        frame_end(z);
    return ST_OK;
}

/* The next part of the frame, where it stands if it is whole there; false if more must come. */
static bool part_take(struct inflate *z, struct slice *in, struct slice *part)
{
    const uint8_t *from = in->data;
    if (z->n_gathered == 0 && in->len >= z->part_size) {
        *part = slice_of(from, take(z, in, z->part_size));
        return true;
    }
    size_t n = take(z, in, z->part_size - z->n_gathered);
    memcpy(z->gathered + z->n_gathered, from, n);
    z->n_gathered += n;
    *part = slice_of(z->gathered, z->n_gathered);
    return z->n_gathered == z->part_size;
}

static enum status body_step(struct inflate *z, struct slice *in)
{
    struct slice part;
    bool whole = false;
    if (!part_take(z, in, &part))
        return ST_OK;
    TRY(frame_feed(z, part, &whole));
    if (!whole)
        return part_next(z, part);
    frame_end(z);
    return ST_OK;
}

enum status inflate_frame_step(struct inflate *z, struct slice *in)
{
    switch (z->stage) {
    case AT_HEADER:
        return header_step(z, in);
    case AT_BODY:
        return body_step(z, in);
    default:
        z->skip_left -= take(z, in, z->skip_left < in->len ? (size_t)z->skip_left : in->len);
        if (z->skip_left == 0)
            frame_end(z);
        return ST_OK;
    }
}
