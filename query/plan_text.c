/* plan_text — from a positional expression to walks: which documents have the words it needs, and
 * where its places will come from. Postings know the places of a word; those of more words than are
 * kept open (a wide pattern, an OR of very many) are read off the stored text, which costs a row
 * and a split of each candidate, about what ten postings with their positions cost. */
#include "query/plan.h"

static enum status expression(struct plan *p, struct plan_node *x, const struct node *n,
                              struct walk **out, struct err *err);

static size_t leaves_of(const struct node *n)
{
    size_t all = n->kind == NODE_TEXT;
    if (n->kind != NODE_TEXT)
        for (size_t i = 0; i < n->list.n; i++)
            all += leaves_of(n->list.kids[i]);
    return all;
}

/* The documents of one part; NULL: any. */
static enum status part_walk(struct plan *p, struct plan_node *x, const struct node *n, size_t i,
                             struct plan_part *part, struct walk **out, struct err *err)
{
    const struct pattern *pattern = n->text.parts[i].pattern;
    if (!pattern) {
        TRY(plan_field_walk(p, TERM_WORD, n->text.parts[i].folded, false, &part->sure, err));
        *out = part->sure;
        return ST_OK;
    }
    if (pattern_any(pattern) && n->text.n > 1) {
        x->by_text = true;
        *out = NULL;
        return ST_OK;
    }
    TRY(walk_pattern(&p->set, pattern, &part->sure, &part->doubt, err));
    x->by_text |= part->sure->kind == WALK_BITS;
    *out = part->sure;
    if (part->doubt->kind == WALK_NONE) {
        part->doubt = NULL;
        return ST_OK;
    }
    return plan_either(p, part->sure, part->doubt, out, err);
}

static enum status leaf(struct plan *p, struct plan_node *x, const struct node *n,
                        struct walk **out, struct err *err)
{
    struct plan_leaf *l = &x->leaves[x->n_leaves++];
    struct walk **kids = arena_array(&p->set.arena, n->text.n, sizeof(struct walk *));
    size_t kids_n = 0;
    l->node = n;
    l->parts = arena_array(&p->set.arena, n->text.n, sizeof *l->parts);
    if (!kids || !l->parts)
        return err_no_memory(err);
    x->by_text |= n->text.exact;
    for (size_t i = 0; i < n->text.n; i++) {
        TRY(part_walk(p, x, n, i, &l->parts[i], &kids[kids_n], err));
        if (!kids[kids_n])
            continue;
        if (kids[kids_n]->kind == WALK_NONE) { /* the others need not be looked up */
            *out = kids[kids_n];
            return ST_OK;
        }
        kids_n++;
    }
    *out = NULL;
    return kids_n ? walk_and(&p->set, kids, kids_n, out, err) : ST_OK;
}

static enum status both(struct plan *p, struct plan_node *x, const struct node *n,
                        struct walk **out, struct err *err)
{
    struct walk **kids = arena_array(&p->set.arena, 2, sizeof(struct walk *));
    size_t kids_n = 0;
    if (!kids)
        return err_no_memory(err);
    for (size_t i = 0; i < 2; i++) {
        TRY(expression(p, x, n->near.kids[i], &kids[kids_n], err));
        if (kids[kids_n] && kids[kids_n]->kind == WALK_NONE) {
            *out = kids[kids_n];
            return ST_OK;
        }
        kids_n += kids[kids_n] != NULL;
    }
    *out = NULL;
    return kids_n ? walk_and(&p->set, kids, kids_n, out, err) : ST_OK;
}

static enum status any_of(struct plan *p, struct plan_node *x, const struct node *n,
                          struct walk **out, struct err *err)
{
    struct united u;
    TRY(united_init(p, &u, err));
    for (size_t i = 0; i < n->list.n; i++) {
        size_t open = walk_open_count(&p->set);
        struct walk *kid = NULL;
        TRY(expression(p, x, n->list.kids[i], &kid, err));
        if (!kid) {
            *out = NULL;
            return ST_OK;
        }
        TRY(united_add(p, &u, kid, open, err));
    }
    x->by_text |= u.bits != NULL;
    return united_end(p, &u, out, err);
}

/* The documents that have the words `n` needs; NULL: any. */
static enum status expression(struct plan *p, struct plan_node *x, const struct node *n,
                              struct walk **out, struct err *err)
{
    enum status st = n->kind == NODE_TEXT   ? leaf(p, x, n, out, err)
                     : n->kind == NODE_NEAR ? both(p, x, n, out, err)
                                            : any_of(p, x, n, out, err);
    if (st == ST_LIMIT)
        query_refused(p->query->spans, n);
    return st;
}

enum status plan_text(struct plan *p, struct plan_node *x, struct err *err)
{
    const struct node *n = x->node;
    x->leaves = arena_array(&p->set.arena, leaves_of(n), sizeof *x->leaves);
    if (!x->leaves)
        return err_no_memory(err);
    TRY(expression(p, x, n, &x->match, err));
    bool word = n->kind == NODE_TEXT && n->text.n == 1 && !n->text.exact;
    bool sure = word && !x->leaves[0].parts[0].doubt;
    x->kind = sure || (x->match && x->match->kind == WALK_NONE) ? PLAN_MATCH : PLAN_SPANS;
    return plan_text_cand(p, x, err);
}
