/* postings_iter — the state of a walk over one word's documents, shared by the files that open it,
 * move it and read its positions.  Format: docs/FORMAT.md, "Postings". */
#ifndef STORE_POSTINGS_ITER_H
#define STORE_POSTINGS_ITER_H

#include "store/patched.h"
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
    uint32_t loaded; /* the block read last */
    uint32_t docs[POSTING_BLOCK], tf[POSTING_BLOCK];
    struct cursor rest; /* of the block, behind the documents; borrows `ahead` */
    struct buf ahead;   /* bytes of this block and, where blocks follow each other, of the next */
    uint64_t ahead_off; /* where they stand in the section */
    struct buf scratch;
    /* positions of the block, once they are asked for */
    uint64_t beside; /* of a single block: bytes of positions that stand behind it; 0: elsewhere */
    uint64_t elsewhere; /* of a single block: their bytes in their own section */
    struct patched_list steps;
    struct buf steps_bytes, list;
    uint32_t position_doc; /* document whose positions begin at `position` */
    uint64_t position;
    struct inline_postings tiny;
};

/* Where a block of documents lies and which documents it can have. */
struct block_place {
    uint64_t off;
    size_t len;
    uint32_t n, next, last; /* documents, least possible one, last one (UINT32_MAX: not known) */
    uint32_t minute;
};
/* First block whose last document is >= doc, with the window over it; n_blocks if none. Only of
 * postings with a skip table. `doc` is not before the decoded block, but may be before the window:
 * peeking moves that ahead. */
enum status posting_block_find(struct posting_iter *it, uint32_t doc, uint32_t *block,
                               struct err *err);
/* Of a block in the window. */
struct block_place posting_block_place(const struct posting_iter *it, uint32_t block);
/* Decodes a block in the window. */
enum status posting_block_load(struct posting_iter *it, uint32_t block, struct err *err);

enum status postings_damaged(const char *what, struct err *err);
/* Latches a failure in the iterator. */
static inline enum status posting_iter_fail(struct posting_iter *it, enum status st)
{
    it->failed = st;
    it->on_doc = false;
    return st;
}

#endif
