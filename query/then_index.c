/* then_index — the sides of a THEN by the index: each is planned as a query of its own, in every
 * segment. */
#include <stdlib.h>

#include "query/then.h"

struct side_plans {
    struct plan plans[3]; /* enum then_side */
    size_t open;
    uint32_t at[2]; /* where the two sides stand */
};

struct index_sides {
    struct view *v;
    const struct query *q;
    struct plan_ids *ids;
    struct side_plans *segments;
};

static enum status sides_seek(void *ctx, uint32_t segment, uint32_t doc, uint32_t *out,
                              struct err *err)
{
    struct side_plans *s = &((struct index_sides *)ctx)->segments[segment];
    for (int side = 0; side < 2; side++)
        if (s->at[side] < doc) /* DOC_END is not */
            TRY(plan_seek(&s->plans[side], doc, &s->at[side], err));
    *out = s->at[0] < s->at[1] ? s->at[0] : s->at[1];
    return ST_OK;
}

static enum status sides_test(void *ctx, enum then_side side, uint32_t segment, uint32_t doc,
                              uint32_t k, unsigned *truth, struct err *err)
{
    struct side_plans *s = &((struct index_sides *)ctx)->segments[segment];
    *truth = TRUTH_FALSE;
    if (side != THEN_SENDER && s->at[side] != doc)
        return ST_OK;
    return plan_test(&s->plans[side], doc, k, truth, err);
}

static enum status sides_open(struct index_sides *x, const struct node *n, uint32_t segment,
                              struct err *err)
{
    struct side_plans *s = &x->segments[segment];
    const struct node *roots[] = {n->then.kids[0], n->then.kids[1], n->then.sender};
    size_t wanted = n->then.by == THEN_BY_HANDLE ? 3 : 2;
    for (; s->open < wanted; s->open++)
        TRY(plan_open_root(x->v, x->q, roots[s->open], x->ids, segment, &s->plans[s->open], err));
    for (int side = 0; side < 2; side++)
        TRY(plan_seek(&s->plans[side], 0, &s->at[side], err));
    return ST_OK;
}

static enum status find_one(void *ctx, const struct node *n, struct err *err)
{
    struct index_sides *x = ctx;
    uint32_t segments = (uint32_t)casefile_segments(x->v->cf);
    const struct then_source source = {.ctx = x, .seek = sides_seek, .test = sides_test};
    x->segments = calloc((size_t)segments + 1, sizeof *x->segments);
    enum status st = x->segments ? ST_OK : err_no_memory(err);
    for (uint32_t i = 0; st == ST_OK && i < segments; i++)
        st = sides_open(x, n, i, err);
    if (st == ST_OK)
        st = then_find(x->v, x->q, n, &source, &x->ids->thens[n->number], err);
    if (st == ST_LIMIT)
        query_refused(x->q->spans, n);
    for (uint32_t i = 0; x->segments && i < segments; i++)
        while (x->segments[i].open > 0)
            plan_close(&x->segments[i].plans[--x->segments[i].open]);
    free(x->segments);
    return st;
}

enum status then_find_all(struct view *v, const struct query *q, struct plan_ids *ids,
                          struct err *err)
{
    struct index_sides x = {.v = v, .q = q, .ids = ids};
    return then_each(q->root, find_one, &x, err);
}
