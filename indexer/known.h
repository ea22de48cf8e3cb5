/* known — which dumps the case has already: SHA-256 -> state, from the ledger and from this run.
 * Owns: its table.  Threads: one. */
#ifndef INDEXER_KNOWN_H
#define INDEXER_KNOWN_H

#include "lictor/casefile.h"

struct known_dump {
    uint8_t sha256[SHA256_SIZE];
    bool used;
    uint8_t state;      /* enum dump_state of the last entry */
    struct books books; /* of the last entry */
    const void *ctx;    /* struct dump_ctx of this run, or NULL */
};
struct known {
    struct known_dump *slots;
    size_t cap, n;
    uint64_t unhashed; /* ledger entries of dumps that could not be read at all */
};

MUST_USE enum status known_load(struct known *k, struct casefile *cf, struct err *err);
void known_release(struct known *k);
/* The entry, made if missing (used = false then). */
MUST_USE enum status known_get(struct known *k, const uint8_t sha256[SHA256_SIZE],
                               struct known_dump **out, struct err *err);

#endif
