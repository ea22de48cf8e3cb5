/* invert — from the forward lists of the lanes (flush_terms) to postings: one vocabulary, a
 * histogram, a prefix sum, a scatter. No linked chunks. Owns: its arrays.  Threads: one. */
#ifndef INDEXER_INVERT_H
#define INDEXER_INVERT_H

#include "indexer/flush.h"

/* One term's list: documents ascending (places in the one order), and for words how often and
 * where; tf and positions are NULL for field terms. */
struct inverted {
    struct slice term;
    uint32_t n;
    const uint32_t *docs, *tf, *positions;
};
struct inversion;
struct sort_term;
/* Unites the vocabularies of the lanes: needs flush_terms, and nothing else of the flush. */
MUST_USE enum status invert_open(struct flush *f, struct inversion **out, struct err *err);
/* The service ids of the new documents among the terms, in order; `id` is the document. */
void invert_ids(const struct inversion *v, const struct sort_term **ids, size_t *n);
/* Calls `emit` for every term of the new documents, in byte order. Once. */
MUST_USE enum status invert_run(struct inversion *v,
                                enum status (*emit)(void *ctx, const struct inverted *t,
                                                    struct err *err),
                                void *ctx, struct err *err);
void invert_close(struct inversion *v);

#endif
