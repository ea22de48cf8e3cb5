/* search_private — a running search, shared by the general way (search.c) and the short one for a
 * single term (search_term.c).
 * Owns: see search_run.  Threads: one. */
#ifndef QUERY_SEARCH_PRIVATE_H
#define QUERY_SEARCH_PRIVATE_H

#include "query/plan.h"
#include "query/search.h"

#define SEARCH_STOP_EVERY 4096 /* documents between two looks at the stop flag */

struct search {
    struct view *v;
    const struct query *q;
    const struct search_options *o;
    struct search_result *out;
    struct plan_ids ids;
    struct buf hits;          /* struct message_ref */
    struct buf conversations; /* keys, one a segment and conversation */
    bool cut;                 /* hits were cut back: `worst` holds */
    struct message_ref worst; /* the worst one kept */
    bool met;                 /* the hit that the others stand behind */
    bool skipped;             /* documents were passed over untested: no totals */
};

/* How many messages each document is, asked in ascending order. */
struct repeats {
    const uint32_t *docs, *messages;
    size_t n, at;
};
uint32_t search_repeats_of(struct repeats *r, uint32_t doc);

struct segment_search {
    struct search *s;
    struct plan plan;
    struct repeats repeats;
    uint32_t conversation_end; /* documents below are of conversations counted already */
    uint32_t good_until;       /* documents below are in a block that may be wanted */
};

/* True if a document of the block that `doc` is in may still be wanted; false at the end. Blocks
 * are passed over only where no totals are wanted: *doc moves on. */
MUST_USE enum status search_pass_blocks(struct segment_search *x, uint32_t *doc, struct err *err);

/* Counts the conversation of a matching document, if it is a new one. */
MUST_USE enum status search_count_conversation(struct segment_search *x, uint32_t doc,
                                               struct err *err);
/* Messages k .. k + n - 1 of a document are hits. */
MUST_USE enum status search_add_hits(struct segment_search *x, uint32_t doc, uint32_t k, uint32_t n,
                                     struct err *err);
/* One hit, which is dropped at sight if it cannot be among those wanted. */
MUST_USE enum status search_hit_add(struct search *s, const struct message_ref *ref,
                                    struct err *err);
/* By time: what is greater is shown earlier. */
int64_t search_rank(enum search_sort sort, int64_t sent);
/* What has gathered becomes the result: hits in order, conversations counted. */
MUST_USE enum status search_take(struct search *s, struct err *err);

/* True if the query is one term (or everything) and the segment hides and seals nothing that would
 * have to be tested: then totals come from the lexicon and most of its postings are never read. */
bool search_term_fits(const struct segment_search *x);
MUST_USE enum status search_term_run(struct segment_search *x, struct err *err);

/* True if the query is a time of whole minutes of which the total alone is wanted. */
bool search_time_fits(const struct search *s);
MUST_USE enum status search_time_run(struct search *s, uint32_t segment, struct err *err);

#endif
