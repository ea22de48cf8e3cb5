/* handles — the accounts of a case: who sent, who was written to, whom address books name.
 * Owns: a handle_walk owns its iterators.  Threads: one.
 * The lexicon has a handle once, whatever its services; so has the list. */
#ifndef QUERY_HANDLES_H
#define QUERY_HANDLES_H

#include "query/view.h"
#include "query/wild.h"

struct handle_row {
    struct slice handle;
    uint64_t sent, received; /* messages, notes and edits, as search counts them; those addressed to
                                a group alone are received by no one */
    int64_t first, last;     /* records that name it, by their time; TIME_NONE: none has one */
    const struct nickname *nicknames;
    size_t n_nicknames;
};

struct handle_walk;
/* Pattern as wild.h has it; of len 0: all. */
MUST_USE enum status handle_walk_open(struct view *v, struct slice pattern,
                                      struct handle_walk **out, struct err *err);
/* In byte order (long ones: of their first 206 bytes). ST_END behind the last one. Slices live
 * until the next call. */
MUST_USE enum status handle_walk_next(struct handle_walk *w, struct handle_row *row,
                                      struct err *err);
void handle_walk_close(struct handle_walk *w);

#endif
