/* fuzz_dump — a whole dump on its way in: NDJSON, inside zstd, inside age, opened, inflated, cut
 * into lines, parsed. The fuzzer's bytes are the innermost ones; this file compresses and encrypts
 * them anew each time, so that what is behind authentication and checksums is reached. Damage is
 * done between the layers. Where none was done, the lines are those that went in, byte for byte;
 * behind authenticated encryption damage can only cut.
 * Input: layers, damage, place of the damage (u16), size of reads, cut of frames, then the lines.
 */
#include <stdlib.h>
#include <zstd.h>

#include "delivery/age_private.h"
#include "lictor/inflate.h"
#include "lictor/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 6
static const uint8_t seed[32] = "seed of everything";

enum { LAYER_ZSTD = 1, LAYER_AGE = 2, LAYER_ARMOR = 4, LAYER_CHECKSUM = 8, LAYER_SKIPPABLE = 16 };
enum { DAMAGE_LINES = 1, DAMAGE_ZSTD = 2, DAMAGE_AGE = 4, DAMAGE_CUT = 8 };

struct memory {
    struct slice bytes;
    size_t pos, step;
};

static enum status memory_read(void *ctx, uint8_t *buf, size_t cap, size_t *got, struct err *err)
{
    struct memory *m = ctx;
    size_t n = m->bytes.len - m->pos;
    (void)err;
    n = n > m->step ? m->step : n;
    n = n > cap ? cap : n;
    if (n)
        memcpy(buf, m->bytes.data + m->pos, n);
    m->pos += n;
    *got = n;
    return ST_OK;
}

static enum status memory_write(void *ctx, const uint8_t *data, size_t len, struct err *err)
{
    buf_put(ctx, data, len);
    return buf_status(ctx, err);
}

/* ---- in ---- */

static void damage(struct buf *b, unsigned how, unsigned place, unsigned layer)
{
    if (!(how & layer) || b->len == 0)
        return;
    size_t at = place % b->len;
    if (how & DAMAGE_CUT)
        b->len = at;
    else
        b->data[at] ^= (uint8_t)(1u << place % 8);
}

static void frame_put(struct buf *out, struct slice in, unsigned layers)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    size_t cap = ZSTD_compressBound(in.len);
    uint8_t *p = buf_reserve(out, cap);
    MUST(z && p);
    ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, layers & LAYER_CHECKSUM ? 1 : 0);
    size_t n = ZSTD_compress2(z, p, cap, in.data, in.len);
    MUST(!ZSTD_isError(n));
    out->len += n;
    ZSTD_freeCCtx(z);
}

/* One frame, or two of them with a skippable one between them. */
static void zstd_put(struct buf *out, struct slice in, unsigned layers, unsigned cut)
{
    size_t first = layers & LAYER_SKIPPABLE ? in.len * cut / 256 : in.len;
    frame_put(out, slice_of(in.data, first), layers);
    if (!(layers & LAYER_SKIPPABLE))
        return;
    buf_put_u32(out, 0x184D2A50);
    buf_put_u32(out, 3);
    buf_put_str(out, "abc");
    frame_put(out, slice_of(in.len ? in.data + first : in.data, in.len - first), layers);
}

static struct age_recipients *recipients;
static struct age_identities *identities;

static void keys_make(void)
{
    char identity[AGE_IDENTITY_SIZE], recipient[AGE_RECIPIENT_SIZE];
    MUST(age_keygen(seed, identity, recipient, NULL) == ST_OK);
    MUST(age_identities_new(&identities, NULL) == ST_OK);
    MUST(age_identities_add(identities, slice_str(identity), "id", NULL) == ST_OK);
    MUST(age_recipients_new(&recipients, NULL) == ST_OK);
    MUST(age_recipients_add(recipients, recipient, NULL) == ST_OK);
}

static void age_put(struct buf *out, struct slice in, unsigned layers)
{
    struct age_writer *w = NULL;
    struct byte_sink sink = {.ctx = out, .write = memory_write};
    MUST(age_writer_open(sink, recipients, layers & LAYER_ARMOR, seed, &w, NULL) == ST_OK);
    MUST(age_writer_write(w, in.data, in.len, NULL) == ST_OK);
    MUST(age_writer_finish(w, NULL) == ST_OK);
}

/* ---- out ---- */

/* ST_END: whole. */
static enum status age_get(struct slice in, size_t step, struct buf *out)
{
    struct memory m = {.bytes = in, .step = step};
    struct age_reader *r = NULL;
    struct slice chunk;
    struct err err = {0};
    enum status st =
        age_reader_open((struct byte_source){.ctx = &m, .read = memory_read}, identities, &r, &err);
    while (st == ST_OK && (st = age_reader_next(r, &chunk, &err)) == ST_OK)
        buf_put_slice(out, chunk);
    MUST(st == ST_END || (st == ST_BAD_INPUT && err.reason));
    age_reader_close(r);
    return st;
}

static enum status inflate_get(struct slice in, size_t step, struct buf *out)
{
    static const struct inflate_limits limits = {UINT64_C(1) << 20, 50, UINT64_C(1) << 20};
    struct inflate *z = NULL;
    struct slice got;
    struct err err = {0};
    enum status st = ST_OK;
    MUST(inflate_new(&z, NULL) == ST_OK);
    inflate_reset(z, &limits);
    for (size_t at = 0; at < in.len && st == ST_OK; at += step) {
        struct slice piece = slice_of(in.data + at, in.len - at < step ? in.len - at : step);
        do {
            st = inflate_next(z, &piece, &got, &err);
            if (st == ST_OK)
                buf_put_slice(out, got);
        } while (st == ST_OK && (piece.len || got.len));
    }
    while (st == ST_OK) {
        st = inflate_finish(z, &got, &err);
        if (st == ST_OK)
            buf_put_slice(out, got);
    }
    MUST(st == ST_END || (st == ST_BAD_INPUT && err.reason));
    inflate_free(z);
    return st;
}

static void lines_parse(struct slice lines)
{
    struct record_reader *r = NULL;
    struct record rec;
    enum record_fault fault;
    MUST(record_reader_new(&r, NULL) == ST_OK);
    for (size_t at = 0, n = 0; at < lines.len; n++) {
        const uint8_t *lf = memchr(lines.data + at, '\n', lines.len - at);
        size_t end = lf ? (size_t)(lf - lines.data) : lines.len;
        struct slice line = slice_of(lines.data + at, end - at);
        MUST(record_parse(r, line, n == 0, &rec, &fault, NULL, NULL) == ST_OK && fault < RF_COUNT);
        at = end + 1;
    }
    record_reader_free(r);
}

/* ---- the way ---- */

static bool is_prefix(struct slice s, struct slice of)
{
    return s.len <= of.len && (s.len == 0 || memcmp(s.data, of.data, s.len) == 0);
}

static void way(const uint8_t head[HEAD], struct slice lines)
{
    unsigned layers = head[0], how = head[1], place = head[2] | (unsigned)head[3] << 8;
    size_t step = head[4] ? head[4] * (size_t)7 : 1;
    struct buf inner = {0}, packed = {0}, sealed = {0}, opened = {0}, out = {0};
    enum status age = ST_END, inflated;
    buf_put_slice(&inner, lines);
    damage(&inner, how, place, DAMAGE_LINES); /* another input: it tells nothing of the others */
    if (layers & LAYER_ZSTD)
        zstd_put(&packed, buf_slice(&inner), layers, head[5]);
    else
        buf_put_slice(&packed, buf_slice(&inner));
    damage(&packed, how, place, DAMAGE_ZSTD);
    if (layers & LAYER_AGE) {
        age_put(&sealed, buf_slice(&packed), layers);
        damage(&sealed, how, place, DAMAGE_AGE);
        age = age_get(buf_slice(&sealed), step, &opened);
        MUST(is_prefix(buf_slice(&opened), buf_slice(&packed)));
        MUST(age != ST_END || opened.len == packed.len);
        MUST(age == ST_END || how & DAMAGE_AGE);
    } else {
        buf_put_slice(&opened, buf_slice(&packed));
    }
    inflated = inflate_get(buf_slice(&opened), step, &out);
    if (!(how & DAMAGE_ZSTD)) {
        MUST(is_prefix(buf_slice(&out), buf_slice(&inner)));
        if (age == ST_END && inflated == ST_END)
            MUST(out.len == inner.len);
    }
    /* A bit that the frame's checksum is over does not go through in silence. */
    if ((layers & LAYER_ZSTD) && (layers & LAYER_CHECKSUM) && inflated == ST_END &&
        !(how & DAMAGE_CUT))
        MUST(slice_eq(buf_slice(&out), buf_slice(&inner)));
    lines_parse(buf_slice(&out));
    buf_release(&inner);
    buf_release(&packed);
    buf_release(&sealed);
    buf_release(&opened);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD || size > ((size_t)1 << 18))
        return 0;
    if (!identities)
        keys_make();
    way(data, slice_of(data + HEAD, size - HEAD));
    return 0;
}
