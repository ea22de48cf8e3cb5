/* rows — the bodies of documents by number: many in one block, a directory over the blocks. A block
 * has two zstd frames, of heads and of texts, because the two compress better apart; and what the
 * column of times says of a body does not stand in it again.
 * Owns: a writer and a rows_block own their buffers and zstd contexts.
 * Threads: one each.  Trusts: nothing.  Format: docs/FORMAT.md, "Bodies". */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <zstd.h>

#include "lictor/timestamp.h"
#include "store/source.h"

#define ROW_MAX ((size_t)256 << 20) /* longest row */
#define ROWS_RAW_MAX (ROW_MAX + 64) /* longest frame, inflated */
#define ROWS_ENTRY 24               /* directory: first row, heads raw, packed, texts raw, offset */
#define ROWS_TARGET ((size_t)64 << 10) /* raw bytes of a block */

/* A body row without its text and time: what remains of it is its head. */
enum row_form { ROW_HAS_TEXT = 1, ROW_HAS_TIME = 2, ROW_FORM_BITS = 2 };
struct row_parts {
    unsigned form;       /* enum row_form: what was taken out; 0: the head is the row */
    struct slice before; /* of the place where time and text stood */
    struct slice after;
    struct slice text;
};
/* A row that is no body row is all head. */
void row_take_apart(struct slice row, int64_t sent, struct row_parts *out);
/* The row again, appended; false if `head` has no place for what was taken out. */
bool row_put_together(struct slice head, unsigned form, int64_t sent, struct slice text,
                      struct buf *out);

struct rows_writer {
    struct sink *out;
    unsigned section, dir_section;
    size_t target;
    int level;
    ZSTD_CCtx *zstd;
    struct buf heads, texts, packed;
    uint32_t first, next; /* rows of the block that is being filled: [first, next) */
};
MUST_USE enum status rows_writer_init(struct rows_writer *w, struct sink *out, unsigned section,
                                      unsigned dir_section, size_t target, struct err *err);
void rows_writer_release(struct rows_writer *w);
/* The next row, of a document sent at `sent` (TIME_NONE: not known to the reader); ST_LIMIT beyond
 * ROW_MAX. */
MUST_USE enum status rows_add(struct rows_writer *w, struct slice row, int64_t sent,
                              struct err *err);
MUST_USE enum status rows_finish(struct rows_writer *w, struct err *err);

/* The block read last, and where its rows stand. Zeroed is valid. */
struct rows_block {
    ZSTD_DCtx *zstd;
    struct buf heads, texts, scratch, dir, row;
    struct buf places; /* struct row_place, one a row */
    bool valid;
    uint8_t id[FILE_ID_SIZE];
    unsigned section;
    uint32_t first, end; /* rows [first, end) */
};
void rows_block_release(struct rows_block *b);
/* Row `number` of `n`; borrowed until the next call with this block. */
MUST_USE enum status rows_read(const struct source *src, unsigned section, unsigned dir_section,
                               uint32_t n, struct rows_block *b, uint32_t number, int64_t sent,
                               struct slice *row, struct err *err);

/* The blocks read last, so that a reader who goes to and fro between a few places inflates each
 * once. Zeroed is valid. Keeps ROWS_KEPT blocks of some 64 KiB, and of longer ones the last alone.
 */
#define ROWS_KEPT 4
struct rows_cache {
    struct rows_block blocks[ROWS_KEPT];
    uint64_t used[ROWS_KEPT]; /* by the clock, when */
    uint64_t clock;
};
void rows_cache_release(struct rows_cache *c);
/* As rows_read; borrowed until the next call with this cache. */
MUST_USE enum status rows_cached(const struct source *src, unsigned section, unsigned dir_section,
                                 uint32_t n, struct rows_cache *c, uint32_t number, int64_t sent,
                                 struct slice *row, struct err *err);

#endif
