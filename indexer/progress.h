/* progress — what the manifest keeps of a dump that is not wholly in, as the opaque state of a
 * struct dump_progress. A dump that `verify` reopened is one with no line in, whose books stand
 * already.
 * Owns: nothing.  Threads: any. */
#ifndef INDEXER_PROGRESS_H
#define INDEXER_PROGRESS_H

#include "lictor/casefile.h"

struct progress_state {
    uint64_t max_seq; /* + 1; 0 if none */
    uint64_t times, odd_times;
    bool again; /* it is read again: `before` are the books of the lines that were in before */
    struct books before;
};

void progress_put(struct buf *out, const struct progress_state *s);
void progress_get(struct slice state, struct progress_state *out);
/* The books of all lines of it that were ever read. */
struct books progress_books(const struct dump_progress *p);

#endif
