/* compact — merges segments and folds their overlays in. Ids, answers, order and digest stay.
 * Threads: one. */
#ifndef INDEXER_COMPACT_H
#define INDEXER_COMPACT_H

#include "indexer/core.h"

/* All segments into as few as the memory allows (at most 32 M documents each). */
MUST_USE enum status compact_all(struct casefile *cf, const struct core_options *o,
                                 struct err *err);
/* After an `add`: the smallest ones if there are more than 16, and those with many overlays. */
MUST_USE enum status compact_if_many(struct casefile *cf, const struct core_options *o,
                                     struct err *err);
/* The segments that chosen[i] names, as one commit of `kind`; for LEDGER_UNSEAL the sealed bodies
 * that o->body_keys open are opened on the way. */
MUST_USE enum status compact_set(struct casefile *cf, const struct core_options *o,
                                 const bool *chosen, enum ledger_kind kind, struct err *err);

#endif
