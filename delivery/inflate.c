/* inflate — the opened bytes of a dump to NDJSON.
 *
 *   opened bytes ── judge ─┬─ NDJSON: passed on where they stand
 *                          └─ zstd:   inflate_frame.c ── judge the content ── out
 *
 * A failure is latched: what was good before it is given first, and every later call repeats it. */
#include "delivery/inflate_private.h"

#include <stdlib.h>

#define TAR_MAGIC_AT 257
#define TAR_MAGIC_END 262

/* ---- life cycle ---- */

enum status inflate_new(struct inflate **out, struct err *err)
{
    struct inflate *z = calloc(1, sizeof *z);
    if (!z)
        return err_no_memory(err);
    z->out = malloc(INFLATE_OUT_CAP);
    z->gathered = malloc(INFLATE_BLOCK_MAX);
    z->zstd = ZSTD_createDCtx();
    if (!z->out || !z->gathered || !z->zstd) {
        inflate_free(z);
        return err_no_memory(err);
    }
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
    free(z->gathered);
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
    z->n_gathered = 0;
    z->out_len = 0;
    z->decided = false;
    z->taken = 0;
    z->content = 0;
    z->failure = (struct err){.status = ST_OK};
}

bool inflate_is_zstd(const struct inflate *z)
{
    return z->stage != AT_START && z->stage != AT_PLAIN;
}

/* ---- failures ---- */

enum status inflate_fail(struct inflate *z, const char *reason, const char *text)
{
    return err_reason(&z->failure, ST_BAD_INPUT, reason, z->taken, "%s", text);
}

static enum status failure_give(const struct inflate *z, struct err *err)
{
    if (err)
        *err = z->failure;
    return z->failure.status;
}

/* ---- what it is ---- */

enum verdict { V_MORE, V_ZSTD, V_NDJSON, V_MEDIA, V_UNKNOWN };

static bool is_white(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Whether the first bytes may become a zstd or skippable magic, both ended by fixed bytes. */
static bool may_be_zstd(const uint8_t *p, size_t n)
{
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skippable[] = {0x2a, 0x4d, 0x18};
    if (n == 0 || n >= 4)
        return n >= 4 && inflate_is_frame_magic(load_u32(p));
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
    size_t scan = n < INFLATE_HEAD_MAX ? n : INFLATE_HEAD_MAX;
    while (j->white < scan && is_white(p[j->white]))
        j->white++;
    if (j->white == scan)
        return n < INFLATE_HEAD_MAX ? V_MORE : V_UNKNOWN;
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
        return inflate_fail(z, "media", "a tar: media are not read yet");
    return inflate_fail(z, "unknown-format", "neither zstd nor NDJSON");
}

static enum status head_add(struct inflate *z, struct slice *in)
{
    size_t n = INFLATE_HEAD_MAX - z->head.len;
    n = n < in->len ? n : in->len;
    buf_put(&z->head, in->data, n);
    if (z->head.failed)
        return err_no_memory(&z->failure);
    slice_drop(in, n);
    return ST_OK;
}

/* AT_START: the bytes go on where they stand if they decide at once, else they wait in head, which
 * decides when it is INFLATE_HEAD_MAX at the latest. */
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

/* ---- zstd ---- */

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

/* Runs frames until out has no room for a block, something went wrong or the input is used up. */
static void zstd_run(struct inflate *z, struct slice *in)
{
    enum status st = ST_OK;
    while (st == ST_OK && in->len > 0 && inflate_has_room(z)) {
        st = inflate_frame_step(z, in);
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
        (void)inflate_fail(z, "zstd", "zstd stream ends inside a frame");
    else if (z->stage == AT_START ? z->head.len == 0 : z->content == 0)
        (void)inflate_fail(z, "empty", "there is nothing in it");
    else if (z->stage == AT_START || (z->stage == AT_HEADER && !z->decided))
        (void)judge_fail(z, V_UNKNOWN);
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
