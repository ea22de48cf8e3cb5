/* walk_make — walks from terms, prefixes, lists and times. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/walk.h"

/* Postings held open at once for a prefix; more of them are poured into one bitmap. */
#define OPEN_TERMS 8
#define STOP_EVERY 4096

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
        w->kind = WALK_NONE;
    }
    s->postings.len = from * sizeof(struct walk *);
}

void walk_set_release(struct walk_set *s)
{
    walk_close_from(s, 0);
    buf_release(&s->postings);
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

static enum status make_posting(struct walk_set *s, uint64_t handle, uint32_t docs,
                                struct walk **out, struct err *err)
{
    struct posting_iter *it;
    struct walk *w = make(s, WALK_POSTING);
    if (!w || !buf_reserve(&s->postings, sizeof w))
        return err_no_memory(err);
    TRY(posting_iter_open(s->segment, handle, &it, err));
    w->posting = it;
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
    return make_posting(s, e.handle, e.docs, out, err);
}

enum status walk_bits(struct walk_set *s, struct walk **out, struct err *err)
{
    struct walk *w = make(s, WALK_BITS);
    if (!w)
        return err_no_memory(err);
    w->bits.n_words = (s->docs + (size_t)63) / 64;
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

struct term_handles {
    uint64_t handle[OPEN_TERMS];
    uint32_t docs[OPEN_TERMS];
    size_t n;
};

/* One more term: kept by its handle, or, once there are too many, poured into *bits. */
static enum status filtered_term(struct walk_set *s, struct term_handles *few,
                                 const struct term_entry *e, struct walk **bits, struct err *err)
{
    size_t open = walk_open_count(s);
    struct walk *w;
    if (!*bits && few->n < OPEN_TERMS) {
        few->handle[few->n] = e->handle;
        few->docs[few->n++] = e->docs;
        return ST_OK;
    }
    if (!*bits) {
        TRY(walk_bits(s, bits, err));
        for (size_t i = 0; i < few->n; i++) {
            TRY(make_posting(s, few->handle[i], few->docs[i], &w, err));
            TRY(walk_pour(s, w, *bits, err));
            walk_close_from(s, open);
        }
    }
    TRY(make_posting(s, e->handle, e->docs, &w, err));
    TRY(walk_pour(s, w, *bits, err));
    walk_close_from(s, open);
    return ST_OK;
}

static enum status filtered_terms(struct walk_set *s, struct term_iter *it, struct slice prefix,
                                  const struct term_filter *filter, struct term_handles *few,
                                  struct walk **bits, struct err *err)
{
    for (uint32_t n = 1;; n++) {
        struct term_entry e;
        enum status st = term_iter_next(it, &e, err);
        if (st == ST_END)
            return ST_OK;
        TRY(st);
        if (e.term.len < prefix.len || memcmp(e.term.data, prefix.data, prefix.len) != 0)
            return ST_OK;
        bool keep = true;
        if (filter)
            TRY(filter->keep(filter->ctx, &e, &keep, err));
        if (keep)
            TRY(filtered_term(s, few, &e, bits, err));
        if (n % STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
}

enum status walk_terms(struct walk_set *s, struct slice prefix, const struct term_filter *filter,
                       struct walk **out, struct err *err)
{
    struct term_handles few = {0};
    struct walk *bits = NULL, **kids;
    struct term_iter *it;
    TRY(term_iter_open(s->segment, prefix, &it, err));
    enum status st = filtered_terms(s, it, prefix, filter, &few, &bits, err);
    term_iter_close(it);
    TRY(st);
    if (bits) {
        *out = bits;
        return ST_OK;
    }
    kids = arena_array(&s->arena, few.n, sizeof *kids);
    if (!kids)
        return err_no_memory(err);
    for (size_t i = 0; i < few.n; i++)
        TRY(make_posting(s, few.handle[i], few.docs[i], &kids[i], err));
    return walk_or(s, kids, few.n, out, err);
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
