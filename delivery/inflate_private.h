/* inflate_private — the state shared by inflate.c (what it is, the whole) and inflate_frame.c (the
 * frames of zstd).
 * Owns: nothing.  Threads: one an instance.  Trusts: nothing. */
#ifndef DELIVERY_INFLATE_PRIVATE_H
#define DELIVERY_INFLATE_PRIVATE_H

#include "lictor/inflate.h"

#include <zstd.h>

#define INFLATE_HEAD_MAX ((size_t)64 << 10)   /* white space before the first record */
#define INFLATE_BLOCK_MAX ((size_t)128 << 10) /* RFC 8878, 3.1.1.2.3 */
#define INFLATE_OUT_CAP (INFLATE_HEAD_MAX + 2 * INFLATE_BLOCK_MAX)
#define INFLATE_FRAME_HEADER_MAX 18

enum stage {
    AT_START,  /* first bytes not judged yet; they wait in head */
    AT_PLAIN,  /* NDJSON, passed on */
    AT_HEADER, /* between frames, or inside a frame header */
    AT_BODY,   /* inside a frame */
    AT_SKIP,   /* inside a skippable frame */
};

enum part { BLOCK_HEADER, BLOCK_BODY, CHECKSUM };

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

    uint8_t header[INFLATE_FRAME_HEADER_MAX];
    size_t header_len;
    uint64_t skip_left;
    enum part part;   /* AT_BODY: what of the frame comes next … */
    size_t part_size; /* … and how long it is */
    bool last_block;
    uint8_t *gathered; /* the part, where the input cuts it */
    size_t n_gathered;

    uint8_t *out; /* INFLATE_OUT_CAP bytes */
    size_t out_len;
    bool decided; /* the content is NDJSON; before, out only collects */

    uint64_t taken;     /* opened bytes */
    uint64_t content;   /* bytes inflated */
    struct err failure; /* status ST_OK while all is well */
};

/* Latches ST_BAD_INPUT with the reason, at the byte reached. */
enum status inflate_fail(struct inflate *z, const char *reason, const char *text);

/* Whether a zstd or a skippable frame begins with these four bytes. */
bool inflate_is_frame_magic(uint32_t magic);

/* Moves the slice forward; its data may be NULL if n is 0. */
static inline void slice_drop(struct slice *s, size_t n)
{
    if (n > 0)
        *s = slice_of(s->data + n, s->len - n);
}

/* Whether out has room for all that one step may give. */
static inline bool inflate_has_room(const struct inflate *z)
{
    return INFLATE_OUT_CAP - z->out_len >= INFLATE_BLOCK_MAX;
}

/* Takes the next header, part of a frame or run of skipped bytes from *in, which is not empty; what
 * a block gives is added to out, which has room. A failure is latched in z. */
MUST_USE enum status inflate_frame_step(struct inflate *z, struct slice *in);

#endif
