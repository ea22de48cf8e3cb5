/* postings_iter — the state of a walk over one word's documents, shared by the files that open it,
 * move it and read its positions.  Format: docs/FORMAT.md, "Postings". */
#ifndef STORE_POSTINGS_ITER_H
#define STORE_POSTINGS_ITER_H

#include "store/segment_private.h"

#define SKIP_WINDOW 64

struct posting_iter {
    struct segment *s;
    const struct source *src;
    enum status failed; /* latched */
    bool in_line, has_positions, on_doc, tf_ready, at_end;
    uint32_t n;
    /* blocks */
    uint32_t n_blocks;
    uint64_t data; /* offset of the first block */
    uint64_t data_len;
    uint64_t skip;      /* offset of the skip table; 0 for a single block */
    uint64_t positions; /* offset of the word's positions */
    uint32_t minute;    /* bound of the block that is decoded */
    /* the window over the skip table: blocks [first, first + have) */
    struct skip_window {
        uint32_t first, have;
        uint32_t last_doc[SKIP_WINDOW], minute[SKIP_WINDOW];
        uint64_t end[SKIP_WINDOW];
        uint32_t before; /* documents of the block before end here: its last + 1 */
        uint64_t begin;  /* end of the block before */
    } * window;
    /* the block that is decoded */
    uint32_t block, count, at;
    uint32_t docs[POSTING_BLOCK], tf[POSTING_BLOCK];
    struct cursor rest; /* of the block, behind the documents; borrows block_bytes */
    struct buf block_bytes, scratch;
    /* positions of the block */
    uint64_t chunk_off, chunk_end; /* what is not read yet */
    struct cursor chunk;
    struct buf chunk_bytes, list;
    uint32_t position_doc; /* next document whose positions come */
    struct inline_postings tiny;
};

enum status postings_damaged(const char *what, struct err *err);
/* n values: packed if they fill a block, else varints. Latches in the cursor. */
void values_get(struct cursor *c, uint32_t n, unsigned bits, uint32_t *out);
/* Latches a failure in the iterator. */
static inline enum status posting_iter_fail(struct posting_iter *it, enum status st)
{
    it->failed = st;
    it->on_doc = false;
    return st;
}

#endif
