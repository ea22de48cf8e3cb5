/* walk_expand — walks of all the terms that a prefix, a filter or a pattern stands for: any number
 * of them, in the memory of one bit a document. The lexicon is walked once, nothing of it is kept.
 */
#include "lictor/thread.h"
#include "query/walk.h"

/* Postings held open at once; more of them are poured into one bitmap. */
#define OPEN_TERMS 8
#define STOP_EVERY 4096
#define PREFIX_SURE 200 /* bytes: terms are stored whole up to there, see store/term.c */

#define KNOWN_MAX ((size_t)1 << 16) /* patterns whose words are kept */

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
    struct posting_iter *it;
    bool some = true;
    TRY(posting_iter_open(s->segment, handle, &it, err));
    enum status st = posting_iter_fill(it, 0, s->docs, NULL, bits->bits.words, &some, err);
    posting_iter_close(it);
    bits->cost += docs;
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

/* `kept`: the expansion will be asked for another walk. */
static enum status expansion_end(struct walk_set *s, const struct expansion *x, bool kept,
                                 struct walk **out, struct err *err)
{
    if (x->bits && kept)
        return walk_bits_share(s, x->bits, out, err);
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
    uint32_t n = 0;
    while (st == ST_OK) {
        bool keep = true;
        st = term_next(it, prefix, ++n, &e, err);
        if (st == ST_OK && filter)
            st = filter->keep(filter->ctx, &e, &keep, err);
        if (st == ST_OK && keep)
            st = expansion_add(s, &x, &e, err);
    }
    term_iter_close(it);
    if (st != ST_END)
        return st;
    if (filter && s->budget)
        TRY(pattern_charge(s->budget, n, 0, err));
    return expansion_end(s, &x, false, out, err);
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

/* Of one pattern: words that match, and words of which the lexicon cannot say. */
struct known {
    struct expansion sure, doubt;
};

static enum status pattern_terms(struct walk_set *s, struct pattern_walk *w, struct term_iter *it,
                                 struct slice prefix, struct known *k, struct err *err)
{
    struct term_entry e;
    bool yes, unsure;
    uint64_t slow = pattern_slow(w->pattern);
    for (uint32_t n = 1;; n++) {
        enum status st = term_next(it, prefix, n, &e, err);
        if (st == ST_END && s->budget)
            TRY(pattern_charge(s->budget, n, pattern_slow(w->pattern) - slow, err));
        if (st != ST_OK)
            return st;
        TRY(word_judge(w, slice_of(e.term.data + 1, e.term.len - 1), &yes, &unsure, err));
        if (yes || unsure)
            TRY(expansion_add(s, yes ? &k->sure : &k->doubt, &e, err));
    }
}

static enum status pattern_expand(struct walk_set *s, const struct pattern *p, struct known *k,
                                  struct err *err)
{
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
        st = pattern_terms(s, &w, it, prefix, k, err);
    term_iter_close(it);
    pattern_walk_release(&w);
    return st == ST_END ? ST_OK : st;
}

/* ---- patterns that stand more than once in the query ---- */

static struct known *known_find(const struct walk_set *s, size_t number)
{
    struct known *k = NULL;
    if ((number + 1) * sizeof(struct known *) <= s->known.len)
        memcpy(&k, s->known.data + number * sizeof(struct known *), sizeof(struct known *));
    return k;
}

static enum status known_keep(struct walk_set *s, size_t number, struct known *k, struct err *err)
{
    static const struct known *const none = NULL;
    while (s->known.len < (number + 1) * sizeof(struct known *) && !s->known.failed)
        buf_put(&s->known, &none, sizeof(struct known *));
    TRY(buf_status(&s->known, err));
    memcpy(s->known.data + number * sizeof(struct known *), &k, sizeof(struct known *));
    return ST_OK;
}

enum status walk_pattern(struct walk_set *s, const struct pattern *p, struct walk **sure,
                         struct walk **doubt, struct err *err)
{
    struct known once = {0}, *k = known_find(s, pattern_number(p));
    bool kept = k != NULL;
    if (!k) {
        kept = pattern_stands_again(p) && pattern_number(p) < KNOWN_MAX && walk_bits_roomy(s);
        k = kept ? arena_array(&s->arena, 1, sizeof *k) : &once;
        if (!k)
            return err_no_memory(err);
        TRY(pattern_expand(s, p, k, err));
        if (kept)
            TRY(known_keep(s, pattern_number(p), k, err));
    }
    TRY(expansion_end(s, &k->sure, kept, sure, err));
    return expansion_end(s, &k->doubt, kept, doubt, err);
}
