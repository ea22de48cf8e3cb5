/* explain — what a query stands for in this case and how it is answered, in words for people.
 * Threads: one.  Trusts: nothing: words and handles of the case are made safe for a terminal.
 * Cost: the lexicons are walked once a pattern, and the query is run once for its counts. */
#ifndef QUERY_EXPLAIN_H
#define QUERY_EXPLAIN_H

#include <stdio.h>

#include "lictor/cli.h"
#include "query/plan.h"

/* Folded words, patterns, nicknames and times of the query, then the plan and the counts of each
 * segment. Written to `to` as it is made, also before an error. */
MUST_USE enum status explain_query(struct view *v, const struct query *q, FILE *to,
                                   struct err *err);

/* ---- between the two files ---- */

struct explain {
    struct view *v;
    const struct query *q;
    struct plan_ids ids;
    FILE *to;
    struct buf out;
};
/* Writes out what has gathered, if it is much. */
MUST_USE enum status explain_flush(struct explain *x, struct err *err);
/* A piece of the query or of the case, safe; what is long is cut, and … says so. */
void explain_put(struct explain *x, struct slice s);
/* "1,234 words", "1 word". */
void explain_count(struct explain *x, uint64_t n, const char *one, const char *many);
/* Plans of all segments with what was counted (explain_plan.c). */
MUST_USE enum status explain_plans(struct explain *x, struct err *err);

#endif
