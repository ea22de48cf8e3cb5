/* inflate — the opened bytes of a dump to NDJSON.
 *
 *   opened bytes ── judge ─┬─ NDJSON: passed on where they stand
 *                          └─ zstd:   frame header ─ body … ─ judge the content ─ out
 *
 * Frame headers (RFC 8878, 3.1) are taken apart here before libzstd sees them. The window is
 * judged before anything is allocated for it, a frame of another format is never tried, skippable
 * frames cost nothing, and libzstd cannot take its shortcut for frames that lie whole in the input,
 * which passes over the window limit and would make the verdict depend on how the input was cut.
 * For the same reason a frame is fed block by block: when a block is damaged, all before it is out,
 * whatever the size of the pieces.
 *
 * A failure is latched: what was good before it is given first, and every later call repeats it. */
#include "lictor/inflate.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define HEAD_MAX ((size_t)64 << 10) /* white space before the first record */
#define TAR_MAGIC_AT 257
#define TAR_MAGIC_END 262
#define FRAME_HEADER_MAX 18
#define BLOCK_HEADER_SIZE 3
#define ZSTD_MAGIC 0xFD2FB528u
#define SKIPPABLE_MAGIC 0x184D2A50u
#define SKIPPABLE_MASK 0xFFFFFFF0u
#define SKIPPABLE_HEADER 8

enum stage {
    AT_START,  /* first bytes not judged yet; they wait in head */
    AT_PLAIN,  /* NDJSON, passed on */
    AT_HEADER, /* between frames, or inside a frame header */
    AT_BODY,   /* inside a frame */
    AT_SKIP,   /* inside a skippable frame */
};

enum verdict { V_MORE, V_ZSTD, V_NDJSON, V_MEDIA, V_UNKNOWN };

struct judge {
    size_t white; /* bytes known to be a BOM or white space, so that none is looked at twice */
    bool zstd_allowed;
};

struct inflate {
    struct inflate_limits limits;
    ZSTD_DCtx *zstd;
    enum stage stage;
    struct judge judge;

    struct buf head;   /* AT_START: bytes that came so far */
    size_t head_given; /* of head, taken on by the next stage */

    uint8_t header[FRAME_HEADER_MAX];
    size_t header_len;
    uint64_t skip_left;
    size_t feed;   /* bytes libzstd wants next */
    bool flushing; /* libzstd has output left that found no room */

    uint8_t *out;
    size_t out_cap, out_len;
    bool decided; /* the content is NDJSON; before, out only collects */

    uint64_t taken;     /* opened bytes */
    uint64_t content;   /* bytes inflated */
    struct err failure; /* status ST_OK while all is well */
};

/* ---- life cycle ---- */

enum status inflate_new(struct inflate **out, struct err *err)
{
    struct inflate *z = calloc(1, sizeof *z);
    if (!z)
        return err_no_memory(err);
    z->out_cap = ZSTD_DStreamOutSize();
    z->out = malloc(z->out_cap);
    z->zstd = ZSTD_createDCtx();
    if (!z->out || !z->zstd) {
        inflate_free(z);
        return err_no_memory(err);
    }
    MUST(z->out_cap > HEAD_MAX);
    inflate_reset(z, NULL);
    *out = z;
    return ST_OK;
}

void inflate_free(struct inflate *z)
{
    if (!z)
        return;
    ZSTD_freeDCtx(z->zstd);
    buf_release(&z->head);
    free(z->out);
    free(z);
}

void inflate_reset(struct inflate *z, const struct inflate_limits *limits)
{
    static const struct inflate_limits defaults = {
        .window = INFLATE_WINDOW_DEFAULT,
        .ratio = INFLATE_RATIO_DEFAULT,
        .free_bytes = INFLATE_FREE_DEFAULT,
    };
    z->limits = limits ? *limits : defaults;
    z->stage = AT_START;
    z->judge = (struct judge){.zstd_allowed = true};
    buf_clear(&z->head);
    z->head.failed = false;
    z->head_given = 0;
    z->header_len = 0;
    z->skip_left = 0;
    z->feed = 0;
    z->flushing = false;
    z->out_len = 0;
    z->decided = false;
    z->taken = 0;
    z->content = 0;
    z->failure = (struct err){.status = ST_OK};
}

/* ---- failures ---- */

static enum status fail(struct inflate *z, const char *reason, const char *text)
{
    return err_reason(&z->failure, ST_BAD_INPUT, reason, z->taken, "%s", text);
}

static enum status fail_zstd(struct inflate *z, size_t code)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return err_no_memory(&z->failure);
    return err_reason(&z->failure, ST_BAD_INPUT, "zstd", z->taken, "zstd stream is damaged: %s",
                      ZSTD_getErrorName(code));
}

static enum status fail_unknown(struct inflate *z)
{
    return fail(z, "unknown-format", "neither zstd nor NDJSON");
}

static enum status failure_give(const struct inflate *z, struct err *err)
{
    if (err)
        *err = z->failure;
    return z->failure.status;
}

/* ---- what it is ---- */

static bool is_white(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_zstd_magic(uint32_t magic)
{
    return magic == ZSTD_MAGIC || (magic & SKIPPABLE_MASK) == SKIPPABLE_MAGIC;
}

/* Whether the first bytes may become a zstd or skippable magic, both ended by fixed bytes. */
static bool may_be_zstd(const uint8_t *p, size_t n)
{
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skippable[] = {0x2a, 0x4d, 0x18};
    if (n == 0 || n >= 4)
        return n >= 4 && is_zstd_magic(load_u32(p));
    return memcmp(p, zstd, n) == 0 ||
           ((p[0] & 0xf0) == 0x50 && memcmp(p + 1, skippable, n - 1) == 0);
}

/* Judges all n bytes that came so far from the first on. */
static enum verdict judge(struct judge *j, const uint8_t *p, size_t n)
{
    static const uint8_t bom[] = {0xef, 0xbb, 0xbf};
    if (j->zstd_allowed && may_be_zstd(p, n))
        return n < 4 ? V_MORE : V_ZSTD;
    if (j->white == 0 && n > 0 && p[0] == bom[0]) {
        if (n < sizeof bom && memcmp(p, bom, n) == 0)
            return V_MORE;
        if (n >= sizeof bom && memcmp(p, bom, sizeof bom) == 0)
            j->white = sizeof bom;
    }
    size_t scan = n < HEAD_MAX ? n : HEAD_MAX;
    while (j->white < scan && is_white(p[j->white]))
        j->white++;
    if (j->white == scan)
        return n < HEAD_MAX ? V_MORE : V_UNKNOWN;
    if (p[j->white] == '{')
        return V_NDJSON;
    if (n < TAR_MAGIC_END)
        return V_MORE;
    return memcmp(p + TAR_MAGIC_AT, "ustar", TAR_MAGIC_END - TAR_MAGIC_AT) == 0 ? V_MEDIA
                                                                                : V_UNKNOWN;
}

static enum status judge_fail(struct inflate *z, enum verdict v)
{
    if (v == V_MEDIA)
        return fail(z, "media", "a tar: media are not read yet");
    return fail_unknown(z);
}

static void slice_drop(struct slice *s, size_t n)
{
    if (n > 0) /* data may be NULL */
        *s = slice_of(s->data + n, s->len - n);
}

static enum status head_add(struct inflate *z, struct slice *in)
{
    size_t n = HEAD_MAX - z->head.len;
    n = n < in->len ? n : in->len;
    buf_put(&z->head, in->data, n);
    if (z->head.failed)
        return err_no_memory(&z->failure);
    slice_drop(in, n);
    return ST_OK;
}

/* AT_START: the bytes go on where they stand if they decide at once, else they wait in head, which
 * decides when it is HEAD_MAX at the latest. */
static enum status start(struct inflate *z, struct slice *in)
{
    enum verdict v;
    if (z->head.len == 0) {
        v = judge(&z->judge, in->data, in->len);
    } else {
        TRY(head_add(z, in));
        v = judge(&z->judge, z->head.data, z->head.len);
    }
    switch (v) {
    case V_MORE:
        return z->head.len == 0 ? head_add(z, in) : ST_OK;
    case V_ZSTD:
        z->stage = AT_HEADER;
        z->judge = (struct judge){.zstd_allowed = false};
        return ST_OK;
    case V_NDJSON:
        z->stage = AT_PLAIN;
        return ST_OK;
    default:
        return judge_fail(z, v);
    }
}

/* ---- frames ---- */

static size_t take(struct inflate *z, struct slice *in, size_t n)
{
    n = n < in->len ? n : in->len;
    slice_drop(in, n);
    z->taken += n;
    return n;
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
    if (load_u32(z->header) != ZSTD_MAGIC)
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

/* Gives libzstd bytes that count as taken, and takes what comes into the room left in out. */
static enum status frame_feed(struct inflate *z, struct slice bytes)
{
    ZSTD_inBuffer from = {.src = bytes.data, .size = bytes.len};
    ZSTD_outBuffer to = {.dst = z->out, .size = z->out_cap, .pos = z->out_len};
    size_t wants = ZSTD_decompressStream(z->zstd, &to, &from);
    if (ZSTD_isError(wants))
        return fail_zstd(z, wants);
    /* It holds no output back (flushing) and gets no more than it asked for. */
    if (from.pos != bytes.len)
        return fail(z, "zstd", "zstd stream is damaged: libzstd left bytes of a block");
    uint64_t allowed;
    if (__builtin_mul_overflow(z->limits.ratio, z->taken, &allowed) ||
        __builtin_add_overflow(allowed, z->limits.free_bytes, &allowed))
        allowed = UINT64_MAX;
    z->content += to.pos - z->out_len;
    if (z->content > allowed)
        return fail(z, "bomb", "inflates to far more than its size");
    z->out_len = to.pos;
    z->flushing = to.pos == to.size && wants != 0;
    z->feed = wants > BLOCK_HEADER_SIZE ? wants - BLOCK_HEADER_SIZE : wants;
    if (wants == 0) {
        z->stage = AT_HEADER;
        z->header_len = 0;
    }
    return ST_OK;
}

static enum status frame_begin(struct inflate *z)
{
    if (z->header[4] & 0x08)
        return fail(z, "zstd", "zstd stream is damaged: reserved bit of a frame header");
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
    /* The first byte alone: see the top of this file. */
    TRY(frame_feed(z, slice_of(z->header, 1)));
    return frame_feed(z, slice_of(z->header + 1, z->header_len - 1));
}

static enum status header_step(struct inflate *z, struct slice *in)
{
    size_t want = header_size(z) - z->header_len;
    const uint8_t *from = in->data;
    size_t n = take(z, in, want);
    memcpy(z->header + z->header_len, from, n);
    z->header_len += n;
    if (z->header_len >= 4 && !is_zstd_magic(load_u32(z->header)))
        return fail(z, "zstd", "zstd stream is damaged: no frame where one must begin");
    if (z->header_len < header_size(z))
        return ST_OK;
    if (load_u32(z->header) == ZSTD_MAGIC)
        return frame_begin(z);
    z->skip_left = load_u32(z->header + 4);
    z->stage = AT_SKIP;
    return ST_OK;
}

static enum status body_step(struct inflate *z, struct slice *in)
{
    struct slice bytes = {.data = in->data};
    if (!z->flushing)
        bytes.len = take(z, in, z->feed);
    return frame_feed(z, bytes);
}

static enum status zstd_step(struct inflate *z, struct slice *in)
{
    switch (z->stage) {
    case AT_HEADER:
        return header_step(z, in);
    case AT_BODY:
        return body_step(z, in);
    default:
        z->skip_left -= take(z, in, z->skip_left < in->len ? (size_t)z->skip_left : in->len);
        if (z->skip_left == 0) {
            z->stage = AT_HEADER;
            z->header_len = 0;
        }
        return ST_OK;
    }
}

static enum status content_judge(struct inflate *z)
{
    if (z->decided || z->out_len == 0)
        return ST_OK;
    enum verdict v = judge(&z->judge, z->out, z->out_len);
    if (v == V_MORE)
        return ST_OK;
    if (v != V_NDJSON)
        return judge_fail(z, v);
    z->decided = true;
    return ST_OK;
}

/* Runs frames until out is full, something went wrong or the input is used up. */
static void zstd_run(struct inflate *z, struct slice *in)
{
    enum status st = ST_OK;
    while (st == ST_OK && z->out_len < z->out_cap && (in->len > 0 || z->flushing)) {
        st = zstd_step(z, in);
        if (st == ST_OK)
            st = content_judge(z);
    }
}

/* What zstd_run left: good bytes first, then the failure. */
static enum status zstd_give(struct inflate *z, struct slice *out, struct err *err)
{
    if (z->decided && z->out_len > 0) {
        *out = slice_of(z->out, z->out_len);
        z->out_len = 0;
        return ST_OK;
    }
    if (z->failure.status != ST_OK)
        return failure_give(z, err);
    *out = (struct slice){0};
    return ST_OK;
}

/* ---- the whole ---- */

static struct slice head_left(const struct inflate *z)
{
    return slice_of(z->head.data + z->head_given, z->head.len - z->head_given);
}

static enum status plain_give(struct inflate *z, struct slice *in, struct slice *out)
{
    if (z->head_given < z->head.len) {
        *out = head_left(z);
        z->head_given = z->head.len;
    } else {
        *out = *in;
        slice_drop(in, in->len);
    }
    z->taken += out->len;
    z->content += out->len;
    return ST_OK;
}

enum status inflate_next(struct inflate *z, struct slice *in, struct slice *out, struct err *err)
{
    if (z->stage == AT_START && z->failure.status == ST_OK && in->len > 0)
        (void)start(z, in);
    if (z->stage == AT_PLAIN)
        return plain_give(z, in, out);
    if (z->stage == AT_START || z->failure.status != ST_OK)
        return zstd_give(z, out, err);
    if (z->head_given < z->head.len) {
        struct slice head = head_left(z);
        zstd_run(z, &head);
        z->head_given = z->head.len - head.len;
    }
    if (z->head_given == z->head.len && z->failure.status == ST_OK)
        zstd_run(z, in);
    return zstd_give(z, out, err);
}

/* The input ended; what that means where nothing is left to give. */
static void finish_judge(struct inflate *z)
{
    if (z->stage == AT_BODY || z->stage == AT_SKIP || (z->stage == AT_HEADER && z->header_len > 0))
        (void)fail(z, "zstd", "zstd stream ends inside a frame");
    else if (z->stage == AT_START ? z->head.len == 0 : z->content == 0)
        (void)fail(z, "empty", "there is nothing in it");
    else if (z->stage == AT_START || (z->stage == AT_HEADER && !z->decided))
        (void)fail_unknown(z);
}

enum status inflate_finish(struct inflate *z, struct slice *out, struct err *err)
{
    struct slice none = {0};
    if (z->failure.status == ST_OK || z->out_len > 0 || z->head_given < z->head.len) {
        TRY(inflate_next(z, &none, out, err));
        if (out->len > 0)
            return ST_OK;
    }
    if (z->failure.status == ST_OK)
        finish_judge(z);
    if (z->failure.status != ST_OK)
        return failure_give(z, err);
    return ST_END;
}
