/* head — the end of the ledger as a few lines of text, to be kept outside the case (with a time
 * stamp or a signature: `openssl ts`, minisign): who has them sees when a case was taken back to an
 * earlier state, which the case alone cannot show.
 * Threads: one.  Trusts: nothing in the file. */
#ifndef INDEXER_HEAD_H
#define INDEXER_HEAD_H

#include "lictor/casefile.h"

struct head {
    uint8_t case_id[16];
    uint64_t entries;
    uint8_t hash[32]; /* of the last entry */
    uint64_t queries; /* entries of the query log; 0: none, or not noted */
    uint8_t queries_hash[32];
};

/* Appends the lines. */
void head_write(const struct casefile *cf, struct buf *out);
/* Reads such a file; errors name it. */
MUST_USE enum status head_read(const char *path, struct head *out, struct err *err);
/* Does the case's ledger continue that head? Calls `found` and counts if not. */
MUST_USE enum status head_check(struct casefile *cf, const struct head *h,
                                void (*found)(void *ctx, const char *file, const char *what),
                                void *ctx, uint64_t *damaged, struct err *err);

#endif
