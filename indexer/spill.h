/* spill — what an add has read and not yet joined, put aside by conversation. Copies of one message
 * come in dumps that may lie hours apart, but they are of one conversation: joined part by part,
 * each message is written once, whole, and no run before the last one has to be touched again.
 *
 * An add that fits into one run never comes here. What is put aside goes with the process: only the
 * commit at the end publishes anything.
 *
 * Owns: the file, and what stands where.  Threads: the caller's; inside, writing and reading are
 * shared out. */
#ifndef INDEXER_SPILL_H
#define INDEXER_SPILL_H

#include "indexer/run.h"
#include "lictor/blocks.h"

/* A part holds the conversations whose key begins with one byte. */
#define SPILL_PARTS 256

struct spill;

/* `memory` of the add: how large the blocks may be. */
MUST_USE enum status spill_new(int dirfd, unsigned threads, uint64_t memory, struct spill **out,
                               struct err *err);
void spill_free(struct spill *s);
bool spill_is_empty(const struct spill *s);
/* Is it time to join: are `limit` bytes aside (0: any number), or is the disk getting full? */
MUST_USE enum status spill_is_enough(const struct spill *s, uint64_t limit, bool *out,
                                     struct err *err);
/* Puts the documents and copies of the run aside. Copies keep their places in its tables. */
MUST_USE enum status spill_put(struct spill *s, struct run *run, struct err *err);
/* Puts pieces of a part into the run until it holds about `room` bytes more, at least one. *at is
 * the piece to go on with, 0 at first; *more says whether there is one. */
MUST_USE enum status spill_take(struct spill *s, unsigned part, uint64_t room, struct run *run,
                                size_t *at, bool *more, struct err *err);
/* What a part will hold in a run, at most. */
uint64_t spill_held(const struct spill *s, unsigned part);
/* Everything has been taken. */
MUST_USE enum status spill_clear(struct spill *s, struct err *err);

#endif
