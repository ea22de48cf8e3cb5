/* walk_fill — the documents that a walk offers in one window, as bits. */
#include "query/walk.h"
#include "query/window.h"

static enum status fill(struct walk_set *s, struct walk *w, const struct doc_window *at,
                        const uint64_t *mask, struct bits_pool *pool, struct doc_bits *out,
                        struct err *err);

static enum status fill_posting(struct walk_set *s, struct walk *w, const struct doc_window *at,
                                const uint64_t *mask, struct doc_bits *out, struct err *err)
{
    if (!w->filling)
        TRY(posting_iter_open(s->segment, w->handle, &w->filling, err));
    return posting_iter_fill(w->filling, at->first, at->docs, mask, out->words, &out->some, err);
}

static void fill_range(uint32_t first, uint32_t end, const struct doc_window *at,
                       struct doc_bits *out)
{
    uint32_t behind = at->first + at->docs;
    first = first > at->first ? first : at->first;
    end = end < behind ? end : behind;
    if (first < end)
        bits_range(out, at->words, first - at->first, end - at->first);
}

static void fill_list(const struct walk *w, const struct doc_window *at, struct doc_bits *out)
{
    size_t lo = 0, hi = w->list.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (w->list.docs[mid] < at->first)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < w->list.n && w->list.docs[lo] - at->first < at->docs; lo++)
        bits_put(out, at->words, w->list.docs[lo] - at->first);
}

static void fill_bits(const struct walk *w, const struct doc_window *at, struct doc_bits *out)
{
    const struct doc_bits mine = {w->bits.words + at->first / 64, true};
    if (bits_any(mine.words, at->words))
        bits_or(out, &mine, at->words);
}

/* As walk_seek does it. */
static enum status fill_time(struct walk_set *s, const struct walk *w, const struct doc_window *at,
                             struct doc_bits *out, struct err *err)
{
    for (uint32_t doc = 0; doc < at->docs; doc += COLUMN_DOCS) {
        int64_t min, max;
        bool untimed;
        TRY(segment_sent_bounds(s->segment, s->scratch, at->first + doc, &min, &max, &untimed,
                                err));
        if (walk_time_fits(w, min, max, untimed))
            fill_range(at->first + doc, at->first + doc + COLUMN_DOCS, at, out);
    }
    return ST_OK;
}

/* Each kid is asked only for what the kids before it have. */
static enum status fill_and(struct walk_set *s, struct walk *w, const struct doc_window *at,
                            const uint64_t *mask, struct bits_pool *pool, struct doc_bits *out,
                            struct err *err)
{
    struct doc_bits have = {bits_take(pool), false}, next = {bits_take(pool), false};
    if (!have.words || !next.words)
        return err_no_memory(err);
    TRY(walk_fill(s, w->join.kids[0], at, mask, pool, &have, err));
    for (size_t i = 1; i < w->join.n && have.some; i++) {
        bits_clear(&next);
        TRY(walk_fill(s, w->join.kids[i], at, have.words, pool, &next, err));
        struct doc_bits t = have;
        have = next;
        next = t;
    }
    bits_or(out, &have, at->words);
    bits_give(pool, have.words);
    bits_give(pool, next.words);
    return ST_OK;
}

static enum status fill(struct walk_set *s, struct walk *w, const struct doc_window *at,
                        const uint64_t *mask, struct bits_pool *pool, struct doc_bits *out,
                        struct err *err)
{
    switch (w->kind) {
    case WALK_NONE:
        return ST_OK;
    case WALK_ALL:
    case WALK_RANGE:
        fill_range(w->range.first, w->range.end, at, out);
        return ST_OK;
    case WALK_LIST:
        fill_list(w, at, out);
        return ST_OK;
    case WALK_POSTING:
        return fill_posting(s, w, at, mask, out, err);
    case WALK_BITS:
        fill_bits(w, at, out);
        return ST_OK;
    case WALK_TIME:
        return fill_time(s, w, at, out, err);
    case WALK_AND:
        return fill_and(s, w, at, mask, pool, out, err);
    case WALK_OR:
        for (size_t i = 0; i < w->join.n; i++)
            TRY(fill(s, w->join.kids[i], at, mask, pool, out, err));
        return ST_OK;
    }
    return ST_OK;
}

enum status walk_fill(struct walk_set *s, struct walk *w, const struct doc_window *at,
                      const uint64_t *mask, struct bits_pool *pool, struct doc_bits *out,
                      struct err *err)
{
    TRY(fill(s, w, at, mask, pool, out, err));
    bits_mask(out, mask, at->words);
    if (out->some && mask)
        out->some = bits_any(out->words, at->words);
    return ST_OK;
}
