/* worker — parses batches, recognises their records and puts new contents and all copies into its
 * own store of the run.
 * Owns: parser, hasher.  Threads: one worker a thread. */
#ifndef INDEXER_WORKER_H
#define INDEXER_WORKER_H

#include "indexer/batch.h"
#include "indexer/recognise.h"

/* A line that is parsed, and what it borrows from: a reader and a recogniser of its own. */
struct worker_line {
    struct record_reader *reader;
    struct recogniser recogniser;
    struct record rec;
    struct recognised r;
    uint64_t number;
    struct buf hashed; /* the bytes of its hash */
    uint8_t hash[SHA256_SIZE];
};
/* Lines go through the worker in two groups by turns: while one is parsed, the places of the other
 * one in the content table come into the cache. A group is hashed at once. */
#define WORKER_LINES 8
struct worker_group {
    struct worker_line lines[WORKER_LINES];
    size_t n; /* lines that wait to be hashed or for their place */
};
#define WORKER_RECENT 1024

struct worker {
    unsigned number;
    struct run *run;
    struct run_store *store;
    struct worker_group groups[2];
    unsigned now; /* the group that is filled */
    struct content_hasher hasher;
    struct buf row;
    /* Conversations met last, by a hash of their members: most messages go on with one of them, and
     * neither its key nor its place need be looked up. Borrowed from the run. */
    const struct run_conversation *recent[WORKER_RECENT];
    uint64_t resets; /* of the run when these were met */
};

MUST_USE enum status worker_init(struct worker *w, struct run *run, unsigned number,
                                 const struct body_keys *keys, struct err *err);
void worker_release(struct worker *w);
/* Takes every line of the batch into the run. */
MUST_USE enum status worker_batch(struct worker *w, struct batch *b, struct err *err);
/* Bytes that a store holds, for the budget. */
uint64_t worker_store_held(const struct run_store *s);

#endif
