/* spans_text — positions from a text that was split: for what postings cannot say (words as
 * written, patterns of very many words), for reading without an index and for highlighting. */
#include "query/spans.h"

enum status spans_token_is(const struct node *leaf, size_t part, const struct text_words *t,
                           size_t i, bool *yes, struct err *err)
{
    const struct text_part *p = &leaf->text.parts[part];
    const struct token *k = &t->words->tokens[i];
    struct slice folded = slice_of(k->text, k->len);
    struct slice written = slice_of(t->text.data + k->from, k->to - k->from);
    if (p->pattern)
        return pattern_match(p->pattern, folded, written, yes, err);
    *yes = leaf->text.exact ? k->kind == p->kind && slice_eq(p->written, written)
                            : slice_eq(p->folded, folded);
    return ST_OK;
}

enum status spans_text_positions(void *ctx, const struct node *leaf, size_t part,
                                 struct positions *out, struct err *err)
{
    struct text_words *t = ctx;
    const struct token *tokens = t->words->tokens;
    size_t n = 0;
    if (!t->room && !(t->room = arena_array(t->arena, t->words->n, sizeof *t->room)))
        return err_no_memory(err);
    uint32_t *at = t->room;
    for (size_t i = 0; i < t->words->n; i++) {
        bool yes = false;
        if (n > 0 && at[n - 1] == tokens[i].pos)
            continue;
        TRY(spans_token_is(leaf, part, t, i, &yes, err));
        if (yes)
            at[n++] = tokens[i].pos;
    }
    if (n && !(at = arena_array(t->arena, n, sizeof *at)))
        return err_no_memory(err);
    if (n)
        memcpy(at, t->room, n * sizeof *at);
    *out = (struct positions){at, n};
    return ST_OK;
}

enum status spans_text_match(const struct node *n, struct text_words *t,
                             struct spans_budget *budget, bool *yes, struct err *err)
{
    struct span_source source = {spans_text_positions, t, budget};
    struct span_list found = {0};
    enum status st = spans_find(n, &source, true, &found, err);
    *yes = found.n > 0;
    span_list_release(&found);
    return st;
}

/* ---- marking ---- */

static bool holds(const struct span_list *l, uint32_t first, uint32_t last)
{
    size_t lo = first > 0 ? span_list_behind(l, first - 1) : 0;
    size_t hi = span_list_behind(l, first);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->at[mid].last < last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < l->n && l->at[lo].first == first && l->at[lo].last == last;
}

/* Whether part `part` at `pos` takes part in one of the spans; *reach: how far the spans that begin
 * before go. */
static bool takes_part(const struct node *n, size_t part, const struct span_list *spans,
                       uint32_t pos, uint32_t reach)
{
    const struct text_part *parts = n->text.parts;
    if (n->text.within)
        return pos <= reach;
    const struct text_part *end = &parts[n->text.n - 1];
    uint32_t offset = parts[part].offset;
    return pos >= offset &&
           holds(spans, pos - offset, pos - offset + end->offset + text_part_tail(end));
}

static enum status mark_text(const struct node *n, const struct span_list *spans,
                             struct text_words *t, bool *marks, struct err *err)
{
    uint32_t reach = 0;
    size_t begun = 0;
    for (size_t i = 0; i < t->words->n; i++) {
        uint32_t pos = t->words->tokens[i].pos;
        for (; begun < spans->n && spans->at[begun].first <= pos; begun++)
            if (spans->at[begun].last > reach)
                reach = spans->at[begun].last;
        for (size_t part = 0; begun > 0 && !marks[i] && part < n->text.n; part++)
            if (takes_part(n, part, spans, pos, reach))
                TRY(spans_token_is(n, part, t, i, &marks[i], err));
    }
    return ST_OK;
}

/* Of the pairs x before y those that make one of `spans`. */
static enum status pairs_of(const struct span_list *x, const struct span_list *y, uint32_t distance,
                            const struct span_list *spans, struct span_list *wx,
                            struct span_list *wy, struct spans_budget *budget, struct err *err)
{
    struct spans_work work = {.budget = budget};
    for (size_t i = 0; i < x->n; i++) {
        uint32_t last = x->at[i].last;
        for (size_t j = span_list_behind(y, last); j < y->n && y->at[j].first - last <= distance;
             j++) {
            TRY(spans_charge(&work, 1, err));
            if (!holds(spans, x->at[i].first, y->at[j].last))
                continue;
            TRY(span_list_put(wx, x->at[i].first, x->at[i].last, err));
            TRY(span_list_put(wy, y->at[j].first, y->at[j].last, err));
        }
    }
    return ST_OK;
}

static enum status mark(const struct node *n, const struct span_list *spans, struct text_words *t,
                        struct spans_budget *budget, bool *marks, struct err *err);

static enum status mark_near(const struct node *n, const struct span_list *spans,
                             struct text_words *t, struct spans_budget *budget, bool *marks,
                             struct err *err)
{
    struct span_source source = {spans_text_positions, t, budget};
    struct span_list all[2] = {{0}, {0}}, used[2] = {{0}, {0}};
    enum status st = spans_find(n->near.kids[0], &source, false, &all[0], err);
    if (st == ST_OK)
        st = spans_find(n->near.kids[1], &source, false, &all[1], err);
    if (st == ST_OK)
        st = pairs_of(&all[0], &all[1], n->near.distance, spans, &used[0], &used[1], budget, err);
    if (st == ST_OK && !n->near.ordered)
        st = pairs_of(&all[1], &all[0], n->near.distance, spans, &used[1], &used[0], budget, err);
    for (size_t i = 0; i < 2; i++) {
        span_list_sort(&used[i]);
        if (st == ST_OK)
            st = mark(n->near.kids[i], &used[i], t, budget, marks, err);
        span_list_release(&all[i]);
        span_list_release(&used[i]);
    }
    return st;
}

static enum status mark_or(const struct node *n, const struct span_list *spans,
                           struct text_words *t, struct spans_budget *budget, bool *marks,
                           struct err *err)
{
    struct span_source source = {spans_text_positions, t, budget};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < n->list.n; i++) {
        struct span_list own = {0};
        size_t kept = 0;
        st = spans_find(n->list.kids[i], &source, false, &own, err);
        for (size_t j = 0; j < own.n; j++)
            if (holds(spans, own.at[j].first, own.at[j].last))
                own.at[kept++] = own.at[j];
        own.n = kept;
        if (st == ST_OK)
            st = mark(n->list.kids[i], &own, t, budget, marks, err);
        span_list_release(&own);
    }
    return st;
}

/* From the spans of the whole down to the words they are made of. */
static enum status mark(const struct node *n, const struct span_list *spans, struct text_words *t,
                        struct spans_budget *budget, bool *marks, struct err *err)
{
    if (spans->n == 0)
        return ST_OK;
    switch (n->kind) {
    case NODE_TEXT:
        return mark_text(n, spans, t, marks, err);
    case NODE_NEAR:
        return mark_near(n, spans, t, budget, marks, err);
    default:
        return mark_or(n, spans, t, budget, marks, err);
    }
}

enum status spans_text_mark(const struct node *n, struct text_words *t, bool *marks,
                            struct err *err)
{
    struct spans_budget budget = {.most = SPANS_MARK_BUDGET};
    struct span_source source = {spans_text_positions, t, &budget};
    struct span_list all = {0};
    enum status st = spans_find(n, &source, false, &all, err);
    if (st == ST_OK)
        st = mark(n, &all, t, &budget, marks, err);
    span_list_release(&all);
    return st;
}
