/* highlight — where the words of a query stand in a text, and what has: asks for. The same
 * splitter, the same comparison as the search; what a query negates is not shown, and of THEN only
 * the message that is the hit. Plain words and phrases are found by binary search, so that a query
 * of many words costs little more than one; the rest is searched as it is where no index helps. */
#include <stdlib.h>

#include "lictor/grapheme.h"
#include "query/plan.h"
#include "query/spans.h"

struct first_word { /* of a plain phrase */
    struct slice folded;
    const struct node *node;
};

struct marks {
    struct buf words;  /* struct first_word, sorted */
    struct buf others; /* const struct node *: positional expressions */
    struct buf ranges; /* struct text_range */
    unsigned seen;     /* WORDS_… of has: */
};

/* The bit of has:link …, 0 for others. */
static unsigned seen_of(struct slice name)
{
    const char *known;
    for (unsigned bit = 1; (known = words_seen_name(bit)); bit <<= 1)
        if (slice_eq_str(name, known))
            return bit;
    return 0;
}

static void gather(struct marks *m, const struct node *n, bool negated)
{
    struct first_word w = {.node = n};
    switch (n->kind) {
    case NODE_TEXT:
        w.folded = n->text.parts[0].folded;
        if (!negated && (n->text.patterned || n->text.within))
            buf_put(&m->others, &n, sizeof(struct node *));
        else if (!negated)
            buf_put(&m->words, &w, sizeof w);
        break;
    case NODE_NEAR:
        if (!negated)
            buf_put(&m->others, &n, sizeof(struct node *));
        break;
    case NODE_FIELD:
        if (!negated && n->field.of_text)
            m->seen |= seen_of(n->field.value);
        break;
    case NODE_PLACE:
        if (!negated)
            m->seen |= WORDS_COORDINATES;
        break;
    case NODE_THEN:
        gather(m, n->then.kids[1], negated);
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

/* True if token `i` is the first part of a plain phrase and the others follow it. *end: where the
 * last one ends in the text. */
static enum status phrase_at(const struct node *n, const struct text_words *t, size_t i,
                             uint32_t *end, bool *yes, struct err *err)
{
    const struct words *w = t->words;
    TRY(spans_token_is(n, 0, t, i, yes, err));
    *end = w->tokens[i].to;
    for (size_t part = 1, j = i; *yes && part < n->text.n; part++) {
        uint64_t want = (uint64_t)w->tokens[i].pos + n->text.parts[part].offset;
        while (j < w->n && w->tokens[j].pos < want)
            j++;
        *yes = false;
        for (; !*yes && j < w->n && w->tokens[j].pos == want; j++) {
            TRY(spans_token_is(n, part, t, j, yes, err));
            *end = w->tokens[j].to;
        }
    }
    return ST_OK;
}

static enum status mark_words(struct marks *m, const struct text_words *t, size_t i,
                              struct err *err)
{
    const void *data = m->words.data;
    const struct first_word *all = data;
    const struct token *k = &t->words->tokens[i];
    size_t n = m->words.len / sizeof *all, lo = 0, hi = n;
    struct slice token = slice_of(k->text, k->len);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (slice_cmp(all[mid].folded, token) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < n && slice_eq(all[lo].folded, token); lo++) {
        uint32_t end;
        bool yes;
        TRY(phrase_at(all[lo].node, t, i, &end, &yes, err));
        if (yes)
            mark(m, k->from, end);
    }
    return ST_OK;
}

/* Every word of the expression, wherever it stands. */
static enum status mark_leaves(const struct node *n, const struct text_words *t, bool *marks,
                               struct err *err)
{
    if (n->kind != NODE_TEXT) {
        for (size_t i = 0; i < n->list.n; i++)
            TRY(mark_leaves(n->list.kids[i], t, marks, err));
        return ST_OK;
    }
    for (size_t i = 0; i < t->words->n; i++)
        for (size_t part = 0; !marks[i] && part < n->text.n; part++)
            TRY(spans_token_is(n, part, t, i, &marks[i], err));
    return ST_OK;
}

static enum status mark_others(struct marks *m, struct text_words *t, struct err *err)
{
    bool *marks = arena_array(t->arena, t->words->n, sizeof *marks);
    if (!marks)
        return err_no_memory(err);
    for (size_t i = 0; i < m->others.len / sizeof(struct node *); i++) {
        const struct node *n;
        memcpy(&n, m->others.data + i * sizeof(struct node *), sizeof(struct node *));
        enum status st = spans_text_mark(n, t, marks, err);
        /* More ways than can be followed: then all of its words are shown. */
        if (st == ST_LIMIT)
            st = mark_leaves(n, t, marks, err);
        TRY(st);
    }
    for (size_t i = 0; i < t->words->n; i++)
        if (marks[i])
            mark(m, t->words->tokens[i].from, t->words->tokens[i].to);
    return ST_OK;
}

/* Sorted ranges: those that touch as one. Gives how many are left. */
static size_t unite(struct text_range *r, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || r[i].from > r[kept - 1].to)
            r[kept++] = r[i];
        else if (r[i].to > r[kept - 1].to)
            r[kept - 1].to = r[i].to;
    }
    return kept;
}

/* Ranges outward to whole characters: a word may end before a modifier that the splitter leaves
 * out. They are apart, so that one pass over the text does. */
static void widen(struct slice text, struct text_range *r, size_t n)
{
    size_t begin = 0, end = 0;
    for (size_t i = 0; i < n; i++) {
        while (end <= r[i].from && end < text.len) {
            begin = end;
            end = grapheme_end(text, end);
        }
        r[i].from = (uint32_t)begin;
        size_t to = end;
        while (to < r[i].to)
            to = grapheme_end(text, to);
        r[i].to = (uint32_t)to;
    }
}

static enum status merge(struct marks *m, struct slice text, struct arena *a,
                         struct text_range **out, size_t *n, struct err *err)
{
    TRY(buf_status(&m->ranges, err));
    size_t all = m->ranges.len / sizeof(struct text_range);
    struct text_range *r = arena_array(a, all, sizeof *r);
    if (!r)
        return err_no_memory(err);
    if (all)
        memcpy(r, m->ranges.data, m->ranges.len);
    if (all > 1)
        qsort(r, all, sizeof *r, by_from);
    all = unite(r, all);
    widen(text, r, all);
    *out = r;
    *n = unite(r, all);
    return ST_OK;
}

static enum status find(struct marks *m, struct splitter *s, struct slice text, struct arena *a,
                        struct err *err)
{
    struct words w;
    TRY(buf_status(&m->words, err));
    TRY(buf_status(&m->others, err));
    if (m->words.len + m->others.len == 0 && !m->seen)
        return ST_OK;
    TRY(splitter_split_places(s, text, &w, err));
    for (size_t i = 0; i < w.n_places; i++)
        if (m->seen & w.places[i].bit)
            mark(m, w.places[i].from, w.places[i].to);
    struct text_words t = {.words = &w, .text = text, .arena = a};
    if (m->words.len)
        qsort(m->words.data, m->words.len / sizeof(struct first_word), sizeof(struct first_word),
              by_word);
    for (size_t i = 0; m->words.len && i < w.n; i++)
        TRY(mark_words(m, &t, i, err));
    return m->others.len ? mark_others(m, &t, err) : ST_OK;
}

enum status query_highlight(const struct query *q, struct splitter *s, struct slice text,
                            struct arena *a, struct text_range **out, size_t *n, struct err *err)
{
    struct marks m = {0};
    gather(&m, q->root, false);
    enum status st = find(&m, s, text, a, err);
    if (st == ST_OK)
        st = merge(&m, text, a, out, n, err);
    buf_release(&m.words);
    buf_release(&m.others);
    buf_release(&m.ranges);
    return st;
}
