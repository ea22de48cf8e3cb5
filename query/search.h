/* search — a query against every segment: exact totals, and the hits in order.
 * Owns: a result owns its hits.  Threads: one. */
#ifndef QUERY_SEARCH_H
#define QUERY_SEARCH_H

#include "query/view.h"

struct query; /* parsed form, query/lang.h */

/* A query error: where it is in the text, for the caret. */
struct query_error {
    size_t from, to; /* bytes of the query text */
    char text[512];  /* as long as that of an err */
};
/* ST_BAD_INPUT fills *qe. `zone` decides what a day is. */
MUST_USE enum status query_parse(struct slice text, struct splitter *splitter, struct zone *zone,
                                 struct query **out, struct query_error *qe, struct err *err);
void query_free(struct query *q);
/* The parsed form: "blue AND van". Appends. */
void query_print(const struct query *q, struct buf *out);
/* Draws the query and a caret line under the error; appends, safe for a terminal. */
void query_error_print(struct slice text, const struct query_error *qe, struct buf *out);

enum search_sort { SORT_NEWEST, SORT_OLDEST, SORT_RELEVANCE };
struct plan_ids;
struct scorer; /* query/score.h */
enum search_want {
    SEARCH_WHOLE,  /* hits and totals */
    SEARCH_HITS,   /* hits; what cannot be among them is passed over untested */
    SEARCH_TOTALS, /* the numbers alone, whatever the limit */
};
/* What became of the documents of one segment. */
struct search_counts {
    uint64_t offered; /* documents that the walks came to, those out of range left out */
    uint64_t tested;  /* questions: one a document, or one a message of a repeated content */
    uint64_t matched; /* records */
};
struct search_options {
    enum search_sort sort;
    struct scorer *scorer; /* SORT_RELEVANCE */
    enum search_want want;
    uint64_t limit;                  /* hits wanted; UINT64_MAX for all; 0 for the total alone */
    bool conversations;              /* count them, too: costs a look at most of what matches */
    const struct plan_ids *ids;      /* what plan_ids_find found for this query; NULL: not yet */
    const struct message_ref *after; /* only hits behind this one, itself a hit; NULL: all */
    /* NULL, or called for what matches: `n` messages of document `doc` of a segment, in the order
     * of documents. All of `total` comes by. */
    enum status (*visit)(void *ctx, uint32_t segment, uint32_t doc, uint32_t n, struct err *err);
    void *ctx;
    struct search_counts *counts; /* NULL, or one a segment, added to: then no short way is taken */
};
struct search_result {
    uint64_t total;
    uint64_t
        conversations; /* distinct, of all that match; 0 and unknown if they are not asked for */
    uint64_t sealed, untimed; /* could not be tested and match all else */
    bool whole;               /* these numbers hold: always, unless only hits were wanted */
    struct message_ref *hits;
    size_t n_hits;
};
/* Order: by sent as asked, untimed last, ties in the one order; by relevance: by score, then newest
 * first and so on; `after` is scored then. Memory: two times the limit.
 * ST_USAGE: `after` is no hit of the query. */
MUST_USE enum status search_run(struct view *v, const struct query *q,
                                const struct search_options *o, struct search_result *out,
                                struct err *err);
void search_result_release(struct search_result *r);

/* ---- any number of hits in bounded memory (search_pages.c) ---- */

/* One search a page, each going on behind the last hit of the one before. The first pages are small
 * and wanted without totals, so that the first hits are there at once; totals are counted in the
 * end, if no page counted them by the way. */
struct search_pages {
    struct view *v;
    const struct query *q;
    struct search_options o;
    uint64_t left;             /* hits that may still be given */
    uint64_t size;             /* of the next page */
    struct search_result page; /* given last */
    struct search_result sums; /* `whole`: its numbers are the query's; no hits */
    struct message_ref last, after;
    struct plan_ids *ids; /* looked up once for all pages: a THEN is a search of its own */
    bool more;            /* hits stand behind those given */
};
/* Hits a page at the most; up to twice as many are held. */
#define SEARCH_PAGE_MAX ((uint64_t)1 << 18)
/* `o->limit`: hits in all. `totals_first`: `sums` hold from the first page on. `first`: hits of the
 * first page. */
void search_pages_begin(struct search_pages *p, struct view *v, const struct query *q,
                        const struct search_options *o, uint64_t first, bool totals_first);
/* The next hits, good until the next call; *n 0 behind the last ones. */
MUST_USE enum status search_pages_next(struct search_pages *p, const struct message_ref **hits,
                                       size_t *n, struct err *err);
/* Makes `sums` hold. */
MUST_USE enum status search_pages_sum(struct search_pages *p, struct err *err);
void search_pages_release(struct search_pages *p);

/* Where the query's words stand in a text, for highlighting: byte ranges of whole characters,
 * sorted, merged, in the arena. */
struct text_range {
    uint32_t from, to;
};
MUST_USE enum status query_highlight(const struct query *q, struct splitter *s, struct slice text,
                                     struct arena *a, struct text_range **out, size_t *n,
                                     struct err *err);

#endif
