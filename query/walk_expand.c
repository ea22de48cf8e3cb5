/* walk_expand — walks of all the terms that a prefix, a filter or a pattern stands for: any number
 * of them, in the memory of one bit a document. The lexicon is walked once, nothing of it is kept.
 */
#include "lictor/thread.h"
#include "query/walk.h"

/* Postings held open at once; more of them are poured into one bitmap. */
#define OPEN_TERMS 8
#define STOP_EVERY 4096
#define PREFIX_SURE 200 /* bytes: terms are stored whole up to there, see store/term.c */

struct expansion {
    uint64_t handle[OPEN_TERMS];
    uint32_t docs[OPEN_TERMS];
    size_t n;
    struct walk *bits;
};

/* Its walk is not kept: a query may have thousands of patterns, each of which stands for all words.
 */
static enum status pour_term(struct walk_set *s, uint64_t handle, uint32_t docs, struct walk *bits,
                             struct err *err)
{
    struct walk w = {.kind = WALK_POSTING, .cost = docs};
    TRY(posting_iter_open(s->segment, handle, &w.posting, err));
    enum status st = walk_pour(s, &w, bits, err);
    posting_iter_close(w.posting);
    return st;
}

/* One more term: kept by its handle, or, once there are too many, poured into the bitmap. */
static enum status expansion_add(struct walk_set *s, struct expansion *x,
                                 const struct term_entry *e, struct err *err)
{
    if (!x->bits && x->n < OPEN_TERMS) {
        x->handle[x->n] = e->handle;
        x->docs[x->n++] = e->docs;
        return ST_OK;
    }
    if (!x->bits) {
        TRY(walk_bits(s, &x->bits, err));
        for (size_t i = 0; i < x->n; i++)
            TRY(pour_term(s, x->handle[i], x->docs[i], x->bits, err));
    }
    return pour_term(s, e->handle, e->docs, x->bits, err);
}

static enum status expansion_end(struct walk_set *s, const struct expansion *x, struct walk **out,
                                 struct err *err)
{
    if (x->bits) {
        *out = x->bits;
        return ST_OK;
    }
    struct walk **kids = arena_array(&s->arena, x->n, sizeof(struct walk *));
    if (!kids)
        return err_no_memory(err);
    for (size_t i = 0; i < x->n; i++)
        TRY(walk_posting(s, x->handle[i], x->docs[i], &kids[i], err));
    return walk_or(s, kids, x->n, out, err);
}

/* The next term that begins with `prefix`, or ST_END. */
static enum status term_next(struct term_iter *it, struct slice prefix, uint32_t n,
                             struct term_entry *e, struct err *err)
{
    if (n % STOP_EVERY == 0 && stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    enum status st = term_iter_next(it, e, err);
    if (st != ST_OK)
        return st;
    bool inside = e->term.len >= prefix.len && memcmp(e->term.data, prefix.data, prefix.len) == 0;
    return inside ? ST_OK : ST_END;
}

enum status walk_terms(struct walk_set *s, struct slice prefix, const struct term_filter *filter,
                       struct walk **out, struct err *err)
{
    struct expansion x = {0};
    struct term_iter *it;
    struct term_entry e;
    TRY(term_iter_open(s->segment, prefix, &it, err));
    enum status st = ST_OK;
    for (uint32_t n = 1; st == ST_OK; n++) {
        bool keep = true;
        st = term_next(it, prefix, n, &e, err);
        if (st == ST_OK && filter)
            st = filter->keep(filter->ctx, &e, &keep, err);
        if (st == ST_OK && keep)
            st = expansion_add(s, &x, &e, err);
    }
    term_iter_close(it);
    return st == ST_END ? expansion_end(s, &x, out, err) : st;
}

/* What the lexicon says of one word: matches, or is too long to say. */
static enum status word_judge(struct pattern_walk *w, struct slice word, bool *yes, bool *doubt,
                              struct err *err)
{
    struct slice prefix = pattern_prefix(w->pattern);
    *yes = *doubt = false;
    if (word.len + 1 < TERM_MAX)
        return pattern_walk_may(w, word, yes, err);
    /* Only cut words are that long. */
    *yes = pattern_is_prefix(w->pattern) && prefix.len <= PREFIX_SURE;
    *doubt = !*yes;
    return ST_OK;
}

static enum status pattern_terms(struct walk_set *s, struct pattern_walk *w, struct term_iter *it,
                                 struct slice prefix, struct expansion *sure,
                                 struct expansion *doubt, struct err *err)
{
    struct term_entry e;
    bool yes, unsure;
    for (uint32_t n = 1;; n++) {
        enum status st = term_next(it, prefix, n, &e, err);
        if (st != ST_OK)
            return st;
        TRY(word_judge(w, slice_of(e.term.data + 1, e.term.len - 1), &yes, &unsure, err));
        if (yes || unsure)
            TRY(expansion_add(s, yes ? sure : doubt, &e, err));
    }
}

enum status walk_pattern(struct walk_set *s, const struct pattern *p, struct walk **sure,
                         struct walk **doubt, struct err *err)
{
    struct expansion matching = {0}, unsure = {0};
    struct pattern_walk w;
    struct term_iter *it = NULL;
    struct slice literal = pattern_prefix(p);
    uint8_t bytes[1 + PREFIX_SURE] = {TERM_WORD};
    if (literal.len > PREFIX_SURE)
        literal.len = PREFIX_SURE;
    if (literal.len)
        memcpy(bytes + 1, literal.data, literal.len);
    struct slice prefix = slice_of(bytes, 1 + literal.len);
    TRY(pattern_walk_init(&w, p, err));
    enum status st = term_iter_open(s->segment, prefix, &it, err);
    if (st == ST_OK)
        st = pattern_terms(s, &w, it, prefix, &matching, &unsure, err);
    term_iter_close(it);
    pattern_walk_release(&w);
    if (st != ST_END)
        return st;
    TRY(expansion_end(s, &matching, sure, err));
    return expansion_end(s, &unsure, doubt, err);
}
