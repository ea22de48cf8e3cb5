/* invert — each lane has ids of its own; sorting all their terms once gives the global order and
 * a map per lane. Documents are then walked in the one order, so every term's list comes out
 * sorted. A document and its position go as one word: the scatter is a random write a token, and a
 * second array would be a second miss. */
#include "indexer/invert.h"

#include <stdlib.h>

#include "indexer/sort.h"
#include "lictor/pages.h"
#include "lictor/term.h"

/* The source of a name that is a service id: its `id` is the document. No other term is spelled
 * like one, so the names of such a term are its whole list. */
#define SERVICE_ID UINT32_MAX

/* Terms whose bytes are fetched ahead of the one that is written. */
#define TERMS_AHEAD 12

struct inversion {
    struct flush *f;
    struct sort_term *names;
    size_t n_names;
    uint32_t **map;  /* by lane, by local id: global id */
    uint32_t *heads; /* by global id: its first name */
    uint32_t n_terms;
    uint64_t *first;   /* by global id: where its list begins; n_terms + 1 */
    uint64_t *entries; /* document << 32 | position */
    uint64_t total;
    /* one term's list */
    uint32_t *docs, *tf, *positions;
    size_t longest;
};

static enum status unite_vocabularies(struct inversion *v, struct err *err)
{
    const struct flush *f = v->f;
    size_t total = 0, at = 0;
    for (unsigned w = 0; w < f->threads; w++)
        total += f->lanes[w].maker.vocab.n + f->lanes[w].ids.n;
    v->n_names = total;
    v->names = pages_alloc_raw(total * sizeof *v->names);
    v->heads = pages_alloc_raw(total * sizeof *v->heads);
    v->map = calloc(f->threads + 1u, sizeof *v->map);
    if (!v->names || !v->heads || !v->map)
        return err_no_memory(err);
    for (unsigned w = 0; w < f->threads; w++) {
        const struct vocab *voc = &f->lanes[w].maker.vocab;
        v->map[w] = pages_alloc_raw(voc->n * sizeof **v->map);
        if (!v->map[w])
            return err_no_memory(err);
        for (uint32_t i = 0; i < voc->n; i++) {
            struct slice t = vocab_term(voc, i);
            v->names[at++] =
                (struct sort_term){.data = t.data, .len = (uint32_t)t.len, .source = w, .id = i};
        }
        const struct sort_term *ids = f->lanes[w].ids.items;
        for (size_t i = 0; i < f->lanes[w].ids.n; i++) {
            v->names[at] = ids[i];
            v->names[at++].source = SERVICE_ID;
        }
    }
    TRY(sort_terms(v->names, total, err));
    for (size_t i = 0; i < total; i++) {
        const struct sort_term *t = &v->names[i];
        if (i == 0 || t->len != t[-1].len || memcmp(t->data, t[-1].data, t->len) != 0)
            v->heads[v->n_terms++] = (uint32_t)i;
        if (t->source != SERVICE_ID)
            v->map[t->source][t->id] = v->n_terms - 1;
    }
    return ST_OK;
}

/* The tokens of one lane, document by document, as global ids. */
struct token_walk {
    const uint32_t *tokens, *map;
    const struct term_counts *counts;
    uint32_t doc, end;
};

static struct token_walk walk_lane(const struct inversion *v, unsigned lane)
{
    const struct flush_lane *l = &v->f->lanes[lane];
    return (struct token_walk){.tokens = l->maker.tokens.items,
                               .map = v->map[lane],
                               .counts = l->counts.items,
                               .doc = (uint32_t)l->from,
                               .end = (uint32_t)l->to};
}

static void count_lane(struct inversion *v, unsigned lane)
{
    const struct grown *tokens = &v->f->lanes[lane].maker.tokens;
    const uint32_t *t = tokens->items, *map = v->map[lane];
    for (size_t k = 0; k < tokens->n; k++)
        v->first[map[t[k] & ~TOKEN_SAME] + 1]++;
}

/* Tokens on their way to their lists: the place in a list and the list are two misses, so that many
 * are fetched side by side. */
#define SCATTER_BATCH 64
struct scatter_batch {
    uint32_t n;
    uint32_t term[SCATTER_BATCH];
    uint64_t entry[SCATTER_BATCH];
};

static void scatter_settle(struct inversion *v, struct scatter_batch *b)
{
    uint64_t at[SCATTER_BATCH];
    for (uint32_t i = 0; i < b->n; i++) {
        at[i] = v->first[b->term[i]]++;
        __builtin_prefetch(&v->entries[at[i]], 1);
    }
    for (uint32_t i = 0; i < b->n; i++)
        v->entries[at[i]] = b->entry[i];
    b->n = 0;
}

/* Positions count words and begin at 0; fields stand at 0. */
static void scatter_lane(struct inversion *v, unsigned lane)
{
    struct token_walk w = walk_lane(v, lane);
    struct scatter_batch b = {.n = 0};
    for (; w.doc < w.end; w.doc++, w.counts++) {
        uint32_t n = w.counts->fields + w.counts->words, pos = 0;
        for (uint32_t k = 0; k < n; k++) {
            if (k > w.counts->fields && !(w.tokens[k] & TOKEN_SAME))
                pos++;
            uint32_t g = w.map[w.tokens[k] & ~TOKEN_SAME];
            __builtin_prefetch(&v->first[g], 1);
            b.term[b.n] = g;
            b.entry[b.n] = (uint64_t)w.doc << 32 | pos;
            if (++b.n == SCATTER_BATCH)
                scatter_settle(v, &b);
        }
        w.tokens += n;
    }
    scatter_settle(v, &b);
}

static size_t names_end(const struct inversion *v, uint32_t g)
{
    return g + 1 < v->n_terms ? v->heads[g + 1] : v->n_names;
}

static void count_ids(struct inversion *v)
{
    for (uint32_t g = 0; g < v->n_terms; g++)
        if (v->names[v->heads[g]].source == SERVICE_ID)
            v->first[g + 1] += names_end(v, g) - v->heads[g];
}

static int doc_cmp(const void *a, const void *b)
{
    uint32_t x = ((const struct sort_term *)a)->id, y = ((const struct sort_term *)b)->id;
    return (x > y) - (x < y);
}

static void scatter_ids(struct inversion *v)
{
    for (uint32_t g = 0; g < v->n_terms; g++) {
        struct sort_term *names = &v->names[v->heads[g]];
        size_t n = names_end(v, g) - v->heads[g];
        if (names->source != SERVICE_ID)
            continue;
        if (n > 1)
            qsort(names, n, sizeof *names, doc_cmp);
        for (size_t i = 0; i < n; i++)
            v->entries[v->first[g]++] = (uint64_t)names[i].id << 32;
    }
}

static enum status scatter(struct inversion *v, struct err *err)
{
    v->first = pages_alloc(((size_t)v->n_terms + 2) * sizeof *v->first);
    if (!v->first)
        return err_no_memory(err);
    for (unsigned i = 0; i < v->f->threads; i++)
        count_lane(v, i);
    count_ids(v);
    for (uint32_t g = 0; g < v->n_terms; g++) {
        v->longest = v->first[g + 1] > v->longest ? v->first[g + 1] : v->longest;
        v->first[g + 1] += v->first[g];
    }
    v->total = v->first[v->n_terms];
    v->entries = pages_alloc_raw(v->total * sizeof *v->entries);
    v->docs = pages_alloc_raw(v->longest * sizeof *v->docs);
    v->tf = pages_alloc_raw(v->longest * sizeof *v->tf);
    v->positions = pages_alloc_raw(v->longest * sizeof *v->positions);
    if (!v->entries || !v->docs || !v->tf || !v->positions)
        return err_no_memory(err);
    for (unsigned i = 0; i < v->f->threads; i++)
        scatter_lane(v, i);
    scatter_ids(v);
    /* The scatter moved each beginning to its end, which is the next one's beginning. */
    for (uint32_t g = v->n_terms; g > 0; g--)
        v->first[g] = v->first[g - 1];
    v->first[0] = 0;
    return ST_OK;
}

/* (document, position) pairs of one term as documents, frequencies and positions, each pair once.
 */
static struct inverted list_term(struct inversion *v, uint32_t g)
{
    const struct sort_term *name = &v->names[v->heads[g]];
    bool words = name->data[0] == TERM_WORD;
    uint32_t n = 0, n_positions = 0;
    for (uint64_t i = v->first[g]; i < v->first[g + 1]; i++) {
        uint64_t e = v->entries[i];
        bool first = i == v->first[g];
        if (first || e >> 32 != v->entries[i - 1] >> 32) {
            v->docs[n] = (uint32_t)(e >> 32);
            v->tf[n++] = 0;
        } else if (e == v->entries[i - 1]) {
            continue;
        }
        v->tf[n - 1]++;
        v->positions[n_positions++] = (uint32_t)e;
    }
    return (struct inverted){.term = slice_of(name->data, name->len),
                             .n = n,
                             .docs = v->docs,
                             .tf = words ? v->tf : NULL,
                             .positions = words ? v->positions : NULL};
}

void invert_close(struct inversion *v)
{
    if (!v)
        return;
    for (unsigned w = 0; v->map && w < v->f->threads; w++)
        pages_free(v->map[w], v->f->lanes[w].maker.vocab.n * sizeof **v->map);
    free(v->map);
    pages_free(v->names, v->n_names * sizeof *v->names);
    pages_free(v->heads, v->n_names * sizeof *v->heads);
    pages_free(v->first, ((size_t)v->n_terms + 2) * sizeof *v->first);
    pages_free(v->entries, v->total * sizeof *v->entries);
    pages_free(v->docs, v->longest * sizeof *v->docs);
    pages_free(v->tf, v->longest * sizeof *v->tf);
    pages_free(v->positions, v->longest * sizeof *v->positions);
    free(v);
}

enum status invert_open(struct flush *f, struct inversion **out, struct err *err)
{
    struct inversion *v = calloc(1, sizeof *v);
    if (!v)
        return err_no_memory(err);
    v->f = f;
    enum status st = unite_vocabularies(v, err);
    if (st != ST_OK) {
        invert_close(v);
        return st;
    }
    *out = v;
    return ST_OK;
}

/* They stand side by side: all begin with the byte of their field. */
void invert_ids(const struct inversion *v, const struct sort_term **ids, size_t *n)
{
    size_t from = 0, to;
    while (from < v->n_names && v->names[from].source != SERVICE_ID)
        from++;
    for (to = from; to < v->n_names && v->names[to].source == SERVICE_ID; to++)
        ;
    *ids = v->names + from;
    *n = to - from;
}

enum status invert_run(struct inversion *v,
                       enum status (*emit)(void *ctx, const struct inverted *t, struct err *err),
                       void *ctx, struct err *err)
{
    TRY(scatter(v, err));
    for (uint32_t g = 0; g < v->n_terms; g++) {
        /* Names lie in order, but not the bytes of the terms. */
        if (g + TERMS_AHEAD < v->n_terms)
            __builtin_prefetch(v->names[v->heads[g + TERMS_AHEAD]].data);
        struct inverted t = list_term(v, g);
        if (t.n)
            TRY(emit(ctx, &t, err));
    }
    return ST_OK;
}
