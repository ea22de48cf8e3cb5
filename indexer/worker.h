/* worker — parses batches, recognises their records and puts new contents and all copies into its
 * own store of the run.
 * Owns: parser, splitter, hasher.  Threads: one worker a thread. */
#ifndef INDEXER_WORKER_H
#define INDEXER_WORKER_H

#include "indexer/batch.h"
#include "indexer/recognise.h"
#include "lictor/term.h"
#include "lictor/words.h"

/* Terms on their way to the vocabulary. */
struct term_batch {
    size_t n;
    struct slice terms[VOCAB_BATCH];
    uint32_t marks[VOCAB_BATCH];
    struct term bytes[VOCAB_BATCH];
};

struct worker {
    unsigned number;
    struct run *run;
    struct run_store *store;
    struct record_reader *reader;
    struct splitter *splitter;
    struct content_hasher hasher;
    struct recogniser recogniser;
    struct buf row;
    struct term_batch terms;
};

MUST_USE enum status worker_init(struct worker *w, struct run *run, unsigned number,
                                 const struct body_keys *keys, struct err *err);
void worker_release(struct worker *w);
/* Takes every line of the batch into the run. */
MUST_USE enum status worker_batch(struct worker *w, struct batch *b, struct err *err);
/* Bytes that a store holds, for the budget. */
uint64_t worker_store_held(const struct run_store *s);

#endif
