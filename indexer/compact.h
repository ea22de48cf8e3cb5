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

#endif
