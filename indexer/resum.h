/* resum — the digest sum of a case, made anew of what is stored: of every version of every copy of
 * its open segments, and of its quarantined lines.
 * Owns: nothing.  Threads: one. */
#ifndef INDEXER_RESUM_H
#define INDEXER_RESUM_H

#include "lictor/casefile.h"

/* Also counts the lines in quarantine. ST_DAMAGED where something cannot be read. */
MUST_USE enum status resum_case(struct casefile *cf, uint8_t sum[DIGEST_SUM_SIZE],
                                uint64_t *quarantined, struct err *err);

#endif
