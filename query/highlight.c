/* highlight — where the words of a query stand in a text. The same splitter, the same comparison as
 * the search; what a query negates is not shown. Words are found by binary search, so that a query
 * of many words costs little more than one. */
#include <stdlib.h>

#include "query/plan.h"

struct first_word { /* of a phrase */
    struct slice folded;
    const struct node *node;
};

struct marks {
    struct buf words;    /* struct first_word, sorted */
    struct buf prefixes; /* struct first_word */
    struct buf ranges;   /* struct text_range */
};

static void gather(struct marks *m, const struct node *n, bool negated)
{
    struct first_word w = {.node = n};
    switch (n->kind) {
    case NODE_TEXT:
        w.folded = n->text.parts[0].folded;
        if (!negated)
            buf_put(&m->words, &w, sizeof w);
        break;
    case NODE_PREFIX:
        w.folded = n->prefix;
        if (!negated)
            buf_put(&m->prefixes, &w, sizeof w);
        break;
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
        for (size_t i = 0; i < n->list.n; i++)
            gather(m, n->list.kids[i], negated != (n->kind == NODE_NOT));
        break;
    default:
        break;
    }
}

static int by_word(const void *a, const void *b)
{
    return slice_cmp(((const struct first_word *)a)->folded,
                     ((const struct first_word *)b)->folded);
}

static int by_from(const void *a, const void *b)
{
    const struct text_range *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void mark(struct marks *m, uint32_t from, uint32_t to)
{
    struct text_range r = {from, to};
    if (from < to)
        buf_put(&m->ranges, &r, sizeof r);
}

static void mark_words(struct marks *m, const struct words *w, struct slice text, size_t i)
{
    const void *data = m->words.data;
    const struct first_word *all = data;
    const struct token *t = &w->tokens[i];
    size_t n = m->words.len / sizeof *all, lo = 0, hi = n;
    struct slice token = slice_of(t->text, t->len);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (slice_cmp(all[mid].folded, token) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < n && slice_eq(all[lo].folded, token); lo++) {
        uint32_t end;
        if (eval_parts_at(all[lo].node, w, text, i, &end))
            mark(m, t->from, end);
    }
}

static void mark_prefixes(struct marks *m, const struct token *t)
{
    const void *data = m->prefixes.data;
    const struct first_word *all = data;
    for (size_t i = 0; i < m->prefixes.len / sizeof *all; i++)
        if (all[i].folded.len <= t->len &&
            memcmp(all[i].folded.data, t->text, all[i].folded.len) == 0)
            mark(m, t->from, t->to);
}

static enum status merge(struct marks *m, struct arena *a, struct text_range **out, size_t *n,
                         struct err *err)
{
    TRY(buf_status(&m->ranges, err));
    size_t all = m->ranges.len / sizeof(struct text_range), kept = 0;
    struct text_range *r = arena_array(a, all, sizeof *r);
    if (!r)
        return err_no_memory(err);
    if (all)
        memcpy(r, m->ranges.data, m->ranges.len);
    if (all > 1)
        qsort(r, all, sizeof *r, by_from);
    for (size_t i = 0; i < all; i++) {
        if (kept == 0 || r[i].from > r[kept - 1].to)
            r[kept++] = r[i];
        else if (r[i].to > r[kept - 1].to)
            r[kept - 1].to = r[i].to;
    }
    *out = r;
    *n = kept;
    return ST_OK;
}

enum status query_highlight(const struct query *q, struct splitter *s, struct slice text,
                            struct arena *a, struct text_range **out, size_t *n, struct err *err)
{
    struct marks m = {0};
    struct words w = {0};
    enum status st;
    gather(&m, q->root, false);
    st = buf_status(&m.words, err);
    if (st == ST_OK)
        st = buf_status(&m.prefixes, err);
    if (st == ST_OK && m.words.len + m.prefixes.len > 0)
        st = splitter_split(s, text, &w, err);
    if (st != ST_OK)
        goto out;
    if (m.words.len)
        qsort(m.words.data, m.words.len / sizeof(struct first_word), sizeof(struct first_word),
              by_word);
    for (size_t i = 0; i < w.n; i++) {
        mark_words(&m, &w, text, i);
        mark_prefixes(&m, &w.tokens[i]);
    }
    st = merge(&m, a, out, n, err);
out:
    buf_release(&m.words);
    buf_release(&m.prefixes);
    buf_release(&m.ranges);
    return st;
}
