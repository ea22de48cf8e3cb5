/* reload — documents of a segment back into a run,: for compaction and for deep
 * verification. One way in, whoever asks.
 * Owns: a run of one store, a hasher, scratch.  Threads: one. */
#ifndef INDEXER_RELOAD_H
#define INDEXER_RELOAD_H

#include "indexer/run.h"
#include "lictor/body_keys.h"

struct reload {
    struct run run;
    struct content_hasher hasher;
    struct segment_scratch *scratch;
    struct arena temp;
    const struct body_keys *late_keys; /* NULL, or: open what they open (unseal) */
    struct buf text, row;              /* of an opened body */
};

MUST_USE enum status reload_init(struct reload *r, struct err *err);
void reload_release(struct reload *r);
/* The document, its state and its copies. Who walks several segments has a scratch for each: they
 * hold decoded blocks. */
MUST_USE enum status reload_doc(struct reload *r, struct segment *s, struct segment_scratch *x,
                                const struct segment_conversation *conv, uint32_t doc,
                                struct err *err);
/* What the segment knows of the ends of its streams. */
MUST_USE enum status reload_streams(struct reload *r, struct segment *s, struct err *err);

#endif
