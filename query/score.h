/* score — how well a message fits a query: BM25 over the words, patterns and phrases that are not
 * under NOT. docs/QUERY.md has the formula. A score depends on the query, the text of the message
 * and how many messages of the case have each term, hence not on segments, order or threads.
 * Owns: a scorer owns its terms; it borrows the view and the query.  Threads: one. */
#ifndef QUERY_SCORE_H
#define QUERY_SCORE_H

#include "query/search.h"

struct node;

struct score_term {
    const struct node *node;
    uint64_t messages; /* of those in default range, how many have it */
    double weight;
};

struct scorer {
    struct view *v;
    struct score_term *terms; /* distinct, in the order of the query */
    size_t n;
    uint64_t messages;          /* in default range */
    struct spans_budget *spans; /* of the query */
    struct arena memory, text;
};
/* Counts each term: one search for each. */
MUST_USE enum status scorer_open(struct view *v, const struct query *q, struct scorer *s,
                                 struct err *err);
void scorer_close(struct scorer *s);
/* In millionths, at least 0. */
MUST_USE enum status scorer_score(struct scorer *s, uint32_t segment, uint32_t doc, int64_t *score,
                                  struct err *err);

#endif
