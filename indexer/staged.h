/* staged — what the runs of one commit need not ask the segments written before them. A run holds
 * conversations whole, so it shares none with a segment of the same commit unless a part was larger
 * than the memory: its contents and service ids cannot be there. The numbers of streams go through
 * all conversations; which of them were claimed is kept as bits, so that only those that are
 * claimed again have to be looked up. Without both, each segment would be read once for every one
 * after it.
 * Owns: the bits.  Threads: one. */
#ifndef INDEXER_STAGED_H
#define INDEXER_STAGED_H

#include "indexer/grown.h"

struct staged {
    /* Of the segments shown, those from `from` on are of this commit, and those of them before
     * `apart` have no conversation of the run at hand. */
    size_t from, apart;
    bool joining; /* else `from` and `apart` mean nothing */
    struct grown lines;
    size_t most;   /* lines; with more, every number counts as claimed */
    bool too_many; /* there were more */
};

/* Parts are about to be joined; the case shows `segments`. `memory` of the add. */
void staged_begin(struct staged *s, size_t segments, uint64_t memory);
void staged_end(struct staged *s);
static inline bool staged_is_apart(const struct staged *s, size_t segment)
{
    return s && s->joining && segment >= s->from && segment < s->apart;
}
static inline bool staged_has(const struct staged *s, size_t segment)
{
    return s && s->joining && segment >= s->from;
}
/* May a run before this one have claimed this number? From now on, yes. */
MUST_USE enum status staged_claim(struct staged *s, uint32_t stream, uint64_t seq, bool *before,
                                  struct err *err);

#endif
