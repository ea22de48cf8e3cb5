/* thread_shown — what a run of `thread` has shown, counted, and those counts as words for people
 * and as keys for machines. Owns: nothing.  Threads: one. */
#ifndef QUERY_THREAD_SHOWN_H
#define QUERY_THREAD_SHOWN_H

#include "query/render.h"

struct thread_shown {
    uint64_t talks;
    uint64_t conversations, messages, others, gaps, missing;
    uint64_t conflicts, one_sided, untimed, sealed;
    uint64_t missing_copies;
    uint64_t ties;      /* share their time with others: between them the source's order */
    uint64_t corrected; /* stand by a corrected clock */
    uint64_t pairs;     /* messages that may be the same as another */
    uint64_t unplaced;  /* untimed messages that the limits cannot test */
};
/* Counts a record or a hole that is shown. */
void thread_shown_add(struct thread_shown *sh, const struct thread_item *it);
/* "310 messages, 4 other records; 2 contradicted; 3 records missing in 1 place": no end sign. */
void thread_shown_words(const struct thread_shown *sh, struct buf *out);
/* What the words say and the other keys of a summary do not. */
void thread_shown_summary(const struct thread_shown *sh, struct summary *sum);

#endif
