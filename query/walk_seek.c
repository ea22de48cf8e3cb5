/* walk_seek — the one step every walk knows: to the first document at or above another. */
#include "query/walk.h"

#define BLOCK_DOCS 128 /* segment_sent_bounds speaks for so many */

/* AND: the kid with the fewest documents leads; whoever goes beyond makes a new target. */
static enum status seek_and(struct walk_set *s, struct walk *w, uint32_t doc, uint32_t *out,
                            struct err *err)
{
    for (size_t i = 0; i < w->join.n && doc != DOC_END;) {
        uint32_t got;
        TRY(walk_seek(s, w->join.kids[i], doc, &got, err));
        i = got == doc ? i + 1 : 0;
        doc = got;
    }
    *out = doc;
    return ST_OK;
}

static void sift_down(struct walk **heap, size_t n, size_t i)
{
    struct walk *moved = heap[i];
    for (size_t kid; (kid = 2 * i + 1) < n; i = kid) {
        if (kid + 1 < n && heap[kid + 1]->cur < heap[kid]->cur)
            kid++;
        if (moved->cur <= heap[kid]->cur)
            break;
        heap[i] = heap[kid];
    }
    heap[i] = moved;
}

/* OR: a heap, so that a document costs only the kids that stand at it. */
static enum status seek_or(struct walk_set *s, struct walk *w, uint32_t doc, uint32_t *out,
                           struct err *err)
{
    struct walk **heap = w->join.kids;
    size_t n = w->join.n;
    uint32_t got;
    if (!w->started) {
        for (size_t i = 0; i < n; i++)
            TRY(walk_seek(s, heap[i], doc, &got, err));
        for (size_t i = n / 2; i-- > 0;)
            sift_down(heap, n, i);
    }
    while (heap[0]->cur < doc) {
        TRY(walk_seek(s, heap[0], doc, &got, err));
        sift_down(heap, n, 0);
    }
    *out = heap[0]->cur;
    return ST_OK;
}

static uint32_t seek_bits(const struct walk *w, uint32_t doc)
{
    size_t i = doc / 64;
    if (i >= w->bits.n_words)
        return DOC_END;
    uint64_t word = w->bits.words[i] & (UINT64_MAX << (doc % 64));
    while (word == 0) {
        if (++i >= w->bits.n_words)
            return DOC_END;
        word = w->bits.words[i];
    }
    return (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(word);
}

static uint32_t seek_list(struct walk *w, uint32_t doc)
{
    const uint32_t *docs = w->list.docs;
    size_t lo = w->list.at, step = 1, hi;
    while (lo + step < w->list.n && docs[lo + step] < doc)
        step *= 2;
    hi = lo + step < w->list.n ? lo + step : w->list.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (docs[mid] < doc)
            lo = mid + 1;
        else
            hi = mid;
    }
    w->list.at = lo;
    return lo < w->list.n ? docs[lo] : DOC_END;
}

bool walk_time_fits(const struct walk *w, int64_t min, int64_t max, bool untimed)
{
    /* Times that may not be shown (<= 0, beyond 9999) count as untimed and lie outside the
     * years a query can name, but inside an open range: bounds that reach there are good. */
    return untimed || (min < w->time.to && max >= w->time.from) || min <= 0 || max > TIME_MAX_MS;
}

static enum status seek_time(struct walk_set *s, struct walk *w, uint32_t doc, uint32_t *out,
                             struct err *err)
{
    while (doc < s->docs && doc >= w->time.good_until) {
        int64_t min, max;
        bool untimed;
        uint32_t next = doc / BLOCK_DOCS * BLOCK_DOCS + BLOCK_DOCS;
        TRY(segment_sent_bounds(s->segment, s->scratch, doc, &min, &max, &untimed, err));
        if (walk_time_fits(w, min, max, untimed))
            w->time.good_until = next;
        else
            doc = next;
    }
    *out = doc < s->docs ? doc : DOC_END;
    return ST_OK;
}

enum status walk_seek(struct walk_set *s, struct walk *w, uint32_t doc, uint32_t *out,
                      struct err *err)
{
    uint32_t got = DOC_END;
    if (w->started && w->cur >= doc) {
        *out = w->cur;
        return ST_OK;
    }
    switch (w->kind) {
    case WALK_NONE:
        break;
    case WALK_ALL:
    case WALK_RANGE:
        got = doc < w->range.first ? w->range.first : doc < w->range.end ? doc : DOC_END;
        break;
    case WALK_LIST:
        got = seek_list(w, doc);
        break;
    case WALK_POSTING:
        TRY(posting_iter_seek(w->posting, doc, &got, err));
        break;
    case WALK_BITS:
        got = seek_bits(w, doc);
        break;
    case WALK_TIME:
        TRY(seek_time(s, w, doc, &got, err));
        break;
    case WALK_AND:
        TRY(seek_and(s, w, doc, &got, err));
        break;
    case WALK_OR:
        TRY(seek_or(s, w, doc, &got, err));
        break;
    }
    w->started = true;
    w->cur = got;
    *out = got;
    return ST_OK;
}
