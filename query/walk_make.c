/* walk_make — walks from terms, lists, times, bitmaps and other walks. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/walk.h"

#define STOP_EVERY 4096
#define OPEN_MAX 16384 /* posting iterators of one query and segment, a few KiB each */
#define BITS_MAX ((uint64_t)1 << 30) /* bytes of the bitmaps of one query and segment */

void walk_set_init(struct walk_set *s, struct segment *segment, struct segment_scratch *scratch)
{
    *s = (struct walk_set){
        .segment = segment, .scratch = scratch, .docs = segment_info(segment)->docs};
    arena_init(&s->arena, (size_t)16 << 10);
}

static struct walk *open_posting(const struct walk_set *s, size_t i)
{
    struct walk *w;
    memcpy(&w, s->postings.data + i * sizeof w, sizeof w);
    return w;
}

size_t walk_open_count(const struct walk_set *s) { return s->postings.len / sizeof(struct walk *); }

void walk_close_from(struct walk_set *s, size_t from)
{
    for (size_t i = from; i < walk_open_count(s); i++) {
        struct walk *w = open_posting(s, i);
        posting_iter_close(w->posting);
        posting_iter_close(w->filling);
        w->filling = NULL;
        w->kind = WALK_NONE;
    }
    s->postings.len = from * sizeof(struct walk *);
}

void walk_set_release(struct walk_set *s)
{
    walk_close_from(s, 0);
    buf_release(&s->postings);
    buf_release(&s->known);
    arena_release(&s->arena);
}

static struct walk *make(struct walk_set *s, enum walk_kind kind)
{
    struct walk *w = arena_array(&s->arena, 1, sizeof *w);
    if (w)
        w->kind = kind;
    return w;
}

enum status walk_range(struct walk_set *s, uint32_t first, uint32_t end, struct walk **out,
                       struct err *err)
{
    if (end > s->docs)
        end = s->docs;
    struct walk *w = make(s, first < end ? WALK_RANGE : WALK_NONE);
    if (!w)
        return err_no_memory(err);
    if (first < end) {
        w->range.first = first;
        w->range.end = end;
        w->cost = end - first;
        if (w->cost == s->docs)
            w->kind = WALK_ALL;
    }
    *out = w;
    return ST_OK;
}

enum status walk_list(struct walk_set *s, const uint32_t *docs, size_t n, struct walk **out,
                      struct err *err)
{
    struct walk *w = make(s, n ? WALK_LIST : WALK_NONE);
    if (!w)
        return err_no_memory(err);
    if (n) {
        w->list.docs = docs;
        w->list.n = n;
        w->cost = n;
    }
    *out = w;
    return ST_OK;
}

enum status walk_time(struct walk_set *s, int64_t from, int64_t to, struct walk **out,
                      struct err *err)
{
    struct walk *w = make(s, WALK_TIME);
    if (!w)
        return err_no_memory(err);
    w->time.from = from;
    w->time.to = to;
    w->cost = s->docs;
    *out = w;
    return ST_OK;
}

enum status walk_posting(struct walk_set *s, uint64_t handle, uint32_t docs, struct walk **out,
                         struct err *err)
{
    struct posting_iter *it;
    if (walk_open_count(s) >= OPEN_MAX)
        return err_set(err, ST_LIMIT,
                       "the query needs more than %d lists of messages at once; ask for fewer "
                       "phrases, distances or words as written in one query",
                       OPEN_MAX);
    struct walk *w = make(s, WALK_POSTING);
    if (!w || !buf_reserve(&s->postings, sizeof w))
        return err_no_memory(err);
    TRY(posting_iter_open(s->segment, handle, &it, err));
    w->posting = it;
    w->handle = handle;
    w->cost = docs;
    buf_put(&s->postings, &w, sizeof(struct walk *));
    *out = w;
    return ST_OK;
}

enum status walk_term(struct walk_set *s, struct slice term, struct walk **out, struct err *err)
{
    struct term_entry e;
    enum status st = segment_term(s->segment, s->scratch, term, &e, err);
    if (st == ST_NOT_FOUND) {
        *out = make(s, WALK_NONE);
        return *out ? ST_OK : err_no_memory(err);
    }
    TRY(st);
    return walk_posting(s, e.handle, e.docs, out, err);
}

enum status walk_bits(struct walk_set *s, struct walk **out, struct err *err)
{
    struct walk *w = make(s, WALK_BITS);
    if (!w)
        return err_no_memory(err);
    w->bits.n_words = (s->docs + (size_t)63) / 64;
    if (s->spare) {
        w->bits.words = s->spare->bits.words;
        memset(w->bits.words, 0, w->bits.n_words * sizeof(uint64_t));
        s->spare = NULL;
        *out = w;
        return ST_OK;
    }
    s->bits_bytes += w->bits.n_words * sizeof(uint64_t);
    if (s->bits_bytes > BITS_MAX)
        return err_set(err, ST_LIMIT,
                       "the query has too many patterns and ORs that stand for many words: their "
                       "documents take more than %llu MiB; ask for fewer at once",
                       (unsigned long long)(BITS_MAX >> 20));
    w->bits.words = arena_array(&s->arena, w->bits.n_words, sizeof(uint64_t));
    if (!w->bits.words)
        return err_no_memory(err);
    *out = w;
    return ST_OK;
}

enum status walk_pour(struct walk_set *s, struct walk *from, struct walk *bits, struct err *err)
{
    uint32_t doc = 0;
    for (uint32_t n = 1;; n++) {
        TRY(walk_seek(s, from, doc, &doc, err));
        if (doc == DOC_END)
            break;
        if (doc >= s->docs)
            return err_set(err, ST_DAMAGED, "a list of documents goes beyond the segment");
        bits->bits.words[doc / 64] |= UINT64_C(1) << (doc % 64);
        doc++;
        if (n % STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    bits->cost += from->cost;
    return ST_OK;
}

bool walk_bits_roomy(const struct walk_set *s) { return s->bits_bytes < BITS_MAX / 2; }

enum status walk_bits_share(struct walk_set *s, struct walk *w, struct walk **out, struct err *err)
{
    struct walk *other = make(s, WALK_BITS);
    if (!other)
        return err_no_memory(err);
    w->bits.shared = true;
    other->bits = w->bits;
    other->cost = w->cost;
    *out = other;
    return ST_OK;
}

void walk_bits_give(struct walk_set *s, struct walk *w)
{
    static const struct walk none = {.kind = WALK_NONE};
    struct walk *kept = s->spare || w->bits.shared ? NULL : make(s, WALK_BITS);
    if (kept) {
        kept->bits = w->bits;
        s->spare = kept;
    }
    *w = none;
}

static int by_cost(const void *a, const void *b)
{
    const struct walk *x = *(struct walk *const *)a, *y = *(struct walk *const *)b;
    return (x->cost > y->cost) - (x->cost < y->cost);
}

enum status walk_and(struct walk_set *s, struct walk **kids, size_t n, struct walk **out,
                     struct err *err)
{
    if (n > 1)
        qsort(kids, n, sizeof *kids, by_cost);
    if (n == 1 || (n > 0 && kids[0]->kind == WALK_NONE)) {
        *out = kids[0];
        return ST_OK;
    }
    struct walk *w = make(s, n ? WALK_AND : WALK_NONE);
    if (!w)
        return err_no_memory(err);
    w->join.kids = kids;
    w->join.n = n;
    w->cost = n ? kids[0]->cost : 0;
    *out = w;
    return ST_OK;
}

enum status walk_or(struct walk_set *s, struct walk **kids, size_t n, struct walk **out,
                    struct err *err)
{
    size_t some = 0;
    uint64_t cost = 0;
    for (size_t i = 0; i < n; i++) {
        if (kids[i]->kind == WALK_NONE)
            continue;
        cost += kids[i]->cost;
        kids[some++] = kids[i];
    }
    if (some == 1) {
        *out = kids[0];
        return ST_OK;
    }
    struct walk *w = make(s, some ? WALK_OR : WALK_NONE);
    if (!w)
        return err_no_memory(err);
    w->join.kids = kids;
    w->join.n = some;
    w->cost = cost;
    *out = w;
    return ST_OK;
}
