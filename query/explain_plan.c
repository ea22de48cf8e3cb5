/* explain_plan — how each segment is walked. Plans are opened anew for this, because walking one
 * re-orders it; the counts come from the search itself. */
#include <stdlib.h>

#include "query/explain.h"
#include "query/then.h"

#define INDENT_MAX 20 /* levels; deeper ones stand at that */

static const char *walk_name(const struct walk *w)
{
    static const char *const names[] = {
        [WALK_NONE] = "nothing",     [WALK_ALL] = "all documents",    [WALK_RANGE] = "range",
        [WALK_LIST] = "list",        [WALK_POSTING] = "posting list", [WALK_BITS] = "bitmap",
        [WALK_TIME] = "time blocks", [WALK_AND] = "intersection",     [WALK_OR] = "union",
    };
    return w ? names[w->kind] : "all documents";
}

/* What is still asked of a document that the walk offers. */
static const char *test_name(const struct plan_node *n)
{
    switch (n->kind) {
    case PLAN_SPANS:
        return n->by_text ? ", places read off the text" : ", places from the posting lists";
    case PLAN_STATE:
    case PLAN_COPIES:
        return ", state of each looked up";
    case PLAN_ID:
        return ", id of each compared";
    case PLAN_TIME:
        return ", time of each compared";
    case PLAN_HELD:
        return n->sure ? "" : ", copies of each read";
    case PLAN_THEN:
        return ", pairs found before";
    case PLAN_NOT:
        return ", each tested";
    default:
        return "";
    }
}

static void put_label(struct explain *x, const struct plan_node *n)
{
    const struct node *of = n->node;
    if (n->kind == PLAN_AND || n->kind == PLAN_OR || (n->kind == PLAN_NOT && of->kind == NODE_NOT))
        buf_put_str(&x->out, n->kind == PLAN_AND ? "AND" : n->kind == PLAN_OR ? "OR" : "NOT");
    else if (of->kind == NODE_OR)
        buf_put_str(&x->out, "alternatives that need no test, as one");
    else if (of->written.len)
        explain_put(x, of->written);
    else if (of->kind == NODE_FIELD) { /* of a nick: */
        buf_put_str(&x->out, of->field.fields[0] == TERM_SERVICE ? "service:" : "with:");
        explain_put(x, of->field.value);
    }
}

static bool drives(const struct plan_node *and, const struct plan_node *kid)
{
    const struct walk *w = and->cand;
    if (!w || !kid->cand)
        return false;
    return kid->cand == w || (w->kind == WALK_AND && w->join.kids[0] == kid->cand);
}

static enum status put_node(struct explain *x, const struct plan *p, const struct plan_node *n,
                            unsigned depth, bool driver, struct err *err)
{
    for (unsigned i = 0; i < 3 + (depth < INDENT_MAX ? depth : INDENT_MAX); i++)
        buf_put_str(&x->out, "  ");
    put_label(x, n);
    buf_printf(&x->out, ": %s, ", walk_name(n->cand));
    explain_count(x, n->cand ? n->cand->cost : p->info->docs, "document", "documents");
    buf_put_str(&x->out, test_name(n));
    if (n->sealed)
        buf_put_str(&x->out, ", with what came sealed");
    buf_put_str(&x->out, driver ? "  <- drives the AND\n" : "\n");
    TRY(explain_flush(x, err));
    /* No part of the query as written: what kind:message leaves out; an OR that is one walk. */
    bool whole = (n->kind == PLAN_NOT && n->node->kind == NODE_KIND) ||
                 (n->kind == PLAN_OR && n->n == 1 && n->kids[0]->node == n->node);
    for (size_t i = 0; !whole && i < n->n; i++)
        TRY(put_node(x, p, n->kids[i], depth + 1, n->kind == PLAN_AND && drives(n, n->kids[i]),
                     err));
    if (n->kind == PLAN_AND && n->n < n->node->list.n) {
        for (unsigned i = 0; i < 4 + (depth < INDENT_MAX ? depth : INDENT_MAX); i++)
            buf_put_str(&x->out, "  ");
        buf_printf(&x->out, "false by that: %zu more not looked up\n", n->node->list.n - n->n);
    }
    return ST_OK;
}

static enum status put_plan(struct explain *x, uint32_t segment, const struct node *root,
                            struct err *err)
{
    struct plan p;
    TRY(plan_open_root(x->v, x->q, root, &x->ids, segment, &p, err));
    enum status st = put_node(x, &p, p.root, 0, false, err);
    plan_close(&p);
    return st;
}

struct then_plans {
    struct explain *x;
    uint32_t segment;
};

/* The sides of a THEN are searches of their own, before the rest. */
static enum status put_then(void *ctx, const struct node *n, struct err *err)
{
    static const char *const sides[] = {"earlier", "later"};
    const struct then_plans *t = ctx;
    for (size_t i = 0; i < 2; i++) {
        buf_printf(&t->x->out, "    first, the %s side of ", sides[i]);
        explain_put(t->x, n->written);
        buf_put_str(&t->x->out, "\n");
        TRY(put_plan(t->x, t->segment, n->then.kids[i], err));
    }
    return ST_OK;
}

static enum status put_segment(struct explain *x, uint32_t i, const struct search_counts *c,
                               struct err *err)
{
    struct then_plans t = {x, i};
    buf_printf(&x->out, "  plan of segment %u of %zu (", i + 1, casefile_segments(x->v->cf));
    explain_count(x, segment_info(casefile_segment(x->v->cf, i))->docs, "document", "documents");
    buf_put_str(&x->out, ")\n");
    TRY(then_each(x->q->root, put_then, &t, err));
    TRY(put_plan(x, i, x->q->root, err));
    buf_put_str(&x->out, "    -> ");
    explain_count(x, c->offered, "candidate", "candidates");
    buf_put_str(&x->out, ", ");
    explain_count(x, c->tested, "test", "tests");
    buf_put_str(&x->out, ", ");
    explain_count(x, c->matched, "record matches\n", "records match\n");
    return explain_flush(x, err);
}

enum status explain_plans(struct explain *x, struct err *err)
{
    size_t n = casefile_segments(x->v->cf);
    struct search_result r;
    struct search_counts *counts = calloc(n + 1, sizeof *counts);
    if (!counts)
        return err_no_memory(err);
    const struct search_options o = {.want = SEARCH_TOTALS, .ids = &x->ids, .counts = counts};
    enum status st = search_run(x->v, x->q, &o, &r, err);
    if (st == ST_OK)
        search_result_release(&r);
    if (n == 0)
        buf_put_str(&x->out, "  no plan: the case has no segment yet\n");
    for (uint32_t i = 0; st == ST_OK && i < n; i++)
        st = put_segment(x, i, &counts[i], err);
    free(counts);
    return st;
}
