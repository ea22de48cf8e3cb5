/* spans — places of positional expressions in one text: an algebra over sorted lists of positions,
 * whatever they come from (postings, a text split again).
 * A span [first, last] is one way to find an expression; lists of spans are sorted and distinct.
 * Owns: a span_list owns its memory.  Threads: any.  Trusts: lists of positions are ascending and
 * distinct.
 * Bounds: SPANS_MAX ways of one expression in one text, SPANS_STEPS of matching, SPANS_PLACES
 * places at hand; and for all texts of a query together its budget of steps. Beyond them the answer
 * is ST_LIMIT, never a part of it. */
#ifndef QUERY_SPANS_H
#define QUERY_SPANS_H

#include "query/lang.h"

#define SPANS_MAX ((size_t)1 << 22)
#define SPANS_STEPS ((uint64_t)1 << 27)
#define SPANS_PLACES ((size_t)1 << 25)
/* Steps of a query beyond those that each text has free: SPANS_FREE, and SPANS_FREE_PLACE for each
 * place of its first SPANS_FREE_PARTS parts. Usual queries never take from the budget, however many
 * the texts are. */
#define SPANS_BUDGET ((uint64_t)1 << 28)
#define SPANS_FREE 4096
#define SPANS_FREE_PLACE 8
#define SPANS_FREE_PARTS 64

struct span {
    uint32_t first, last;
};
struct span_list {
    struct span *at;
    size_t n, cap;
};
void span_list_release(struct span_list *l);
/* ST_LIMIT beyond SPANS_MAX. The list need not stay sorted: span_list_sort makes it so. */
MUST_USE enum status span_list_put(struct span_list *l, uint32_t first, uint32_t last,
                                   struct err *err);
void span_list_sort(struct span_list *l);
/* Number of the first span that begins behind `place`. */
size_t span_list_behind(const struct span_list *l, uint32_t place);

struct positions {
    const uint32_t *at;
    size_t n;
};

/* As it is before a search. */
static inline void spans_budget_fill(struct spans_budget *b)
{
    *b = (struct spans_budget){.most = SPANS_BUDGET};
}
/* What one text takes of the budget of its query. Zeroed but for `budget` for each text. */
struct spans_work {
    struct spans_budget *budget;
    uint64_t steps, free;
    size_t parts, places, held;
};
/* ST_LIMIT where the budget is spent. */
MUST_USE enum status spans_charge(struct spans_work *w, uint64_t steps, struct err *err);

/* Each appends to an empty list; `one`: the first span found will do. */

/* Parts at `offsets` behind the first (ascending, the first 0): [p, p + last offset]. */
MUST_USE enum status spans_phrase(const struct positions *parts, const uint32_t *offsets, size_t n,
                                  bool one, struct span_list *out, struct err *err);
/* Each part at a position of its own, the least and the greatest at most `within` apart: [least,
 * greatest] of all such choices. */
MUST_USE enum status spans_within(const struct positions *parts, size_t n, uint32_t within,
                                  bool one, struct span_list *out, struct spans_work *work,
                                  struct err *err);
/* x before y (or, not `ordered`, y before x), the beginning of the later at most `distance` behind
 * the end of the earlier: from the beginning of the one to the end of the other (spans_near.c). */
MUST_USE enum status spans_near(const struct span_list *x, const struct span_list *y,
                                uint32_t distance, bool ordered, bool one, struct span_list *out,
                                struct spans_work *work, struct err *err);

/* ---- of a query's positional expression (lang_positional) ---- */

/* Where part `part` of a leaf stands; good until the search for spans ends. */
struct span_source {
    enum status (*positions)(void *ctx, const struct node *leaf, size_t part, struct positions *out,
                             struct err *err);
    void *ctx;
    struct spans_budget *budget; /* of the query that asks */
};
MUST_USE enum status spans_find(const struct node *n, const struct span_source *source, bool one,
                                struct span_list *out, struct err *err);

/* ---- in a text at hand (spans_text.c) ---- */

struct text_words { /* a span_source's ctx */
    const struct words *words;
    struct slice text;
    struct arena *arena; /* for the positions */
    uint32_t *room;      /* NULL at first: for the positions of one part */
};
MUST_USE enum status spans_text_positions(void *ctx, const struct node *leaf, size_t part,
                                          struct positions *out, struct err *err);
/* Whether a text holds a positional expression: for reading messages without an index. */
MUST_USE enum status spans_text_match(const struct node *n, struct text_words *t,
                                      struct spans_budget *budget, bool *yes, struct err *err);
/* Sets marks[i] for each token that takes part in a way to find the expression. ST_LIMIT after
 * SPANS_MARK_BUDGET steps: a text is looked at, not searched. */
#define SPANS_MARK_BUDGET ((uint64_t)1 << 22)
MUST_USE enum status spans_text_mark(const struct node *n, struct text_words *t, bool *marks,
                                     struct err *err);
/* Whether token `i` is part `part` of a leaf. */
MUST_USE enum status spans_token_is(const struct node *leaf, size_t part,
                                    const struct text_words *t, size_t i, bool *yes,
                                    struct err *err);

#endif
