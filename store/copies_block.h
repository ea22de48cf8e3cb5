/* copies_block — the copies of up to 128 documents as columns. A copy that came once, in one
 * version (nearly every one), is a value in the columns of its *lane*: what its stream, origin and
 * dump are. The documents of a conversation have the same few lanes, so what they share is said
 * once. Owns: a writer and a block own their buffers.  Threads: one each. Trusts: nothing.  Format:
 * docs/FORMAT.md, "Copies". */
#ifndef STORE_COPIES_BLOCK_H
#define STORE_COPIES_BLOCK_H

#include <zstd.h>

#include "lictor/arena.h"
#include "lictor/copies.h"
#include "store/source.h"

#define COPIES_BLOCK 128                      /* rows, at most */
#define COPIES_ENTRY 12                       /* directory: first row, offset */
#define COPIES_LANES 255                      /* of a block; also copies of a row in columns */
#define COPIES_EXTRAS 1023                    /* different ones of a block */
#define COPIES_REST_TARGET ((size_t)32 << 10) /* raw bytes of the rest that close a block */
/* Longest rest, raw: a row of 256 MiB in a block that was nearly full. */
#define COPIES_REST_MAX (((size_t)256 << 20) + ((size_t)1 << 20))

struct copy_lane {
    uint32_t stream, origin, dump;
};

/* A copy in columns. Times are less `sent` of the document, modulo 2^64, as flagged. */
struct copy_cell {
    uint64_t seq, line; /* line: less seq */
    uint64_t time[3];   /* delivered, read, collected */
    uint16_t extra;     /* 0: none; else its number */
    uint8_t lane;
    uint8_t there; /* bits of the times */
};

/* `extra` of many copies is alike but for the time of the message in it, written as text. */
enum extra_form { EXTRA_TIME = 1, EXTRA_MS = 2, EXTRA_UTC = 4 };
struct extra_time {
    uint8_t form;   /* enum extra_form; 0: `before` is all of it */
    int32_t offset; /* minutes east of UTC */
    struct slice before, after;
};
/* Finds "sent":"…" written as the instant `sent`; else the whole is `before`. */
void extra_take_apart(struct slice extra, int64_t sent, struct extra_time *out);
/* The text again; ST_DAMAGED if `sent` has no such text. */
MUST_USE enum status extra_put_together(const struct extra_time *e, int64_t sent, struct arena *a,
                                        struct slice *out, struct err *err);

/* ---- writing ---- */

struct copies_writer {
    struct sink *out;
    unsigned section, dir_section;
    ZSTD_CCtx *zstd;
    uint32_t first, rows, next; /* rows of the block: [first, next) */
    struct copy_lane lanes[COPIES_LANES];
    unsigned n_lanes;
    uint8_t patterns[COPIES_BLOCK][1 + COPIES_LANES]; /* length, lanes */
    unsigned n_patterns;
    uint8_t row_pattern[COPIES_BLOCK];
    struct copy_cell *cells;
    uint32_t n_cells;
    uint32_t *by_lane; /* scratch: numbers of cells */
    uint64_t *values;  /* scratch: a column */
    uint64_t extra_hash[COPIES_EXTRAS];
    uint32_t extra_at[COPIES_EXTRAS]; /* where it stands in `extras` */
    unsigned n_extras;
    struct buf extras, odd, block, packed;
};
MUST_USE enum status copies_writer_init(struct copies_writer *w, struct sink *out, unsigned section,
                                        unsigned dir_section, struct err *err);
void copies_writer_release(struct copies_writer *w);
/* The next row. `sent`: when its document was, if the reader will know it; else TIME_NONE. */
MUST_USE enum status copies_add(struct copies_writer *w, const struct copy *copies, size_t n,
                                int64_t sent, struct err *err);
MUST_USE enum status copies_finish(struct copies_writer *w, struct err *err);

/* ---- reading ---- */

/* The block read last. Zeroed is valid. */
struct copies_block {
    bool valid;
    uint8_t id[FILE_ID_SIZE];
    uint32_t first, end; /* rows [first, end) */
    ZSTD_DCtx *zstd;
    struct buf dir, bytes, rest;
    struct buf cells;                    /* struct copy_cell */
    struct buf extras;                   /* struct extra_time */
    uint32_t row_cell[COPIES_BLOCK + 1]; /* first cell of a row */
    struct slice odd[COPIES_BLOCK];      /* data NULL: in columns */
    struct copy_lane lanes[COPIES_LANES];
};
void copies_block_release(struct copies_block *b);
/* Row `number` of `n`; `sent` as it was given to the writer. Arrays live in `a`, and so do bytes.
 */
MUST_USE enum status copies_read(const struct source *src, unsigned section, unsigned dir_section,
                                 uint32_t n, struct copies_block *b, uint32_t number, int64_t sent,
                                 struct arena *a, struct copy **copies, size_t *n_copies,
                                 struct err *err);

#endif
