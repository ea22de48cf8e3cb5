/* score — BM25. What is counted of a message is counted in its text, split again: that is right for
 * patterns, distances and opened bodies alike, and needs no lengths in the index. For the same
 * reason length is measured against a fixed one, not the average of the case: that would have to
 * read every message. Scores are kept in whole millionths, so that what is printed orders as it is
 * sorted, and no last bit of floating point decides. */
#include "query/score.h"

#include <math.h>

#include "lictor/thread.h"
#include "query/spans.h"

#define K1 1.2
#define B 0.75
#define USUAL_WORDS 12.0 /* of a message; see above */
#define UNIT 1e6

/* ---- the terms of a query ---- */

static enum status add_term(struct buf *all, const struct node *n, struct err *err)
{
    const void *data = all->data;
    const struct score_term *had = data;
    for (size_t i = 0; i < all->len / sizeof *had; i++)
        if (slice_eq(had[i].node->written, n->written))
            return ST_OK;
    struct score_term t = {.node = n};
    buf_put(all, &t, sizeof t);
    return buf_status(all, err);
}

static enum status gather(struct buf *all, const struct node *n, bool negated, struct err *err)
{
    switch (n->kind) {
    case NODE_TEXT:
        return negated ? ST_OK : add_term(all, n, err);
    case NODE_THEN: /* the hit is the later one */
        return gather(all, n->then.kids[1], negated, err);
    case NODE_NEAR:
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
        for (size_t i = 0; i < n->list.n; i++)
            TRY(gather(all, n->list.kids[i], negated != (n->kind == NODE_NOT), err));
        return ST_OK;
    default:
        return ST_OK;
    }
}

/* Messages in default range which one node alone finds. */
static enum status count(struct scorer *s, const struct query *q, struct node *root,
                         uint64_t *messages, struct err *err)
{
    const struct search_options o = {.limit = 0};
    struct search_result r;
    struct query alone = *q;
    alone.root = root;
    alone.last_id = NULL;
    alone.last_nick = NULL;
    alone.has_kind = false;
    alone.per_message = false;
    TRY(search_run(s->v, &alone, &o, &r, err));
    *messages = r.total;
    search_result_release(&r);
    return ST_OK;
}

static enum status weigh(struct scorer *s, const struct query *q, struct err *err)
{
    struct node everything = {.kind = NODE_ALL};
    TRY(count(s, q, &everything, &s->messages, err));
    for (size_t i = 0; i < s->n; i++) {
        struct node one = *s->terms[i].node;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(count(s, q, &one, &s->terms[i].messages, err));
        double with = (double)s->terms[i].messages, all = (double)s->messages;
        s->terms[i].weight = log(1.0 + (all - with + 0.5) / (with + 0.5));
    }
    return ST_OK;
}

enum status scorer_open(struct view *v, const struct query *q, struct scorer *s, struct err *err)
{
    struct buf all = {0};
    *s = (struct scorer){.v = v, .spans = q->spans};
    arena_init(&s->memory, 0);
    arena_init(&s->text, (size_t)64 << 10);
    enum status st = gather(&all, q->root, false, err);
    s->n = all.len / sizeof *s->terms;
    if (st == ST_OK && !(s->terms = arena_array(&s->memory, s->n + 1, sizeof *s->terms)))
        st = err_no_memory(err);
    if (st == ST_OK && s->n)
        memcpy(s->terms, all.data, all.len);
    buf_release(&all);
    if (st == ST_OK)
        st = weigh(s, q, err);
    if (st != ST_OK)
        scorer_close(s);
    return st;
}

void scorer_close(struct scorer *s)
{
    if (!s->v)
        return;
    arena_release(&s->memory);
    arena_release(&s->text);
    *s = (struct scorer){0};
}

/* ---- a message ---- */

static enum status load_text(struct scorer *s, uint32_t segment, uint32_t doc, struct slice *text,
                             struct err *err)
{
    struct slice row;
    struct content c;
    TRY(segment_row(casefile_segment(s->v->cf, segment), s->v->scratch[segment], doc, &row, err));
    TRY(content_decode(row, &s->text, &c, err));
    *text = content_readable(&c);
    return ST_OK;
}

enum status scorer_score(struct scorer *s, uint32_t segment, uint32_t doc, int64_t *score,
                         struct err *err)
{
    struct slice text;
    struct words w;
    double sum = 0;
    *score = 0;
    if (s->n == 0)
        return ST_OK;
    arena_reset(&s->text);
    TRY(load_text(s, segment, doc, &text, err));
    TRY(splitter_split(s->v->splitter, text, &w, err));
    double length = w.n ? (double)w.tokens[w.n - 1].pos + 1 : 0;
    double slowly = K1 * (1 - B + B * length / USUAL_WORDS);
    for (size_t i = 0; w.n && i < s->n; i++) {
        struct text_words t = {.words = &w, .text = text, .arena = &s->text};
        struct span_source source = {spans_text_positions, &t, s->spans};
        struct span_list places = {0};
        enum status st = spans_find(s->terms[i].node, &source, false, &places, err);
        double times = (double)places.n;
        span_list_release(&places);
        TRY(st);
        sum += s->terms[i].weight * times * (K1 + 1) / (times + slowly);
    }
    *score = llround(sum * UNIT);
    return ST_OK;
}
