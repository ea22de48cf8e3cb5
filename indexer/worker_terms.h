/* worker_terms — the terms under which a new document is found: its fields, then its words.
 * Threads: the worker's. */
#ifndef INDEXER_WORKER_TERMS_H
#define INDEXER_WORKER_TERMS_H

#include "indexer/worker.h"

MUST_USE enum status worker_terms(struct worker *w, const struct record *rec,
                                  const struct recognised *r, struct run_doc *doc, struct err *err);

/* As worker_terms, from a stored content alone: for compaction and deep verification. `handle` of a
 * contact and `of`, `who` of an event are read from its canonical record. */
MUST_USE enum status worker_terms_stored(struct worker *w, const struct content *c, uint16_t flags,
                                         struct run_doc *doc, struct err *err);

#endif
