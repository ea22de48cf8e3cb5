/* rows — byte strings by number (bodies, copies): many in one zstd block, a directory over the
 * blocks.
 * Owns: a writer and a rows_block own their buffers and zstd contexts.
 * Threads: one each.  Trusts: nothing.  Format: docs/FORMAT.md, "Rows". */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <zstd.h>

#include "store/source.h"

#define ROW_MAX ((size_t)256 << 20)           /* longest row */
#define ROWS_RAW_MAX (ROW_MAX + 16)           /* longest block, inflated */
#define ROWS_ENTRY 20                         /* directory: first row, raw, packed, offset */
#define ROWS_BODY_TARGET ((size_t)64 << 10)   /* raw bytes of a block of bodies */
#define ROWS_COPIES_TARGET ((size_t)32 << 10) /* and of copies */

struct rows_writer {
    struct sink *out;
    unsigned section, dir_section;
    size_t target;
    int level;
    ZSTD_CCtx *zstd;
    struct buf raw, packed;
    uint32_t first, next; /* rows of the block that is being filled: [first, next) */
};
MUST_USE enum status rows_writer_init(struct rows_writer *w, struct sink *out, unsigned section,
                                      unsigned dir_section, size_t target, struct err *err);
void rows_writer_release(struct rows_writer *w);
/* The next row; ST_LIMIT beyond ROW_MAX. */
MUST_USE enum status rows_add(struct rows_writer *w, struct slice row, struct err *err);
MUST_USE enum status rows_finish(struct rows_writer *w, struct err *err);

/* The block read last and where in it the last row began: rows asked for in order cost nothing to
 * find. Zeroed is valid. */
struct rows_block {
    ZSTD_DCtx *zstd;
    struct buf raw, scratch, dir;
    bool valid;
    uint8_t id[FILE_ID_SIZE];
    unsigned section;
    uint32_t first, end; /* rows [first, end) */
    uint32_t at;         /* row that begins at `pos` */
    size_t pos;
};
void rows_block_release(struct rows_block *b);
/* Row `number` of `n`; borrowed until the next call with this block. */
MUST_USE enum status rows_read(const struct source *src, unsigned section, unsigned dir_section,
                               uint32_t n, struct rows_block *b, uint32_t number, struct slice *row,
                               struct err *err);

#endif
