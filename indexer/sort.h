/* sort — radix sort of fixed keys with a number attached. Its time does not depend on the values: a
 * dump may choose them.
 * Owns: nothing.  Threads: any. */
#ifndef INDEXER_SORT_H
#define INDEXER_SORT_H

#include "indexer/grown.h"
#include "lictor/bytes.h"

struct sort_item {
    uint64_t hi, lo;
    uint32_t value;
};

/* By (hi, lo), ascending; items of equal keys keep their order. */
MUST_USE enum status sort_items(struct sort_item *items, size_t n, struct err *err);

/* A term to be sorted, and where it came from. */
struct sort_term {
    uint64_t key; /* scratch */
    const uint8_t *data;
    uint32_t len;
    uint32_t source, id;
};
/* By bytes, a term before those it begins; equal terms in any order. */
MUST_USE enum status sort_terms(struct sort_term *terms, size_t n, struct err *err);

#endif
