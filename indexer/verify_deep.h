/* verify_deep — derives the index again from the stored messages and compares it with what is
 * stored: words, postings, positions, totals.
 * Threads: one. */
#ifndef INDEXER_VERIFY_DEEP_H
#define INDEXER_VERIFY_DEEP_H

#include "indexer/core.h"

/* Calls `found` for each difference. ST_OK also with differences; *damaged counts them. */
MUST_USE enum status verify_deep(struct casefile *cf, const struct core_options *o,
                                 void (*found)(void *ctx, const char *file, const char *what),
                                 void *ctx, uint64_t *damaged, struct err *err);

#endif
