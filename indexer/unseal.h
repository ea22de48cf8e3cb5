/* unseal — opens the sealed bodies of a case whose keys have come. Ids, order and digest stay: a
 * content is its sealed bytes, opened or not. `add --body-keys` gives the same case as `add` and
 * this afterwards.
 * Threads: one. */
#ifndef INDEXER_UNSEAL_H
#define INDEXER_UNSEAL_H

#include "indexer/core.h"

struct unseal_counts { /* messages */
    uint64_t opened, broken,
        sealed; /* broken: have a key that does not open them; sealed: neither */
};
/* Uses o->body_keys, memory, threads, progress. Two commits: first what opened texts contradict is
 * flagged, then the segments are written anew; killed in between, the same call completes it. */
MUST_USE enum status unseal_all(struct casefile *cf, const struct core_options *o,
                                struct unseal_counts *counts, struct err *err);

#endif
