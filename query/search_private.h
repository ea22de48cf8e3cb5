/* search_private — a running search, shared by the general way (search.c) and the short one for a
 * single term (search_term.c).
 * Owns: see search_run.  Threads: one. */
#ifndef QUERY_SEARCH_PRIVATE_H
#define QUERY_SEARCH_PRIVATE_H

#include "query/plan.h"
#include "query/search.h"
#include "query/window.h"

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

/* Documents that are several messages, ascending. */
struct repeats {
    const uint32_t *docs, *messages;
    size_t n;
};
/* How many messages a document is. */
uint32_t search_repeats_of(const struct repeats *r, uint32_t doc);
/* The first of them at or behind `doc`. */
size_t search_repeats_from(const struct repeats *r, uint32_t doc);

struct segment_search {
    struct search *s;
    struct plan plan;
    struct repeats repeats;
    uint32_t conversation_end; /* documents below are of conversations counted already */
};

/* By the bounds of a block's times (ground_times): whether a hit in it could be among those
 * wanted; `after` as well. */
bool search_times_wanted(const struct search *s, int64_t earliest, int64_t latest);
/* Whether such a look can tell anything yet. */
bool search_times_tell(const struct search *s);

/* Counts the conversation of a matching document, if that is asked for and it is a new one. */
MUST_USE enum status search_count_conversation(struct segment_search *x, uint32_t doc,
                                               struct err *err);
/* Messages k .. k + n - 1 of a document are hits. */
MUST_USE enum status search_add_hits(struct segment_search *x, uint32_t doc, uint32_t k, uint32_t n,
                                     struct err *err);
/* The same, counted and given to o->visit. */
MUST_USE enum status search_add_true(struct segment_search *x, uint32_t doc, uint32_t k, uint32_t n,
                                     struct err *err);
/* Cuts the hits back to the limit, so that the worst one is known. */
MUST_USE enum status search_cut(struct search *s, struct err *err);
/* Asks plan_test about every message of a document. */
MUST_USE enum status search_ask(struct segment_search *x, struct plan *p, uint32_t doc,
                                struct err *err);

/* The whole segment, window by window (search_window.c). */
MUST_USE enum status search_windows(struct segment_search *x, struct err *err);
/* One hit, which is dropped at sight if it cannot be among those wanted. */
MUST_USE enum status search_hit_add(struct search *s, const struct message_ref *ref,
                                    struct err *err);
/* By time: what is greater is shown earlier. */
int64_t search_rank(enum search_sort sort, int64_t sent);
/* What has gathered becomes the result: hits in order, conversations counted. */
MUST_USE enum status search_take(struct search *s, struct err *err);

/* Nothing but words is asked: a sealed body makes all of the query unknown. */
bool search_words_alone(const struct search *s);

/* True if the query is one term and what is wanted of it can be had without its documents. */
bool search_term_fits(const struct segment_search *x);
MUST_USE enum status search_term_run(struct segment_search *x, struct err *err);

/* True if the query is a time of whole minutes of which the total alone is wanted. */
bool search_time_fits(const struct search *s);
MUST_USE enum status search_time_run(struct search *s, uint32_t segment, struct err *err);

#endif
