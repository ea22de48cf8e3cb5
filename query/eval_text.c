/* eval_text — whether a positional expression has a place in a document: by the positions of
 * postings, or by the stored text split again. */
#include <stdlib.h>

#include "query/plan.h"
#include "query/spans.h"

struct posted { /* a span_source's ctx */
    struct plan *p;
    const struct plan_node *x;
    uint32_t doc;
};

static const struct plan_leaf *leaf_of(const struct plan_node *x, const struct node *n)
{
    size_t lo = 0, hi = x->n_leaves;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (x->leaves[mid].node->number < n->number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < x->n_leaves && x->leaves[lo].node == n ? &x->leaves[lo] : NULL;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The positions of the words of a pattern that stand at the document, as one list. */
static enum status united_positions(struct posted *s, const struct walk *w, struct positions *out,
                                    struct err *err)
{
    struct buf all = {0};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < w->join.n; i++) {
        const uint32_t *at;
        uint32_t n;
        if (w->join.kids[i]->cur != s->doc)
            continue;
        st = posting_iter_positions(w->join.kids[i]->posting, &at, &n, err);
        if (st == ST_OK)
            buf_put(&all, at, n * sizeof *at);
    }
    struct slice kept = {0};
    if (st == ST_OK)
        st = buf_status(&all, err);
    if (st == ST_OK)
        kept = arena_copy(&s->p->text, buf_slice(&all));
    if (st == ST_OK && !kept.data)
        st = err_no_memory(err);
    buf_release(&all);
    TRY(st);
    uint32_t *at = (uint32_t *)(uintptr_t)kept.data;
    size_t n = kept.len / sizeof *at, distinct = 0;
    if (n > 1)
        qsort(at, n, sizeof *at, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || at[i] != at[i - 1])
            at[distinct++] = at[i];
    *out = (struct positions){at, distinct};
    return ST_OK;
}

static enum status posted_positions(void *ctx, const struct node *leaf, size_t part,
                                    struct positions *out, struct err *err)
{
    struct posted *s = ctx;
    const struct plan_leaf *l = leaf_of(s->x, leaf);
    struct walk *w = l ? l->parts[part].sure : NULL;
    uint32_t got, n;
    *out = (struct positions){0};
    if (!w)
        return ST_OK;
    TRY(walk_seek(&s->p->set, w, s->doc, &got, err));
    if (got != s->doc)
        return ST_OK;
    if (w->kind == WALK_OR)
        return united_positions(s, w, out, err);
    MUST(w->kind == WALK_POSTING); /* others are answered by the text */
    TRY(posting_iter_positions(w->posting, &out->at, &n, err));
    out->n = n;
    return ST_OK;
}

static enum status by_text(struct plan *p, const struct plan_node *x, uint32_t doc, bool *yes,
                           struct err *err)
{
    struct slice row;
    struct content c;
    struct words w;
    TRY(segment_row(p->set.segment, p->set.scratch, doc, &row, err));
    TRY(content_decode(row, &p->text, &c, err));
    struct slice text = content_readable(&c);
    TRY(splitter_split(p->view->splitter, text, &w, err));
    struct text_words t = {.words = &w, .text = text, .arena = &p->text};
    return spans_text_match(x->node, &t, p->query->spans, yes, err);
}

/* A word too long for the lexicon stands in the document and may be one that is meant. */
static enum status in_doubt(struct plan *p, const struct plan_node *x, uint32_t doc, bool *yes,
                            struct err *err)
{
    *yes = false;
    for (size_t i = 0; i < x->n_leaves; i++)
        for (size_t j = 0; !*yes && j < x->leaves[i].node->text.n; j++) {
            uint32_t got = DOC_END;
            if (x->leaves[i].parts[j].doubt)
                TRY(walk_seek(&p->set, x->leaves[i].parts[j].doubt, doc, &got, err));
            *yes = got == doc;
        }
    return ST_OK;
}

enum status eval_spans(struct plan *p, const struct plan_node *x, uint32_t doc, bool *yes,
                       struct err *err)
{
    bool text = x->by_text;
    arena_reset(&p->text);
    if (!text)
        TRY(in_doubt(p, x, doc, &text, err));
    if (text)
        return by_text(p, x, doc, yes, err);
    struct posted s = {p, x, doc};
    struct span_source source = {posted_positions, &s, p->query->spans};
    struct span_list found = {0};
    enum status st = spans_find(x->node, &source, true, &found, err);
    *yes = found.n > 0;
    span_list_release(&found);
    return st;
}
