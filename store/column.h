/* column — what is asked of many documents, in blocks of 128: times, states, content keys.
 * Pure encoders and decoders of one block.
 * Owns: nothing, decoded blocks borrow their bytes.  Threads: any.
 * Trusts: nothing; *_parse checks all but the values, which *_get checks.
 * Format: docs/FORMAT.md, "Columns". */
#ifndef STORE_COLUMN_H
#define STORE_COLUMN_H

#include "lictor/copies.h"
#include "lictor/segment.h"

#define COLUMN_BLOCK 128
#define COLUMN_BYTES_MAX 4096 /* no block of ours is longer */

/* ---- sent ---- */

struct sent_bounds {
    int64_t min, max; /* without TIME_NONE; none: INT64_MAX, INT64_MIN */
    bool has_untimed; /* some are TIME_NONE */
};
#define SENT_ENTRY 24 /* directory: min, max, offset * 2 + has_untimed */

struct sent_block {
    struct sent_bounds bounds;
    struct slice run;
    unsigned bits;
    uint64_t unit;
    uint32_t n;
};
void sent_bounds_of(const int64_t *sent, uint32_t n, struct sent_bounds *out);
void sent_encode(const int64_t *sent, uint32_t n, const struct sent_bounds *b, struct buf *out);
MUST_USE enum status sent_parse(struct slice block, uint32_t n, const struct sent_bounds *b,
                                struct sent_block *out, struct err *err);
MUST_USE enum status sent_get(const struct sent_block *b, uint32_t i, int64_t *sent,
                              struct err *err);

/* ---- state ---- */

struct column_run {
    uint64_t base;
    unsigned bits;
    struct slice run;
};
struct state_block {
    struct column_run messages, copies, flags;
};
void state_encode(const struct doc_state *states, uint32_t n, struct buf *out);
/* Reads a state block from the cursor. */
MUST_USE enum status state_parse(struct cursor *c, uint32_t n, struct state_block *out,
                                 struct err *err);
MUST_USE enum status state_get(const struct state_block *b, uint32_t i, struct doc_state *out,
                               struct err *err);

/* ---- patches of an overlay: documents with their new state ---- */

#define PATCH_ENTRY 12 /* directory: first document, offset */

struct patch_block {
    uint32_t docs[COLUMN_BLOCK];
    uint32_t n;
    struct state_block states;
};
void patch_encode(const uint32_t *docs, const struct doc_state *states, uint32_t n,
                  struct buf *out);
/* Documents ascend and are below `limit`. */
MUST_USE enum status patch_parse(struct slice block, uint32_t first, uint32_t n, uint32_t limit,
                                 struct patch_block *out, struct err *err);

/* ---- keys ---- */

#define KEYS_ENTRY 16 /* directory: first fingerprint, offset */

/* Sorted by fingerprint, then document. */
void keys_encode(const struct key_entry *keys, uint32_t n, struct buf *out);
/* Fills out[n]; fingerprints do not descend, documents are below `limit`. */
MUST_USE enum status keys_parse(struct slice block, uint64_t first, uint32_t n, uint32_t limit,
                                struct key_entry *out, struct err *err);

#endif
