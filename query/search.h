/* search — a query against every segment: exact totals, and the hits in order.
 * Owns: a result owns its hits.  Threads: one. */
#ifndef QUERY_SEARCH_H
#define QUERY_SEARCH_H

#include "query/view.h"

struct query; /* parsed form, query/lang.h */

/* A query error: where it is in the text, for the caret. */
struct query_error {
    size_t from, to; /* bytes of the query text */
    char text[256];
};
/* ST_BAD_INPUT fills *qe. `zone` decides what a day is. */
MUST_USE enum status query_parse(struct slice text, struct splitter *splitter, struct zone *zone,
                                 struct query **out, struct query_error *qe, struct err *err);
void query_free(struct query *q);
/* The parsed form: "blue AND van". Appends. */
void query_print(const struct query *q, struct buf *out);
/* Draws the query and a caret line under the error; appends, safe for a terminal. */
void query_error_print(struct slice text, const struct query_error *qe, struct buf *out);

enum search_sort { SORT_NEWEST, SORT_OLDEST };
struct search_options {
    enum search_sort sort;
    uint64_t limit; /* hits wanted; UINT64_MAX for all; 0 for the total alone */
    /* NULL, or called for what matches: `n` messages of document `doc` of a segment, in the order
     * of documents. All of `total` comes by. */
    enum status (*visit)(void *ctx, uint32_t segment, uint32_t doc, uint32_t n, struct err *err);
    void *ctx;
};
struct search_result {
    uint64_t total;
    uint64_t conversations;   /* distinct, of all that match; 0 and unknown if limit is 0 */
    uint64_t sealed, untimed; /* could not be tested and match all else */
    struct message_ref *hits;
    size_t n_hits;
};
/* Order: by sent as asked, untimed last, ties in the one order. */
MUST_USE enum status search_run(struct view *v, const struct query *q,
                                const struct search_options *o, struct search_result *out,
                                struct err *err);
void search_result_release(struct search_result *r);
/* Where the query's words stand in a text, for highlighting: byte ranges, sorted, merged, in the
 * arena. */
struct text_range {
    uint32_t from, to;
};
MUST_USE enum status query_highlight(const struct query *q, struct splitter *s, struct slice text,
                                     struct arena *a, struct text_range **out, size_t *n,
                                     struct err *err);

#endif
